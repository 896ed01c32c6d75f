/**
 * Who is behind each link of a network's bridge, and under which class its traffic is judged.
 *
 * Ports with the same set of security groups share a class, so that the ruleset grows with the number of
 * different sets, not of ports. A class is a packet mark: derived from the group ids, so it stays the same while
 * other classes come and go. Links of routers and ports without port security are trusted: not filtered, not
 * guarded. A port that is administratively down has no member and is thereby cut, and so has a whole network.
 */
import { LRUCache } from 'lru-cache';
import { portLink } from '../../model/host-names.ts';
import type { WantedNetwork, WantedPort } from '../../wire/host-network.ts';
import { fingerprint, hex } from './fingerprint.ts';
import { isReserved } from './resolver.ts';
import { type Addresses, idWord, macWord, readAddresses } from './words.ts';

/** Mark of trusted links. */
export const trustedMark = 1;

export interface Source {
  readonly mac: string;
  readonly addresses: Addresses;
}

export interface PortClass {
  readonly mark: number;
  readonly name: string;
  readonly groupIds: readonly string[];
  /** False = every packet is judged by itself, without connection tracking. */
  readonly stateful: boolean;
}

export type Member =
  | { readonly kind: 'trusted'; readonly link: string }
  | {
      readonly kind: 'guarded';
      readonly link: string;
      readonly macs: readonly string[];
      readonly sources: readonly Source[];
      /** Of its class. */
      readonly mark: number;
    };

export interface Members {
  readonly members: readonly Member[];
  readonly classes: readonly PortClass[];
}

/** Each turn of a network brings all of its ports again: one that says the same is the same member. */
const known = new LRUCache<string, Member>({ max: 20_000 });

export function membersOf(network: WantedNetwork): Members {
  if (!network.adminStateUp) return { members: [], classes: [] };
  const routerPorts = network.routers.flatMap((router) =>
    router.interfaces.filter((one) => one.networkId === network.id).map((one) => one.portId),
  );
  const ports = network.ports
    .filter((port) => port.adminStateUp && !routerPorts.includes(port.id))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const classes = classesOf(
    network,
    ports.filter((port) => port.portSecurityEnabled),
  );
  const members = ports.map((port) => memberOf(port, classes.get(classKey(port.securityGroupIds))));
  const routers = routerPorts.sort().map((id): Member => ({ kind: 'trusted', link: portLink(idWord(id)) }));
  return { members: [...members, ...routers], classes: [...classes.values()] };
}

function memberOf(port: WantedPort, portClass: PortClass | undefined): Member {
  const { id, portSecurityEnabled, macAddress, fixedIps, allowedAddressPairs } = port;
  const isGuarded = portSecurityEnabled && portClass !== undefined;
  const text = isGuarded
    ? JSON.stringify([id, portClass.mark, macAddress, fixedIps, allowedAddressPairs])
    : id;
  const before = known.get(text);
  if (before) return before;
  const link = portLink(idWord(id));
  const member: Member = isGuarded
    ? { kind: 'guarded', link, mark: portClass.mark, ...sourcesOf(port) }
    : { kind: 'trusted', link };
  known.set(text, member);
  return member;
}

function classKey(groupIds: readonly string[]): string {
  if (groupIds.length < 2) return groupIds[0] ?? '';
  return [...new Set(groupIds)].sort().join(' ');
}

function classesOf(network: WantedNetwork, ports: readonly WantedPort[]): Map<string, PortClass> {
  const stateless = new Set(
    network.securityGroups.filter((group) => !group.stateful).map((group) => group.id),
  );
  const keys = [...new Set(ports.map((port) => classKey(port.securityGroupIds)))].sort();
  const taken = new Set([0, trustedMark]);
  return new Map(
    keys.map((key) => {
      const groupIds = key === '' ? [] : key.split(' ');
      let mark = fingerprint(key);
      while (taken.has(mark)) mark = (mark + 1) >>> 0;
      taken.add(mark);
      // Neutron lets a port have groups of one sort only; should they be mixed, keeping state is the safer reading.
      const stateful = groupIds.length === 0 || groupIds.some((id) => !stateless.has(id));
      return [key, { mark, name: `class-${hex(mark)}`, groupIds, stateful }];
    }),
  );
}

function sourcesOf(port: WantedPort): { macs: string[]; sources: Source[] } {
  const own = macWord(port.macAddress);
  const pairs = [
    ...port.fixedIps.map(({ address }) => ({ mac: own, addresses: readAddresses(address) })),
    ...port.allowedAddressPairs.map((pair) => ({
      mac: pair.macAddress ? macWord(pair.macAddress) : own,
      addresses: readAddresses(pair.ipAddress),
    })),
  ];
  const sources = pairs.filter(({ addresses }) => !isReserved(addresses));
  return { macs: [...new Set([own, ...pairs.map(({ mac }) => mac)])], sources };
}
