/**
 * Docker's address pools, each of which is (or becomes) one subnet.
 *
 * A pool's id outlives this process, because Docker keeps it with its network: it is the id of the subnet when that was
 * there first, else of a subnet pool that the subnet is taken from and carries as a tag from its creation on.
 * Docker asks for the pool before the network, so a pool without a subnet is a claim (./claims.ts) on its CIDR until
 * CreateNetwork brings that CIDR.
 * `noIpv4` stands for the IPv4 pool that dockerd wants of a network that has none: its pool is 0.0.0.0/0, its address
 * 0.0.0.0, which the kernel ignores, so that the container has no IPv4 address.
 */
import { Failure } from '../../model/failure.ts';
import type { SubnetPoolView, SubnetView } from '../../wire/network-service.ts';
import type { HostSubnet, KuryrBackend } from './backend.ts';
import { addressAt, type Cidr, contains, parseAddress, parseCidr, withPrefix } from './cidr.ts';
import { type Claim, Claims, rangeWithin } from './claims.ts';
import { ExistingSubnets, type PoolAnswer } from './existing-subnets.ts';
import { FreeCidrs, usualSources } from './free-cidrs.ts';
import { isDockers, isOwnSubnet } from './names.ts';
import {
  poolOptions,
  poolReference,
  type Reference,
  refuseUnknown,
  sharedOption,
  subnetReference,
} from './options.ts';
import type { Shelter } from './orphans.ts';
import { parsePoolId, subnetsOfPool } from './pool-ids.ts';
import type { RequestPool } from './protocol.ts';
import { rangeOf, SubnetPools, sourceOf } from './subnet-pools.ts';
import type { Subnets } from './subnets.ts';

export const noIpv4 = { poolId: 'no-ipv4', cidr: '0.0.0.0/0', address: '0.0.0.0/32' } as const;
export type Pool =
  | { readonly kind: 'none' }
  | { readonly kind: 'claim'; readonly claim: Claim }
  | { readonly kind: 'subnet'; readonly subnet: HostSubnet };

export class Pools {
  readonly #backend: KuryrBackend;
  readonly #subnets: Subnets;
  readonly #subnetPools: SubnetPools;
  readonly #claims = new Claims();
  readonly existing: ExistingSubnets;
  readonly #freeCidrs = new FreeCidrs();
  readonly #subnetOfPool = new Map<string, string>();

  constructor(backend: KuryrBackend, subnets: Subnets) {
    this.#backend = backend;
    this.#subnets = subnets;
    this.existing = new ExistingSubnets(subnets);
    this.#subnetPools = new SubnetPools(backend.service);
  }

  async request({ Pool, SubPool, V6, Options }: RequestPool): Promise<PoolAnswer> {
    const options = Options ?? {};
    refuseUnknown(options, poolOptions);
    const version = V6 ? 6 : 4;
    const wanted = subnetReference(options, version);
    if (wanted) return this.existing.answer(wanted, version, { Pool, SubPool });
    if (!Pool && !V6 && subnetReference(options, 6)) {
      return { PoolID: noIpv4.poolId, Pool: noIpv4.cidr, Data: {} };
    }
    const existing = await this.#existing(options, version, Pool);
    const cidr = Pool ? parseCidr(Pool) : await this.#free(version, existing);
    const range = rangeWithin(cidr, SubPool);
    this.#claims.refuseTaken(cidr);
    const shared = sharedOption(options);
    const claim = existing
      ? await this.#takeFrom(existing, { cidr, range, shared })
      : this.#claims.add({ id: (await this.#subnetPools.make({ cidr, range, shared })).id }, cidr, range);
    return { PoolID: claim.poolId, Pool: cidr.text, Data: {} };
  }

  async release(poolId: string): Promise<void> {
    this.#claims.drop(poolId);
    this.#subnetOfPool.delete(poolId);
    this.existing.accepted(poolId);
    const { service } = this.#backend;
    // Of Berth's own networks, and of none at all, there is nothing to take back.
    if (poolId === noIpv4.poolId || (await this.#backend.findSubnet(poolId))) return;
    const pool = parsePoolId(poolId);
    for (const subnet of await service.list('subnets', subnetsOfPool(pool))) {
      this.#subnets.forget(subnet.id);
      if (isOwnSubnet(subnet.name)) await service.remove('subnets', subnet.id);
      else await service.removeTag('subnets', subnet.id, pool.id);
    }
    await this.#subnetPools.letGo(pool.id);
  }

  /** Whoever asked for a pool is gone: a network that comes all the same finds its pool in the service. */
  forgetClaims(): void {
    this.#claims.dropAll();
    this.existing.forgetOffers();
  }

  /** Undefined when nothing stands for the pool. */
  async find(poolId: string): Promise<Pool | undefined> {
    if (poolId === noIpv4.poolId) return { kind: 'none' };
    const known = this.#claims.get(poolId);
    if (known) return { kind: 'claim', claim: known };
    const subnet = await this.#subnetOf(poolId);
    if (subnet) return { kind: 'subnet', subnet };
    const claim = await this.#revive(poolId);
    return claim && { kind: 'claim', claim };
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

  /** The claim that a network brings the CIDR of, from the pool that it names; it stays until `settle`. */
  async claimOf(
    cidr: Cidr,
    { pool, isThere }: { readonly pool: Reference | undefined; readonly isThere: boolean },
  ): Promise<Claim | undefined> {
    const known = this.#claims.ofCidr(cidr.text);
    if (!pool) return known ?? (isThere ? undefined : this.#waiting(cidr));
    const { id } = await this.#subnetPools.get(pool, cidr.version);
    if (known?.subnetPoolId === id) return known;
    // A block of it was asked for before this process started.
    if (!known) return this.#claims.add({ id, cidr: cidr.text }, cidr, undefined);
    throw new Failure(
      'conflict',
      `subnet pool ${pool.value} was not asked for ${cidr.text}: give the option by --ipam-opt, too`,
    );
  }

  /** The claim has its subnet, which carries the pool's id as a tag. */
  settle(claim: Claim, subnetId: string): void {
    this.#claims.drop(claim.poolId);
    this.#subnetOfPool.set(claim.poolId, subnetId);
  }

  /** The pools that these subnets, gone now, were of. */
  async letGo(subnets: readonly { readonly tags: readonly string[] }[]): Promise<void> {
    for (const id of new Set(subnets.flatMap(({ tags }) => tags))) await this.#subnetPools.letGo(id);
  }

  /** Subnets of pools whose network no Docker has any more, and pools without a subnet. */
  orphans(): Shelter[] {
    return [
      {
        kind: 'subnet',
        find: async () => (await this.#lostSubnets()).map(({ id }) => id),
        free: async (id) => {
          const lost = (await this.#lostSubnets()).filter((subnet) => subnet.id === id);
          for (const pool of new Set(lost.flatMap(({ tags }) => tags))) await this.release(pool);
        },
      },
      {
        kind: 'subnet pool',
        find: async () => {
          const claimed = new Set(this.#claims.all().map(({ subnetPoolId }) => subnetPoolId));
          return (await this.#subnetPools.unused()).filter((id) => !claimed.has(id));
        },
        free: (id) => this.#subnetPools.letGo(id),
      },
    ];
  }

  /** The subnet pool that the block is to come from: the one named, or the operator's where no CIDR is given. */
  async #existing(
    options: Readonly<Record<string, string>>,
    version: 4 | 6,
    cidr: string | null | undefined,
  ): Promise<SubnetPoolView | undefined> {
    const reference = poolReference(options, version);
    if (reference) return this.#subnetPools.get(reference, version);
    return cidr ? undefined : this.#subnetPools.usual(version);
  }

  async #takeFrom(
    pool: SubnetPoolView,
    { cidr, range, shared }: { cidr: Cidr; range: Cidr | undefined; shared: boolean | undefined },
  ): Promise<Claim> {
    if (shared !== undefined && shared !== pool.shared) {
      throw new Failure(
        'conflict',
        `option neutron.net.shared=${shared}: subnet pool ${pool.id} is ${pool.shared ? '' : 'not '}shared`,
      );
    }
    const isWithin = pool.prefixes
      .map(parseCidr)
      .some((prefix) => contains(prefix, addressAt(cidr, 0)) && cidr.last <= prefix.last);
    if (!isWithin) {
      throw new Failure(
        'invalid',
        `${cidr.text} is not within subnet pool ${pool.name} (${pool.prefixes.join(', ')})`,
      );
    }
    await this.#subnetPools.adopt(pool);
    return this.#claims.add({ id: pool.id, cidr: cidr.text }, cidr, range);
  }

  async #free(version: 4 | 6, existing: SubnetPoolView | undefined): Promise<Cidr> {
    const { service } = this.#backend;
    const [subnets, pools] = await Promise.all([
      service.list('subnets', existing ? { subnetpool_id: existing.id } : { ip_version: String(version) }),
      existing ? [] : this.#subnetPools.own(),
    ]);
    const taken = [
      ...subnets.map(({ cidr }) => parseCidr(cidr)),
      ...pools.flatMap(({ prefixes }) => prefixes.map(parseCidr)),
      ...this.#claims.all().map(({ cidr }) => cidr),
    ];
    return this.#freeCidrs.choose(existing ? sourceOf(existing) : usualSources[version], taken);
  }

  async #lostSubnets(): Promise<SubnetView[]> {
    const { service } = this.#backend;
    const lost: SubnetView[] = [];
    for (const { id } of await this.#subnetPools.ours()) {
      for (const subnet of await service.list('subnets', subnetsOfPool({ id }))) {
        const [network] = await service.list('networks', { id: subnet.network_id });
        if (network && !isDockers(network.tags)) lost.push(subnet);
      }
    }
    return lost;
  }

  /** After a restart the subnet pool tells what was claimed. */
  async #waiting(cidr: Cidr): Promise<Claim | undefined> {
    const pool = await this.#subnetPools.waiting(cidr.text);
    return pool && this.#claims.add({ id: pool.id }, cidr, rangeOf(pool));
  }

  async #revive(poolId: string): Promise<Claim | undefined> {
    const id = parsePoolId(poolId);
    const pool = await this.#subnetPools.find(id.id);
    const cidr = id.cidr ?? pool?.prefixes[0];
    return pool && cidr ? this.#claims.add(id, parseCidr(cidr), rangeOf(pool)) : undefined;
  }

  async #subnetOf(poolId: string): Promise<HostSubnet | undefined> {
    const known = this.#subnetOfPool.get(poolId) ?? poolId;
    const here = await this.#backend.findSubnet(known);
    if (here) return here;
    const pool = parsePoolId(poolId);
    const [found] = [
      ...(await this.#subnets.list(subnetsOfPool(pool))),
      ...(pool.cidr === undefined ? await this.#subnets.list({ id: pool.id }) : []),
    ];
    if (found) this.#subnetOfPool.set(poolId, found.id);
    return found;
  }
}
