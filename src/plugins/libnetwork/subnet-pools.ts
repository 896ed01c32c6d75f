/**
 * Subnet pools of the network service that stand for Docker's pools: made here, one each, or there before (adopted).
 *
 * A pool made here says in its description which addresses `--ip-range` asked for: Docker tells only once, and before
 * there is a subnet.
 */
import { Failure, isFailure } from '../../model/failure.ts';
import type { NetworkService, SubnetPoolView } from '../../wire/network-service.ts';
import { type Cidr, parseCidr } from './cidr.ts';
import type { Source } from './free-cidrs.ts';
import { adoptedPoolTag, defaultPoolNames, isOwnPool, poolName } from './names.ts';
import type { Reference } from './options.ts';
import { subnetsOfPool } from './pool-ids.ts';

const rangeNote = 'Addresses out of ';

export interface NewPool {
  readonly cidr: Cidr;
  readonly range: Cidr | undefined;
  readonly shared: boolean | undefined;
}

export class SubnetPools {
  readonly #service: NetworkService;

  constructor(service: NetworkService) {
    this.#service = service;
  }

  make({ cidr, range, shared }: NewPool): Promise<SubnetPoolView> {
    const length = cidr.prefixLength;
    return this.#service.create('subnetpools', {
      name: poolName(cidr.text),
      prefixes: [cidr.text],
      default_prefixlen: length,
      min_prefixlen: length,
      max_prefixlen: length,
      ...(range ? { description: `${rangeNote}${range.text}` } : {}),
      // Sharing is the administrator's: said only where it is asked for.
      ...(shared ? { shared } : {}),
    });
  }

  /** An existing one; throws `subnet-pool-not-found`, `conflict` for an ambiguous name, `invalid` for the wrong family. */
  async get({ by, value }: Reference, version: 4 | 6): Promise<SubnetPoolView> {
    const [pool, ...others] = await this.#service.list('subnetpools', { [by]: value });
    if (!pool) throw new Failure('subnet-pool-not-found', `Specified pool ${by}(${value}) does not exist.`);
    if (others.length > 0) {
      throw new Failure('conflict', `Multiple Neutron subnetspool exist for the params name=${value}`);
    }
    if (pool.ip_version === version) return pool;
    throw new Failure('invalid', `subnet pool ${pool.id} is of IPv${pool.ip_version}, not of IPv${version}`);
  }

  /** The operator's, for networks without a CIDR of their own. */
  async usual(version: 4 | 6): Promise<SubnetPoolView | undefined> {
    const [pool] = await this.#service.list('subnetpools', { name: defaultPoolNames[version] });
    return pool?.ip_version === version ? pool : undefined;
  }

  async find(id: string): Promise<SubnetPoolView | undefined> {
    const [pool] = await this.#service.list('subnetpools', { id });
    return pool;
  }

  /** Made here for this CIDR, its network not yet. */
  async waiting(cidr: string): Promise<SubnetPoolView | undefined> {
    for (const pool of await this.#service.list('subnetpools', { name: poolName(cidr) })) {
      if (await this.#isUnused(pool.id)) return pool;
    }
    return undefined;
  }

  /** The CIDRs that pools made here stand for, on whichever host. */
  async own(): Promise<SubnetPoolView[]> {
    return (await this.#service.list('subnetpools', {})).filter(({ name }) => isOwnPool(name));
  }

  /** Made here or adopted, on whichever host. */
  async ours(): Promise<SubnetPoolView[]> {
    const all = await this.#service.list('subnetpools', {});
    return all.filter(({ name, tags }) => isOwnPool(name) || tags.includes(adoptedPoolTag));
  }

  /** Ours that no subnet is of: those made here go, adopted ones are given back. */
  async unused(): Promise<string[]> {
    const ids = (await this.ours()).map(({ id }) => id);
    const isUnused = await Promise.all(ids.map((id) => this.#isUnused(id)));
    return ids.filter((_, at) => isUnused[at]);
  }

  /** What is there and marked as adopted. */
  async adopt(pool: SubnetPoolView): Promise<void> {
    if (pool.tags.includes(adoptedPoolTag)) return;
    await this.#service.addTag('subnetpools', pool.id, adoptedPoolTag);
  }

  /** Removes one that was made here, gives back an adopted one; one that still has subnets stays. */
  async letGo(id: string): Promise<void> {
    const pool = await this.find(id);
    if (!pool || !(await this.#isUnused(id))) return;
    if (!isOwnPool(pool.name)) return this.#service.removeTag('subnetpools', id, adoptedPoolTag);
    await this.#service.remove('subnetpools', id).catch((error: unknown) => {
      // A subnet of somebody's own is in it.
      if (!isFailure(error, 'subnet-pool-in-use')) throw error;
    });
  }

  async #isUnused(id: string): Promise<boolean> {
    return (await this.#service.list('subnets', subnetsOfPool({ id }))).length === 0;
  }
}

export function rangeOf({ description }: SubnetPoolView): Cidr | undefined {
  return description?.startsWith(rangeNote) ? parseCidr(description.slice(rangeNote.length)) : undefined;
}

export function sourceOf({ id, prefixes, default_prefixlen }: SubnetPoolView): Source {
  return { key: id, within: prefixes.map(parseCidr), prefixLength: Number(default_prefixlen) };
}
