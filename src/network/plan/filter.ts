/**
 * Security groups: one table per IP family, judging bridged packets by the class marks that ./guard sets.
 *
 * br_netfilter shows bridged packets to these hooks: prerouting judges the sender's egress rules, forward the
 * receiver's ingress rules; a packet must pass both. `meta mark vmap` leads to the class's chain in one look-up,
 * which jumps to the chains of its groups.
 *
 * A connection is judged again when the rules were narrowed. Its mark (`ct mark`) holds the generation of the
 * filter under which it was last accepted, and in its lowest two bits by whom: 1 egress, 2 ingress. While that is the
 * current generation, packets of the connection pass by one comparison. Otherwise the next packet in the original
 * direction goes through the rules: accepted, it takes the current generation; refused, the connection is marked
 * `refusedMark` and its replies are dropped too. So a removed rule ends exactly the connections that it alone
 * allowed, and all others never notice. Limit: replies pass until that next packet.
 */
import type { WantedNetwork, WantedRule, WantedSecurityGroup } from '../../wire/host-network.ts';
import { hex } from './fingerprint.ts';
import { type PortClass, trustedMark } from './members.ts';
import { ipInput, resolverEgress, resolverSets } from './resolver.ts';
import { chainOf, closedChain, mapOf, type NftChain, type NftSet, type NftTable, setOf } from './ruleset.ts';
import { matchesOf, memberPrefixSet, memberSet } from './security-rule.ts';
import { type Addresses, type IpVersion, idWord, isHost, readAddresses } from './words.ts';

const refusedMark = '0xffffffff';

/** Each direction: its hook (after connection tracking), its bit in the connection's mark, the rules it takes. */
const directions = {
  egress: { hook: 'prerouting priority -150', bit: 1, rules: 'egress' },
  ingress: { hook: 'forward priority 0', bit: 2, rules: 'ingress' },
} as const;
type Direction = keyof typeof directions;

/** What every port may do whatever its groups say, and what none may: numbers are ICMPv6 types (RFC 4861, 3810). */
const essentials: Record<IpVersion, Record<Direction, readonly string[]>> = {
  4: {
    egress: ['udp sport 67 udp dport 68 drop', 'udp sport 68 udp dport 67 accept', ...resolverEgress(4)],
    ingress: [],
  },
  6: {
    egress: [
      'icmpv6 type { 131, 132, 133, 135, 136, 143 } accept',
      'icmpv6 type { 130, 134, 137 } drop',
      'udp sport 547 udp dport 546 drop',
      'udp sport 546 udp dport 547 accept',
      ...resolverEgress(6),
    ],
    // Only a router's link can have sent the advertisement: ports are stopped at their egress.
    ingress: ['icmpv6 type { 130, 131, 132, 134, 135, 136, 143 } accept'],
  },
};

interface Family {
  readonly network: WantedNetwork;
  readonly version: IpVersion;
  readonly members: ReadonlyMap<string, readonly Addresses[]>;
  /** Groups in use by a class. */
  readonly groups: readonly WantedSecurityGroup[];
  readonly classes: readonly PortClass[];
}

/** The table without the chains that hold the generation, which `withGeneration` adds. */
export function filterTable(
  network: WantedNetwork,
  version: IpVersion,
  classes: readonly PortClass[],
): NftTable {
  const used = new Set(classes.flatMap(({ groupIds }) => groupIds));
  const family: Family = {
    network,
    version,
    members: new Map(
      network.remoteGroups.map((group) => [
        group.groupId,
        (version === 4 ? group.v4 : group.v6).map(readAddresses).filter((range) => range.version === version),
      ]),
    ),
    groups: network.securityGroups.filter(({ id }) => used.has(id)).sort((a, b) => (a.id < b.id ? -1 : 1)),
    classes,
  };
  const chains = new Map<string, NftChain>([['input', ipInput(version)]]);
  for (const direction of ['egress', 'ingress'] as const) {
    chains.set(`essentials-${direction}`, chainOf(essentials[version][direction]));
    for (const group of family.groups)
      chains.set(groupChain(group.id, direction), groupRules(family, group, direction));
    for (const one of classes) chains.set(`${one.name}-${direction}`, classChain(family, one, direction));
  }
  return {
    family: version === 4 ? 'ip' : 'ip6',
    name: 'berth',
    sets: new Map([...memberSets(family), ...classMaps(classes), ...resolverSets(version)]),
    chains,
  };
}

/**
 * Adds the chains that accept, refuse and recognise connections of this generation (a number from 0 up). What both ends
 * accepted passes before anything else is asked, unless some port must judge each packet by itself.
 */
export function withGeneration(table: NftTable, generation: number, classes: readonly PortClass[]): NftTable {
  // 30 bits; the all-ones value with both direction bits would read as refused.
  const current = (generation % 0x3fff_ffff) * 4;
  const chains = new Map(table.chains);
  const shortcut = classes.every(({ stateful }) => stateful) ? [`ct mark ${hex(current + 3)} accept`] : [];
  for (const direction of ['egress', 'ingress'] as const) {
    const { bit } = directions[direction];
    const other = bit ^ 3;
    chains.set(direction, dispatch(direction, shortcut));
    chains.set(
      `known-${direction}`,
      chainOf([
        `ct mark and ${hex(0xffff_ffff - other)} == ${hex(current + bit)} accept`,
        'ct direction original return',
        `ct mark ${refusedMark} drop`,
        'accept',
      ]),
    );
    chains.set(
      `pass-${direction}`,
      chainOf([
        ...(direction === 'ingress'
          ? [`ct mark ${hex(current + other)} ct mark set ${hex(current + 3)} accept`]
          : []),
        `ct mark set ${hex(current + bit)} accept`,
      ]),
    );
    chains.set(
      `refuse-${direction}`,
      chainOf([`ct state established ct mark set ${refusedMark}`, 'counter drop']),
    );
  }
  return { ...table, chains };
}

const groupChain = (id: string, direction: Direction) => `group-${idWord(id)}-${direction}`;

function dispatch(direction: Direction, shortcut: readonly string[]): NftChain {
  return closedChain([...shortcut, `meta mark vmap @classes-${direction}`], directions[direction].hook);
}

function classChain(family: Family, portClass: PortClass, direction: Direction): NftChain {
  const groups = family.groups.filter(({ id }) => portClass.groupIds.includes(id));
  const track = `ct state vmap { established : jump known-${direction}, related : accept, invalid : drop }`;
  return chainOf([
    ...(portClass.stateful ? [track] : []),
    `jump essentials-${direction}`,
    ...groups.map(({ id }) => `jump ${groupChain(id, direction)}`),
    portClass.stateful ? `goto refuse-${direction}` : 'counter drop',
  ]);
}

function groupRules(family: Family, group: WantedSecurityGroup, direction: Direction): NftChain {
  const context = {
    version: family.version,
    hasPrefixes: (id: string) => family.members.get(id)?.some((range) => !isHost(range)) ?? false,
  };
  const matches = rulesOf(group, direction).flatMap((rule) => matchesOf(rule, context));
  // Without state there is nothing to remember: such a group's packets must not mark the other side's connection.
  const verdict = group.stateful ? `goto pass-${direction}` : 'accept';
  return chainOf([...new Set(matches)].sort().map((match) => `${match} ${verdict}`.trim()));
}

function rulesOf(group: WantedSecurityGroup, direction: Direction): WantedRule[] {
  return group.rules.filter((rule) => rule.direction === directions[direction].rules);
}

function memberSets(family: Family): [string, NftSet][] {
  const named = family.groups.flatMap((group) => group.rules.map((rule) => rule.remoteGroupId));
  const remotes = [...new Set(named.filter((id) => id !== null))].sort();
  const type = `type ${family.version === 4 ? 'ipv4_addr' : 'ipv6_addr'}`;
  return remotes.flatMap((id): [string, NftSet][] => {
    const ranges = family.members.get(id) ?? [];
    const prefixes = ranges.filter((range) => !isHost(range)).map(({ text }) => text);
    const hosts = ranges.filter(isHost).map(({ text }) => text);
    const single = setOf(type, hosts.sort());
    if (prefixes.length === 0) return [[memberSet(id), single]];
    return [
      [memberSet(id), single],
      [memberPrefixSet(id), setOf(`${type}; flags interval; auto-merge`, prefixes.sort())],
    ];
  });
}

function classMaps(classes: readonly PortClass[]): [string, NftSet][] {
  return (['egress', 'ingress'] as const).map((direction) => [
    `classes-${direction}`,
    mapOf('type mark : verdict', [
      [hex(trustedMark), 'accept'],
      ...classes.map(({ mark, name }): [string, string] => [hex(mark), `goto ${name}-${direction}`]),
    ]),
  ]);
}
