/**
 * The default IPAM driver (libnetwork's ipam): pools that do not overlap, the lowest free address of each.
 *
 * Two address spaces, one of this host and one of all. A pool that nobody names comes from the predefined ones, in turn and not
 * lowest first, so that a pool just released is not given to the next network at once. Holds everything in memory: the
 * controller says at its start what was given out.
 */
import {
  type Address,
  blockOf,
  type Cidr,
  contains,
  formatAddress,
  formatCidr,
  overlaps,
  parseAddress,
  parseCidr,
} from '../../ipam/address.ts';
import { type Range, usableRange } from '../../ipam/pools.ts';
import { Failure } from '../../model/failure.ts';
import type { AddressPurpose, AskedAddress, AskedPool, GivenPool, Ipam } from '../ipam.ts';
import { type PeerDirectory, sharedHost } from '../peers/directory.ts';

type Space = 'LocalDefault' | 'GlobalDefault';

interface Parent {
  readonly cidr: Cidr;
  /** Sub-pools in use; '' = the whole. */
  readonly subPools: Set<string>;
  readonly used: Set<bigint>;
  /** The last automatic address, for serial allocation. */
  last: bigint | undefined;
}

interface PredefinedRange {
  readonly base: string;
  /** Prefix length of each pool. */
  readonly size: number;
}

/** In the order of libnetwork. */
const predefined: Readonly<Record<Space, readonly PredefinedRange[]>> = {
  LocalDefault: [
    { base: '172.17.0.0/16', size: 16 },
    { base: '172.18.0.0/16', size: 16 },
    { base: '172.19.0.0/16', size: 16 },
    { base: '172.20.0.0/14', size: 16 },
    { base: '172.24.0.0/14', size: 16 },
    { base: '172.28.0.0/14', size: 16 },
    { base: '192.168.0.0/16', size: 20 },
  ],
  GlobalDefault: [{ base: '10.0.0.0/8', size: 24 }],
};

/** RFC 4193: a /40 of this installation would need to be kept; a fixed one suffices for networks of one host. */
const predefined6: PredefinedRange = { base: 'fd00:b0a7::/32', size: 64 };

export const serialOption = 'com.docker.network.ipam.serial';

export interface DefaultIpamOptions {
  /** Instead of the predefined local pools. */
  readonly localPools?: readonly PredefinedRange[];
  /** CIDRs that automatic local pools keep away from: the host's own routes. */
  readonly avoid?: () => Promise<readonly string[]>;
  /** Where hosts claim addresses of global pools, and as whom. */
  readonly global?: {
    readonly directory: PeerDirectory;
    readonly host: () => Promise<string | undefined>;
  };
}

export class DefaultIpam implements Ipam {
  readonly name = 'default';
  readonly #spaces = new Map<Space, Map<string, Parent>>([
    ['LocalDefault', new Map()],
    ['GlobalDefault', new Map()],
  ]);
  readonly #next = new Map<string, number>();
  readonly #options: DefaultIpamOptions;

  constructor(options: DefaultIpamOptions = {}) {
    this.#options = options;
  }

  async capabilities() {
    return { needsMacAddress: false, needsReplay: true };
  }

  async requestPool({ version, scope, cidr, subPool }: AskedPool): Promise<GivenPool> {
    const space: Space = scope === 'local' ? 'LocalDefault' : 'GlobalDefault';
    if (cidr === '') {
      if (subPool !== '')
        throw new Failure('invalid-value', `sub-pool ${subPool}: a sub-pool needs the pool that it is in`);
      const chosen = await this.#choose(space, version);
      this.#claim(space, chosen, '');
      return { id: idOf(space, chosen, ''), cidr: formatCidr(chosen), addressSpace: space };
    }
    const pool = parseCidr(cidr);
    const part = subPool === '' ? '' : checkedPart(pool, subPool);
    this.#claim(space, pool, part);
    return { id: idOf(space, pool, part), cidr: formatCidr(pool), addressSpace: space };
  }

  async releasePool(poolId: string): Promise<void> {
    const { space, parent, key, subPool } = this.#find(poolId);
    parent.subPools.delete(subPool);
    if (parent.subPools.size === 0) this.#spaces.get(space)?.delete(key);
  }

  async requestAddress({ poolId, address, purpose, options }: AskedAddress): Promise<string> {
    const { space, parent, subPool } = this.#find(poolId);
    const { cidr, used } = parent;
    const part = purpose === 'gateway' || subPool === '' ? cidr : parseCidr(subPool);
    for (;;) {
      const foreign = space === 'GlobalDefault' && address === '' ? await this.#foreign(cidr, purpose) : [];
      const value =
        address === ''
          ? automatic(
              { ...parent, used: new Set([...used, ...foreign]) },
              part,
              options[serialOption] === 'true',
            )
          : asked(parent, parseAddress(address.split('/')[0] ?? ''));
      used.add(value);
      const text = formatAddress({ version: cidr.version, value });
      if (space === 'LocalDefault' || (await this.#claimed(cidr, text, purpose))) {
        if (address === '') parent.last = value;
        return `${text}/${cidr.prefix}`;
      }
      used.delete(value);
      // An automatic one was claimed by another host at this very moment: the next look knows it.
      if (address !== '') throw new Failure('ip-address-in-use', `Address ${text} is in use on another host`);
    }
  }

  async releaseAddress(poolId: string, address: string): Promise<void> {
    const { space, parent } = this.#find(poolId);
    const text = address.split('/')[0] ?? '';
    parent.used.delete(parseAddress(text).value);
    if (space === 'GlobalDefault') await this.#unclaim(formatCidr(parent.cidr), text);
  }

  /** Addresses of the pool that an automatic one keeps away from: all claims of others, but for a gateway those in common. */
  async #foreign(cidr: Cidr, purpose: AddressPurpose): Promise<bigint[]> {
    const claims = (await this.#options.global?.directory.list()) ?? [];
    return claims
      .filter(
        ({ pool, host }) => pool === formatCidr(cidr) && !(purpose === 'gateway' && host === sharedHost),
      )
      .map(({ address }) => parseAddress(address).value);
  }

  async #claimed(cidr: Cidr, address: string, purpose: AddressPurpose): Promise<boolean> {
    if (!this.#options.global) return true;
    const { directory, host } = this.#options.global;
    const own = purpose === 'endpoint' ? await host() : sharedHost;
    if (own === undefined) return true;
    const pool = formatCidr(cidr);
    const present = (await directory.list()).find((one) => one.pool === pool && one.address === address);
    // After a restart; what is said of it there stays.
    if (present) return present.host === own;
    return directory.claim({ pool, address, host: own, peer: null });
  }

  /** What hosts have in common goes with the last address of any host in the pool. */
  async #unclaim(pool: string, address: string): Promise<void> {
    if (!this.#options.global) return;
    const { directory, host } = this.#options.global;
    const own = await host();
    if (own !== undefined) await directory.release({ pool, address, host: own });
    const rest = (await directory.list()).filter((one) => one.pool === pool);
    if (rest.every((one) => one.host === sharedHost))
      await directory.release({ pool, address, host: sharedHost });
  }

  #claim(space: Space, pool: Cidr, subPool: string): void {
    const pools = this.#poolsOf(space);
    const key = formatCidr(pool);
    const same = pools.get(key);
    if (same) {
      const isFree = subPool !== '' && !same.subPools.has('') && !same.subPools.has(subPool);
      if (!isFree) throw overlapping(key);
      same.subPools.add(subPool);
      return;
    }
    for (const { cidr } of pools.values()) if (overlaps(cidr, pool)) throw overlapping(key);
    pools.set(key, { cidr: pool, subPools: new Set([subPool]), used: new Set(), last: undefined });
  }

  async #choose(space: Space, version: 4 | 6): Promise<Cidr> {
    const ranges =
      version === 6
        ? [predefined6]
        : space === 'LocalDefault'
          ? (this.#options.localPools ?? predefined.LocalDefault)
          : predefined.GlobalDefault;
    const others = space === 'LocalDefault' ? this.#options.avoid?.() : this.#poolsOfOthers();
    const avoid = ((await others) ?? []).map(parseCidr);
    const taken = [...[...this.#poolsOf(space).values()].map(({ cidr }) => cidr), ...avoid.filter(isNarrow)];
    const counter = `${space} ${version}`;
    const start = this.#next.get(counter) ?? 0;
    const count = ranges.reduce((sum, range) => sum + sizeOf(range), 0);
    for (let step = 0; step < count; step += 1) {
      const index = (start + step) % count;
      const pool = poolAt(ranges, index);
      if (taken.some((other) => overlaps(other, pool))) continue;
      this.#next.set(counter, index + 1);
      return pool;
    }
    throw new Failure(
      'pool-exhausted',
      `could not find an available, non-overlapping IPv${version} address pool among the defaults to assign to the network: name a subnet`,
    );
  }

  async #poolsOfOthers(): Promise<string[]> {
    const claims = (await this.#options.global?.directory.list()) ?? [];
    return [...new Set(claims.map(({ pool }) => pool))];
  }

  #poolsOf(space: Space): Map<string, Parent> {
    const pools = this.#spaces.get(space);
    if (pools) return pools;
    throw new Failure('invalid-value', `unknown address space ${space}`);
  }

  #find(poolId: string) {
    const [space = '', address = '', prefix = '', ...sub] = poolId.split('/');
    const key = `${address}/${prefix}`;
    const parent = this.#spaces.get(space as Space)?.get(key);
    const subPool = sub.join('/');
    if (parent?.subPools.has(subPool)) return { space: space as Space, parent, key, subPool };
    throw new Failure('pool-not-found', `invalid address pool ID "${poolId}"`);
  }
}

function idOf(space: Space, pool: Cidr, subPool: string): string {
  return `${space}/${formatCidr(pool)}${subPool === '' ? '' : `/${subPool}`}`;
}

function checkedPart(pool: Cidr, subPool: string): string {
  const part = parseCidr(subPool);
  if (part.version === pool.version && part.first >= pool.first && part.last <= pool.last)
    return formatCidr(part);
  throw new Failure('invalid-value', `sub-pool ${subPool} is not within pool ${formatCidr(pool)}`);
}

function overlapping(key: string): Failure {
  return new Failure('pool-overlaps', `Pool overlaps with other one on this address space: ${key}`);
}

/** A default route overlaps with everything and keeps nobody away. */
function isNarrow({ prefix }: Cidr): boolean {
  return prefix > 0;
}

function sizeOf({ base, size }: PredefinedRange): number {
  return 2 ** Math.min(size - parseCidr(base).prefix, 20);
}

function poolAt(ranges: readonly PredefinedRange[], index: number): Cidr {
  let rest = index;
  for (const range of ranges) {
    const count = sizeOf(range);
    if (rest >= count) {
      rest -= count;
      continue;
    }
    const { version, first } = parseCidr(range.base);
    const width = BigInt((version === 4 ? 32 : 128) - range.size);
    return blockOf({ version, value: first + (BigInt(rest) << width) }, range.size);
  }
  throw new RangeError(`pool ${index}`);
}

function asked({ cidr, used }: Parent, address: Address): bigint {
  const { value } = address;
  if (!contains(cidr, address)) {
    throw new Failure(
      'invalid-ip-for-subnet',
      `Requested address ${formatAddress(address)} is out of range of ${formatCidr(cidr)}`,
    );
  }
  if (used.has(value))
    throw new Failure('ip-address-in-use', `Address ${formatAddress(address)} already in use`);
  return value;
}

/** Network and broadcast address are never given out by themselves. */
function automatic({ cidr, used, last }: Parent, part: Cidr, isSerial: boolean): bigint {
  const usable = usableRange(cidr);
  const range = {
    first: part.first > usable.first ? part.first : usable.first,
    last: part.last < usable.last ? part.last : usable.last,
  };
  const after = isSerial && last !== undefined && last >= range.first ? last + 1n : range.first;
  const ranges = [
    { first: after, last: range.last },
    { first: range.first, last: after - 1n },
  ].filter(({ first, last: end }) => first <= end);
  const found = ranges.map((one) => lowestFree(one, used)).find((value) => value !== undefined);
  if (found !== undefined) return found;
  throw new Failure('ip-address-exhausted', `no available addresses on pool ${formatCidr(part)}`);
}

/** As many steps as addresses are in use at the beginning of the range, at most. */
function lowestFree({ first, last }: Range, used: ReadonlySet<bigint>): bigint | undefined {
  for (let value = first; value <= last; value += 1n) if (!used.has(value)) return value;
  return undefined;
}
