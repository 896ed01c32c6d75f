/** Queries for subnets. A project sees its own and those of shared networks. */
import type { Uuid } from '../../model/ids.ts';
import type { AddressRange, HostRoute, Subnet } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import { bit, commonOf, commonRow, everything, matching, type Scope, tagsOf, type Where } from './common.ts';
import { visibleTo } from './rbac-policies.ts';
import type { SubnetRow } from './tables.ts';

export async function findSubnets(
  db: DbOrTrx,
  scope: Scope,
  where: Where<SubnetRow> = {},
): Promise<Subnet[]> {
  let query = db
    .selectFrom('subnets')
    .selectAll()
    .where((eb) => matching(eb, 'subnets', where));
  if (scope.kind === 'project') {
    const { projectId } = scope;
    const shared = visibleTo(db, 'network', projectId);
    query = query.where((eb) => eb.or([eb('project_id', '=', projectId), eb('network_id', 'in', shared)]));
  }
  const rows = await query.orderBy('created_at').orderBy('id').execute();
  const tags = await tagsOf(
    db,
    rows.map((row) => row.id),
  );
  return rows.map((row) => toSubnet(row, tags));
}

export async function findSubnet(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<Subnet | undefined> {
  return (await findSubnets(db, scope, { id: [id] }))[0];
}

export async function insertSubnet(trx: Trx, subnet: Subnet): Promise<void> {
  await trx.insertInto('subnets').values(toRow(subnet)).execute();
}

export async function updateSubnet(trx: Trx, subnet: Subnet): Promise<void> {
  await trx.updateTable('subnets').set(toRow(subnet)).where('id', '=', subnet.id).execute();
}

export async function deleteSubnet(trx: Trx, id: Uuid): Promise<void> {
  await trx.deleteFrom('network_tags').where('resource_id', '=', id).execute();
  await trx.deleteFrom('subnets').where('id', '=', id).execute();
}

/** Addresses of the subnet that some port has. */
export async function usedAddresses(db: DbOrTrx, subnetId: Uuid): Promise<string[]> {
  const rows = await db
    .selectFrom('fixed_ips')
    .select('ip_address')
    .where('subnet_id', '=', subnetId)
    .execute();
  return rows.map((row) => row.ip_address);
}

function toSubnet(row: SubnetRow, tags: ReadonlyMap<Uuid, string[]>): Subnet {
  return {
    ...commonOf(row, tags),
    networkId: row.network_id,
    subnetPoolId: row.subnetpool_id,
    ipVersion: row.ip_version === 6 ? 6 : 4,
    cidr: row.cidr,
    gatewayIp: row.gateway_ip,
    enableDhcp: row.enable_dhcp === 1,
    allocationPools: JSON.parse(row.allocation_pools) as AddressRange[],
    dnsNameservers: JSON.parse(row.dns_nameservers) as string[],
    hostRoutes: JSON.parse(row.host_routes) as HostRoute[],
    ipv6AddressMode: row.ipv6_address_mode,
    ipv6RaMode: row.ipv6_ra_mode,
    serviceTypes: JSON.parse(row.service_types) as string[],
    dnsPublishFixedIp: row.dns_publish_fixed_ip === 1,
  };
}

function toRow(subnet: Subnet): SubnetRow {
  return {
    ...commonRow(subnet),
    network_id: subnet.networkId,
    subnetpool_id: subnet.subnetPoolId,
    ip_version: subnet.ipVersion,
    cidr: subnet.cidr,
    gateway_ip: subnet.gatewayIp,
    enable_dhcp: bit(subnet.enableDhcp),
    allocation_pools: JSON.stringify(subnet.allocationPools),
    dns_nameservers: JSON.stringify(subnet.dnsNameservers),
    host_routes: JSON.stringify(subnet.hostRoutes),
    ipv6_address_mode: subnet.ipv6AddressMode,
    ipv6_ra_mode: subnet.ipv6RaMode,
    service_types: JSON.stringify(subnet.serviceTypes),
    dns_publish_fixed_ip: bit(subnet.dnsPublishFixedIp),
  };
}
