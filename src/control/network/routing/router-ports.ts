/** What routers' interfaces and gateways have in common: they are ports whose device is the router. */
import { overlaps, parseCidr } from '../../../ipam/address.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import {
  type Network,
  type Port,
  type PortStatus,
  type Router,
  routerGatewayOwner,
  routerInterfaceOwner,
  type Subnet,
} from '../../../model/network.ts';
import type { DbOrTrx, Trx } from '../../../store/database.ts';
import { everything, type Scope } from '../../../store/network/common.ts';
import { findPorts, updatePort } from '../../../store/network/ports.ts';
import { findRouter } from '../../../store/network/routers.ts';
import { findSubnets } from '../../../store/network/subnets.ts';
import { badRequest } from '../collection.ts';
import type { Change, NetworkContext } from '../context.ts';
import { makePort, type PortDraft } from '../port-lifecycle.ts';

export async function getRouter(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<Router> {
  const router = await findRouter(db, id, scope);
  if (!router) throw new Failure('router-not-found', `Router ${id} could not be found`);
  return router;
}

export function interfacesOf(trx: Trx, routerId: Uuid): Promise<Port[]> {
  return findPorts(trx, everything, { device_id: [routerId], device_owner: [routerInterfaceOwner] });
}

export async function gatewayPortOf(trx: Trx, routerId: Uuid): Promise<Port | undefined> {
  const ports = await findPorts(trx, everything, {
    device_id: [routerId],
    device_owner: [routerGatewayOwner],
  });
  return ports[0];
}

/** Subnets that the ports have addresses of. */
export async function subnetsOf(trx: Trx, ports: readonly Port[]): Promise<Subnet[]> {
  const ids = [...new Set(ports.flatMap((port) => port.fixedIps.map(({ subnetId }) => subnetId)))];
  return ids.length === 0 ? [] : findSubnets(trx, everything, { id: ids });
}

export interface NetworkPortOrder {
  readonly network: Network;
  readonly projectId: string;
  readonly draft: Omit<PortDraft, 'networkId' | 'projectId'>;
  readonly status: PortStatus;
}

/** Makes a port of the network's own. It is bound to no host: a router's is wherever the router is. */
export async function makeNetworkPort(
  context: NetworkContext,
  current: Change,
  { network, projectId, draft, status }: NetworkPortOrder,
): Promise<Port> {
  const port = await makePort(context, current, {
    network,
    projectId,
    draft: { ...draft, portSecurityEnabled: false },
    scope: everything,
  });
  const settled: Port = { ...port, status };
  await updatePort(current.trx, settled);
  return settled;
}

/** Throws for subnets that the router has already, and for addresses that it could not tell apart. */
export async function checkNewSubnets(
  trx: Trx,
  ports: readonly Port[],
  added: readonly Subnet[],
): Promise<void> {
  for (const own of await subnetsOf(trx, ports)) {
    for (const subnet of added) {
      if (own.id === subnet.id) {
        throw badRequest('router', `Router already has a port on subnet ${subnet.id}`);
      }
      if (!overlaps(parseCidr(own.cidr), parseCidr(subnet.cidr))) continue;
      throw badRequest(
        'router',
        `Cidr ${subnet.cidr} of subnet ${subnet.id} overlaps with cidr ${own.cidr} of subnet ${own.id}`,
      );
    }
  }
}
