/**
 * A world: tenants whose networks have the same addresses, ports with groups, routers, an outside. Plain data with names
 * for ids, from which the wanted dataplane is made (./wanted.ts, ./through-control.ts), in which the model (./model.ts)
 * tells who reaches whom, and which the kernel test builds (./kernel-world.ts).
 *
 * Network number k of any tenant is 10.0.k.0/24 and fd00:0:0:k::/64; a port's or router's number is its address there.
 */
import type { WantedRule } from '../../../src/wire/host-network.ts';

export type IpVersion = 4 | 6;

/** With names instead of ids in `remoteGroupId`. */
export type WorldRule = WantedRule;

export interface WorldNetwork {
  readonly name: string;
  readonly tenant: string;
  readonly number: number;
}

export interface WorldGroup {
  readonly name: string;
  readonly tenant: string;
  readonly stateful: boolean;
  readonly rules: readonly WorldRule[];
}

export interface WorldPort {
  readonly name: string;
  readonly tenant: string;
  readonly network: string;
  readonly number: number;
  readonly versions: readonly IpVersion[];
  readonly groups: readonly string[];
  /** False = no port security. */
  readonly secured: boolean;
  readonly up: boolean;
}

export interface WorldRouter {
  readonly name: string;
  readonly tenant: string;
  readonly up: boolean;
  /** Number 1 is the subnet's gateway: what containers there send everything else to. */
  readonly legs: readonly { readonly network: string; readonly number: number }[];
  /** 172.24.4.`number`, and likewise in IPv6, on the external network. Without source NAT the outside has ways to the router's networks. */
  readonly gateway: { readonly number: number; readonly snat: boolean } | null;
  /** 172.24.4.`number`, both ways, for the IPv4 address of a port. */
  readonly floating: readonly { readonly number: number; readonly port: string }[];
  /** A port of 172.24.4.`number` leads to one of a container's. */
  readonly forwarded: readonly Forwarded[];
  /** To another network of the tenant by the leg that another router has on one of this router's. */
  readonly routes: readonly { readonly to: string; readonly router: string; readonly on: string }[];
}

export interface Forwarded {
  readonly number: number;
  readonly protocol: 'tcp' | 'udp';
  readonly external: number;
  readonly port: string;
  readonly internal: number;
}

export interface World {
  readonly networks: readonly WorldNetwork[];
  readonly groups: readonly WorldGroup[];
  readonly ports: readonly WorldPort[];
  readonly routers: readonly WorldRouter[];
}

export const versions: readonly IpVersion[] = [4, 6];

/** Of the network with that number, as text before the last part of an address. */
const prefixes = { 4: (k: number) => `10.0.${k}.`, 6: (k: number) => `fd00:0:0:${k}::` };

export function cidrOf({ number }: WorldNetwork, version: IpVersion): string {
  return version === 4 ? `${prefixes[4](number)}0/24` : `${prefixes[6](number)}/64`;
}

/** The address of a port or router with this number; canonical text for networks with numbers from 1. */
export function addressOn(network: WorldNetwork, number: number, version: IpVersion): string {
  return `${prefixes[version](network.number)}${version === 4 ? number : number.toString(16)}`;
}

export function networkOf(world: World, name: string): WorldNetwork {
  const network = world.networks.find((one) => one.name === name);
  if (!network) throw new Error(`no network ${name}`);
  return network;
}

export function addressesOf(world: World, port: WorldPort): string[] {
  const network = networkOf(world, port.network);
  return port.versions.map((version) => addressOn(network, port.number, version));
}

/** Of a port that a floating address or a forwarded port leads to. */
export function fixedAddress(world: World, portName: string): string {
  const port = world.ports.find(({ name }) => name === portName);
  if (!port) throw new Error(`no port ${portName}`);
  return addressOn(networkOf(world, port.network), port.number, 4);
}

/** The leg that a route leads to, while the other router has it. */
export function nexthopOf(
  world: World,
  { router, on }: WorldRouter['routes'][number],
): WorldRouter['legs'][number] | undefined {
  const other = world.routers.find(({ name }) => name === router);
  return other?.legs.find(({ network }) => network === on);
}

/** The router behind which the outside knows the address to be. */
export function routedBy({ networks, routers }: World, address: string): WorldRouter | undefined {
  return routers.find(
    ({ gateway, legs }) =>
      gateway?.snat === false &&
      networks.some((network) => legs.some((leg) => leg.network === network.name) && isOn(network, address)),
  );
}

export function isOn(network: WorldNetwork, address: string): boolean {
  return address.startsWith(prefixes[versionOf(address)](network.number));
}

export function versionOf(address: string): IpVersion {
  return address.includes(':') ? 6 : 4;
}

const beyond = {
  4: { machine: '172.24.4.1', outside: '198.51.100.2', uplink: '198.51.100.1', external: '172.24.4.' },
  6: {
    machine: 'fd99:0:0:4::1',
    outside: 'fd99:0:0:5::2',
    uplink: 'fd99:0:0:5::1',
    external: 'fd99:0:0:4::',
  },
} as const;

/** What is beyond all tenants. */
export const outside = {
  /** The host's own address on the external bridge: the routers' next hop. */
  machine: (version: IpVersion): string => beyond[version].machine,
  /** A machine elsewhere, and this machine's address on the link to it. */
  outside: (version: IpVersion): string => beyond[version].outside,
  uplink: (version: IpVersion): string => beyond[version].uplink,
  external: (number: number, version: IpVersion): string =>
    `${beyond[version].external}${version === 4 ? number : number.toString(16)}`,
  isExternal: (address: string): boolean => address.startsWith(beyond[versionOf(address)].external),
} as const;
