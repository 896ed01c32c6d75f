/** Addresses as numbers, and the names that stand for them in DNS (RFC 1035, 3.5; RFC 3596, 2.5). Pure. */
import { Address4, Address6 } from 'ip-address';

export interface Ip {
  readonly version: 4 | 6;
  readonly value: bigint;
}

export interface IpRange {
  readonly version: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

const [v4Domain, v6Domain] = ['in-addr.arpa', 'ip6.arpa'];

/** Undefined when the text is no address. */
export function readIp(text: string): Ip | undefined {
  if (Address4.isValid(text) && !text.includes('/'))
    return { version: 4, value: new Address4(text).bigInt() };
  const isIpv6 = Address6.isValid(text) && !/[/%]/.test(text);
  return isIpv6 ? { version: 6, value: new Address6(text).bigInt() } : undefined;
}

export function parseRange(cidr: string): IpRange {
  const version = cidr.includes(':') ? 6 : 4;
  const range = version === 6 ? new Address6(cidr) : new Address4(cidr);
  return { version, first: range.startAddress().bigInt(), last: range.endAddress().bigInt() };
}

/** The address that a name stands for, if it is that of a single one. */
export function reverseAddress(name: string): Ip | undefined {
  const digits = name.split('.').slice(0, -2).reverse();
  if (reverseDomain(name) === v4Domain) {
    const isAddress = digits.length === 4 && digits.every((digit) => /^\d{1,3}$/.test(digit));
    return isAddress ? readIp(digits.map(Number).join('.')) : undefined;
  }
  if (reverseDomain(name) !== v6Domain) return undefined;
  const isAddress = digits.length === 32 && digits.every((digit) => /^[0-9a-f]$/.test(digit));
  return isAddress ? { version: 6, value: BigInt(`0x${digits.join('')}`) } : undefined;
}

export function reverseDomain(name: string): string | undefined {
  return [v4Domain, v6Domain].find((domain) => name.endsWith(`.${domain}`));
}

export function toReverseName(address: string): string {
  if (!address.includes(':')) return `${address.split('.').reverse().join('.')}.${v4Domain}`;
  const digits = (readIp(address)?.value ?? 0n).toString(16).padStart(32, '0');
  return `${[...digits].reverse().join('.')}.${v6Domain}`;
}
