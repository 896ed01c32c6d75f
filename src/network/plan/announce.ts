/**
 * Tells a network where an address is now: gratuitous ARP (RFC 5227, 3) and unsolicited neighbour advertisements
 * (RFC 4861, 7.2.6), as frames. Pure.
 *
 * An address that was free for a moment may come back with another link-layer address: a container made anew, or one
 * of plain Docker started again. Neighbours that remember the old one would be cut off until they forget it, which takes
 * them half a minute. A container's kernel does not announce itself, so its host does when the port is plugged.
 */
import type { KernelStep } from '../../host/kernel.ts';
import { networkBridge } from '../../model/host-names.ts';
import type { WantedPort } from '../../wire/host-network.ts';
import { macWord, readAddresses } from './words.ts';

/** The frames leave through the bridge itself, which passes them on to all of its ports. */
export function announceSteps(netns: string, port: WantedPort): KernelStep[] {
  return port.fixedIps.map(({ address }) => {
    const frame = announcement(port.macAddress, address);
    return { do: 'send-frame', netns, name: networkBridge, frame };
  });
}

/** The frame that says: this address (a prefix length is ignored) is at this link-layer address. */
export function announcement(macAddress: string, address: string): string {
  const mac = macWord(macAddress).replaceAll(':', '');
  const { version, first } = readAddresses(address.replace(/\/.*/, ''));
  return version === 4 ? gratuitousArp(mac, first) : neighbourAdvertisement(mac, first);
}

function gratuitousArp(mac: string, address: bigint): string {
  const ip = digits(address, 4);
  const request = '0001080006040001';
  return `ffffffffffff${mac}0806${request}${mac}${ip}000000000000${ip}`;
}

function neighbourAdvertisement(mac: string, address: bigint): string {
  const source = digits(address, 16);
  const allNodes = 'ff020000000000000000000000000001';
  // Type 136 without its checksum, flag "override", the target, and its link-layer address.
  const [head, body] = ['8800', `20000000${source}0201${mac}`];
  const length = digits(32n, 2);
  const sum = checksum(`${source}${allNodes}0000${length}0000003a${head}${body}`);
  return `333300000001${mac}86dd60000000${length}3aff${source}${allNodes}${head}${sum}${body}`;
}

function digits(value: bigint, bytes: number): string {
  return value.toString(16).padStart(bytes * 2, '0');
}

/** Of the Internet (RFC 1071). */
function checksum(hex: string): string {
  const words = hex.match(/.{4}/g) ?? [];
  let sum = words.reduce((total, word) => total + Number.parseInt(word, 16), 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return digits(BigInt(~sum & 0xffff), 2);
}
