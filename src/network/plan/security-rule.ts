/** One security group rule as the matching part of an nft rule. Meaning of the fields: Neutron's. */
import type { WantedRule } from '../../wire/host-network.ts';
import { type Addresses, type IpVersion, idWord, readAddresses } from './words.ts';

const icmp = { 4: 1, 6: 58 } as const;
/** TCP, UDP, DCCP, SCTP, UDP-Lite: the protocols that have ports. */
export const withPorts: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);
const maxPort = 65_535;

/** Names of the sets that hold a remote group's members: single addresses, and prefixes when there are any. */
export const memberSet = (groupId: string) => `members-${idWord(groupId)}`;
export const memberPrefixSet = (groupId: string) => `prefixes-${idWord(groupId)}`;

export interface MatchContext {
  readonly version: IpVersion;
  /** Whether a remote group has members that are prefixes. */
  readonly hasPrefixes: (groupId: string) => boolean;
}

/** The matches of which one must hold; none when the rule cannot match in this family. */
export function matchesOf(rule: WantedRule, context: MatchContext): string[] {
  if (rule.ipVersion !== context.version) return [];
  const rest = protocolMatch(rule, context.version);
  if (rest === undefined) return [];
  return remoteMatches(rule, context).map((remote) => [remote, rest].filter(Boolean).join(' '));
}

function remoteMatches(rule: WantedRule, { version, hasPrefixes }: MatchContext): string[] {
  const field = `${version === 4 ? 'ip' : 'ip6'} ${rule.direction === 'ingress' ? 'saddr' : 'daddr'}`;
  const prefix: Addresses | undefined = rule.remotePrefix ? readAddresses(rule.remotePrefix) : undefined;
  if (prefix && prefix.version !== version) return [];
  const byPrefix = prefix && !prefix.text.endsWith('/0') ? `${field} ${prefix.text}` : '';
  if (rule.remoteGroupId === null) return [byPrefix];
  const sets = [
    memberSet(rule.remoteGroupId),
    ...(hasPrefixes(rule.remoteGroupId) ? [memberPrefixSet(rule.remoteGroupId)] : []),
  ];
  return sets.map((set) => [byPrefix, `${field} @${set}`].filter(Boolean).join(' '));
}

/** Undefined = never matches. */
function protocolMatch(rule: WantedRule, version: IpVersion): string | undefined {
  if (rule.protocol === null) return '';
  // "icmp" in an IPv6 rule means ICMPv6, whichever of its numbers the user gave.
  const protocol = version === 6 && rule.protocol === icmp[4] ? icmp[6] : rule.protocol;
  if (!isIn(protocol, 0, 255)) return undefined;
  const header = `meta l4proto ${protocol}`;
  if (protocol === icmp[version]) return icmpMatch(rule, version, header);
  if (!withPorts.has(protocol) || (rule.portMin === null && rule.portMax === null)) return header;
  const [from, to] = [rule.portMin ?? 0, rule.portMax ?? maxPort];
  if (!isIn(from, 0, maxPort) || !isIn(to, from, maxPort)) return undefined;
  return `${header} th dport ${from === to ? from : `${from}-${to}`}`;
}

function icmpMatch(rule: WantedRule, version: IpVersion, header: string): string | undefined {
  const [type, code] = [rule.portMin, rule.portMax];
  if (type === null) return header;
  if (!isIn(type, 0, 255) || (code !== null && !isIn(code, 0, 255))) return undefined;
  const word = version === 4 ? 'icmp' : 'icmpv6';
  return `${word} type ${type}${code === null ? '' : ` ${word} code ${code}`}`;
}

function isIn(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
