/** What a subnet pool must be like: prefixes of one IP version, and bounds of what subnets take from it. Pure. */
import { addressBits, type Cidr, formatCidr, type IpVersion, parseCidr } from '../../ipam/address.ts';
import { compactPrefixes, coversPrefixes } from '../../ipam/prefixes.ts';
import { Failure } from '../../model/failure.ts';
import type { SubnetPool } from '../../model/network.ts';

type Bounds = Pick<SubnetPool, 'minPrefixLength' | 'maxPrefixLength' | 'defaultPrefixLength'>;

const smallestPrefixLength = { 4: 8, 6: 64 } as const satisfies Record<IpVersion, number>;

export interface Prefixes {
  readonly ipVersion: IpVersion;
  readonly prefixes: readonly string[];
}

export function compilePrefixes(texts: readonly string[]): Prefixes {
  const cidrs = texts.map(parseCidr);
  const [first] = cidrs;
  if (!first) throw new Failure('subnet-pool-empty', 'Empty subnet pool prefix list.');
  if (cidrs.some(({ version }) => version !== first.version)) {
    throw new Failure('subnet-pool-mixed', 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.');
  }
  return { ipVersion: first.version, prefixes: compactPrefixes(cidrs).map(formatCidr) };
}

/** Throws when the new prefixes lack an address of the old ones. */
export function refuseShrinking(before: readonly string[], after: readonly string[]): void {
  const parse = (texts: readonly string[]): Cidr[] => texts.map(parseCidr);
  if (coversPrefixes(parse(after), parse(before))) return;
  throw new Failure(
    'subnet-pool-shrunk',
    'Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.',
  );
}

/** Absent bounds become those of the IP version; the default is the largest subnet allowed. */
export function compileBounds(ipVersion: IpVersion, given: Partial<Bounds>): Bounds {
  const bits = addressBits[ipVersion];
  const minPrefixLength = given.minPrefixLength ?? smallestPrefixLength[ipVersion];
  const maxPrefixLength = given.maxPrefixLength ?? bits;
  const defaultPrefixLength = given.defaultPrefixLength ?? minPrefixLength;
  const ordered = [
    ['min_prefixlen', minPrefixLength, 'max_prefixlen', maxPrefixLength],
    ['max_prefixlen', maxPrefixLength, 'ip_version_max', bits],
    ['default_prefixlen', defaultPrefixLength, 'max_prefixlen', maxPrefixLength],
  ] as const;
  const wrong =
    ordered.find(([, value, , largest]) => value > largest) ??
    (defaultPrefixLength < minPrefixLength
      ? (['default_prefixlen', defaultPrefixLength, 'min_prefixlen', minPrefixLength] as const)
      : undefined);
  if (!wrong) return { minPrefixLength, maxPrefixLength, defaultPrefixLength };
  const [type, value, base, bound] = wrong;
  throw new Failure('subnet-pool-bounds', `Illegal prefix bounds: ${type}=${value}, ${base}=${bound}.`);
}
