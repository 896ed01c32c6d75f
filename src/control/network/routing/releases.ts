/**
 * What becomes of floating IPs and forwarded ports when the port they lead to goes, loses an address or moves.
 *
 * A floating IP outlives its port and leads nowhere then; an address that it stands for cannot be taken from the
 * port. Forwarded ports go with the address that they lead to. A floating IP that was made to publish a container's
 * ports (src/model/published.ts) goes with the last port that it leads to.
 */
import type { Uuid } from '../../../model/ids.ts';
import type { FloatingIp, Port, PortForwarding } from '../../../model/network.ts';
import { publishedTag } from '../../../model/published.ts';
import { everything } from '../../../store/network/common.ts';
import { deleteFloatingIp, findFloatingIps, updateFloatingIp } from '../../../store/network/floating-ips.ts';
import { deletePortForwardings, findPortForwardings } from '../../../store/network/port-forwardings.ts';
import { deletePorts } from '../../../store/network/ports.ts';
import { badRequest, revised } from '../collection.ts';
import type { Change } from '../context.ts';
import { noAssociation, noteTranslation } from './translation.ts';

/** Before ports go. */
export async function releasePorts(current: Change, portIds: readonly Uuid[]): Promise<void> {
  if (portIds.length === 0) return;
  await releasePublished(current, portIds);
  for (const floatingIp of await findFloatingIps(current.trx, everything, { fixed_port_id: portIds })) {
    await noteTranslation(current, floatingIp);
    await updateFloatingIp(current.trx, revised(floatingIp, noAssociation, current.now));
  }
  for (const { floatingIp, forwardings } of await forwardingsTo(current, portIds)) {
    await dropForwardings(current, floatingIp, forwardings);
  }
}

/** Takes away what publishing made for these ports. */
export async function releasePublished(current: Change, portIds: readonly Uuid[]): Promise<void> {
  const own = await findFloatingIps(current.trx, everything, { fixed_port_id: portIds });
  for (const floatingIp of own.filter(isPublished)) await dropFloatingIp(current, floatingIp);
  for (const { floatingIp, forwardings } of await forwardingsTo(current, portIds)) {
    if (!isPublished(floatingIp)) continue;
    await dropForwardings(current, floatingIp, forwardings);
    const isLast = forwardings.length === floatingIp.portForwardings.length;
    if (isLast) await dropFloatingIp(current, floatingIp);
  }
}

function isPublished({ tags }: FloatingIp): boolean {
  return tags.includes(publishedTag);
}

/** Before a port changes from one to the other. Throws when a floating IP stands for an address that would go. */
export async function releaseChanged(current: Change, before: Port, after: Port): Promise<void> {
  const kept = new Set(after.fixedIps.map(({ ipAddress }) => ipAddress));
  const isMoved = before.bindingHost !== after.bindingHost;
  if (!isMoved && before.fixedIps.every(({ ipAddress }) => kept.has(ipAddress))) return;
  const own = await findFloatingIps(current.trx, everything, { fixed_port_id: [before.id] });
  if (own.some(({ fixedIpAddress }) => fixedIpAddress !== null && !kept.has(fixedIpAddress))) {
    throw badRequest(
      'port',
      `Cannot update the fixed_ips of the port ${before.id}, because its original fixed_ip has been ` +
        'associated to a floating ip',
    );
  }
  const forwarding = await forwardingsTo(current, [before.id]);
  if (isMoved) {
    await noteMove(current, [...own, ...forwarding.map(({ floatingIp }) => floatingIp)], [before, after]);
  }
  for (const { floatingIp, forwardings } of forwarding) {
    const lost = forwardings.filter(({ internalIpAddress }) => !kept.has(internalIpAddress));
    if (lost.length > 0) await dropForwardings(current, floatingIp, lost);
  }
}

/** The last one to go leaves the floating IP leading nowhere. */
export async function dropForwardings(
  current: Change,
  floatingIp: FloatingIp,
  dropped: readonly PortForwarding[],
): Promise<void> {
  const { routerId, portForwardings } = floatingIp;
  for (const { internalPortId } of dropped) {
    await noteTranslation(current, { routerId, portId: internalPortId });
  }
  await deletePortForwardings(
    current.trx,
    dropped.map(({ id }) => id),
  );
  await settleRouter(current, floatingIp, portForwardings.length === dropped.length ? null : routerId);
}

/** Gives the address back, with the port that held it. */
export async function dropFloatingIp(current: Change, floatingIp: FloatingIp): Promise<void> {
  await noteTranslation(current, floatingIp);
  await deleteFloatingIp(current.trx, floatingIp.id);
  await deletePorts(current.trx, [floatingIp.floatingPortId]);
}

/** What a floating IP forwards is part of what it shows: its revision tells. */
export async function settleRouter(
  { trx, now }: Change,
  floatingIp: FloatingIp,
  routerId: Uuid | null,
): Promise<void> {
  await updateFloatingIp(trx, revised(floatingIp, { routerId }, now));
}

interface Forwarding {
  readonly floatingIp: FloatingIp;
  /** Those that lead to the ports asked for. */
  readonly forwardings: readonly PortForwarding[];
}

async function forwardingsTo({ trx }: Change, portIds: readonly Uuid[]): Promise<Forwarding[]> {
  const forwardings = await findPortForwardings(trx, { internal_port_id: portIds });
  if (forwardings.length === 0) return [];
  const ids = [...new Set(forwardings.map(({ floatingIpId }) => floatingIpId))];
  const floatingIps = await findFloatingIps(trx, everything, { id: ids });
  return floatingIps.map((floatingIp) => ({
    floatingIp,
    forwardings: forwardings.filter(({ floatingIpId }) => floatingIpId === floatingIp.id),
  }));
}

/** Translation happens where the port is: the old host stops, the new one begins. */
async function noteMove(
  { concerned }: Change,
  floatingIps: readonly FloatingIp[],
  ports: readonly Port[],
): Promise<void> {
  const routerIds = new Set(floatingIps.flatMap(({ routerId }) => routerId ?? []));
  for (const routerId of routerIds) {
    for (const { bindingHost } of ports) await concerned.router(routerId, bindingHost);
  }
}
