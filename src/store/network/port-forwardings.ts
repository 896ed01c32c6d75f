/** Queries for forwarded ports of floating IPs. Whoever sees the floating IP sees them. */
import type { Uuid } from '../../model/ids.ts';
import type { PortForwarding } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import { matching, type Where } from './common.ts';
import type { PortForwardingRow } from './tables.ts';

/** Oldest first. */
export async function findPortForwardings(
  db: DbOrTrx,
  where: Where<PortForwardingRow>,
): Promise<PortForwarding[]> {
  const rows = await db
    .selectFrom('port_forwardings')
    .selectAll()
    .where((eb) => matching(eb, 'port_forwardings', where))
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(toPortForwarding);
}

export async function insertPortForwarding(trx: Trx, forwarding: PortForwarding): Promise<void> {
  await trx.insertInto('port_forwardings').values(toRow(forwarding)).execute();
}

export async function updatePortForwarding(trx: Trx, forwarding: PortForwarding): Promise<void> {
  await trx.updateTable('port_forwardings').set(toRow(forwarding)).where('id', '=', forwarding.id).execute();
}

export async function deletePortForwardings(trx: Trx, ids: readonly Uuid[]): Promise<void> {
  if (ids.length > 0) await trx.deleteFrom('port_forwardings').where('id', 'in', ids).execute();
}

function toPortForwarding(row: PortForwardingRow): PortForwarding {
  return {
    id: row.id,
    floatingIpId: row.floating_ip_id,
    protocol: row.protocol,
    externalPorts: { from: row.external_port_first, to: row.external_port_last },
    internalPorts: { from: row.internal_port_first, to: row.internal_port_last },
    internalIpAddress: row.internal_ip_address,
    internalPortId: row.internal_port_id,
    description: row.description,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toRow(forwarding: PortForwarding): PortForwardingRow {
  return {
    id: forwarding.id,
    floating_ip_id: forwarding.floatingIpId,
    protocol: forwarding.protocol,
    external_port_first: forwarding.externalPorts.from,
    external_port_last: forwarding.externalPorts.to,
    internal_port_first: forwarding.internalPorts.from,
    internal_port_last: forwarding.internalPorts.to,
    internal_ip_address: forwarding.internalIpAddress,
    internal_port_id: forwarding.internalPortId,
    description: forwarding.description,
    created_at: forwarding.createdAt,
    updated_at: forwarding.updatedAt,
  };
}
