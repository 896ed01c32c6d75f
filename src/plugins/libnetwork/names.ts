/**
 * Names and tags that Kuryr gives to the network service's objects, so that either side finds them again: after a
 * restart, and from the command line. They are upstream's, so that an installation can change over.
 *
 * A tag holds at most 60 characters, hence two of them for Docker's network id of 64.
 */
export const addressSpace = 'kuryr';
/** An adopted port: freed, not deleted, when Docker releases its address. */
export const adoptedPortTag = 'kuryr.port.existing';
/** A port made when the endpoint was, because another IPAM driver gave the address: deleted with the endpoint. */
export const endpointPortTag = 'kuryr.port.endpoint';
export const reservedPortName = 'kuryr-unbound-port';
/** A subnet pool that was there first: never deleted. */
export const adoptedPoolTag = 'kuryr.subnetpool.existing';
/** Pools of the operator's, by name, that networks without a CIDR of their own are taken from, when they are there. */
export const defaultPoolNames = { 4: 'kuryr', 6: 'kuryr6' } as const;
const subnetPrefix = 'kuryr-subnet-';
const poolPrefix = 'kuryrPool-';

/** The tags by which a network is found from Docker's id of it. */
export function networkTags(dockerId: string): string[] {
  const [lower, upper] = [dockerId.slice(0, 32), dockerId.slice(32, 64)];
  return [`kuryr.net.uuid.lh:${lower}`, ...(upper ? [`kuryr.net.uuid.uh:${upper}`] : [])];
}

/** Marks a network that was there before Docker's: never deleted. */
export function adoptedNetworkTag(dockerId: string): string {
  return `kuryr.net.existing:${dockerId.slice(0, 12)}`;
}

/** Which host's Docker a network was made for. */
export function hostTag(host: string): string {
  return `kuryr.host:${host.replaceAll(/[,/]/g, '_').slice(0, 49)}`;
}

/** Docker's id of a network, from its tags. */
export function dockerIdOf(tags: readonly string[]): string {
  const part = (prefix: string) => tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length) ?? '';
  return part('kuryr.net.uuid.lh:') + part('kuryr.net.uuid.uh:');
}

export function networkName(dockerId: string): string {
  return `kuryr-net-${dockerId.slice(0, 8)}`;
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
