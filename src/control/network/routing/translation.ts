/**
 * Which router leads from an external network to a fixed address, and which hosts have to know.
 *
 * A floating IP leads through the router that has its gateway on the address's network and an interface on the
 * subnet of the fixed address: the subnet's own gateway when there are several, else the oldest.
 */
import type { Uuid } from '../../../model/ids.ts';
import type { FloatingIp, Port, PortAddress, Subnet } from '../../../model/network.ts';
import type { Trx } from '../../../store/database.ts';
import { findPort } from '../../../store/network/ports.ts';
import { connectionsOf } from '../../../store/network/routers.ts';
import type { Change } from '../context.ts';

/** What a floating IP stands for. */
export type Association = Pick<FloatingIp, 'portId' | 'fixedIpAddress' | 'routerId'>;

export const noAssociation: Association = { portId: null, fixedIpAddress: null, routerId: null };

export async function findRouterBetween(
  trx: Trx,
  subnet: Subnet,
  externalNetworkId: Uuid,
): Promise<Uuid | undefined> {
  const connections = await connectionsOf(trx, subnet.id, externalNetworkId);
  const gateway = connections.find(({ address }) => address === subnet.gatewayIp);
  return (gateway ?? connections[0])?.routerId;
}

export function ipv4Of(port: Port): PortAddress[] {
  return port.fixedIps.filter(({ ipAddress }) => !ipAddress.includes(':'));
}

/** What leads through the router to the port came, went or changed: the port's host translates, or every host. */
export async function noteTranslation(
  { trx, concerned }: Change,
  { routerId, portId }: Pick<Association, 'routerId' | 'portId'>,
): Promise<void> {
  if (routerId === null || portId === null) return;
  const port = await findPort(trx, portId);
  await concerned.router(routerId, port?.bindingHost);
}
