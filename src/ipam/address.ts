/**
 * Arithmetic with addresses and CIDRs of both families.
 *
 * Text exists only at the edges: inside, an address is a version and a bigint. What is printed is canonical
 * (lower case, shortest IPv6, no leading zeros), so that equal addresses are equal strings in the store's unique
 * indexes. Zones (`fe80::1%eth0`), short forms (`10.1`) and octal (`010.0.0.1`) are refused, not guessed at.
 */
import { Address4, Address6 } from 'ip-address';
import { Failure } from '../model/failure.ts';

export type IpVersion = 4 | 6;

export interface Address {
  readonly version: IpVersion;
  readonly value: bigint;
}

/** A block of addresses; `first` and `last` are inside it. */
export interface Cidr {
  readonly version: IpVersion;
  readonly prefix: number;
  readonly first: bigint;
  readonly last: bigint;
}

export const addressBits = { 4: 32, 6: 128 } as const satisfies Record<IpVersion, number>;

/** Longer texts are no address in any spelling; keeps the parsers away from megabytes. */
const longestAddress = 45;

/** Undefined when the text is not exactly one address. */
export function findAddress(text: string): Address | undefined {
  if (text.length > longestAddress || /[/%]/.test(text)) return undefined;
  const [version, Parsed] = text.includes(':') ? ([6, Address6] as const) : ([4, Address4] as const);
  // Saying no is what costs: not asked of the other family's parser.
  return Parsed.isValid(text) ? { version, value: new Parsed(text).bigInt() } : undefined;
}

/** The value of an address in canonical text, as the store has it. Quick, because subnets have thousands. */
export function canonicalValue(text: string): bigint {
  if (text.includes(':')) return canonicalValue6(text);
  let value = 0;
  for (const part of text.split('.')) value = value * 256 + Number(part);
  return BigInt(value);
}

function canonicalValue6(text: string): bigint {
  const [head = [], tail = []] = text.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return BigInt(`0x${[...head, ...zeros, ...tail].map((group) => group.padStart(4, '0')).join('')}`);
}

export function parseAddress(text: string): Address {
  const address = findAddress(text);
  if (!address) throw new Failure('invalid-value', `'${text}' is not a valid IP address`);
  return address;
}

export function formatAddress({ version, value }: Address): string {
  return version === 4 ? Address4.fromBigInt(value).correctForm() : Address6.fromBigInt(value).correctForm();
}

/** The canonical spelling; throws `invalid-value` for what is not an address. */
export function canonicalAddress(text: string): string {
  return formatAddress(parseAddress(text));
}

/** The block that an address with this prefix length lies in. */
export function blockOf({ version, value }: Address, prefix: number): Cidr {
  const hostBits = BigInt(addressBits[version] - prefix);
  const first = (value >> hostBits) << hostBits;
  return { version, prefix, first, last: first + (1n << hostBits) - 1n };
}

/** Undefined when the text is not `<address>/<prefix length>`. Host bits are cut off; compare to tell. */
export function findCidr(text: string): Cidr | undefined {
  const [addressText = '', prefixText = '', ...rest] = text.slice(0, 64).split('/');
  const address = findAddress(addressText);
  if (!address || rest.length > 0 || !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefix = Number(prefixText);
  return prefix <= addressBits[address.version] ? blockOf(address, prefix) : undefined;
}

export function parseCidr(text: string): Cidr {
  const cidr = findCidr(text);
  if (!cidr) throw new Failure('invalid-value', `'${text}' is not a valid IP subnet`);
  return cidr;
}

export function formatCidr({ version, first, prefix }: Cidr): string {
  return `${formatAddress({ version, value: first })}/${prefix}`;
}

export function contains(cidr: Cidr, address: Address): boolean {
  return cidr.version === address.version && address.value >= cidr.first && address.value <= cidr.last;
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.version === b.version && a.first <= b.last && b.first <= a.last;
}
