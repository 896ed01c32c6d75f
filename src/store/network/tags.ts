/** Tags of any resource of the network service, by its id. */
import type { Uuid } from '../../model/ids.ts';
import type { Trx } from '../database.ts';

export async function replaceTags(trx: Trx, id: Uuid, tags: readonly string[]): Promise<void> {
  await trx.deleteFrom('network_tags').where('resource_id', '=', id).execute();
  if (tags.length === 0) return;
  const rows = [...new Set(tags)].map((tag) => ({ resource_id: id, tag }));
  await trx.insertInto('network_tags').values(rows).execute();
}

/** Tables of resources that carry tags. */
export type TaggedTable =
  | 'networks'
  | 'subnets'
  | 'subnet_pools'
  | 'qos_policies'
  | 'ports'
  | 'security_groups'
  | 'routers'
  | 'floating_ips';

/** Tags are part of what a revision counts. */
export async function raiseRevision(trx: Trx, table: TaggedTable, id: Uuid, now: string): Promise<void> {
  await trx
    .updateTable(table)
    .set((eb) => ({ revision: eb('revision', '+', 1), updated_at: now }))
    .where('id', '=', id)
    .execute();
}
