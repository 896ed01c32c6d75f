/**
 * From wire text to words that are safe in an nftables script.
 *
 * Everything that plan/ writes into a script passes through here: ids, addresses and link-layer addresses come
 * from other machines, and a script is one string. What does not parse is refused (`invalid-value`, naming it).
 */
import { Address4, Address6 } from 'ip-address';
import { LRUCache } from 'lru-cache';
import { Failure } from '../../model/failure.ts';

export type IpVersion = 4 | 6;

/** An address or a prefix in canonical text; `prefix` is absent for a single address. */
export interface Addresses {
  readonly version: IpVersion;
  readonly text: string;
  readonly first: bigint;
  readonly last: bigint;
}

/** Each turn of a network reads all of its addresses again; reading one takes microseconds, finding it far less. */
const known = new LRUCache<string, Addresses>({ max: 50_000 });
const knownLinkLocal = new LRUCache<string, string>({ max: 10_000 });

const idPattern = /^[0-9a-z][0-9a-z-]{0,63}$/i;
const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

export function idWord(id: string): string {
  if (!idPattern.test(id)) throw new Failure('invalid-value', `${JSON.stringify(id)} is not an id`);
  return id;
}

export function macWord(mac: string): string {
  const word = mac.toLowerCase();
  if (!macPattern.test(word)) {
    throw new Failure('invalid-value', `${JSON.stringify(mac)} is not a MAC address (fa:16:3e:00:00:01)`);
  }
  return word;
}

/** Reads `10.0.0.1`, `10.0.0.0/24`, `fd00::1`, `fd00::/64`; host bits of a prefix are cleared. */
export function readAddresses(text: string): Addresses {
  const before = known.get(text);
  if (before) return before;
  try {
    const addresses = text.includes(':') ? readIpv6(text) : readIpv4(text);
    known.set(text, addresses);
    return addresses;
  } catch (error) {
    throw new Failure('invalid-value', `${JSON.stringify(text)} is not an address or a prefix`, {
      cause: error,
    });
  }
}

export function isHost(range: Addresses): boolean {
  return range.first === range.last;
}

/** With its length also when it is a single address, as the kernel lists routes. */
export function withLength({ text, version }: Addresses): string {
  return text.includes('/') ? text : `${text}/${version === 4 ? 32 : 128}`;
}

export function covers(outer: Addresses, inner: Addresses): boolean {
  return outer.version === inner.version && outer.first <= inner.first && inner.last <= outer.last;
}

/** Without those that another one covers: overlapping keys are an error in a set of intervals. */
export function withoutCovered(ranges: readonly Addresses[]): Addresses[] {
  return ranges.filter(
    (range, index) =>
      !ranges.some(
        (other, at) => at !== index && covers(other, range) && (!covers(range, other) || at < index),
      ),
  );
}

/** The address that IPv6 derives from a MAC by itself (EUI-64). */
export function linkLocal(mac: string): string {
  const before = knownLinkLocal.get(mac);
  if (before) return before;
  const bytes = macWord(mac)
    .split(':')
    .map((byte) => Number.parseInt(byte, 16));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  const groups = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  const address = new Address6(`fe80::${groups.map((group) => group.toString(16)).join(':')}`).correctForm();
  knownLinkLocal.set(mac, address);
  return address;
}

function readIpv4(text: string): Addresses {
  const address = new Address4(text);
  const [first, last] = [address.startAddress(), address.endAddress()];
  const suffix = address.subnetMask === 32 ? '' : `/${address.subnetMask}`;
  return {
    version: 4,
    text: `${first.correctForm()}${suffix}`,
    first: first.bigInt(),
    last: last.bigInt(),
  };
}

function readIpv6(text: string): Addresses {
  const address = new Address6(text);
  if (address.zone) throw new Error('an address with a zone');
  const [first, last] = [address.startAddress(), address.endAddress()];
  const suffix = address.subnetMask === 128 ? '' : `/${address.subnetMask}`;
  return {
    version: 6,
    text: `${first.correctForm()}${suffix}`,
    first: first.bigInt(),
    last: last.bigInt(),
  };
}
