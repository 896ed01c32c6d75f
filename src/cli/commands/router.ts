/** `berth router …`: routers, their subnets, their way out, their static routes. */
import { isIP } from 'node:net';
import type { NetworkApi, RouterObject } from '../../client/networks.ts';
import { AdvisedFailure } from '../advised-failure.ts';
import { type Call, collect, define, type OptionRow, type Setting } from '../define.ts';
import { externalNetwork } from '../find.ts';
import type { Column, Row } from '../output/output.ts';
import { UsageError } from '../usage-error.ts';
import { defineResource, given } from './network-resource.ts';

interface GatewayOptions {
  readonly gateway?: boolean;
  /** The only external network when absent. */
  readonly gatewayNetwork?: string;
  readonly snat?: boolean;
  readonly gatewayAddress?: string;
}

interface Options extends GatewayOptions {
  readonly enable?: boolean;
  readonly disable?: boolean;
}

const states: readonly OptionRow[] = [
  ['--enable', 'carry traffic'],
  ['--disable', 'carry none'],
];

const snatRow: OptionRow = ['--no-snat', 'route addresses as they are instead of translating them'];

export function commands(setting: Setting): void {
  defineResource(setting, {
    word: 'router',
    called: 'router',
    collection: 'routers',
    columns: [
      { key: 'id' },
      { key: 'name' },
      { key: 'external_gateway_info', title: 'GATEWAY', text: gatewayText },
      { key: 'routes', text: routesText },
      { key: 'status' },
    ],
    text: { external_gateway_info: gatewayText, routes: routesText },
    list: {
      options: [
        ['--name <name>', 'with this name'],
        ['--project <id>', 'of this project (administrators)'],
      ],
      query: (options) => given(options, { name: 'name', project: 'project_id' }),
    },
    create: {
      options: [
        ['--gateway', 'with a way out, through the only external network'],
        ['--gateway-network <network>', 'with a way out through this external network'],
        ['--gateway-address <address>', 'its address on the external network'],
        snatRow,
        ...states,
      ],
      fields: async (options: Options, networks) => ({
        ...stateOf(options),
        ...(await gatewayField(options, networks)),
      }),
      examples: ['berth router create --gateway edge', 'berth router add-subnet edge back-v4'],
    },
    set: {
      options: states,
      fields: (options: Options) => stateOf(options),
      examples: ['berth router set --name border edge', 'berth router set --disable edge'],
    },
  });
  defineSubnets(setting);
  defineGateway(setting);
  defineRoutes(setting);
}

function stateOf({ enable, disable }: Options) {
  return { ...(enable ? { admin_state_up: true } : {}), ...(disable ? { admin_state_up: false } : {}) };
}

async function gatewayField(options: GatewayOptions, networks: NetworkApi) {
  const { gateway, gatewayNetwork, gatewayAddress, snat } = options;
  if (!gateway && gatewayNetwork === undefined) {
    if (gatewayAddress === undefined && snat !== false) return {};
    throw new UsageError('--gateway-address and --no-snat belong to a gateway: add --gateway');
  }
  const { id } = await externalNetwork(networks, gatewayNetwork);
  return {
    external_gateway_info: {
      network_id: id,
      ...(snat === false ? { enable_snat: false } : {}),
      ...(gatewayAddress ? { external_fixed_ips: [{ ip_address: gatewayAddress }] } : {}),
    },
  };
}

function defineSubnets(setting: Setting): void {
  const rows = [
    {
      word: 'add-subnet',
      verb: 'add_router_interface',
      summary: 'join a subnet to a router',
      done: 'joined',
    },
    {
      word: 'remove-subnet',
      verb: 'remove_router_interface',
      summary: 'take a subnet from a router',
      done: 'taken away',
    },
  ] as const;
  for (const { word, verb, summary, done } of rows) {
    define(setting, {
      usage: `router ${word} <router> <subnet>`,
      summary,
      examples: [`berth router ${word} edge back-v4`],
      run: async ({ cloud, operands, progress }) => {
        const [routerName = '', subnetName = ''] = operands;
        const { networks } = await cloud();
        const router = await networks.find('routers', routerName);
        const subnet = await networks.find('subnets', subnetName);
        await networks.act('routers', router.id, verb, { subnet_id: subnet.id });
        progress.note(`${routerName}: ${subnetName} ${done}`);
        return undefined;
      },
    });
  }
}

function defineGateway(setting: Setting): void {
  define<GatewayOptions>(setting, {
    usage: 'router gateway set <router> [network]',
    summary: 'give a router its way out (the only external network unless named)',
    options: [['--gateway-address <address>', 'its address on the external network'], snatRow],
    prints: true,
    examples: ['berth router gateway set edge', 'berth router gateway set edge public --no-snat'],
    run: async (call) => {
      const [name = '', network] = call.operands;
      const { networks } = await call.cloud();
      const gateway = { gateway: true, ...(network === undefined ? {} : { gatewayNetwork: network }) };
      const fields = await gatewayField({ ...call.options, ...gateway }, networks);
      await update(call, networks, { name, fields });
      return undefined;
    },
  });
  define(setting, {
    usage: 'router gateway unset <router>',
    summary: 'take its way out from a router',
    prints: true,
    examples: ['berth router gateway unset edge'],
    run: async (call) => {
      const { networks } = await call.cloud();
      await update(call, networks, { name: call.operands[0] ?? '', fields: { external_gateway_info: {} } });
      return undefined;
    },
  });
}

function defineRoutes(setting: Setting): void {
  const columns: readonly Column[] = [{ key: 'destination' }, { key: 'nexthop' }];
  define(setting, {
    usage: 'router route list <router>',
    summary: 'list the static routes of a router',
    prints: true,
    examples: ['berth router route list edge'],
    run: async ({ cloud, operands, out }) => {
      const router = await (await cloud()).networks.find<RouterObject>('routers', operands[0] ?? '');
      await out.list(columns, router.routes);
      return undefined;
    },
  });
  define<{ readonly via?: readonly string[] }>(setting, {
    usage: 'router route add <router> <destination>',
    summary: 'add a static route',
    options: [['--via <address>', 'next hop: an address on a subnet of the router (repeatable)', collect]],
    prints: true,
    examples: ['berth router route add edge 10.99.0.0/16 --via 10.0.5.9'],
    run: async (call) => {
      const [name = '', destination = ''] = call.operands;
      const { via = [] } = call.options;
      if (via.length === 0 || via.some((address) => !isIP(address))) {
        throw new UsageError('router route add: --via ADDRESS is needed, the next hop');
      }
      const { networks } = await call.cloud();
      const router = await networks.find<RouterObject>('routers', name);
      const added = via.map((nexthop) => ({ destination, nexthop }));
      await update(call, networks, { name: router.id, fields: { routes: [...router.routes, ...added] } });
      return undefined;
    },
  });
  define(setting, {
    usage: 'router route remove <router> <destination>',
    summary: 'remove the static routes to a destination',
    prints: true,
    examples: ['berth router route remove edge 10.99.0.0/16'],
    run: async (call) => {
      const [name = '', destination = ''] = call.operands;
      const { networks } = await call.cloud();
      const router = await networks.find<RouterObject>('routers', name);
      const routes = router.routes.filter((route) => route.destination !== destination);
      if (routes.length === router.routes.length) throw noRoute(name, destination);
      await update(call, networks, { name: router.id, fields: { routes } });
      return undefined;
    },
  });
}

function noRoute(router: string, destination: string): AdvisedFailure {
  const advice = `see what there is: berth router route list ${router}`;
  return new AdvisedFailure('resource-not-found', `${router} has no route to ${destination}`, advice);
}

async function update(
  { out }: Call,
  networks: NetworkApi,
  { name, fields }: { readonly name: string; readonly fields: object },
): Promise<void> {
  const { id } = await networks.find('routers', name);
  const text = { external_gateway_info: gatewayText, routes: routesText };
  await out.record(await networks.update('routers', id, fields), text);
}

function gatewayText(row: Row): string {
  const info = (row as unknown as RouterObject).external_gateway_info;
  if (!info?.network_id) return '';
  const { external_fixed_ips: ips = [] } = info;
  const addresses = ips.map(({ ip_address: address }) => address).join(' ');
  return `${addresses || info.network_id}${info.enable_snat === false ? ' (no source NAT)' : ''}`;
}

function routesText(row: Row): string {
  const { routes = [] } = row as unknown as RouterObject;
  return routes.map(({ destination, nexthop }) => `${destination} via ${nexthop}`).join(', ');
}
