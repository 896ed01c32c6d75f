/** The subnets that Docker wants of a network, compared with those that are there. Pure. */
import { Failure } from '../../model/failure.ts';
import type { SubnetView } from '../../wire/network-service.ts';
import { type Cidr, parseAddress, parseCidr } from './cidr.ts';
import type { Claim } from './claims.ts';
import { addressSpace } from './names.ts';
import { poolReference, type Reference, subnetReference } from './options.ts';
import { noIpv4 } from './pools.ts';
import type { CreateNetwork, IpamPool } from './protocol.ts';

type Options = Readonly<Record<string, unknown>>;

export interface WantedSubnet {
  readonly cidr: Cidr;
  readonly gateway: string | null;
  readonly auxiliary: readonly (readonly [name: string, address: string])[];
  readonly reference: Reference | undefined;
  /** The existing subnet pool that it is to be of. */
  readonly pool: Reference | undefined;
  /** No other subnet of its family is asked for. */
  readonly isOnly: boolean;
  /** The pool came from our own IPAM driver. */
  readonly isOurPool: boolean;
}

function allPools(request: CreateNetwork): IpamPool[] {
  const pools = [...(request.IPv4Data ?? []), ...(request.IPv6Data ?? [])];
  return pools.filter(({ Pool }) => Pool !== noIpv4.cidr);
}

/** The subnet that is there for the pool; throws when it is not as asked. */
export function fittingSubnet(
  present: readonly SubnetView[],
  { cidr, gateway, reference }: WantedSubnet,
): SubnetView | undefined {
  const [subnet, ...others] = present.filter((each) => each.cidr === cidr.text);
  if (others.length > 0) {
    throw new Failure('conflict', `Multiple Neutron subnets exist for the params cidr=${cidr.text}`);
  }
  if (reference && subnet?.[reference.by] !== reference.value) {
    throw new Failure(
      'conflict',
      `the network has no subnet ${reference.value} of ${cidr.text}: name subnet and network by -o, and the subnet by ` +
        '--ipam-opt, too',
    );
  }
  if (subnet && gateway && subnet.gateway_ip !== gateway) {
    throw new Failure(
      'gateway-conflict',
      `Requested gateway ${gateway} does not match with gateway ${subnet.gateway_ip} in existed network.`,
    );
  }
  return subnet;
}

/** The network service wants all subnets of a network and a family from one pool, or all from none. */
export function isPoolPossible(
  { subnetPoolId }: Claim,
  { cidr, isOnly }: WantedSubnet,
  present: readonly SubnetView[],
): boolean {
  const others = present.filter((subnet) => subnet.ip_version === cidr.version);
  return isOnly && others.every((subnet) => subnet.subnetpool_id === subnetPoolId);
}

/** The subnet and pool options speak of the first pool of their family. */
export function wantedSubnets(request: CreateNetwork, options: Options): WantedSubnet[] {
  const seen = new Set<number>();
  const pools = allPools(request).map((pool) => ({ ...pool, cidr: parseCidr(pool.Pool) }));
  return pools.map(({ cidr, ...pool }) => {
    const isFirst = !seen.has(cidr.version);
    seen.add(cidr.version);
    const gateway = pool.Gateway ? parseAddress(pool.Gateway) : null;
    const auxiliary = Object.entries(pool.AuxAddresses ?? {}).map(([name, address]): [string, string] => [
      name,
      parseAddress(address),
    ]);
    refuseTwice([...(gateway === null ? [] : [['the gateway', gateway] as const]), ...auxiliary]);
    return {
      cidr,
      gateway: gateway === '0.0.0.0' || gateway === '::' ? null : gateway,
      auxiliary,
      reference: isFirst ? subnetReference(options, cidr.version) : undefined,
      pool: isFirst ? poolReference(options, cidr.version) : undefined,
      isOnly: pools.filter((other) => other.cidr.version === cidr.version).length === 1,
      isOurPool: pool.AddressSpace === addressSpace,
    };
  });
}

function refuseTwice(uses: readonly (readonly [name: string, address: string])[]): void {
  const names = new Map<string, string>();
  for (const [name, address] of uses) {
    const other = names.get(address);
    if (other !== undefined) {
      throw new Failure(
        'conflict',
        `auxiliary address ${name}=${address}: it is the address of ${other} already`,
      );
    }
    names.set(address, name);
  }
}
