/** Queries for networks. A project sees its own, and what policies share with it or offer it as a way out. */
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
import { forgetObjects, sharedWithOf, visibleTo } from './rbac-policies.ts';
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
    const { projectId } = scope;
    const visible = visibleTo(db, 'network', projectId, ['access_as_shared', 'access_as_external']);
    query = query.where((eb) => eb.or([eb('project_id', '=', projectId), eb('id', 'in', visible)]));
  }
  const rows = await query.orderBy('created_at').orderBy('id').execute();
  const ids = rows.map((row) => row.id);
  const parts: Parts = {
    tags: await tagsOf(db, ids),
    subnets: await subnetsOf(db, ids),
    sharedWith: await sharedWithOf(db, ids),
  };
  return rows.map((row) => toNetwork(row, parts));
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
  await forgetObjects(trx, [network.id, ...network.subnetIds]);
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

interface SubnetPart {
  readonly id: Uuid;
  readonly network_id: Uuid;
  readonly ip_version: number;
  readonly address_scope_id: Uuid | null;
}

interface Parts {
  readonly tags: ReadonlyMap<Uuid, string[]>;
  readonly subnets: ReadonlyMap<Uuid, SubnetPart[]>;
  readonly sharedWith: ReadonlyMap<Uuid, string[]>;
}

async function subnetsOf(db: DbOrTrx, networkIds: readonly Uuid[]): Promise<Map<Uuid, SubnetPart[]>> {
  const rows = await inPieces(networkIds, (piece) =>
    db
      .selectFrom('subnets')
      .leftJoin('subnet_pools', 'subnet_pools.id', 'subnets.subnetpool_id')
      .select(['subnets.id', 'subnets.network_id', 'subnets.ip_version', 'subnet_pools.address_scope_id'])
      .where('subnets.network_id', 'in', piece)
      .orderBy('subnets.created_at')
      .orderBy('subnets.id')
      .execute(),
  );
  return groupBy(
    rows,
    (row) => row.network_id,
    (row) => row,
  );
}

function scopesOf(subnets: readonly SubnetPart[]): Network['addressScopes'] {
  return Object.fromEntries(
    subnets.flatMap(({ ip_version, address_scope_id }) =>
      address_scope_id === null ? [] : [[ip_version, address_scope_id]],
    ),
  );
}

function toNetwork(row: NetworkRow, parts: Parts): Network {
  const subnets = parts.subnets.get(row.id) ?? [];
  return {
    ...commonOf(row, parts.tags),
    adminStateUp: row.admin_state_up === 1,
    external: row.external === 1,
    portSecurityEnabled: row.port_security_enabled === 1,
    mtu: row.mtu,
    networkType: row.network_type as Network['networkType'],
    physicalNetwork: row.physical_network,
    segmentationId: row.segmentation_id,
    dnsDomain: row.dns_domain,
    isDefault: row.is_default === 1,
    zoneHints: JSON.parse(row.zone_hints) as string[],
    qosPolicyId: row.qos_policy_id,
    sharedWith: parts.sharedWith.get(row.id) ?? [],
    subnetIds: subnets.map((subnet) => subnet.id),
    addressScopes: scopesOf(subnets),
  };
}

function toRow(network: Network): NetworkRow {
  return {
    ...commonRow(network),
    admin_state_up: bit(network.adminStateUp),
    external: bit(network.external),
    port_security_enabled: bit(network.portSecurityEnabled),
    mtu: network.mtu,
    network_type: network.networkType,
    physical_network: network.physicalNetwork,
    segmentation_id: network.segmentationId,
    dns_domain: network.dnsDomain,
    is_default: bit(network.isDefault),
    zone_hints: JSON.stringify(network.zoneHints),
    qos_policy_id: network.qosPolicyId,
  };
}
