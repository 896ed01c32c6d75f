/** Whether and through which router a floating IP can stand for a fixed address of a port: the checks, in order. */
import { canonicalAddress } from '../../../ipam/address.ts';
import type { Caller } from '../../../model/caller.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import type { FloatingIp, Port, PortAddress } from '../../../model/network.ts';
import type { Trx } from '../../../store/database.ts';
import { everything } from '../../../store/network/common.ts';
import { findFloatingIps } from '../../../store/network/floating-ips.ts';
import { findPortForwardings } from '../../../store/network/port-forwardings.ts';
import { badRequest } from '../collection.ts';
import { scopeOf } from '../context.ts';
import { getPort } from '../port-lifecycle.ts';
import { getSubnet } from '../subnets.ts';
import { type Association, findRouterBetween, ipv4Of } from './translation.ts';

export interface AssociationOrder {
  readonly floatingIp: Pick<FloatingIp, 'id' | 'projectId' | 'floatingNetworkId' | 'floatingIpAddress'>;
  readonly portId: Uuid;
  /** Absent = the port's only IPv4 address. */
  readonly fixedIpAddress: string | undefined;
  readonly caller: Caller;
}

export async function associate(trx: Trx, order: AssociationOrder): Promise<Association> {
  const { floatingIp, portId, caller } = order;
  const port = await getPort(trx, portId, scopeOf(caller));
  if (port.projectId !== floatingIp.projectId && !caller.isAdmin) {
    throw badRequest(
      'floatingip',
      `Cannot process floating IP association with Port ${portId}, since that port is owned by a different tenant`,
    );
  }
  const fixed = chooseFixed(port, order.fixedIpAddress);
  const subnet = await getSubnet(trx, fixed.subnetId);
  const routerId = await findRouterBetween(trx, subnet, floatingIp.floatingNetworkId);
  if (routerId === undefined) {
    throw new Failure(
      'external-network-unreachable',
      `External network ${floatingIp.floatingNetworkId} is not reachable from subnet ${subnet.id}.  ` +
        `Therefore, cannot associate Port ${portId} with a Floating IP.`,
    );
  }
  await refuseForwarded(trx, portId);
  const association = { portId, fixedIpAddress: fixed.ipAddress, routerId };
  await refuseSecond(trx, floatingIp, association);
  return association;
}

function chooseFixed(port: Port, asked: string | undefined): PortAddress {
  const candidates = ipv4Of(port);
  if (asked !== undefined) {
    const address = canonicalAddress(asked);
    if (address.includes(':')) {
      throw badRequest(
        'floatingip',
        `Cannot process floating IP association with ${address}, since that is not an IPv4 address`,
      );
    }
    const known = candidates.find(({ ipAddress }) => ipAddress === address);
    if (known) return known;
    throw badRequest('floatingip', `Port ${port.id} does not have fixed ip ${address}`);
  }
  const [first, second] = candidates;
  if (!first) {
    throw badRequest(
      'floatingip',
      `Cannot add floating IP to port ${port.id} that has no fixed IPv4 addresses`,
    );
  }
  if (!second) return first;
  throw badRequest(
    'floatingip',
    `Port ${port.id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when ` +
      'assigning a floating IP',
  );
}

async function refuseForwarded(trx: Trx, portId: Uuid): Promise<void> {
  if ((await findPortForwardings(trx, { internal_port_id: [portId] })).length === 0) return;
  throw new Failure(
    'port-has-forwarding',
    `Cannot associate floating IP to port ${portId} because it already has a Port Forwarding binding.`,
  );
}

async function refuseSecond(
  trx: Trx,
  floatingIp: AssociationOrder['floatingIp'],
  { portId, fixedIpAddress }: Association,
): Promise<void> {
  const holders = await findFloatingIps(trx, everything, {
    fixed_port_id: [portId],
    fixed_ip_address: [fixedIpAddress],
    floating_network_id: [floatingIp.floatingNetworkId],
  });
  if (holders.every(({ id }) => id === floatingIp.id)) return;
  throw alreadyAssociated(floatingIp, portId, fixedIpAddress);
}

export function alreadyAssociated(
  floatingIp: AssociationOrder['floatingIp'],
  portId: Uuid | null,
  fixedIpAddress: string | null,
): Failure {
  const { id, floatingIpAddress, floatingNetworkId } = floatingIp;
  return new Failure(
    'floating-ip-taken',
    `Cannot associate floating IP ${floatingIpAddress} (${id}) with port ${portId} using fixed IP ` +
      `${fixedIpAddress}, as that fixed IP already has a floating IP on external network ${floatingNetworkId}.`,
  );
}
