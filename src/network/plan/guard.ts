/**
 * The bridge's own table: who may send what at all, before anything is tracked or learned.
 *
 * At the port where a frame enters (prerouting, before the bridge learns its address and before connection
 * tracking sees it): the sender's MAC, IPv4, IPv6, ARP and neighbour-discovery addresses must be the port's own or
 * an allowed address pair. There the frame also gets the mark of the sender's class, and on its way out (forward,
 * once per copy of a flooded frame) the mark of the receiver's class; ./filter judges by these. Checks are sets
 * keyed by link, so their cost does not depend on the number of ports.
 *
 * Frames other than ARP, IPv4 and IPv6, with or without a VLAN tag, would bypass ./filter: they pass only between
 * trusted links. Frames for the bridge itself are dropped, but for those to the resolver (./resolver). Link-local frames (LLDP
 * and the like) come this way only because the bridge is told to forward them (host/netlink/link); else it would learn
 * from them unchecked.
 */

import { resolverAddress } from '../../model/resolver.ts';
import { hex } from './fingerprint.ts';
import { type Member, trustedMark } from './members.ts';
import { bridgeInput, resolverTarget } from './resolver.ts';
import { chainOf, closedChain, type Elements, type NftSet, type NftTable } from './ruleset.ts';
import { type IpVersion, isHost, linkLocal, readAddresses, withoutCovered } from './words.ts';

type Guarded = Extract<Member, { kind: 'guarded' }>;

/** Before connection tracking and br_netfilter, which start at −200 and 0. */
const early = 'priority -300';
const arp = 'arp htype 1 arp ptype ip arp hlen 6 arp plen 4';
/** What a host may say before it has an address: MLD reports, router and neighbour solicitations. */
const unspecifiedIcmp = 'icmpv6 type { 131, 132, 133, 135, 143 }';

/** The sender's own addresses: matches by them, and marks with the sender's class. */
const ownSource = {
  4: 'meta mark set iifname . ether saddr . ip saddr map @sources4',
  6: 'meta mark set iifname . ether saddr . ip6 saddr map @sources6',
} as const;

interface GuardSet {
  readonly definition: string;
  /** What a member adds to it. */
  readonly of: (member: Member) => Iterable<readonly [key: string, value: string]>;
}

/** For sets of guarded ports. */
const each =
  (keys: (member: Guarded) => readonly string[]): GuardSet['of'] =>
  (member) =>
    member.kind === 'guarded' ? keys(member).map((key) => [key, '']) : [];

/** For maps of guarded ports to their marks. */
const marked =
  (keys: (member: Guarded) => readonly string[]): GuardSet['of'] =>
  (member) =>
    member.kind === 'guarded' ? keys(member).map((key) => [key, hex(member.mark)]) : [];

const guardSets: Readonly<Record<string, GuardSet>> = {
  links: {
    definition: 'type ifname : verdict',
    of: ({ link, kind }) => [[link, kind === 'guarded' ? 'goto guard' : 'goto trust']],
  },
  egress: { definition: 'type ifname : mark', of: marked(({ link }) => [link]) },
  ingress: {
    definition: 'type ifname : mark',
    of: (member) => [[member.link, hex(member.kind === 'guarded' ? member.mark : trustedMark)]],
  },
  macs: {
    definition: 'type ifname . ether_addr',
    of: each(({ link, macs }) => macs.map((mac) => `${link} . ${mac}`)),
  },
  sources4: { definition: 'type ifname . ether_addr . ipv4_addr : mark', of: marked((m) => hosts(m, 4)) },
  sources6: { definition: 'type ifname . ether_addr . ipv6_addr : mark', of: marked((m) => hosts(m, 6)) },
  prefixes4: {
    definition: 'type ifname . ether_addr . ipv4_addr; flags interval',
    of: each((member) => prefixes(member, 4)),
  },
  prefixes6: {
    definition: 'type ifname . ether_addr . ipv6_addr; flags interval',
    of: each((member) => prefixes(member, 6)),
  },
  targets6: { definition: 'typeof iifname . ether saddr . @th,64,128', of: each(targets) },
  // nft 1.0 cannot look a payload's target up in a set of prefixes: such ports may answer for any address.
  'any-target6': {
    definition: 'type ifname',
    of: each((member) => (prefixes(member, 6).length > 0 ? [member.link] : [])),
  },
};

/** A member is the same object while it does not change (./members), and so are its elements. */
const known = new WeakMap<Member, ReadonlyMap<string, Elements>>();

function elementsFor(member: Member): ReadonlyMap<string, Elements> {
  const before = known.get(member);
  if (before) return before;
  const elements = new Map(Object.entries(guardSets).map(([name, { of }]) => [name, new Map(of(member))]));
  known.set(member, elements);
  return elements;
}

function setsOf(members: readonly Member[]): Map<string, NftSet> {
  const elements = members.map(elementsFor);
  return new Map(
    Object.entries(guardSets).map(([name, { definition }]): [string, NftSet] => {
      const bundles = elements.flatMap((one) => one.get(name) ?? []).filter(({ size }) => size > 0);
      return [name, { kind: definition.includes(' : ') ? 'map' : 'set', definition, bundles }];
    }),
  );
}

export function guardTable(members: readonly Member[]): NftTable {
  return {
    family: 'bridge',
    name: 'berth',
    sets: setsOf(members),
    chains: new Map([
      ['spoofed', chainOf(['counter drop'])],
      ['trust', chainOf([`meta mark set ${hex(trustedMark)} accept`])],
      [
        'guard-arp',
        chainOf([
          'iifname . ether saddr != @macs goto spoofed',
          `${arp} meta mark set iifname . arp saddr ether . arp saddr ip map @sources4 accept`,
          `arp saddr ip ${resolverAddress[4]} goto spoofed`,
          `${arp} iifname . arp saddr ether . arp saddr ip @prefixes4 accept`,
          `${arp} arp saddr ip 0.0.0.0 iifname . arp saddr ether @macs accept`,
          'goto spoofed',
        ]),
      ],
      [
        'guard-ip',
        chainOf([
          `${ownSource[4]} accept`,
          `ip saddr ${resolverAddress[4]} goto spoofed`,
          'iifname . ether saddr . ip saddr @prefixes4 accept',
          'ip saddr 0.0.0.0 udp sport 68 udp dport 67 iifname . ether saddr @macs accept',
          'goto spoofed',
        ]),
      ],
      [
        'guard-ip6',
        chainOf([
          'icmpv6 type 136 iifname != @any-target6 iifname . ether saddr . @th,64,128 != @targets6 goto spoofed',
          `icmpv6 type 136 @th,64,128 ${resolverTarget} goto spoofed`,
          `${ownSource[6]} accept`,
          `ip6 saddr ${resolverAddress[6]} goto spoofed`,
          'iifname . ether saddr . ip6 saddr @prefixes6 accept',
          `ip6 saddr :: ${unspecifiedIcmp} iifname . ether saddr @macs accept`,
          'goto spoofed',
        ]),
      ],
      [
        'guard',
        chainOf([
          'meta mark set iifname map @egress',
          'ether type vmap { arp : goto guard-arp, ip : goto guard-ip, ip6 : goto guard-ip6 }',
          'goto spoofed',
        ]),
      ],
      [
        'prerouting',
        closedChain(
          [
            // What there is most of, by one look-up. A frame with a tag has another type; with a TCP or UDP header right
            // behind IPv6’s, it is no neighbour discovery.
            `ether type ip ${ownSource[4]} accept`,
            `ether type ip6 ip6 nexthdr { 6, 17 } ${ownSource[6]} accept`,
            'iifname vmap @links',
          ],
          `prerouting ${early}`,
        ),
      ],
      ['input', bridgeInput()],
      // A link that is not in the map ends the rule, and the frame is dropped.
      [
        'forward',
        closedChain(
          [
            'ether type { arp, ip, ip6 } meta mark set oifname map @ingress accept',
            `meta mark set oifname map @ingress meta mark ${hex(trustedMark)} accept`,
          ],
          `forward ${early}`,
        ),
      ],
    ]),
  };
}

function hosts(member: Guarded, version: IpVersion): string[] {
  const own = member.sources
    .filter(({ addresses }) => addresses.version === version && isHost(addresses))
    .map(({ mac, addresses }) => `${member.link} . ${mac} . ${addresses.text}`);
  const links = version === 6 ? member.macs.map((mac) => `${member.link} . ${mac} . ${linkLocal(mac)}`) : [];
  return [...own, ...links];
}

function prefixes(member: Guarded, version: IpVersion): string[] {
  return member.macs.flatMap((mac) => {
    const ranges = member.sources
      .filter((source) => source.mac === mac && source.addresses.version === version)
      .map(({ addresses }) => addresses)
      .filter((addresses) => !isHost(addresses));
    return withoutCovered(ranges).map(({ text }) => `${member.link} . ${mac} . ${text}`);
  });
}

function targets(member: Guarded): string[] {
  const own = member.sources
    .filter(({ addresses }) => addresses.version === 6 && isHost(addresses))
    .map(({ mac, addresses }) => ({ mac, address: addresses.first }));
  const links = member.macs.map((mac) => ({ mac, address: readAddresses(linkLocal(mac)).first }));
  return [...own, ...links].map(
    ({ mac, address }) => `${member.link} . ${mac} . 0x${address.toString(16).padStart(32, '0')}`,
  );
}
