/** What routers translate on a host: only what leads to a port there, or to a port that is on no host. */
import type { Uuid } from '../../model/ids.ts';
import type { Port } from '../../model/network.ts';
import type { DbOrTrx } from '../database.ts';
import { everything, inPieces } from './common.ts';
import { findPorts } from './ports.ts';

export interface FloatingIpOnHost {
  readonly id: Uuid;
  readonly routerId: Uuid;
  readonly address: string;
  readonly fixedAddress: string;
}

export async function floatingIpsOn(
  db: DbOrTrx,
  host: string,
  routerIds: readonly Uuid[],
): Promise<FloatingIpOnHost[]> {
  return inPieces(routerIds, async (piece) => {
    const rows = await db
      .selectFrom('floating_ips')
      .innerJoin('ports', 'ports.id', 'floating_ips.fixed_port_id')
      .select(['floating_ips.id', 'router_id', 'floating_ip_address', 'fixed_ip_address'])
      .where('ports.binding_host', 'in', [host, ''])
      .where('router_id', 'in', piece)
      .orderBy('floating_ips.id')
      .execute();
    return rows.map((row) => ({
      id: row.id,
      routerId: row.router_id ?? '',
      address: row.floating_ip_address,
      fixedAddress: row.fixed_ip_address ?? '',
    }));
  });
}

export interface ForwardingOnHost {
  readonly id: Uuid;
  readonly routerId: Uuid;
  readonly address: string;
  readonly protocol: string;
  readonly externalPorts: { readonly from: number; readonly to: number };
  readonly internalAddress: string;
  readonly internalPorts: { readonly from: number; readonly to: number };
}

export async function forwardingsOn(
  db: DbOrTrx,
  host: string,
  routerIds: readonly Uuid[],
): Promise<ForwardingOnHost[]> {
  return inPieces(routerIds, async (piece) => {
    const rows = await db
      .selectFrom('port_forwardings')
      .innerJoin('floating_ips', 'floating_ips.id', 'port_forwardings.floating_ip_id')
      .innerJoin('ports', 'ports.id', 'port_forwardings.internal_port_id')
      .selectAll('port_forwardings')
      .select(['router_id', 'floating_ip_address'])
      .where('ports.binding_host', 'in', [host, ''])
      .where('router_id', 'in', piece)
      .orderBy('port_forwardings.id')
      .execute();
    return rows.map((row) => ({
      id: row.id,
      routerId: row.router_id ?? '',
      address: row.floating_ip_address,
      protocol: row.protocol,
      externalPorts: { from: row.external_port_first, to: row.external_port_last },
      internalAddress: row.internal_ip_address,
      internalPorts: { from: row.internal_port_first, to: row.internal_port_last },
    }));
  });
}

/** Ports that the host bound with something to say about them (`Port.bindingProfile`). */
export async function profiledPortsOn(
  db: DbOrTrx,
  host: string,
  networkIds: readonly Uuid[],
): Promise<Port[]> {
  const rows = await inPieces(networkIds, (piece) =>
    db
      .selectFrom('ports')
      .select('id')
      .where('binding_host', '=', host)
      .where('binding_profile', '!=', '{}')
      .where('network_id', 'in', piece)
      .execute(),
  );
  return inPieces(
    rows.map(({ id }) => id),
    (piece) => findPorts(db, everything, { id: piece }),
  );
}
