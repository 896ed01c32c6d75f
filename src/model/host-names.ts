/**
 * Names of what Berth makes on a host, derived from ids so that nothing needs a table to be found again.
 *
 * A name is a letter for its kind, then leading digits of the id. Links hold at most 15 bytes; 11 hexadecimal
 * digits leave room for the letter. Namespaces and Docker networks may be longer, but follow the same rule.
 * `instance` is the first 4 digits of the installation's id: two installations on one machine never sweep each
 * other. Every Docker object also carries the labels below; every link carries its owner as `ifalias`.
 */
function digits(id: string, count: number): string {
  return id.replaceAll('-', '').slice(0, count);
}

/** Namespace of a tenant network on this host. */
export function networkNamespace(instance: string, networkId: string): string {
  return `berth-${instance}-n${digits(networkId, 12)}`;
}

/** Namespace of a router on this host. */
export function routerNamespace(instance: string, routerId: string): string {
  return `berth-${instance}-r${digits(routerId, 12)}`;
}

/** Where the doctor asks the kernel how it spells rules; there only while it does. */
export function doctorNamespace(instance: string): string {
  return `berth-${instance}-doctor`;
}

/** What the names of all namespaces of an installation start with. */
export function namespacePrefix(instance: string): string {
  return `berth-${instance}-`;
}

/** Host end of a port's veth pair, inside the network's namespace, a port of its bridge. */
export function portLink(portId: string): string {
  return `p${digits(portId, 11)}`;
}

/** Container end of a port's veth pair, in the root namespace until dockerd moves it away. */
export function containerLink(portId: string): string {
  return `c${digits(portId, 11)}`;
}

/** Where what a port sends waits, while that is limited; inside the network's namespace. */
export function limitLink(portId: string): string {
  return `l${digits(portId, 11)}`;
}

/** A router's end of the veth pair of one of its interfaces, inside the router's namespace. */
export function routerLink(portId: string): string {
  return `q${digits(portId, 11)}`;
}

/** The external bridge in the root namespace. */
export function externalBridge(instance: string): string {
  return `bx${instance}`;
}

/** A router's gateway link on the external bridge (root namespace) and its end inside the router. */
export function gatewayLink(routerId: string): string {
  return `g${digits(routerId, 11)}`;
}

/** The bridge inside a network's namespace: one each, so a constant. */
export const networkBridge = 'br0';

/** `ifalias` of a link of ours: tells the sweep whose it is. */
export function linkOwner(instance: string, kind: string, id: string): string {
  return `berth ${instance} ${kind} ${id}`;
}

export const dockerLabels = {
  instance: 'berth.instance',
  container: 'berth.container',
  project: 'berth.project',
  network: 'berth.network',
  revision: 'berth.revision',
} as const;

/** Name of a container's Docker object, as upstream has it: `zun-<uuid>`. */
export function dockerContainerName(containerUuid: string): string {
  return `zun-${containerUuid}`;
}

/**
 * Name of the Docker network that stands on this host for one of our networks, as far as these subnets go (at most
 * one of each family: Docker cannot change a network, so ports on other subnets get another one).
 */
export function dockerNetworkName(instance: string, networkId: string, subnetIds: readonly string[]): string {
  return [`berth-${instance}`, networkId, ...subnetIds.map((id) => digits(id, 8))].join('-');
}

/**
 * Name of Kuryr's second IPAM driver, which gives out nothing but the addresses of ports that exist. It does not ask
 * dockerd for MAC addresses, so that a container's port keeps its own on every network that the container joins;
 * Docker before API 1.44 can be told the MAC address of the first one only.
 */
export function portIpamDriver(kuryrName: string): string {
  return `${kuryrName}-ports`;
}

/** Endpoint option of the `kuryr` driver: the id of the port that the endpoint is. */
export const portOption = 'neutron.port.uuid';
