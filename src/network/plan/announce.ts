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
import { digits, toAllNodes } from './frames.ts';
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
  // Flag "override", the target, and its link-layer address.
  return toAllNodes({ mac, source }, { head: '8800', body: `20000000${source}0201${mac}` });
}
