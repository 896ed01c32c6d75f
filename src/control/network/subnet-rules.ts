/**
 * What a subnet must be like: a draft in, a complete and canonical subnet out, or a Failure that says what is
 * wrong. Pure.
 */
import {
  type Address,
  addressBits,
  blockOf,
  type Cidr,
  canonicalAddress,
  contains,
  findAddress,
  formatAddress,
  formatCidr,
  overlaps,
  parseAddress,
  parseCidr,
} from '../../ipam/address.ts';
import { checkPools, defaultGateway, defaultPools, formatRange, usableRange } from '../../ipam/pools.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import type { AddressRange, HostRoute, Subnet } from '../../model/network.ts';
import { invalidInput, type newborn } from './collection.ts';

export interface SubnetDraft {
  readonly networkId: Uuid;
  /** Absent = the next free block of a pool. */
  readonly cidr?: string;
  readonly subnetPoolId?: Uuid | null;
  /** From the default pool of the IP version. */
  readonly useDefaultPool?: boolean;
  /** How much of the pool; absent = as much as the pool says. */
  readonly prefixLength?: number;
  /** Absent = the block's own; when given it must be that. */
  readonly ipVersion?: 4 | 6;
  readonly projectId?: string;
  readonly name?: string;
  readonly description?: string;
  /** Absent = the first usable address, null = none. */
  readonly gatewayIp?: string | null;
  readonly enableDhcp?: boolean;
  /** Absent = everything usable except the gateway. */
  readonly allocationPools?: readonly AddressRange[];
  readonly dnsNameservers?: readonly string[];
  readonly hostRoutes?: readonly HostRoute[];
  readonly ipv6AddressMode?: string | null;
  readonly ipv6RaMode?: string | null;
  readonly serviceTypes?: readonly string[];
  readonly dnsPublishFixedIp?: boolean;
}
export const ipv6Modes = ['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'] as const;

const mostNameservers = 5;
const mostHostRoutes = 20;
const linkLocal = parseCidr('fe80::/10');

/** Blocks whose addresses mean something else to every host: a container could not use one. */
const reserved = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '224.0.0.0/4',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
].map(parseCidr);

type Compiled = Omit<Subnet, keyof ReturnType<typeof newborn> | 'subnetPoolId'>;
type Given = Omit<SubnetDraft, 'networkId'> & { readonly cidr: string };

export function compileSubnet(networkId: Uuid, draft: Given): Compiled {
  const cidr = checkBlock(draft.cidr, draft.ipVersion);
  const enableDhcp = draft.enableDhcp ?? true;
  if (enableDhcp && addressBits[cidr.version] - cidr.prefix < 2) {
    throw invalidInput('Subnet has a prefix length that is incompatible with DHCP service enabled.');
  }
  const gateway = chooseGateway(cidr, draft.gatewayIp);
  const pools = draft.allocationPools
    ? checkPools(cidr, draft.allocationPools, gateway)
    : defaultPools(cidr, gateway);
  const modes = {
    ipv6AddressMode: draft.ipv6AddressMode ?? null,
    ipv6RaMode: draft.ipv6RaMode ?? null,
  };
  checkModes(cidr, enableDhcp, modes);
  return {
    ...modes,
    networkId,
    enableDhcp,
    name: draft.name ?? '',
    description: draft.description ?? '',
    ipVersion: cidr.version,
    cidr: formatCidr(cidr),
    gatewayIp: gateway ? formatAddress(gateway) : null,
    allocationPools: pools.map((pool) => formatRange(cidr.version, pool)),
    dnsNameservers: checkNameservers(draft.dnsNameservers ?? []),
    hostRoutes: checkHostRoutes(cidr, draft.hostRoutes ?? []),
    serviceTypes: checkServiceTypes(draft.serviceTypes ?? []),
    dnsPublishFixedIp: draft.dnsPublishFixedIp ?? false,
  };
}

function checkBlock(text: string, ipVersion: 4 | 6 | undefined): Cidr {
  const cidr = parseCidr(text);
  const address = parseAddress(text.split('/', 1)[0] ?? '');
  if (address.value !== cidr.first) {
    throw new Failure(
      'invalid-value',
      `Invalid input for cidr. Reason: '${text}' has bits set below its prefix; '${formatCidr(cidr)}' is meant?`,
    );
  }
  if (ipVersion !== undefined && ipVersion !== cidr.version) {
    throw invalidInput(`cidr ${text} is not of ip_version ${ipVersion}.`);
  }
  if (cidr.prefix === 0 || reserved.some((block) => overlaps(block, cidr))) {
    throw invalidInput(`cidr ${text} holds addresses that a network cannot use.`);
  }
  return cidr;
}

function chooseGateway(cidr: Cidr, text: string | null | undefined): Address | null {
  if (text === null || text === '') return null;
  if (text === undefined) return defaultGateway(cidr);
  const gateway = findAddress(text);
  const usable = usableRange(cidr);
  const isUsable =
    gateway !== undefined &&
    ((contains(cidr, gateway) && gateway.value >= usable.first && gateway.value <= usable.last) ||
      contains(linkLocal, gateway));
  if (!isUsable || gateway.version !== cidr.version) {
    throw invalidInput(`Gateway ${text} is not valid on subnet ${formatCidr(cidr)}.`);
  }
  return gateway;
}

function checkModes(
  cidr: Cidr,
  enableDhcp: boolean,
  { ipv6AddressMode, ipv6RaMode }: Pick<Subnet, 'ipv6AddressMode' | 'ipv6RaMode'>,
): void {
  if (ipv6AddressMode === null && ipv6RaMode === null) return;
  if (cidr.version === 4) throw invalidInput('ipv6_ra_mode and ipv6_address_mode need ip_version 6.');
  if (!enableDhcp) throw invalidInput('ipv6_ra_mode and ipv6_address_mode need enable_dhcp.');
  if (ipv6AddressMode !== null && ipv6RaMode !== null && ipv6AddressMode !== ipv6RaMode) {
    throw invalidInput(
      `ipv6_ra_mode ${ipv6RaMode} and ipv6_address_mode ${ipv6AddressMode} must be the same when both are set.`,
    );
  }
  if ((ipv6AddressMode ?? ipv6RaMode) !== 'dhcpv6-stateful' && cidr.prefix !== 64) {
    throw invalidInput(`Hosts compute their own addresses only in a /64, not in ${formatCidr(cidr)}.`);
  }
}

function checkNameservers(addresses: readonly string[]): string[] {
  if (addresses.length > mostNameservers) {
    throw invalidInput(`${addresses.length} dns_nameservers are too many, ${mostNameservers} are allowed.`);
  }
  return addresses.map(canonicalAddress);
}

function checkHostRoutes(cidr: Cidr, routes: readonly HostRoute[]): HostRoute[] {
  if (routes.length > mostHostRoutes) {
    throw invalidInput(`${routes.length} host_routes are too many, ${mostHostRoutes} are allowed.`);
  }
  return routes.map(({ destination, nexthop }) => {
    const [to, via] = [parseCidr(destination), parseAddress(nexthop)];
    if (to.version !== cidr.version || via.version !== cidr.version) {
      throw invalidInput(`host route ${destination} via ${nexthop} is not of the subnet's IP version.`);
    }
    const block = blockOf({ version: to.version, value: to.first }, to.prefix);
    return { destination: formatCidr(block), nexthop: formatAddress(via) };
  });
}

/** What a `device_owner` may start with. */
const serviceOwners = ['network:', 'neutron:', 'compute:', 'baremetal:'];

function checkServiceTypes(types: readonly string[]): readonly string[] {
  const wrong = types.find((type) => !serviceOwners.some((prefix) => type.startsWith(prefix)));
  if (wrong === undefined) return types;
  throw new Failure(
    'invalid-service-type',
    `Subnet service type ${wrong} does not correspond to a valid device owner.`,
  );
}
