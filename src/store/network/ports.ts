/**
 * Queries for ports with all that hangs on them: addresses, security groups, address pairs, tags.
 *
 * A list costs six queries however long it is. A project sees its own ports and those on its networks.
 */
import type { Uuid } from '../../model/ids.ts';
import type { AddressPair, DhcpOption, Port, PortAddress, PortStatus } from '../../model/network.ts';
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
import type { NetworkRow, PortRow } from './tables.ts';

/** Conditions on a port's own columns and on what hangs on it. */
export interface PortWhere extends Where<PortRow> {
  readonly address?: readonly string[];
  readonly subnet?: readonly Uuid[];
  readonly securityGroup?: readonly Uuid[];
}

export async function findPorts(db: DbOrTrx, scope: Scope, where: PortWhere = {}): Promise<Port[]> {
  return complete(db, await selected(db, scope, where).selectAll().execute());
}

export type PortKey = { readonly id: Uuid } & Readonly<Record<string, string | number | null>>;

/** Ids and the named columns of the same ports, in the same order, without what hangs on them. */
export async function findPortKeys(
  db: DbOrTrx,
  scope: Scope,
  { where, columns }: { readonly where: PortWhere; readonly columns: readonly string[] },
): Promise<PortKey[]> {
  const names = [...new Set(['id', ...columns])] as (keyof PortRow)[];
  return (await selected(db, scope, where).select(names).execute()) as PortKey[];
}

function selected(db: DbOrTrx, scope: Scope, where: PortWhere) {
  const { address, subnet, securityGroup, ...columns } = where;
  let query = db.selectFrom('ports').where((eb) => matching(eb, 'ports', columns));
  if (scope.kind === 'project') {
    const own = db.selectFrom('networks').select('id').where('project_id', '=', scope.projectId);
    query = query.where((eb) => eb.or([eb('project_id', '=', scope.projectId), eb('network_id', 'in', own)]));
  }
  if (address || subnet) {
    let owners = db.selectFrom('fixed_ips').select('port_id');
    if (address) owners = owners.where('ip_address', 'in', address);
    if (subnet) owners = owners.where('subnet_id', 'in', subnet);
    query = query.where('id', 'in', owners);
  }
  if (securityGroup) {
    query = query.where('id', 'in', (eb) =>
      eb.selectFrom('port_security_groups').select('port_id').where('security_group_id', 'in', securityGroup),
    );
  }
  return query.orderBy('created_at').orderBy('id');
}

export async function findPort(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<Port | undefined> {
  return (await findPorts(db, scope, { id: [id] }))[0];
}

export async function insertPort(trx: Trx, port: Port): Promise<void> {
  await trx.insertInto('ports').values(toRow(port)).execute();
  await insertParts(trx, port);
}

/** Writes the port and replaces all that hangs on it, except its tags. */
export async function updatePort(trx: Trx, port: Port): Promise<void> {
  await trx.updateTable('ports').set(toRow(port)).where('id', '=', port.id).execute();
  await trx.deleteFrom('fixed_ips').where('port_id', '=', port.id).execute();
  await trx.deleteFrom('port_security_groups').where('port_id', '=', port.id).execute();
  await trx.deleteFrom('address_pairs').where('port_id', '=', port.id).execute();
  await insertParts(trx, port);
}

export async function deletePorts(trx: Trx, ids: readonly Uuid[]): Promise<void> {
  if (ids.length === 0) return;
  await trx.deleteFrom('network_tags').where('resource_id', 'in', ids).execute();
  await trx.deleteFrom('ports').where('id', 'in', ids).execute();
}

/** Sets the status of those of the named ports that are bound to the host; returns how many changed. */
export async function setPortStatus(
  db: DbOrTrx,
  host: string,
  ids: readonly Uuid[],
  status: PortStatus,
): Promise<number> {
  if (ids.length === 0) return 0;
  const result = await db
    .updateTable('ports')
    .set({ status })
    .where('binding_host', '=', host)
    .where('id', 'in', ids)
    .where('status', '!=', status)
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}

/** Device ids (uuids of containers) that ports are attached to. */
export async function attachedDevices(db: DbOrTrx): Promise<string[]> {
  const rows = await db
    .selectFrom('ports')
    .select('device_id')
    .distinct()
    .where('attachment_index', 'is not', null)
    .execute();
  return rows.map((row) => row.device_id);
}

export interface NamedPort {
  readonly id: Uuid;
  readonly networkId: Uuid;
  readonly projectId: string;
  readonly dnsName: string;
  /** In the port's order. */
  readonly addresses: readonly string[];
}

/** The ports of these networks that have a name, on whatever host, in order of their names. */
export async function findNamedPorts(db: DbOrTrx, networkIds: readonly Uuid[]): Promise<NamedPort[]> {
  const rows = await inPieces(networkIds, (piece) =>
    db
      .selectFrom('ports')
      .innerJoin('fixed_ips', 'fixed_ips.port_id', 'ports.id')
      .select(['ports.id', 'ports.network_id', 'ports.project_id', 'ports.dns_name', 'fixed_ips.ip_address'])
      .where('ports.network_id', 'in', piece)
      .where('ports.dns_name', '>', '')
      .orderBy('ports.dns_name')
      .orderBy('ports.id')
      .orderBy('fixed_ips.position')
      .execute(),
  );
  const byPort = groupBy(
    rows,
    (row) => row.id,
    (row) => row,
  );
  return [...byPort.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : {
          id: first.id,
          networkId: first.network_id,
          projectId: first.project_id,
          dnsName: first.dns_name,
          addresses: [first, ...others].map((row) => row.ip_address),
        },
  );
}

async function insertParts(trx: Trx, port: Port): Promise<void> {
  const port_id = port.id;
  if (port.fixedIps.length > 0) {
    const rows = port.fixedIps.map(({ subnetId, ipAddress }, position) => ({
      port_id,
      subnet_id: subnetId,
      ip_address: ipAddress,
      position,
    }));
    await trx.insertInto('fixed_ips').values(rows).execute();
  }
  if (port.securityGroupIds.length > 0) {
    const rows = port.securityGroupIds.map((security_group_id) => ({ port_id, security_group_id }));
    await trx.insertInto('port_security_groups').values(rows).execute();
  }
  if (port.allowedAddressPairs.length > 0) {
    const rows = port.allowedAddressPairs.map((pair) => ({
      port_id,
      mac_address: pair.macAddress,
      ip_address: pair.ipAddress,
    }));
    await trx.insertInto('address_pairs').values(rows).execute();
  }
}

interface Parts {
  readonly fixedIps: ReadonlyMap<Uuid, PortAddress[]>;
  readonly groups: ReadonlyMap<Uuid, Uuid[]>;
  readonly pairs: ReadonlyMap<Uuid, AddressPair[]>;
  readonly tags: ReadonlyMap<Uuid, string[]>;
  /** Networks that have something to say about their ports. */
  readonly networks: ReadonlyMap<Uuid, NetworkPart>;
}

async function complete(db: DbOrTrx, rows: readonly PortRow[]): Promise<Port[]> {
  const ids = rows.map((row) => row.id);
  const fixedIps = await inPieces(ids, (piece) =>
    db.selectFrom('fixed_ips').selectAll().where('port_id', 'in', piece).orderBy('position').execute(),
  );
  const groups = await inPieces(ids, (piece) =>
    db
      .selectFrom('port_security_groups')
      .selectAll()
      .where('port_id', 'in', piece)
      .orderBy('security_group_id')
      .execute(),
  );
  const pairs = await inPieces(ids, (piece) =>
    db.selectFrom('address_pairs').selectAll().where('port_id', 'in', piece).orderBy('ip_address').execute(),
  );
  const portId = (row: { port_id: string }) => row.port_id;
  const parts: Parts = {
    fixedIps: groupBy(fixedIps, portId, (row) => ({ subnetId: row.subnet_id, ipAddress: row.ip_address })),
    groups: groupBy(groups, portId, (row) => row.security_group_id),
    pairs: groupBy(pairs, portId, (row) => ({ macAddress: row.mac_address, ipAddress: row.ip_address })),
    tags: await tagsOf(db, ids),
    networks: rows.length === 0 ? new Map() : await networkParts(db),
  };
  return rows.map((row) => toPort(row, parts));
}

type NetworkPart = Pick<NetworkRow, 'id' | 'dns_domain' | 'qos_policy_id'>;

/** Networks with a domain or a QoS policy of their own: few have. */
async function networkParts(db: DbOrTrx): Promise<Map<Uuid, NetworkPart>> {
  const rows = await db
    .selectFrom('networks')
    .select(['id', 'dns_domain', 'qos_policy_id'])
    .where((eb) => eb.or([eb('dns_domain', '>', ''), eb('qos_policy_id', '>', '')]))
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

function toPort(row: PortRow, parts: Parts): Port {
  return {
    ...commonOf(row, parts.tags),
    networkId: row.network_id,
    macAddress: row.mac_address,
    fixedIps: parts.fixedIps.get(row.id) ?? [],
    adminStateUp: row.admin_state_up === 1,
    status: row.status as PortStatus,
    portSecurityEnabled: row.port_security_enabled === 1,
    securityGroupIds: parts.groups.get(row.id) ?? [],
    allowedAddressPairs: parts.pairs.get(row.id) ?? [],
    deviceId: row.device_id,
    deviceOwner: row.device_owner,
    bindingHost: row.binding_host,
    bindingProfile: JSON.parse(row.binding_profile) as Port['bindingProfile'],
    dnsName: row.dns_name,
    dnsDomain: row.dns_domain,
    networkDnsDomain: parts.networks.get(row.network_id)?.dns_domain ?? '',
    qosPolicyId: row.qos_policy_id,
    qosNetworkPolicyId: parts.networks.get(row.network_id)?.qos_policy_id ?? null,
    dhcpOptions: JSON.parse(row.dhcp_options) as DhcpOption[],
    propagateUplinkStatus: row.propagate_uplink_status === 1,
    attachment:
      row.attachment_index === null
        ? null
        : { index: row.attachment_index, adopted: row.attachment_adopted === 1 },
  };
}

function toRow(port: Port): PortRow {
  return {
    ...commonRow(port),
    network_id: port.networkId,
    mac_address: port.macAddress,
    admin_state_up: bit(port.adminStateUp),
    status: port.status,
    port_security_enabled: bit(port.portSecurityEnabled),
    device_id: port.deviceId,
    device_owner: port.deviceOwner,
    binding_host: port.bindingHost,
    binding_profile: JSON.stringify(port.bindingProfile),
    dns_name: port.dnsName,
    dns_domain: port.dnsDomain,
    dhcp_options: JSON.stringify(port.dhcpOptions),
    propagate_uplink_status: bit(port.propagateUplinkStatus),
    qos_policy_id: port.qosPolicyId,
    attachment_index: port.attachment?.index ?? null,
    attachment_adopted: bit(port.attachment?.adopted ?? false),
  };
}
