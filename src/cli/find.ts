/**
 * From what people call things to the objects of the network service: a port by its name, id, address or container;
 * a floating IP by its address or id; the external network when there is only one.
 */
import { isIP } from 'node:net';
import type { Cloud } from '../client/cloud.ts';
import type { ContainerView } from '../client/container-types.ts';
import type { FloatingIpObject, NetworkApi, NetworkObject, PortObject } from '../client/networks.ts';
import { isFailure } from '../model/failure.ts';
import { looksLikeUuid } from '../model/ids.ts';
import { AdvisedFailure } from './advised-failure.ts';

/** The named one; without a name the only external network that there is. */
export async function externalNetwork(
  networks: NetworkApi,
  name: string | undefined,
): Promise<NetworkObject> {
  if (name !== undefined) return networks.find('networks', name);
  const all = await networks.list('networks', { 'router:external': true });
  const [only, ...more] = all;
  if (only && more.length === 0) return only;
  if (!only) {
    throw new AdvisedFailure(
      'network-not-found',
      'there is no external network',
      'administrators make one: berth network create --external NAME, and a subnet on it',
    );
  }
  throw new AdvisedFailure(
    'conflict',
    `there are several external networks: ${all.map(({ name: one }) => one).join(', ')}`,
    'say which: --network NAME',
  );
}

export async function findFloatingIp(networks: NetworkApi, addressOrId: string): Promise<FloatingIpObject> {
  const [found] = looksLikeUuid(addressOrId)
    ? [await networks.get<FloatingIpObject>('floatingips', addressOrId)]
    : await networks.list<FloatingIpObject>('floatingips', { floating_ip_address: addressOrId });
  if (found) return found;
  throw new AdvisedFailure(
    'resource-not-found',
    `there is no floating IP ${addressOrId}`,
    'see what there is: berth floating-ip list',
  );
}

/** A port by id, name, fixed or floating address, or by the container that it is the first of. */
export async function findPort(cloud: Cloud, text: string): Promise<PortObject> {
  const found = isIP(text) ? await portWithAddress(cloud.networks, text) : await namedPort(cloud, text);
  if (found) return found;
  throw new AdvisedFailure(
    'port-not-found',
    isIP(text) ? `no port has the address ${text}` : `there is no port and no container ${text}`,
    'see what there is: berth port list, berth list',
  );
}

async function portWithAddress(networks: NetworkApi, address: string): Promise<PortObject | undefined> {
  const [fixed, ...more] = await networks.list<PortObject>('ports', { fixed_ips: `ip_address=${address}` });
  if (more.length > 0) {
    const ids = [fixed, ...more].map((port) => port?.id).join(', ');
    const advice = 'say which by its id: berth port list';
    throw new AdvisedFailure('conflict', `several ports have the address ${address}: ${ids}`, advice);
  }
  if (fixed) return fixed;
  const floating = await networks.list<FloatingIpObject>('floatingips', { floating_ip_address: address });
  const id = floating[0]?.port_id;
  return id ? networks.get<PortObject>('ports', id) : undefined;
}

async function namedPort(cloud: Cloud, text: string): Promise<PortObject | undefined> {
  const container = await findContainer(cloud, text);
  if (container) {
    const [id] = portIdsOf(container);
    if (id) return cloud.networks.get<PortObject>('ports', id);
  }
  return unlessAbsent(cloud.networks.find<PortObject>('ports', text));
}

export function findContainer(cloud: Cloud, nameOrId: string): Promise<ContainerView | undefined> {
  return unlessAbsent(cloud.containers.get(nameOrId));
}

/** Those with an IPv4 address first, in the order of the container's networks. */
export function portIdsOf(container: ContainerView): string[] {
  const all = Object.values(container.addresses).flat();
  return [...new Set([...all.filter(({ version }) => version === 4), ...all].map(({ port }) => port))];
}

/** Undefined instead of a 404. */
export async function unlessAbsent<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isFailure(error) && error.status === 404) return undefined;
    throw error;
  }
}
