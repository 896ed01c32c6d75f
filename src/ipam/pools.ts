/**
 * Allocation pools of a subnet: which of its addresses may be given out without being asked for by name.
 *
 * A pool is a closed range inside the subnet. Pools do not overlap and hold neither the gateway nor the addresses
 * that nobody can have: network and broadcast address (IPv4), the subnet-router anycast address (IPv6).
 */
import { Failure } from '../model/failure.ts';
import type { AddressRange } from '../model/network.ts';
import { type Address, type Cidr, contains, formatAddress, formatCidr, parseAddress } from './address.ts';

export interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** The addresses of a subnet that a port can have at all. Blocks of one or two addresses have no reserved ones. */
export function usableRange({ version, prefix, first, last }: Cidr): Range {
  const isTiny = last - first < 2n;
  if (isTiny) return { first, last };
  if (version === 6) return { first: first + 1n, last };
  return prefix >= 31 ? { first, last } : { first: first + 1n, last: last - 1n };
}

/** The gateway when none is named: the first address that a port could have. */
export function defaultGateway(cidr: Cidr): Address {
  return { version: cidr.version, value: usableRange(cidr).first };
}

/** Everything usable except the gateway. Empty when nothing is left. */
export function defaultPools(cidr: Cidr, gateway: Address | null): Range[] {
  const usable = usableRange(cidr);
  if (gateway === null || gateway.value < usable.first || gateway.value > usable.last) return [usable];
  return [
    { first: usable.first, last: gateway.value - 1n },
    { first: gateway.value + 1n, last: usable.last },
  ].filter(({ first, last }) => first <= last);
}

export function formatRange(version: 4 | 6, { first, last }: Range): AddressRange {
  return {
    start: formatAddress({ version, value: first }),
    end: formatAddress({ version, value: last }),
  };
}

export function parseRange({ start, end }: AddressRange): Range {
  return { first: parseAddress(start).value, last: parseAddress(end).value };
}

/**
 * Checks what a user asks for against the subnet and the gateway and returns it sorted.
 * Throws `invalid-allocation-pool`, `overlapping-allocation-pools` or `gateway-conflict`.
 */
export function checkPools(cidr: Cidr, pools: readonly AddressRange[], gateway: Address | null): Range[] {
  const ranges = pools.map((pool) => checkPool(cidr, pool));
  ranges.sort((a, b) => (a.first < b.first ? -1 : 1));
  for (const [index, range] of ranges.entries()) {
    const before = ranges[index - 1];
    if (before && before.last >= range.first) {
      throw new Failure(
        'overlapping-allocation-pools',
        `Found overlapping allocation pools: ${show(cidr, before)} ${show(cidr, range)} for subnet ${formatCidr(cidr)}.`,
      );
    }
    if (gateway && gateway.value >= range.first && gateway.value <= range.last) {
      throw new Failure(
        'gateway-conflict',
        `Gateway ip ${formatAddress(gateway)} conflicts with allocation pool ${show(cidr, range)}.`,
      );
    }
  }
  return ranges;
}

function checkPool(cidr: Cidr, pool: AddressRange): Range {
  const [start, end] = [parseAddress(pool.start), parseAddress(pool.end)];
  const usable = usableRange(cidr);
  const isInside =
    contains(cidr, start) && contains(cidr, end) && start.value >= usable.first && end.value <= usable.last;
  if (!isInside || start.value > end.value) {
    throw new Failure(
      'invalid-allocation-pool',
      `The allocation pool ${pool.start}-${pool.end} is not a range of usable addresses of ${formatCidr(cidr)}: ` +
        `it must lie within ${show(cidr, usable)}.`,
    );
  }
  return { first: start.value, last: end.value };
}

function show({ version }: Cidr, range: Range): string {
  const { start, end } = formatRange(version, range);
  return `${start}-${end}`;
}
