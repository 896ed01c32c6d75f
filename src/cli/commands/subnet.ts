/** `berth subnet …` */
import type { NetworkApi } from '../../client/networks.ts';
import { fields } from '../container-request.ts';
import { collect, type OptionRow, type Setting } from '../define.ts';
import type { Row } from '../output/output.ts';
import { UsageError } from '../usage-error.ts';
import { defineResource, given, idField } from './network-resource.ts';

interface Options {
  readonly network?: string;
  readonly range?: string;
  readonly subnetRange?: string;
  readonly gateway?: string;
  readonly dnsNameserver?: readonly string[];
  readonly allocationPool?: readonly string[];
  readonly hostRoute?: readonly string[];
  readonly dhcp?: boolean;
  readonly ipv6RaMode?: string;
  readonly ipv6AddressMode?: string;
}

const common: readonly OptionRow[] = [
  ['--gateway <address>', 'way out; none = no gateway, auto = the first address'],
  ['--dns-nameserver <address>', 'name server (repeatable)', collect],
  ['--allocation-pool <range>', 'start=A,end=B: addresses to give out (repeatable)', collect],
  ['--host-route <route>', 'destination=CIDR,gateway=A (repeatable)', collect],
  ['--dhcp', 'tell machines their addresses'],
  ['--no-dhcp', 'do not'],
];

export function commands(setting: Setting): void {
  defineResource(setting, {
    word: 'subnet',
    called: 'subnet',
    collection: 'subnets',
    columns: [
      { key: 'id' },
      { key: 'name' },
      { key: 'network_id', title: 'NETWORK' },
      { key: 'cidr', title: 'RANGE' },
      { key: 'gateway_ip', title: 'GATEWAY' },
    ],
    text: { allocation_pools: poolsText, host_routes: routesText },
    list: {
      options: [
        ['--name <name>', 'with this name'],
        ['--network <network>', 'of this network'],
        ['--ip-version <version>', '4 or 6'],
      ],
      query: async (options: Options, networks) => ({
        ...given(options, { name: 'name', ipVersion: 'ip_version' }),
        ...(await idField(networks, 'network_id', ['networks', options.network])),
      }),
    },
    create: {
      options: [
        ['--network <network>', 'network it belongs to'],
        ['--range, --subnet-range <cidr>', 'its addresses: 10.0.5.0/24 or fd00:5::/64'],
        ...common,
        ['--ipv6-ra-mode <mode>', 'slaac, dhcpv6-stateful or dhcpv6-stateless'],
        ['--ipv6-address-mode <mode>', 'slaac, dhcpv6-stateful or dhcpv6-stateless'],
      ],
      fields: createFields,
      examples: [
        'berth subnet create --network back --range 10.0.5.0/24 back-v4',
        'berth subnet create --network back --range 10.0.6.0/24 --gateway none --no-dhcp quiet',
      ],
    },
    set: {
      options: common,
      fields: (options: Options) => changeable(options),
      examples: ['berth subnet set --dns-nameserver 192.0.2.53 back-v4'],
    },
  });
}

async function createFields(options: Options, networks: NetworkApi) {
  const cidr = options.subnetRange ?? options.range;
  if (!options.network || !cidr) throw new UsageError('subnet create: --network and --range are needed');
  return {
    ...(await idField(networks, 'network_id', ['networks', options.network])),
    cidr,
    ip_version: cidr.includes(':') ? 6 : 4,
    ...given(options, { ipv6RaMode: 'ipv6_ra_mode', ipv6AddressMode: 'ipv6_address_mode' }),
    ...changeable(options),
  };
}

function changeable(options: Options) {
  const { gateway, allocationPool, hostRoute } = options;
  return {
    ...given(options, { dnsNameserver: 'dns_nameservers', dhcp: 'enable_dhcp' }),
    ...(gateway === undefined || gateway === 'auto'
      ? {}
      : { gateway_ip: gateway === 'none' ? null : gateway }),
    ...(allocationPool ? { allocation_pools: allocationPool.map(poolOf) } : {}),
    ...(hostRoute ? { host_routes: hostRoute.map(routeOf) } : {}),
  };
}

function poolOf(spec: string) {
  const { start, end } = fields('--allocation-pool', spec, ['start', 'end']);
  if (!start || !end) throw new UsageError(`--allocation-pool ${spec}: expected start=A,end=B`);
  return { start, end };
}

function routeOf(spec: string) {
  const { destination, gateway } = fields('--host-route', spec, ['destination', 'gateway']);
  if (!destination || !gateway) {
    throw new UsageError(`--host-route ${spec}: expected destination=CIDR,gateway=A`);
  }
  return { destination, nexthop: gateway };
}

function poolsText(row: Row): string {
  const pools = row.allocation_pools as readonly { start: string; end: string }[];
  return pools.map(({ start, end }) => `${start}-${end}`).join(', ');
}

function routesText(row: Row): string {
  const routes = row.host_routes as readonly { destination: string; nexthop: string }[];
  return routes.map(({ destination, nexthop }) => `${destination} via ${nexthop}`).join(', ');
}
