/**
 * Router advertisements (RFC 4861, 4.2) as frames: the way out, the prefixes of the link and how to get an address.
 *
 * What each `ipv6_ra_mode` says is what Neutron's router says. Lifetimes are long against the time between two
 * advertisements (a minute), so that a network lives through hours without its host's agent. Pure.
 */
import type { WantedRouter } from '../../wire/host-network.ts';
import { digits, toAllNodes } from './frames.ts';
import { linkLocal, macWord, readAddresses } from './words.ts';

type Leg = WantedRouter['interfaces'][number];
type Mode = Leg['advertised'][number]['mode'];

const routerSeconds = 9000n;
const validSeconds = 86_400n;
const preferredSeconds = 14_400n;
const hopLimit = 64n;
const managed = 0x80n;
const otherConfiguration = 0x40n;
const onLink = 0x80n;
const autonomous = 0x40n;

/** Of the advertisement, and of a prefix in it. */
const flagsOf: Record<Mode, { readonly message: bigint; readonly prefix: bigint }> = {
  slaac: { message: 0n, prefix: onLink | autonomous },
  'dhcpv6-stateless': { message: otherConfiguration, prefix: onLink | autonomous },
  'dhcpv6-stateful': { message: managed | otherConfiguration, prefix: onLink },
};

/** Undefined when the leg advertises nothing. */
export function advertisement(leg: Leg, mtu: number): string | undefined {
  return leg.advertised.length === 0 ? undefined : frame(leg, mtu, routerSeconds);
}

/** Says that this router is no way out any more. */
export function farewell(leg: Leg, mtu: number): string {
  return frame(leg, mtu, 0n);
}

function frame(leg: Leg, mtu: number, lifetime: bigint): string {
  const mac = macWord(leg.macAddress).replaceAll(':', '');
  const source = digits(readAddresses(linkLocal(leg.macAddress)).first, 16);
  const flags = leg.advertised.reduce((all, { mode }) => all | flagsOf[mode].message, 0n);
  const body = [
    digits(hopLimit, 1),
    digits(flags, 1),
    digits(lifetime, 2),
    // Reachable and retransmission time: the host's choice.
    digits(0n, 8),
    `0101${mac}`,
    `05010000${digits(BigInt(mtu), 4)}`,
    ...leg.advertised.map(prefixOption),
  ];
  return toAllNodes({ mac, source }, { head: '8600', body: body.join('') });
}

function prefixOption({ prefix, mode }: Leg['advertised'][number]): string {
  const { first, length } = readPrefix(prefix);
  const lifetimes = digits(validSeconds, 4) + digits(preferredSeconds, 4);
  const flags = digits(flagsOf[mode].prefix, 1);
  return `0304${digits(BigInt(length), 1)}${flags}${lifetimes}${digits(0n, 4)}${digits(first, 16)}`;
}

function readPrefix(text: string): { readonly first: bigint; readonly length: number } {
  const { first, last } = readAddresses(text);
  return { first, length: 128 - (last - first).toString(2).replace(/^0$/, '').length };
}
