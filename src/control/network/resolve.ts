/**
 * Names and ids that a container's request gives → networks, ports and security groups, or the error in Zun's
 * words (its statuses differ from Neutron's). Reads only; what is found is used later by ensurePort, which checks
 * again what may have changed.
 */
import { contains, findAddress, formatAddress, parseCidr } from '../../ipam/address.ts';
import { usableRange } from '../../ipam/pools.ts';
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import { everyProject, isSharedWith, type Network, type Port } from '../../model/network.ts';
import { everything, type Scope } from '../../store/network/common.ts';
import { findNetworks } from '../../store/network/networks.ts';
import { findPorts } from '../../store/network/ports.ts';
import { findSecurityGroups } from '../../store/network/security-groups.ts';
import { findSubnets } from '../../store/network/subnets.ts';
import type { RequestedNet, ResolvedNet } from '../networking.ts';
import { type NetworkContext, scopeOf } from './context.ts';
import { provideDefaultGroup } from './default-group.ts';

/** A caller's own project, also an administrator's: names mean what they mean in the project. */
function projectOf(caller: Caller): Scope {
  return { kind: 'project', projectId: caller.projectId };
}

interface Named {
  readonly id: Uuid;
  readonly projectId: string;
  readonly name: string;
}

interface Finder<T> {
  readonly byId: (id: string) => Promise<T[]>;
  readonly byName: (name: string) => Promise<T[]>;
  readonly notFound: Failure;
  readonly ambiguous: Failure;
}

/**
 * By id, else by name; exactly one. A name is first of all one of the project's own: what others share with it must
 * not make its own names ambiguous.
 */
async function findOne<T extends Named>(
  nameOrId: string,
  { projectId }: Caller,
  finder: Finder<T>,
): Promise<T> {
  const [known] = await finder.byId(nameOrId);
  if (known) return known;
  const found = await finder.byName(nameOrId);
  const own = found.filter((one) => one.projectId === projectId);
  const [first, second] = own.length > 0 ? own : found;
  if (!first) throw finder.notFound;
  if (second) throw finder.ambiguous;
  return first;
}

export async function resolveSecurityGroups(
  context: NetworkContext,
  caller: Caller,
  names: readonly string[],
): Promise<Uuid[]> {
  await provideDefaultGroup(context, caller.projectId);
  const scope = projectOf(caller);
  const ids = new Set<Uuid>();
  for (const name of names) {
    const group = await findOne(name, caller, {
      byId: (id) => findSecurityGroups(context.db, scope, { id: [id] }),
      byName: (text) => findSecurityGroups(context.db, scope, { name: [text] }),
      notFound: new Failure('invalid', `Security group ${name} not found.`),
      ambiguous: new Failure(
        'conflict',
        `Multiple security group matches found for name ${name}, use an ID to be more specific.`,
      ),
    });
    ids.add(group.id);
  }
  return [...ids];
}

/** What is meant, whether or not a container could be put on it. */
export async function locate(
  context: NetworkContext,
  caller: Caller,
  what: { readonly network: string } | { readonly port: string },
): Promise<{ networkId: Uuid; portId?: Uuid }> {
  if ('network' in what) return { networkId: (await namedNetwork(context, caller, what.network)).id };
  const port = await namedPort(context, caller, what.port);
  return { networkId: port.networkId, portId: port.id };
}

export interface ResolveOptions {
  readonly mayAttachExternal: boolean;
}

export async function resolveNets(
  context: NetworkContext,
  caller: Caller,
  nets: readonly RequestedNet[],
  options: ResolveOptions,
): Promise<ResolvedNet[]> {
  const resolved: ResolvedNet[] = [];
  for (const net of nets.length === 0 ? [{}] : nets) {
    const found = await resolveNet(context, caller, net, options);
    resolved.push({ ...found, ...(net.defaultGateway ? { defaultGateway: true } : {}) });
  }
  const ports = resolved.flatMap((net) => net.portId ?? []);
  const twice = ports.find((id, index) => ports.indexOf(id) !== index);
  if (twice) throw new Failure('port-in-use', `Port ${twice} is asked for twice.`);
  return resolved;
}

async function resolveNet(
  context: NetworkContext,
  caller: Caller,
  net: RequestedNet,
  options: ResolveOptions,
): Promise<ResolvedNet> {
  if (net.port !== undefined) return resolvePort(context, caller, net.port);
  const network =
    net.network === undefined
      ? await defaultNetwork(context, caller)
      : await usableNetwork(context, caller, net.network, options);
  if (net.fixedIps === undefined) return { networkId: network.id };
  const fixedIps: string[] = [];
  for (const address of net.fixedIps) fixedIps.push(await checkAddress(context, network, address));
  return { networkId: network.id, fixedIps };
}

/** The project's oldest network of its own that gives addresses, else the oldest such that is shared with it. */
async function defaultNetwork({ db }: NetworkContext, caller: Caller): Promise<Network> {
  const visible = (await findNetworks(db, projectOf(caller))).filter(hasSubnet);
  const own = visible.find(
    (network) => network.projectId === caller.projectId && !isSharedWithAll(network) && !network.external,
  );
  const chosen = own ?? visible.find(isSharedWithAll);
  if (!chosen) throw new Failure('conflict', 'There is no neutron network available');
  return chosen;
}

/** What another tenant shares with this one alone is nobody's default: it has to be named. */
function isSharedWithAll({ sharedWith }: Network): boolean {
  return sharedWith.includes(everyProject);
}

function hasSubnet(network: Network): boolean {
  return network.subnetIds.length > 0;
}

/** Throws `network-not-found`, `conflict`. */
function namedNetwork({ db }: NetworkContext, caller: Caller, name: string): Promise<Network> {
  return findOne(name, caller, {
    byId: (id) => findNetworks(db, scopeOf(caller), { id: [id] }),
    byName: (text) => findNetworks(db, projectOf(caller), { name: [text] }),
    notFound: new Failure('network-not-found', `Neutron network ${name} could not be found.`),
    ambiguous: new Failure(
      'conflict',
      `Multiple neutron networks exist with same name: ${name}. Please use an ID to be more specific.`,
    ),
  });
}

async function usableNetwork(
  context: NetworkContext,
  caller: Caller,
  name: string,
  options: ResolveOptions,
): Promise<Network> {
  const network = await namedNetwork(context, caller, name);
  if (network.external && !isSharedWith(network, caller.projectId) && !options.mayAttachExternal) {
    throw new Failure(
      'external-network-attach-forbidden',
      `It is not allowed to create an interface on external network ${network.id}`,
    );
  }
  if (!hasSubnet(network)) {
    throw new Failure(
      'invalid',
      `Network ${network.id} has no subnet: a container on it would have no address.`,
    );
  }
  return network;
}

async function checkAddress({ db }: NetworkContext, network: Network, text: string): Promise<string> {
  const address = findAddress(text);
  const subnets = await findSubnets(db, everything, { network_id: [network.id] });
  const subnet = address && subnets.find(({ cidr }) => contains(parseCidr(cidr), address));
  if (!address || !subnet) {
    throw new Failure(
      'invalid-ip-for-network',
      `Fixed IP ${text} is not an address of any subnet of network ${network.id}.`,
    );
  }
  const canonical = formatAddress(address);
  const usable = usableRange(parseCidr(subnet.cidr));
  if (address.value < usable.first || address.value > usable.last) {
    throw new Failure(
      'invalid-ip-for-subnet',
      `Fixed IP ${canonical} is the network or broadcast address of subnet ${subnet.id}: no container can have it.`,
    );
  }
  const holders = await findPorts(db, everything, { subnet: [subnet.id], address: [canonical] });
  if (holders.length > 0) {
    throw new Failure(
      'ip-address-in-use',
      `IP address ${canonical} already allocated in subnet ${subnet.id}`,
    );
  }
  return canonical;
}

/** Throws `port-not-found`, `conflict`. */
function namedPort({ db }: NetworkContext, caller: Caller, name: string): Promise<Port> {
  return findOne(name, caller, {
    byId: (id) => findPorts(db, scopeOf(caller), { id: [id] }),
    byName: (text) => findPorts(db, projectOf(caller), { name: [text] }),
    notFound: new Failure('port-not-found', `Neutron port ${name} could not be found.`),
    ambiguous: new Failure(
      'conflict',
      `Multiple neutron ports exist with same name: ${name}. Please use an ID to be more specific.`,
    ),
  });
}

async function resolvePort(context: NetworkContext, caller: Caller, name: string): Promise<ResolvedNet> {
  const port = await namedPort(context, caller, name);
  checkUsable(caller, port);
  return { networkId: port.networkId, portId: port.id };
}

function checkUsable(caller: Caller, port: Port): void {
  if (port.projectId !== caller.projectId || port.fixedIps.length === 0) {
    throw new Failure('port-not-usable', `Port ${port.id} not usable for the container.`);
  }
  if (port.deviceId !== '' || port.status === 'ACTIVE') {
    throw new Failure('port-in-use', `Port ${port.id} is still in use.`);
  }
  if (port.status !== 'DOWN') {
    throw new Failure('port-not-usable', `Port ${port.id} is in status ${port.status}, it must be DOWN.`);
  }
}
