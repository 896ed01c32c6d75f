/**
 * A router's interfaces: ports that it owns on the networks it connects.
 *
 * By subnet, the router takes the subnet's gateway address; IPv6 subnets of one network share a port. By port, it
 * takes a free port of the tenant's with the addresses that it has. Either way the port goes with the interface.
 */
import { contains, parseAddress, parseCidr } from '../../../ipam/address.ts';
import type { Caller } from '../../../model/caller.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import {
  type Network,
  type Port,
  type Router,
  routerInterfaceOwner,
  type Subnet,
} from '../../../model/network.ts';
import type { Trx } from '../../../store/database.ts';
import { everything } from '../../../store/network/common.ts';
import { findFloatingIps } from '../../../store/network/floating-ips.ts';
import { updatePort } from '../../../store/network/ports.ts';
import { badRequest } from '../collection.ts';
import { type Change, type NetworkContext, scopeOf } from '../context.ts';
import { getNetwork } from '../networks.ts';
import { changePort, dropPorts, getPort } from '../port-lifecycle.ts';
import { getSubnet } from '../subnets.ts';
import { checkNewSubnets, gatewayPortOf, interfacesOf, makeNetworkPort, subnetsOf } from './router-ports.ts';
import { isVia } from './routes.ts';

/** Which interface: by subnet, by port, or (to remove it) by both. */
export interface InterfaceDraft {
  readonly subnetId?: Uuid;
  readonly portId?: Uuid;
}

export interface RouterInterface {
  readonly routerId: Uuid;
  readonly port: Port;
  /** Those that came or went. */
  readonly subnetIds: readonly Uuid[];
}

export interface InterfaceOrder {
  readonly router: Router;
  readonly draft: InterfaceDraft;
  readonly caller: Caller;
}

export async function plugInterface(
  context: NetworkContext,
  current: Change,
  { router, draft, caller }: InterfaceOrder,
): Promise<RouterInterface> {
  const { subnetId, portId } = draft;
  if (subnetId !== undefined && portId !== undefined) {
    throw badRequest('router', 'Cannot specify both subnet-id and port-id');
  }
  if (portId !== undefined) return plugPort(context, current, { router, portId, caller });
  if (subnetId !== undefined) return plugSubnet(context, current, { router, subnetId, caller });
  throw badRequest('router', 'Either subnet_id or port_id must be specified');
}

async function plugSubnet(
  context: NetworkContext,
  current: Change,
  { router, subnetId, caller }: { router: Router; subnetId: Uuid; caller: Caller },
): Promise<RouterInterface> {
  const { trx } = current;
  const subnet = await getSubnet(trx, subnetId, scopeOf(caller));
  const ipAddress = checkGatewayAddress(subnet);
  const network = await getNetwork(trx, subnet.networkId);
  checkOwnSubnet(caller, subnet, network);
  checkAdvertiser(subnet);
  const present = await interfacesOf(trx, router.id);
  await checkNewSubnets(trx, await withGateway(trx, router, present), [subnet]);
  const fixedIp = { subnetId, ipAddress };
  const shared =
    subnet.ipVersion === 6
      ? present.find((port) => port.networkId === subnet.networkId && hasIpv6(port))
      : undefined;
  const port = shared
    ? await changePort(context, current, {
        port: shared,
        changes: { fixedIps: [...shared.fixedIps, fixedIp] },
        scope: everything,
      })
    : await makeNetworkPort(context, current, {
        network,
        projectId: router.projectId,
        status: 'ACTIVE',
        draft: { deviceId: router.id, deviceOwner: routerInterfaceOwner, fixedIps: [fixedIp] },
      });
  return { routerId: router.id, port, subnetIds: [subnetId] };
}

async function plugPort(
  context: NetworkContext,
  current: Change,
  { router, portId, caller }: { router: Router; portId: Uuid; caller: Caller },
): Promise<RouterInterface> {
  const { trx } = current;
  const port = await getPort(trx, portId, scopeOf(caller));
  if (port.deviceId !== '') {
    throw new Failure(
      'port-has-device',
      `Unable to complete operation on port ${port.id} for network ${port.networkId}. ` +
        `Port already has an attached device ${port.deviceId}.`,
    );
  }
  if (port.fixedIps.length === 0) throw badRequest('router', 'Router port must have at least one fixed IP');
  const present = await interfacesOf(trx, router.id);
  refuseSecondOfIpv6(port, present);
  const subnets = await subnetsOf(trx, [port]);
  await checkNewSubnets(trx, await withGateway(trx, router, present), subnets);
  if (port.fixedIps.filter(({ ipAddress }) => !isIpv6(ipAddress)).length > 1) {
    throw badRequest('router', 'Cannot have multiple IPv4 subnets on router port');
  }
  const owned = await changePort(context, current, {
    port,
    changes: { deviceId: router.id, deviceOwner: routerInterfaceOwner, bindingHost: '' },
    scope: everything,
  });
  const active: Port = { ...owned, status: 'ACTIVE' };
  await updatePort(trx, active);
  return { routerId: router.id, port: active, subnetIds: subnets.map(({ id }) => id) };
}

export async function unplugInterface(
  context: NetworkContext,
  current: Change,
  { router, draft, caller }: InterfaceOrder,
): Promise<RouterInterface> {
  const { subnetId, portId } = draft;
  if (portId !== undefined) return unplugPort(current, { router, portId, subnetId });
  if (subnetId !== undefined) return unplugSubnet(context, current, { router, subnetId, caller });
  throw badRequest('router', 'Either subnet_id or port_id must be specified');
}

async function unplugPort(
  current: Change,
  { router, portId, subnetId }: { router: Router; portId: Uuid; subnetId: Uuid | undefined },
): Promise<RouterInterface> {
  const { trx } = current;
  const port = (await interfacesOf(trx, router.id)).find(({ id }) => id === portId);
  if (!port) {
    throw new Failure(
      'router-interface-not-found',
      `Router ${router.id} does not have an interface with id ${portId}`,
    );
  }
  const subnets = await subnetsOf(trx, [port]);
  if (subnetId !== undefined && !subnets.some(({ id }) => id === subnetId)) {
    throw new Failure(
      'subnet-mismatch',
      `Subnet on port ${portId} does not match the requested subnet ${subnetId}.`,
    );
  }
  for (const subnet of subnets) await refuseWhileNeeded(trx, router, subnet);
  await dropPorts(current, [port]);
  return { routerId: router.id, port, subnetIds: subnets.map(({ id }) => id) };
}

async function unplugSubnet(
  context: NetworkContext,
  current: Change,
  { router, subnetId, caller }: { router: Router; subnetId: Uuid; caller: Caller },
): Promise<RouterInterface> {
  const { trx } = current;
  const present = await interfacesOf(trx, router.id);
  const port = present.find(({ fixedIps }) => fixedIps.some((ip) => ip.subnetId === subnetId));
  // What the router has an interface on it may let go, also when the network is no longer shared with its owner.
  const subnet = await getSubnet(trx, subnetId, port ? everything : scopeOf(caller));
  await refuseWhileNeeded(trx, router, subnet);
  if (!port) {
    throw new Failure(
      'router-subnet-not-found',
      `Router ${router.id} has no interface on subnet ${subnetId}`,
    );
  }
  const fixedIps = port.fixedIps.filter((ip) => ip.subnetId !== subnetId);
  if (fixedIps.length === 0) await dropPorts(current, [port]);
  else await changePort(context, current, { port, changes: { fixedIps }, scope: everything });
  return { routerId: router.id, port, subnetIds: [subnetId] };
}

/** Floating IPs, forwarded ports and static routes of the router that lead through the subnet. */
async function refuseWhileNeeded(trx: Trx, router: Router, subnet: Subnet): Promise<void> {
  const cidr = parseCidr(subnet.cidr);
  const translated = await findFloatingIps(trx, everything, { router_id: [router.id] });
  const inner = translated.flatMap(({ fixedIpAddress, portForwardings }) => [
    ...(fixedIpAddress === null ? [] : [fixedIpAddress]),
    ...portForwardings.map(({ internalIpAddress }) => internalIpAddress),
  ]);
  const where = `Router interface for subnet ${subnet.id} on router ${router.id} cannot be deleted, as it is required by`;
  if (inner.some((address) => contains(cidr, parseAddress(address)))) {
    throw new Failure('router-interface-needed-by-floating-ip', `${where} one or more floating IPs.`);
  }
  if (router.routes.some((route) => isVia(route, cidr))) {
    throw new Failure('router-interface-needed-by-route', `${where} one or more routes.`);
  }
}

function checkGatewayAddress({ gatewayIp, cidr }: Subnet): string {
  if (gatewayIp && contains(parseCidr(cidr), parseAddress(gatewayIp))) return gatewayIp;
  throw badRequest('router', 'Subnet for router interface must have a gateway IP');
}

/** On a network that is everybody's a router would take the gateway's address from its owner. */
function checkOwnSubnet(caller: Caller, subnet: Subnet, network: Network): void {
  const { isAdmin, projectId } = caller;
  if (isAdmin || subnet.projectId === projectId || network.sharedWith.includes(projectId)) return;
  throw badRequest(
    'router',
    `Cannot add interface to router because subnet ${subnet.id} is not owned by project making the request`,
  );
}

function checkAdvertiser({ id, ipv6RaMode, ipv6AddressMode }: Subnet): void {
  if (ipv6RaMode !== null || ipv6AddressMode === null) return;
  throw badRequest(
    'router',
    `IPv6 subnet ${id} configured to receive RAs from an external router cannot be added to Neutron Router`,
  );
}

/** One port per network speaks IPv6 for the router: two would advertise against each other. */
function refuseSecondOfIpv6(port: Port, present: readonly Port[]): void {
  const other = present.find((own) => own.networkId === port.networkId && hasIpv6(own));
  if (!other || !hasIpv6(port)) return;
  throw badRequest(
    'router',
    'Cannot have multiple router ports with the same network id if both contain IPv6 subnets. ' +
      `Existing port ${other.id} has IPv6 subnet(s) and network id ${other.networkId}`,
  );
}

async function withGateway(trx: Trx, router: Router, interfaces: readonly Port[]): Promise<Port[]> {
  const gateway = await gatewayPortOf(trx, router.id);
  return gateway ? [...interfaces, gateway] : [...interfaces];
}

function hasIpv6(port: Port): boolean {
  return port.fixedIps.some(({ ipAddress }) => isIpv6(ipAddress));
}

function isIpv6(address: string): boolean {
  return address.includes(':');
}
