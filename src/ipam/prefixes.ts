/**
 * Sets of addresses as lists of CIDRs: unions, differences, and the next free block of a size.
 *
 * Results are canonical: in order, as few blocks as possible. All blocks of one call are of one IP version.
 */
import { addressBits, type Cidr, type IpVersion, overlaps } from './address.ts';
import type { Range } from './pools.ts';

/** The same addresses in as few blocks as possible. */
export function compactPrefixes(prefixes: readonly Cidr[]): Cidr[] {
  const [first] = prefixes;
  return first ? merge(prefixes).flatMap((range) => blocksOf(first.version, range)) : [];
}

/** Addresses of `from` that are in none of `without`. */
export function subtractPrefixes(from: readonly Cidr[], without: readonly Cidr[]): Cidr[] {
  const [first] = from;
  if (!first) return [];
  const holes = merge(without.filter(({ version }) => version === first.version));
  return merge(from)
    .flatMap((range) => holes.reduce<Range[]>((rest, hole) => rest.flatMap((one) => cut(one, hole)), [range]))
    .flatMap((range) => blocksOf(first.version, range));
}

/** True when every address of `inner` is in `outer`. */
export function coversPrefixes(outer: readonly Cidr[], inner: readonly Cidr[]): boolean {
  return subtractPrefixes(inner, outer).length === 0;
}

export function intersectPrefixes(a: readonly Cidr[], b: readonly Cidr[]): boolean {
  return a.some((one) => b.some((other) => overlaps(one, other)));
}

/** A block of that size out of what is free, from the smallest free block that holds one; undefined = none. */
export function nextBlock(
  prefixes: readonly Cidr[],
  taken: readonly Cidr[],
  prefixLength: number,
): Cidr | undefined {
  const free = subtractPrefixes(prefixes, taken).filter(({ prefix }) => prefix <= prefixLength);
  const [smallest] = free.toSorted((a, b) => b.prefix - a.prefix);
  if (!smallest) return undefined;
  const { version, first } = smallest;
  const size = 1n << BigInt(addressBits[version] - prefixLength);
  return { version, prefix: prefixLength, first, last: first + size - 1n };
}

function merge(prefixes: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const { first, last } of prefixes.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    const before = merged.at(-1);
    if (!before || first > before.last + 1n) merged.push({ first, last });
    else if (last > before.last) merged[merged.length - 1] = { first: before.first, last };
  }
  return merged;
}

function cut(range: Range, hole: Range): Range[] {
  if (hole.first > range.last || hole.last < range.first) return [range];
  const before = { first: range.first, last: hole.first - 1n };
  const after = { first: hole.last + 1n, last: range.last };
  return [before, after].filter(({ first, last }) => first <= last);
}

/** A range as the fewest blocks: each as large as its start and what is left allow. */
function blocksOf(version: IpVersion, { first, last }: Range): Cidr[] {
  const blocks: Cidr[] = [];
  for (let start = first; start <= last; ) {
    let bits = 0;
    while (bits < addressBits[version] && fits(start, last, bits + 1)) bits += 1;
    const end = start + (1n << BigInt(bits)) - 1n;
    blocks.push({ version, prefix: addressBits[version] - bits, first: start, last: end });
    start = end + 1n;
  }
  return blocks;
}

function fits(start: bigint, last: bigint, bits: number): boolean {
  const size = 1n << BigInt(bits);
  return start % size === 0n && start + size - 1n <= last;
}
