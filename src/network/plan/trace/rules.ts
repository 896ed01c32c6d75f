/**
 * Which rule of a port's security groups lets a packet pass: the meaning of ../filter and ../security-rule, said once
 * more in plain comparisons. A property test holds the two together.
 */
import type {
  WantedNetwork,
  WantedPort,
  WantedRule,
  WantedSecurityGroup,
} from '../../../wire/host-network.ts';
import type { TracedPacket } from '../../../wire/trace.ts';
import { covers, type IpVersion, readAddresses } from '../words.ts';

type Direction = WantedRule['direction'];

export interface Judgement {
  readonly passes: boolean;
  readonly text: string;
  readonly groupId?: string;
  readonly rule?: WantedRule;
}

const icmp = { 4: 1, 6: 58 } as const;
const udp = 17;
const withPorts = new Set([6, udp, 33, 132, 136]);

export function judge(
  network: WantedNetwork,
  port: WantedPort,
  { direction, packet }: { readonly direction: Direction; readonly packet: TracedPacket },
): Judgement {
  if (!port.portSecurityEnabled) return { passes: true, text: 'port security is off: nothing is filtered' };
  const essential = essentials.find((one) => one.direction === direction && one.matches(packet));
  if (essential) return { passes: essential.passes, text: essential.text };
  const groups = network.securityGroups
    .filter(({ id }) => port.securityGroupIds.includes(id))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const group of groups) {
    const rule = group.rules.find((one) => one.direction === direction && matches(network, one, packet));
    if (rule) return { passes: true, text: passedBy(group, rule), groupId: group.id, rule };
  }
  const many = groups.length === 1 ? 'its security group' : `its ${groups.length} security groups`;
  const text = groups.length === 0 ? 'it has no security group' : `no ${direction} rule of ${many} matches`;
  return { passes: false, text };
}

function passedBy(group: WantedSecurityGroup, rule: WantedRule): string {
  const note = group.stateful ? '' : ' (stateless: the answer needs a rule of its own)';
  return `let through by: ${ruleWords(rule)}${note}`;
}

function matches(network: WantedNetwork, rule: WantedRule, packet: TracedPacket): boolean {
  const peer = readAddresses(rule.direction === 'ingress' ? packet.source : packet.destination);
  if (rule.ipVersion !== peer.version) return false;
  if (rule.remotePrefix !== null && !covers(readAddresses(rule.remotePrefix), peer)) return false;
  if (rule.remoteGroupId !== null) {
    const members = network.remoteGroups.find(({ groupId }) => groupId === rule.remoteGroupId);
    const ranges = (peer.version === 4 ? members?.v4 : members?.v6) ?? [];
    if (!ranges.some((range) => covers(readAddresses(range), peer))) return false;
  }
  return matchesProtocol(rule, packet, peer.version);
}

function matchesProtocol(rule: WantedRule, packet: TracedPacket, version: IpVersion): boolean {
  if (rule.protocol === null) return true;
  // "icmp" in an IPv6 rule means ICMPv6, whichever of its numbers the user gave.
  const protocol = version === 6 && rule.protocol === icmp[4] ? icmp[6] : rule.protocol;
  if (protocol !== packet.protocol) return false;
  const { portMin, portMax } = rule;
  if (protocol === icmp[version]) {
    return portMin === null || (portMin === packet.port && (portMax === null || portMax === packet.code));
  }
  if (!withPorts.has(protocol)) return true;
  return (portMin ?? 0) <= packet.port && packet.port <= (portMax ?? 65_535);
}

// ---- what holds whatever the groups say (../filter, essentials) -------------------------------------------------

interface Essential {
  readonly direction: Direction;
  readonly passes: boolean;
  readonly text: string;
  readonly matches: (packet: TracedPacket) => boolean;
}

const versionOf = ({ source }: TracedPacket): IpVersion => (source.includes(':') ? 6 : 4);
const isUdp = (version: IpVersion, from: number, to: number) => (packet: TracedPacket) =>
  versionOf(packet) === version &&
  packet.protocol === udp &&
  packet.sourcePort === from &&
  packet.port === to;
const isIcmp6 = (types: readonly number[]) => (packet: TracedPacket) =>
  versionOf(packet) === 6 && packet.protocol === icmp[6] && types.includes(packet.port);

const always = 'always allowed: addressing needs it';
const never = 'never allowed from a port: only routers and the network itself say this';
const essentials: readonly Essential[] = [
  { direction: 'egress', passes: false, text: never, matches: isUdp(4, 67, 68) },
  { direction: 'egress', passes: true, text: always, matches: isUdp(4, 68, 67) },
  { direction: 'egress', passes: true, text: always, matches: isIcmp6([131, 132, 133, 135, 136, 143]) },
  { direction: 'egress', passes: false, text: never, matches: isIcmp6([130, 134, 137]) },
  { direction: 'egress', passes: false, text: never, matches: isUdp(6, 547, 546) },
  { direction: 'egress', passes: true, text: always, matches: isUdp(6, 546, 547) },
  {
    direction: 'ingress',
    passes: true,
    text: always,
    matches: isIcmp6([130, 131, 132, 134, 135, 136, 143]),
  },
];

// ---- words ------------------------------------------------------------------------------------------------------

const names: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  58: 'icmpv6',
  132: 'sctp',
};

/** `ingress IPv4 tcp 80-81 from 10.0.0.0/8`. */
export function ruleWords(rule: WantedRule): string {
  const { direction, ipVersion, protocol, remotePrefix, remoteGroupId } = rule;
  const remotes = [remotePrefix, remoteGroupId && `members of ${remoteGroupId}`].filter(Boolean);
  const what = protocol === null ? 'anything' : [names[protocol] ?? `protocol ${protocol}`, ports(rule)];
  const side = direction === 'ingress' ? 'from' : 'to';
  return [direction, `IPv${ipVersion}`, what, side, remotes.join(' and ') || 'anywhere']
    .flat()
    .filter(Boolean)
    .join(' ');
}

function ports({ protocol, portMin, portMax }: WantedRule): string {
  if (portMin === null && portMax === null) return '';
  if (protocol === icmp[4] || protocol === icmp[6]) {
    return `type ${portMin}${portMax === null ? '' : ` code ${portMax}`}`;
  }
  return portMin === portMax ? String(portMin) : `${portMin ?? 0}-${portMax ?? 65_535}`;
}
