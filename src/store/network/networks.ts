/** Queries for networks. A project sees its own, shared and external ones. */
import type { Uuid } from '../../model/ids.ts';
import type { Network } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import {
  bit,
  commonOf,
  commonRow,
  everything,
  groupBy,
  inPieces,
  matching,
  type Scope,
  tagsOf,
  type Where,
} from './common.ts';
import type { NetworkRow } from './tables.ts';

export async function findNetworks(
  db: DbOrTrx,
  scope: Scope,
  where: Where<NetworkRow> = {},
): Promise<Network[]> {
  let query = db
    .selectFrom('networks')
    .selectAll()
    .where((eb) => matching(eb, 'networks', where));
  if (scope.kind === 'project') {
    query = query.where((eb) =>
      eb.or([eb('project_id', '=', scope.projectId), eb('shared', '=', 1), eb('external', '=', 1)]),
    );
  }
  const rows = await query.orderBy('created_at').orderBy('id').execute();
  const ids = rows.map((row) => row.id);
  const [tags, subnets] = [await tagsOf(db, ids), await subnetIdsOf(db, ids)];
  return rows.map((row) => toNetwork(row, tags, subnets));
}

export async function findNetwork(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<Network | undefined> {
  return (await findNetworks(db, scope, { id: [id] }))[0];
}

export async function insertNetwork(trx: Trx, network: Network): Promise<void> {
  await trx.insertInto('networks').values(toRow(network)).execute();
}

/** Writes every column of the network; `revision` and `updatedAt` are the caller's to raise. */
export async function updateNetwork(trx: Trx, network: Network): Promise<void> {
  await trx.updateTable('networks').set(toRow(network)).where('id', '=', network.id).execute();
}

/** Its subnets go with it. */
export async function deleteNetwork(trx: Trx, network: Network): Promise<void> {
  await trx
    .deleteFrom('network_tags')
    .where('resource_id', 'in', [network.id, ...network.subnetIds])
    .execute();
  await trx.deleteFrom('networks').where('id', '=', network.id).execute();
}

/** A subnet came, went or changed: the network's revision tells. */
export async function touchNetwork(trx: Trx, id: Uuid, now: string): Promise<void> {
  await trx
    .updateTable('networks')
    .set((eb) => ({ revision: eb('revision', '+', 1), updated_at: now }))
    .where('id', '=', id)
    .execute();
}

async function subnetIdsOf(db: DbOrTrx, networkIds: readonly Uuid[]): Promise<Map<Uuid, Uuid[]>> {
  const rows = await inPieces(networkIds, (piece) =>
    db
      .selectFrom('subnets')
      .select(['id', 'network_id'])
      .where('network_id', 'in', piece)
      .orderBy('created_at')
      .orderBy('id')
      .execute(),
  );
  return groupBy(
    rows,
    (row) => row.network_id,
    (row) => row.id,
  );
}

function toNetwork(
  row: NetworkRow,
  tags: ReadonlyMap<Uuid, string[]>,
  subnetIds: ReadonlyMap<Uuid, Uuid[]>,
): Network {
  return {
    ...commonOf(row, tags),
    adminStateUp: row.admin_state_up === 1,
    shared: row.shared === 1,
    external: row.external === 1,
    portSecurityEnabled: row.port_security_enabled === 1,
    mtu: row.mtu,
    networkType: row.network_type as Network['networkType'],
    physicalNetwork: row.physical_network,
    segmentationId: row.segmentation_id,
    dnsDomain: row.dns_domain,
    isDefault: row.is_default === 1,
    zoneHints: JSON.parse(row.zone_hints) as string[],
    subnetIds: subnetIds.get(row.id) ?? [],
  };
}

function toRow(network: Network): NetworkRow {
  return {
    ...commonRow(network),
    admin_state_up: bit(network.adminStateUp),
    shared: bit(network.shared),
    external: bit(network.external),
    port_security_enabled: bit(network.portSecurityEnabled),
    mtu: network.mtu,
    network_type: network.networkType,
    physical_network: network.physicalNetwork,
    segmentation_id: network.segmentationId,
    dns_domain: network.dnsDomain,
    is_default: bit(network.isDefault),
    zone_hints: JSON.stringify(network.zoneHints),
  };
}
