/** Which projects use an object that may be shared with them: their use is why sharing cannot simply end. */
import type { Uuid } from '../../model/ids.ts';
import type { SharedType } from '../../model/network.ts';
import type { DbOrTrx } from '../database.ts';

type Finder = (db: DbOrTrx, id: Uuid) => Promise<readonly { readonly project_id: string }[]>;

const finders: Readonly<Record<SharedType, Finder>> = {
  network: (db, id) =>
    db.selectFrom('ports').select('project_id').distinct().where('network_id', '=', id).execute(),
  security_group: (db, id) =>
    db
      .selectFrom('port_security_groups')
      .innerJoin('ports', 'ports.id', 'port_security_groups.port_id')
      .select('ports.project_id')
      .distinct()
      .where('port_security_groups.security_group_id', '=', id)
      .execute(),
  address_group: (db, id) =>
    db
      .selectFrom('security_group_rules')
      .select('project_id')
      .distinct()
      .where('remote_address_group_id', '=', id)
      .execute(),
  address_scope: (db, id) =>
    db
      .selectFrom('subnet_pools')
      .select('project_id')
      .distinct()
      .where('address_scope_id', '=', id)
      .execute(),
  qos_policy: (db, id) =>
    db
      .selectFrom('ports')
      .select('project_id')
      .where('qos_policy_id', '=', id)
      .union(db.selectFrom('networks').select('project_id').where('qos_policy_id', '=', id))
      .execute(),
  subnetpool: (db, id) =>
    db.selectFrom('subnets').select('project_id').distinct().where('subnetpool_id', '=', id).execute(),
};

export async function projectsUsing(db: DbOrTrx, type: SharedType, id: Uuid): Promise<string[]> {
  const rows = await finders[type](db, id);
  return rows.map((row) => row.project_id).filter((projectId) => projectId !== '');
}

/** Projects whose routers have their way out through the network. */
export async function projectsRoutedThrough(db: DbOrTrx, networkId: Uuid): Promise<string[]> {
  const rows = await db
    .selectFrom('routers')
    .select('project_id')
    .distinct()
    .where('external_network_id', '=', networkId)
    .execute();
  return rows.map((row) => row.project_id);
}
