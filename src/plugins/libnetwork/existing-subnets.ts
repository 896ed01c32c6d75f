/** Subnets that were there first and are named by an option: a pool is one of them, with its id. */
import { Failure } from '../../model/failure.ts';
import type { HostSubnet } from './backend.ts';
import { parseCidr, withPrefix } from './cidr.ts';
import type { Reference } from './options.ts';
import { optionKey } from './protocol.ts';
import type { Subnets } from './subnets.ts';

const offeredMs = 60_000;

export interface PoolAnswer {
  readonly PoolID: string;
  readonly Pool: string;
  readonly Data: Readonly<Record<string, string>>;
}

interface Asked {
  readonly Pool: string | null | undefined;
  readonly SubPool: string | null | undefined;
}

export class ExistingSubnets {
  readonly #subnets: Subnets;
  /** Subnets given out for a request without CIDR: asked again, dockerd found them overlapping. */
  readonly #offered = new Map<string, number>();

  constructor(subnets: Subnets) {
    this.#subnets = subnets;
  }

  async answer(wanted: Reference, version: 4 | 6, { Pool, SubPool }: Asked): Promise<PoolAnswer> {
    const subnet = await this.#find(wanted);
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

  forgetOffers(): void {
    this.#offered.clear();
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
    this.#offered.set(subnet.id, now + offeredMs);
  }

  /** A network was made of this subnet: dockerd was content with it. */
  accepted(subnetId: string): void {
    this.#offered.delete(subnetId);
  }

  /** Throws `subnet-not-found`; `conflict` for an ambiguous name. */
  async #find(wanted: Reference): Promise<HostSubnet> {
    if (wanted.by === 'id') return this.#subnets.get(wanted.value);
    const [found, ...others] = await this.#subnets.list({ name: wanted.value });
    if (!found)
      throw new Failure('subnet-not-found', `Specified subnet name(${wanted.value}) does not exist.`);
    if (others.length > 0) {
      throw new Failure('conflict', `Multiple Neutron subnets exist for the params name=${wanted.value}`);
    }
    return found;
  }
}
