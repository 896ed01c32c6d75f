/**
 * Subnets, gateways, ranges and reserved addresses as people list them, put together: each belongs to the subnet that it is
 * in. Pure. The errors are Docker's.
 */
import { type Cidr, contains, findAddress, findCidr, parseCidr } from '../ipam/address.ts';
import type { CnmPoolDraft } from '../model/cnm.ts';
import { Failure } from '../model/failure.ts';
import type { CnmPoolLists } from '../wire/cnm.ts';

export function toPools({ subnets, gateways, ranges, auxiliary }: CnmPoolLists): CnmPoolDraft[] {
  const pools = subnets.map((cidr) => ({ cidr, block: parseCidr(cidr) }));
  const findPool = (what: string, text: string) => {
    const found = pools.find(({ block }) => holds(block, text));
    if (found) return found;
    throw new Failure('invalid-value', `no matching subnet for ${what} ${text}`);
  };
  const own = <T>(what: string, all: readonly (readonly [text: string, value: T])[]) => {
    const byPool = Map.groupBy(all, ([text]) => findPool(what, text));
    return (pool: object): readonly T[] => byPool.get(pool as never)?.map(([, value]) => value) ?? [];
  };
  const gatewaysOf = own(
    'gateway',
    gateways.map((text) => [text, text] as const),
  );
  const rangesOf = own(
    'range',
    ranges.map((text) => [text, text] as const),
  );
  const reservedOf = own(
    'aux-address',
    Object.entries(auxiliary).map((entry) => [entry[1], entry] as const),
  );
  return pools.map((pool) => ({
    cidr: pool.cidr,
    ...only('gateway', pool.cidr, gatewaysOf(pool)),
    ...only('subPool', pool.cidr, rangesOf(pool)),
    ...(reservedOf(pool).length > 0 ? { auxiliary: Object.fromEntries(reservedOf(pool)) } : {}),
  }));
}

function only(key: 'gateway' | 'subPool', cidr: string, [first, ...more]: readonly string[]): object {
  const what = key === 'gateway' ? 'gateway' : 'range';
  if (more.length > 0) throw new Failure('invalid-value', `subnet ${cidr} has more than one ${what}`);
  return first === undefined ? {} : { [key]: first };
}

/** An address, or the whole of a range. */
function holds(block: Cidr, text: string): boolean {
  const [address, range] = [findAddress(text), findCidr(text)];
  if (address) return contains(block, address);
  return range !== undefined && contains(block, { version: range.version, value: range.first });
}
