/** Subnets in Neutron's JSON. */
import type { Subnet } from '../../../model/network.ts';
import { ipv6Modes, type SubnetDraft } from '../subnet-rules.ts';
import { type Attribute, commonAttributes } from './attribute.ts';
import {
  addressRange,
  boolean,
  hostRoute,
  listOf,
  oneOf,
  orNull,
  type Parser,
  text,
  uuid,
} from './parsers.ts';

const both = { on: 'create-and-update' } as const;
const mode: Parser<string | null> = orNull(oneOf(ipv6Modes));

const ipVersion: Parser<4 | 6> = {
  type: '`4` or `6`',
  parse: (value, name) => (oneOf(['4', '6']).parse(String(value), name) === '4' ? 4 : 6),
};

export const subnetAttributes: readonly Attribute<Subnet, SubnetDraft>[] = [
  ...commonAttributes<Subnet, SubnetDraft>(),
  {
    name: 'ip_version',
    view: (subnet) => subnet.ipVersion,
    field: 'ipVersion',
    parser: ipVersion,
    on: 'create',
    required: true,
  },
  {
    name: 'network_id',
    view: (subnet) => subnet.networkId,
    column: 'network_id',
    field: 'networkId',
    parser: uuid,
    on: 'create',
    required: true,
  },
  {
    name: 'cidr',
    view: (subnet) => subnet.cidr,
    column: 'cidr',
    field: 'cidr',
    parser: text,
    on: 'create',
    required: true,
  },
  {
    name: 'gateway_ip',
    view: (subnet) => subnet.gatewayIp,
    column: 'gateway_ip',
    field: 'gatewayIp',
    parser: orNull(text),
    ...both,
  },
  {
    name: 'enable_dhcp',
    view: (subnet) => subnet.enableDhcp,
    field: 'enableDhcp',
    parser: boolean,
    default: true,
    ...both,
  },
  {
    name: 'allocation_pools',
    view: (subnet) => subnet.allocationPools.map(({ start, end }) => ({ start, end })),
    field: 'allocationPools',
    parser: listOf(addressRange),
    filter: false,
    ...both,
  },
  {
    name: 'dns_nameservers',
    view: (subnet) => subnet.dnsNameservers,
    field: 'dnsNameservers',
    parser: listOf(text),
    default: [],
    filter: false,
    ...both,
  },
  {
    name: 'host_routes',
    view: (subnet) => subnet.hostRoutes.map(({ destination, nexthop }) => ({ destination, nexthop })),
    field: 'hostRoutes',
    parser: listOf(hostRoute),
    default: [],
    filter: false,
    ...both,
  },
  {
    name: 'ipv6_ra_mode',
    view: (subnet) => subnet.ipv6RaMode,
    field: 'ipv6RaMode',
    parser: mode,
    on: 'create',
    default: null,
  },
  {
    name: 'ipv6_address_mode',
    view: (subnet) => subnet.ipv6AddressMode,
    field: 'ipv6AddressMode',
    parser: mode,
    on: 'create',
    default: null,
  },
  { name: 'subnetpool_id', view: () => null, only: null },
  { name: 'use_default_subnetpool', only: false, filter: false },
  { name: 'service_types', view: () => [], only: [], filter: false },
];
