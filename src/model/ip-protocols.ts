/**
 * IP protocols by the names that Neutron knows, and which of them have ports or types.
 *
 * A rule stores the user's spelling; comparisons and the dataplane use the number. `icmp` in a rule for IPv6
 * means ICMPv6, as in Neutron.
 */
export const ipProtocols = {
  ah: 51,
  dccp: 33,
  egp: 8,
  esp: 50,
  gre: 47,
  icmp: 1,
  icmpv6: 58,
  igmp: 2,
  ipip: 4,
  'ipv6-encap': 41,
  'ipv6-frag': 44,
  'ipv6-icmp': 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  'ipv6-route': 43,
  ospf: 89,
  pgm: 113,
  rsvp: 46,
  sctp: 132,
  tcp: 6,
  udp: 17,
  udplite: 136,
  vrrp: 112,
} as const satisfies Record<string, number>;

/** Protocols whose rules may name a range of ports. */
export const protocolsWithPorts: readonly number[] = [
  ipProtocols.tcp,
  ipProtocols.udp,
  ipProtocols.udplite,
  ipProtocols.sctp,
  ipProtocols.dccp,
];

/** Protocols that exist in one IP version only. */
const onlyIn: Readonly<Record<string, 'IPv4' | 'IPv6'>> = {
  icmpv6: 'IPv6',
  'ipv6-encap': 'IPv6',
  'ipv6-frag': 'IPv6',
  'ipv6-icmp': 'IPv6',
  'ipv6-nonxt': 'IPv6',
  'ipv6-opts': 'IPv6',
  'ipv6-route': 'IPv6',
  igmp: 'IPv4',
};

/** Number of a protocol given by name or as digits; undefined when it is neither. */
export function protocolNumber(protocol: string, ethertype: 'IPv4' | 'IPv6'): number | undefined {
  if (/^\d{1,3}$/.test(protocol)) return Number(protocol) <= 255 ? Number(protocol) : undefined;
  if (protocol === 'icmp' && ethertype === 'IPv6') return ipProtocols.icmpv6;
  return Object.hasOwn(ipProtocols, protocol) ? ipProtocols[protocol as keyof typeof ipProtocols] : undefined;
}

export function protocolFits(protocol: string, ethertype: 'IPv4' | 'IPv6'): boolean {
  const only = Object.hasOwn(onlyIn, protocol) ? onlyIn[protocol] : undefined;
  return only === undefined || only === ethertype;
}
