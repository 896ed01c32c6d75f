/** `berth floating-ip …`: addresses of an external network, and the ports that they lead to. */
import type { Cloud } from '../../client/cloud.ts';
import type { FloatingIpObject, NetworkApi } from '../../client/networks.ts';
import { type Call, collect, define, type OptionRow, type Setting } from '../define.ts';
import { externalNetwork, findFloatingIp, findPort } from '../find.ts';
import type { Column } from '../output/output.ts';
import { forEachOperand } from '../several.ts';
import { given, idField } from './network-resource.ts';

interface Options {
  readonly network?: string;
  readonly address?: string;
  readonly port?: string;
  readonly fixedAddress?: string;
  readonly description?: string;
  readonly tag?: readonly string[];
}

const columns: readonly Column[] = [
  { key: 'id' },
  { key: 'floating_ip_address', title: 'ADDRESS' },
  { key: 'fixed_ip_address', title: 'LEADS TO' },
  { key: 'port_id', title: 'PORT' },
  { key: 'router_id', title: 'ROUTER' },
  { key: 'status' },
];

const fixedAddress: OptionRow = ['--fixed-address <address>', 'which of the addresses of the port'];

export function commands(setting: Setting): void {
  defineCreate(setting);
  defineLooks(setting);
  define<Options>(setting, {
    usage: 'floating-ip associate <floating-ip> <port>',
    summary: 'let a floating IP lead to a port (or a container) from now on',
    options: [fixedAddress],
    prints: true,
    examples: ['berth floating-ip associate 172.24.4.9 web'],
    run: async (call) => {
      const [address = '', port = ''] = call.operands;
      const cloud = await call.cloud();
      return lead(call, cloud.networks, address, await target(cloud, port, call.options));
    },
  });
  define(setting, {
    usage: 'floating-ip disassociate <floating-ip>',
    aliases: ['release'],
    summary: 'let a floating IP lead nowhere, and keep it',
    prints: true,
    examples: ['berth floating-ip disassociate 172.24.4.9'],
    run: async (call) => {
      const { networks } = await call.cloud();
      return lead(call, networks, call.operands[0] ?? '', { port_id: null });
    },
  });
  define(setting, {
    usage: 'floating-ip delete <floating-ip...>',
    summary: 'give floating IPs back',
    examples: ['berth floating-ip delete 172.24.4.9'],
    run: async (call) => {
      const { networks } = await call.cloud();
      return forEachOperand(call, 'floating-ip', async (address) => {
        await networks.remove('floatingips', (await findFloatingIp(networks, address)).id);
        return `${address}: deleted`;
      });
    },
  });
}

function defineCreate(setting: Setting): void {
  define<Options>(setting, {
    usage: 'floating-ip create',
    summary: 'take an address of an external network',
    options: [
      ['--network <network>', 'external network (the only one unless named)'],
      ['--address <address>', 'this very address (administrators)'],
      ['--port <port>', 'port or container that it leads to'],
      fixedAddress,
      ['--description <text>', 'what it is for'],
      ['--tag <tag>', 'tag (repeatable)', collect],
    ],
    prints: true,
    examples: ['berth floating-ip create', 'berth floating-ip create --port web'],
    run: async (call) => {
      const { network, port, tag, ...options } = call.options;
      const cloud = await call.cloud();
      const { networks } = cloud;
      const made = await networks.create<FloatingIpObject>('floatingips', {
        floating_network_id: (await externalNetwork(networks, network)).id,
        ...given(options, { address: 'floating_ip_address', description: 'description' }),
        ...(port === undefined ? {} : await target(cloud, port, options)),
      });
      if (tag) await networks.setTags('floatingips', made.id, tag);
      await call.out.record({ ...made, ...(tag ? { tags: tag } : {}) });
      return undefined;
    },
  });
}

function defineLooks(setting: Setting): void {
  define<Options & { readonly tags?: string }>(setting, {
    usage: 'floating-ip list',
    summary: 'list floating IPs',
    options: [
      ['--network <network>', 'of this external network'],
      ['--port <port>', 'that lead to this port or container'],
      ['--tags <tags>', 'with all of these tags: a,b'],
    ],
    prints: true,
    examples: ['berth floating-ip list', 'berth floating-ip list -f json'],
    run: async ({ cloud, options, out }) => {
      const session = await cloud();
      const query = {
        ...(await idField(session.networks, 'floating_network_id', ['networks', options.network])),
        ...(options.port ? { port_id: (await findPort(session, options.port)).id } : {}),
        ...(options.tags ? { tags: options.tags } : {}),
      };
      await out.list(columns, await session.networks.list('floatingips', query));
      return undefined;
    },
  });
  define(setting, {
    usage: 'floating-ip show <floating-ip>',
    summary: 'show everything about a floating IP',
    prints: true,
    examples: ['berth floating-ip show 172.24.4.9'],
    run: async ({ cloud, operands, out }) => {
      await out.record(await findFloatingIp((await cloud()).networks, operands[0] ?? ''));
      return undefined;
    },
  });
}

async function target(cloud: Cloud, port: string, options: Options) {
  return {
    port_id: (await findPort(cloud, port)).id,
    ...given(options, { fixedAddress: 'fixed_ip_address' }),
  };
}

async function lead(call: Call, networks: NetworkApi, address: string, to: object): Promise<undefined> {
  const { id } = await findFloatingIp(networks, address);
  await call.out.record(await networks.update('floatingips', id, { ...to }));
  return undefined;
}
