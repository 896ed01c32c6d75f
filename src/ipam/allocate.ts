/**
 * Which address a port gets when it names none.
 *
 * Ranges up to 2^20 addresses: the first free one, by a bitmap built from the addresses in use. Larger ones (any
 * ordinary IPv6 subnet): random candidates, never a scan. Subnets whose hosts compute their own address: EUI-64.
 * Two servers may choose the same address at the same time: the store's unique index decides, the loser asks again.
 */
import { type Address, type Cidr, contains } from './address.ts';
import { Bitmap } from './bitmap.ts';
import type { Range } from './pools.ts';

/** Random bytes; an argument so that decisions can be repeated. */
export type Random = (count: number) => Uint8Array;

const largestBitmap = 1n << 20n;
const candidates = 16;

/** Undefined when every address of the pools is in use (or, in a huge pool, when all candidates were). */
export function chooseAddress(
  pools: readonly Range[],
  used: ReadonlySet<bigint>,
  random: Random,
): bigint | undefined {
  for (const pool of pools) {
    const chosen = sizeOf(pool) <= largestBitmap ? firstFree(pool, used) : randomFree(pool, used, random);
    if (chosen !== undefined) return chosen;
  }
  return undefined;
}

function firstFree(pool: Range, used: ReadonlySet<bigint>): bigint | undefined {
  const bitmap = new Bitmap(Number(sizeOf(pool)));
  for (const value of used) {
    if (value >= pool.first && value <= pool.last) bitmap.set(Number(value - pool.first));
  }
  const free = bitmap.firstFree();
  return free === undefined ? undefined : pool.first + BigInt(free);
}

function randomFree(pool: Range, used: ReadonlySet<bigint>, random: Random): bigint | undefined {
  for (let attempt = 0; attempt < candidates; attempt += 1) {
    const value = pool.first + (bigintOf(random(16)) % sizeOf(pool));
    if (!used.has(value)) return value;
  }
  return undefined;
}

function sizeOf({ first, last }: Range): bigint {
  return last - first + 1n;
}

function bigintOf(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** The address that a host with this MAC computes for itself from a /64 (RFC 4291, appendix A). */
export function eui64Address(cidr: Cidr, mac: string): Address {
  const bytes = mac.split(':').map((byte) => Number.parseInt(byte, 16));
  const [first = 0, ...rest] = bytes;
  const identifier = [first ^ 0x02, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  return { version: 6, value: cidr.first | bigintOf(Uint8Array.from(identifier)) };
}

/** True for exactly the address that `eui64Address` gives. */
export function isEui64(cidr: Cidr, mac: string, address: Address): boolean {
  return contains(cidr, address) && address.value === eui64Address(cidr, mac).value;
}
