/**
 * Pools between Docker's request for them and its request for their network: *claims* on a CIDR, one at a time each.
 *
 * Docker names neither in the other's call, so the CIDR is what leads from one to the other. A claim is remembered for a
 * minute; its subnet pool in the service tells of it longer, and after a restart.
 */
import { Failure } from '../../model/failure.ts';
import { addressAt, type Cidr, contains, parseCidr } from './cidr.ts';
import { formatPoolId, type PoolId } from './pool-ids.ts';

const claimMs = 60_000;

export interface Claim {
  readonly poolId: string;
  /** The subnet pool that the network's subnet is to come from. */
  readonly subnetPoolId: string;
  readonly cidr: Cidr;
  /** `--ip-range`: addresses are handed out from here only. */
  readonly range: Cidr | undefined;
}

export class Claims {
  readonly #claims = new Map<string, { readonly claim: Claim; readonly until: number }>();

  get(poolId: string): Claim | undefined {
    return this.#claims.get(poolId)?.claim;
  }

  drop(poolId: string): void {
    this.#claims.delete(poolId);
  }

  dropAll(): void {
    this.#claims.clear();
  }

  all(): Claim[] {
    this.#forgetStale();
    return [...this.#claims.values()].map(({ claim }) => claim);
  }

  ofCidr(cidr: string): Claim | undefined {
    const { text } = parseCidr(cidr);
    return this.all().find((claim) => claim.cidr.text === text);
  }

  refuseTaken({ text }: Cidr): void {
    if (!this.ofCidr(text)) return;
    throw new Failure('conflict', `another network with subnet ${text} is just being made: try again`);
  }

  add(pool: PoolId, cidr: Cidr, range: Cidr | undefined): Claim {
    const claim = { poolId: formatPoolId(pool), subnetPoolId: pool.id, cidr, range };
    this.#claims.set(claim.poolId, { claim, until: performance.now() + claimMs });
    return claim;
  }

  #forgetStale(): void {
    const now = performance.now();
    for (const [poolId, { until }] of this.#claims) if (until <= now) this.#claims.delete(poolId);
  }
}

/** The range of `--ip-range`, which lies within the subnet. */
export function rangeWithin(cidr: Cidr, text: string | null | undefined): Cidr | undefined {
  if (!text) return undefined;
  const range = parseCidr(text);
  if (contains(cidr, addressAt(range, 0)) && range.last <= cidr.last) return range;
  throw new Failure('invalid', `address range ${range.text} is not within ${cidr.text}`);
}
