/** Arithmetic on CIDRs. Text in, canonical text out; throws `invalid-value` naming the text. Pure. */
import { isIPv4, isIPv6 } from 'node:net';
import { Address4, Address6 } from 'ip-address';
import { Failure } from '../../model/failure.ts';

export interface Cidr {
  readonly version: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  readonly prefixLength: number;
  /** Canonical, without host bits. */
  readonly text: string;
}

export function parseCidr(text: string): Cidr {
  const [address = '', length = '', ...rest] = text.split('/');
  const version = versionOf(address);
  const prefixLength = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  const bits = version === 4 ? 32 : 128;
  if (version === undefined || rest.length > 0 || !(prefixLength <= bits)) {
    throw new Failure('invalid-value', `"${text}" is not a CIDR such as 10.77.0.0/16 or fd00:77::/64`);
  }
  const size = 1n << BigInt(bits - prefixLength);
  const value = toNumber(address, version);
  const first = value - (value % size);
  return {
    version,
    first,
    last: first + size - 1n,
    prefixLength,
    text: `${toText(first, version)}/${prefixLength}`,
  };
}

/** The address part of `10.0.0.5/16` or `10.0.0.5`, canonical. */
export function parseAddress(text: string): string {
  const [address = ''] = text.split('/');
  const version = versionOf(address);
  if (version === undefined) throw new Failure('invalid-value', `"${text}" is not an IP address`);
  return toText(toNumber(address, version), version);
}

export function contains(cidr: Cidr, address: string): boolean {
  const version = versionOf(address);
  if (version !== cidr.version) return false;
  const value = toNumber(address, version);
  return value >= cidr.first && value <= cidr.last;
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.version === b.version && a.first <= b.last && b.first <= a.last;
}

/** The n-th address, 0 = the network's own. */
export function addressAt(cidr: Cidr, offset: number): string {
  const value = cidr.first + BigInt(offset);
  return toText(value > cidr.last ? cidr.last : value, cidr.version);
}

/** The n-th block of the given size. */
export function cidrAt(within: Cidr, index: number, prefixLength: number): Cidr {
  const size = 1n << BigInt((within.version === 4 ? 32 : 128) - prefixLength);
  const first = within.first + BigInt(index) * size;
  return parseCidr(`${toText(first, within.version)}/${prefixLength}`);
}

/** `10.0.0.5` in `10.0.0.0/16` → `10.0.0.5/16`. */
export function withPrefix(address: string, cidr: string): string {
  return `${address}/${parseCidr(cidr).prefixLength}`;
}

/** The ranges of a CIDR that may be handed out, without network, broadcast and the given address. */
export function rangesWithout(cidr: Cidr, address: string | null): { start: string; end: string }[] {
  const isTiny = cidr.last - cidr.first < 2n;
  const first = isTiny ? cidr.first : cidr.first + 1n;
  const last = isTiny || cidr.version === 6 ? cidr.last : cidr.last - 1n;
  const hole = address !== null && contains(cidr, address) ? toNumber(address, cidr.version) : undefined;
  const ranges: [bigint, bigint][] =
    hole === undefined
      ? [[first, last]]
      : [
          [first, hole - 1n],
          [hole + 1n, last],
        ];
  return ranges
    .filter(([start, end]) => start <= end)
    .map(([start, end]) => ({ start: toText(start, cidr.version), end: toText(end, cidr.version) }));
}

function versionOf(address: string): 4 | 6 | undefined {
  if (isIPv4(address)) return 4;
  return isIPv6(address) && !address.includes('%') ? 6 : undefined;
}

function toNumber(address: string, version: 4 | 6): bigint {
  return version === 4 ? new Address4(address).bigInt() : new Address6(address).bigInt();
}

function toText(value: bigint, version: 4 | 6): string {
  if (version === 6) return Address6.fromBigInt(value).correctForm();
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
}
