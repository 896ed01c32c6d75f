/**
 * Queries for floating IPs with all that they show: their port, their forwarded ports, tags.
 *
 * A list costs four queries however long it is. A project sees its own.
 */
import type { Uuid } from '../../model/ids.ts';
import type { FloatingIp, PortDetails, PortForwarding, PortStatus } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import { everything, groupBy, inPieces, matching, type Scope, tagsOf, type Where } from './common.ts';
import { findPortForwardings } from './port-forwardings.ts';
import type { FloatingIpRow } from './tables.ts';

export type FloatingIpWhere = Where<FloatingIpRow>;

export async function findFloatingIps(
  db: DbOrTrx,
  scope: Scope,
  where: FloatingIpWhere = {},
): Promise<FloatingIp[]> {
  let query = db
    .selectFrom('floating_ips')
    .selectAll()
    .where((eb) => matching(eb, 'floating_ips', where));
  if (scope.kind === 'project') query = query.where('project_id', '=', scope.projectId);
  const rows = await query.orderBy('created_at').orderBy('id').execute();
  const ids = rows.map((row) => row.id);
  const forwardings = await inPieces(ids, (piece) => findPortForwardings(db, { floating_ip_id: piece }));
  const parts: Parts = {
    tags: await tagsOf(db, ids),
    ports: await detailsOf(
      db,
      rows.flatMap((row) => row.fixed_port_id ?? []),
    ),
    forwardings: groupBy(
      forwardings,
      (forwarding) => forwarding.floatingIpId,
      (forwarding) => forwarding,
    ),
  };
  return rows.map((row) => toFloatingIp(row, parts));
}

export async function findFloatingIp(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<FloatingIp | undefined> {
  return (await findFloatingIps(db, scope, { id: [id] }))[0];
}

/** Where the outside finds a port. */
export interface OutsideAddress {
  /** Of the floating IP. */
  readonly id: Uuid;
  readonly address: string;
  readonly fixedAddress: string;
}

/** Floating IPs of ports, by the ports' ids. */
export async function floatingIpsOf(
  db: DbOrTrx,
  portIds: readonly Uuid[],
): Promise<Map<Uuid, OutsideAddress[]>> {
  const rows = await inPieces(portIds, (piece) =>
    db
      .selectFrom('floating_ips')
      .select(['id', 'fixed_port_id', 'fixed_ip_address', 'floating_ip_address'])
      .where('fixed_port_id', 'in', piece)
      .orderBy('created_at')
      .orderBy('id')
      .execute(),
  );
  return groupBy(
    rows,
    (row) => row.fixed_port_id ?? '',
    (row) => ({
      id: row.id,
      address: row.floating_ip_address,
      fixedAddress: row.fixed_ip_address ?? '',
    }),
  );
}

export async function insertFloatingIp(trx: Trx, floatingIp: FloatingIp): Promise<void> {
  await trx.insertInto('floating_ips').values(toRow(floatingIp)).execute();
}

/** Writes the floating IP itself: not its tags, nor its forwarded ports. */
export async function updateFloatingIp(trx: Trx, floatingIp: FloatingIp): Promise<void> {
  await trx.updateTable('floating_ips').set(toRow(floatingIp)).where('id', '=', floatingIp.id).execute();
}

/** Its forwarded ports go with it; the port that holds its address is the caller's to delete afterwards. */
export async function deleteFloatingIp(trx: Trx, id: Uuid): Promise<void> {
  await trx.deleteFrom('network_tags').where('resource_id', '=', id).execute();
  await trx.deleteFrom('floating_ips').where('id', '=', id).execute();
}

async function detailsOf(db: DbOrTrx, portIds: readonly Uuid[]): Promise<Map<Uuid, PortDetails>> {
  const rows = await inPieces(portIds, (piece) =>
    db
      .selectFrom('ports')
      .select(['id', 'name', 'network_id', 'mac_address', 'admin_state_up', 'status', 'device_id'])
      .select('device_owner')
      .where('id', 'in', piece)
      .execute(),
  );
  return new Map(
    rows.map((row) => [
      row.id,
      {
        name: row.name,
        networkId: row.network_id,
        macAddress: row.mac_address,
        adminStateUp: row.admin_state_up === 1,
        status: row.status as PortStatus,
        deviceId: row.device_id,
        deviceOwner: row.device_owner,
      },
    ]),
  );
}

interface Parts {
  readonly tags: ReadonlyMap<Uuid, string[]>;
  readonly ports: ReadonlyMap<Uuid, PortDetails>;
  readonly forwardings: ReadonlyMap<Uuid, PortForwarding[]>;
}

function toFloatingIp(row: FloatingIpRow, parts: Parts): FloatingIp {
  return {
    id: row.id,
    projectId: row.project_id,
    description: row.description,
    tags: parts.tags.get(row.id) ?? [],
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    floatingNetworkId: row.floating_network_id,
    floatingIpAddress: row.floating_ip_address,
    floatingPortId: row.floating_port_id,
    portId: row.fixed_port_id,
    fixedIpAddress: row.fixed_ip_address,
    routerId: row.router_id,
    dnsName: row.dns_name,
    dnsDomain: row.dns_domain,
    portDetails: (row.fixed_port_id && parts.ports.get(row.fixed_port_id)) || null,
    portForwardings: parts.forwardings.get(row.id) ?? [],
  };
}

function toRow(floatingIp: FloatingIp): FloatingIpRow {
  return {
    id: floatingIp.id,
    project_id: floatingIp.projectId,
    description: floatingIp.description,
    revision: floatingIp.revision,
    created_at: floatingIp.createdAt,
    updated_at: floatingIp.updatedAt,
    floating_network_id: floatingIp.floatingNetworkId,
    floating_ip_address: floatingIp.floatingIpAddress,
    floating_port_id: floatingIp.floatingPortId,
    fixed_port_id: floatingIp.portId,
    fixed_ip_address: floatingIp.fixedIpAddress,
    router_id: floatingIp.routerId,
    dns_name: floatingIp.dnsName,
    dns_domain: floatingIp.dnsDomain,
  };
}
