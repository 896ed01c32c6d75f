/**
 * Names and tags that Kuryr gives to the network service's objects, so that either side finds them again: after a
 * restart, and from the command line. They are upstream's, so that an installation can change over.
 *
 * A tag holds at most 60 characters, hence two of them for Docker's network id of 64.
 */
import type { PortView } from '../../wire/network-service.ts';

export const addressSpace = 'kuryr';
/** An adopted port: freed, not deleted, when Docker releases its address. */
export const adoptedPortTag = 'kuryr.port.existing';
/** A port made when the endpoint was, because another IPAM driver gave the address: deleted with the endpoint. */
export const endpointPortTag = 'kuryr.port.endpoint';
/** A port that keeps an address free; its device is Docker's network. */
export const auxiliaryPortTag = 'kuryr.port.auxiliary';
export const reservedPortName = 'kuryr-unbound-port';
/** A subnet pool that was there first: never deleted. */
export const adoptedPoolTag = 'kuryr.subnetpool.existing';
/** Pools of the operator's, by name, that networks without a CIDR of their own are taken from, when they are there. */
export const defaultPoolNames = { 4: 'kuryr', 6: 'kuryr6' } as const;
const lowerPrefix = 'kuryr.net.uuid.lh:';
const upperPrefix = 'kuryr.net.uuid.uh:';
const networkPrefix = 'kuryr-net-';
const subnetPrefix = 'kuryr-subnet-';
const poolPrefix = 'kuryrPool-';

/** The tags by which a network is found from Docker's id of it. */
export function networkTags(dockerId: string): string[] {
  const [lower, upper] = [dockerId.slice(0, 32), dockerId.slice(32, 64)];
  return [`${lowerPrefix}${lower}`, ...(upper ? [`${upperPrefix}${upper}`] : [])];
}

/** Marks a network that was there before Docker's: never deleted. */
export function adoptedNetworkTag(dockerId: string): string {
  return `kuryr.net.existing:${dockerId.slice(0, 12)}`;
}

/** Which host's Docker has it. */
export function hostTag(dockerId: string, host: string): string {
  return `kuryr.host.${dockerId.slice(0, 12)}:${host.replaceAll(/[,/]/g, '_').slice(0, 36)}`;
}

/** The first digits of the ids of that host's Docker networks that a network with these tags stands for. */
export function dockerIdsOf(tags: readonly string[], host: string): string[] {
  return tags.flatMap((tag) => {
    const [, dockerId = ''] = /^kuryr\.host\.(\w+):/.exec(tag) ?? [];
    return dockerId !== '' && tag === hostTag(dockerId, host) ? [dockerId] : [];
  });
}

/** Whether a network with these tags stands for one of Docker's, on whichever host. */
export function isDockers(tags: readonly string[]): boolean {
  return tags.some((tag) => tag.startsWith(lowerPrefix));
}

/** Those of the tags that speak of this Docker network, which the first digits of its id are enough for. */
export function tagsOfDocker(tags: readonly string[], dockerId: string): string[] {
  const short = dockerId.slice(0, 12);
  const own = tags.filter(
    (tag) =>
      tag.startsWith(`${lowerPrefix}${short}`) || /^kuryr\.[\w.]+[.:](\w{12})(:|$)/.exec(tag)?.[1] === short,
  );
  const others = tags.filter((tag) => !own.includes(tag));
  const upper = tags.filter((tag) => tag.startsWith(upperPrefix));
  // Of several Docker networks nothing tells which upper half is whose: the last one takes them all.
  return isDockers(others) ? own : [...own, ...upper];
}

export function networkName(dockerId: string): string {
  return `${networkPrefix}${dockerId.slice(0, 8)}`;
}

export function isOwnNetwork(name: string): boolean {
  return name.startsWith(networkPrefix);
}

export function subnetName(cidr: string): string {
  return `${subnetPrefix}${cidr}`;
}

export function isOwnSubnet(name: string): boolean {
  return name.startsWith(subnetPrefix);
}

export function poolName(cidr: string): string {
  return `${poolPrefix}${cidr}`;
}

export function isOwnPool(name: string): boolean {
  return name.startsWith(poolPrefix);
}

export function boundPortName(endpointId: string): string {
  return `${endpointId}-port`;
}

export function auxiliaryPortName(name: string): string {
  return `kuryr-aux-${name}`.slice(0, 255);
}

/** Held for an address, before there is an endpoint. */
export function isReservedPort({ name, tags, device_id }: PortView): boolean {
  return !device_id && (name === reservedPortName || tags.includes(adoptedPortTag));
}
