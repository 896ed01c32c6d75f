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
const subnetPrefix = 'kuryr-subnet-';

/** The tags by which a network is found from Docker's id of it. */
export function networkTags(dockerId: string): string[] {
  const [lower, upper] = [dockerId.slice(0, 32), dockerId.slice(32, 64)];
  return [`kuryr.net.uuid.lh:${lower}`, ...(upper ? [`kuryr.net.uuid.uh:${upper}`] : [])];
}

/** Marks a network that was there before Docker's: never deleted. */
export function adoptedNetworkTag(dockerId: string): string {
  return `kuryr.net.existing:${dockerId.slice(0, 12)}`;
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

export function boundPortName(endpointId: string): string {
  return `${endpointId}-port`;
}

export function auxiliaryPortName(name: string): string {
  return `kuryr-aux-${name}`.slice(0, 255);
}
