/**
 * Docker's address pools, each of which is (or becomes) one subnet.
 *
 * A pool's id outlives this process, because Docker keeps it with its network: it is the subnet's id when the subnet
 * was there first, else a new uuid that the subnet carries as a tag from its creation on.
 * Docker asks for the pool before the network and names neither in the other's call, so a pool without a subnet is a
 * *claim* on its CIDR until CreateNetwork brings that CIDR: one claim per CIDR at a time, held for a minute.
 * `noIpv4` stands for the IPv4 pool that dockerd wants of a network that has none: its pool is 0.0.0.0/0, its address
 * 0.0.0.0, which the kernel ignores, so that the container has no IPv4 address.
 */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../model/failure.ts';
import type { HostSubnet, KuryrBackend } from './backend.ts';
import { addressAt, type Cidr, contains, overlaps, parseAddress, parseCidr, withPrefix } from './cidr.ts';
import { isOwnSubnet } from './names.ts';
import { type Reference, subnetReference } from './options.ts';
import { optionKey, type RequestPool } from './protocol.ts';
import type { Subnets } from './subnets.ts';

export const noIpv4 = { poolId: 'no-ipv4', cidr: '0.0.0.0/0', address: '0.0.0.0/32' } as const;
const claimMs = 60_000;
/** Where automatic pools come from: 16,384 networks of IPv4, 65,536 of IPv6 (the prefix spells Kuryr). */
const defaults = {
  4: { within: parseCidr('10.192.0.0/10'), prefixLength: 24 },
  6: { within: parseCidr('fd6b:7572:7972::/48'), prefixLength: 64 },
} as const;

export interface Claim {
  readonly poolId: string;
  readonly cidr: Cidr;
  /** `--ip-range`: addresses are handed out from here only. */
  readonly range: Cidr | undefined;
  readonly until: number;
}

export interface PoolAnswer {
  readonly PoolID: string;
  readonly Pool: string;
  readonly Data: Readonly<Record<string, string>>;
}

export type Pool =
  | { readonly kind: 'none' }
  | { readonly kind: 'claim'; readonly claim: Claim }
  | { readonly kind: 'subnet'; readonly subnet: HostSubnet };

export class Pools {
  readonly #backend: KuryrBackend;
  readonly #subnets: Subnets;
  readonly #claims = new Map<string, Claim>();
  readonly #subnetOfPool = new Map<string, string>();
  /** Subnets given out for a request without CIDR: asked again, dockerd found them overlapping. */
  readonly #offered = new Map<string, number>();
  readonly #nextDefault = { 4: 0, 6: 0 };

  constructor(backend: KuryrBackend, subnets: Subnets) {
    this.#backend = backend;
    this.#subnets = subnets;
  }

  async request({ Pool, SubPool, V6, Options }: RequestPool): Promise<PoolAnswer> {
    const options = Options ?? {};
    const wanted = subnetReference(options, V6 ? 6 : 4);
    if (wanted) return this.#existing(wanted, V6 ? 6 : 4, { Pool, SubPool });
    if (!Pool && !V6 && subnetReference(options, 6))
      return { PoolID: noIpv4.poolId, Pool: noIpv4.cidr, Data: {} };
    const cidr = Pool ? parseCidr(Pool) : await this.#freeDefault(V6 ? 6 : 4);
    const claim = this.#claim(cidr, SubPool ? parseCidr(SubPool) : undefined);
    return { PoolID: claim.poolId, Pool: cidr.text, Data: {} };
  }

  async release(poolId: string): Promise<void> {
    this.#claims.delete(poolId);
    const subnetId = this.#subnetOfPool.get(poolId);
    this.#subnetOfPool.delete(poolId);
    this.#offered.delete(poolId);
    const { service } = this.#backend;
    // Of Berth's own networks, and of none at all, there is nothing to take back.
    if (poolId === noIpv4.poolId || (await this.#backend.findSubnet(poolId))) return;
    const found = subnetId
      ? await service.list('subnets', { id: subnetId })
      : await service.list('subnets', { tags: poolId });
    for (const subnet of found.filter((each) => each.tags.includes(poolId))) {
      this.#subnets.forget(subnet.id);
      if (isOwnSubnet(subnet.name)) await service.remove('subnets', subnet.id);
      else await service.removeTag('subnets', subnet.id, poolId);
    }
  }

  /** Undefined when nothing stands for the pool. */
  async find(poolId: string): Promise<Pool | undefined> {
    if (poolId === noIpv4.poolId) return { kind: 'none' };
    const claim = this.#claims.get(poolId);
    if (claim) return { kind: 'claim', claim };
    const subnet = await this.#subnetOf(poolId);
    return subnet && { kind: 'subnet', subnet };
  }

  async get(poolId: string): Promise<Pool> {
    const pool = await this.find(poolId);
    if (!pool) throw new Failure('subnet-not-found', `Subnet with pool ${poolId} does not exist.`);
    return pool;
  }

  gateway({ cidr }: Claim, asked: string): string {
    const address = asked ? parseAddress(asked) : addressAt(cidr, 1);
    if (!contains(cidr, address)) {
      throw new Failure('invalid-ip-for-subnet', `gateway ${address} is not within ${cidr.text}`);
    }
    return withPrefix(address, cidr.text);
  }

  /** The claim that a network brings the CIDR of; it stays until `settle`. */
  claimOf(cidr: string): Claim | undefined {
    return [...this.#claims.values()].find((claim) => claim.cidr.text === parseCidr(cidr).text);
  }

  /** The claim has its subnet, which carries the pool's id as a tag. */
  settle(claim: Claim, subnetId: string): void {
    this.#claims.delete(claim.poolId);
    this.#subnetOfPool.set(claim.poolId, subnetId);
  }

  /** A network was made of this subnet: dockerd was content with it. */
  accepted(subnetId: string): void {
    this.#offered.delete(subnetId);
  }

  async #existing(
    wanted: Reference,
    version: 4 | 6,
    { Pool, SubPool }: { Pool?: string | null | undefined; SubPool?: string | null | undefined },
  ): Promise<PoolAnswer> {
    const subnet = await this.findSubnet(wanted);
    if (subnet.ipVersion !== version) {
      throw new Failure('invalid', `subnet ${subnet.id} is IPv${subnet.ipVersion}, not IPv${version}`);
    }
    if (Pool && parseCidr(Pool).text !== subnet.cidr) {
      throw new Failure('invalid', `subnet ${subnet.id} is ${subnet.cidr}, not ${Pool}`);
    }
    if (SubPool) {
      throw new Failure('invalid', `an address range (${SubPool}) cannot be given with an existing subnet`);
    }
    if (!Pool) this.#offer(subnet);
    const gateway = subnet.gatewayIp && withPrefix(subnet.gatewayIp, subnet.cidr);
    return {
      PoolID: subnet.id,
      Pool: subnet.cidr,
      Data: gateway ? { [optionKey.gateway]: gateway } : {},
    };
  }

  /** Throws `subnet-not-found`; `conflict` for an ambiguous name. */
  async findSubnet(wanted: Reference): Promise<HostSubnet> {
    if (wanted.by === 'id') return this.#subnets.get(wanted.value);
    const [found, ...others] = await this.#subnets.list({ name: wanted.value });
    if (!found)
      throw new Failure('subnet-not-found', `Specified subnet name(${wanted.value}) does not exist.`);
    if (others.length > 0) {
      throw new Failure('conflict', `Multiple Neutron subnets exist for the params name=${wanted.value}`);
    }
    return found;
  }

  /** dockerd asks again, without end, for as long as the pool overlaps a route of the host. */
  #offer(subnet: HostSubnet): void {
    const now = performance.now();
    if ((this.#offered.get(subnet.id) ?? 0) > now) {
      throw new Failure(
        'conflict',
        `subnet ${subnet.id} (${subnet.cidr}) overlaps a route of this host, or another network is being made of ` +
          `it: give --subnet ${subnet.cidr} to use it all the same`,
      );
    }
    this.#offered.set(subnet.id, now + claimMs);
  }

  #claim(cidr: Cidr, range: Cidr | undefined): Claim {
    this.#dropStaleClaims();
    if (this.claimOf(cidr.text)) {
      throw new Failure('conflict', `another network with subnet ${cidr.text} is just being made: try again`);
    }
    if (range && (!contains(cidr, addressAt(range, 0)) || range.last > cidr.last)) {
      throw new Failure('invalid', `address range ${range.text} is not within ${cidr.text}`);
    }
    const claim = { poolId: randomUUID(), cidr, range, until: performance.now() + claimMs };
    this.#claims.set(claim.poolId, claim);
    return claim;
  }

  #dropStaleClaims(): void {
    const now = performance.now();
    for (const { poolId, until } of this.#claims.values()) if (until <= now) this.#claims.delete(poolId);
  }

  async #freeDefault(version: 4 | 6): Promise<Cidr> {
    const { within, prefixLength } = defaults[version];
    const views = await this.#backend.service.list('subnets', { ip_version: String(version) });
    const taken = [
      ...views.map(({ cidr }) => parseCidr(cidr)),
      ...[...this.#claims.values()].map(({ cidr }) => cidr),
    ];
    const count = 2 ** (prefixLength - within.prefixLength);
    const size = 1n << BigInt((version === 4 ? 32 : 128) - prefixLength);
    for (let tried = 0; tried < count; tried += 1) {
      // Onward from the last one: dockerd may have refused it for a route of the host that we do not know.
      const offset = BigInt(this.#nextDefault[version] % count) * size;
      this.#nextDefault[version] += 1;
      const candidate = cidrAt(within, offset, prefixLength);
      if (!taken.some((each) => overlaps(each, candidate))) return candidate;
    }
    throw new Failure('conflict', `no free IPv${version} pool within ${within.text}: give --subnet`);
  }

  async #subnetOf(poolId: string): Promise<HostSubnet | undefined> {
    const known = this.#subnetOfPool.get(poolId) ?? poolId;
    const here = await this.#backend.findSubnet(known);
    if (here) return here;
    const [found] = [
      ...(await this.#subnets.list({ id: known })),
      ...(known === poolId ? await this.#subnets.list({ tags: poolId }) : []),
    ];
    if (found) this.#subnetOfPool.set(poolId, found.id);
    return found;
  }
}

function cidrAt(within: Cidr, offset: bigint, prefixLength: number): Cidr {
  const bytes = within.first + offset;
  const base = { ...within, first: bytes, last: bytes, prefixLength };
  return parseCidr(`${addressAt(base, 0)}/${prefixLength}`);
}
