/** `berth cnm network …` */
import { type Call, collect, define, type Setting } from '../define.ts';
import type { Column } from '../output/output.ts';
import { ask } from './ask.ts';
import { pairs } from './fields.ts';

interface CreateOptions {
  readonly driver?: string;
  readonly id?: string;
  readonly subnet?: readonly string[];
  readonly gateway?: readonly string[];
  readonly ipRange?: readonly string[];
  readonly auxAddress?: readonly string[];
  readonly opt?: readonly string[];
  readonly label?: readonly string[];
  readonly internal?: boolean;
  readonly ipv6?: boolean;
  readonly ipamDriver?: string;
  readonly ipamOpt?: readonly string[];
}

/** The beginning of an id, which is enough to name something. */
export const shortId: Column = { key: 'id', text: ({ id }) => String(id).slice(0, 12) };

export function defineNetworks(setting: Setting): void {
  define<CreateOptions>(setting, {
    usage: 'cnm network create <name>',
    summary: 'make a network',
    options: [
      [
        '-d, --driver <driver>',
        'bridge (unless told), overlay, macvlan, null, host, or the name of a plugin',
      ],
      ['--id <id>', '64 hexadecimal digits; left out: random'],
      ['--subnet <cidr>', 'addresses of the network (repeatable); left out: a free one', collect],
      ['--gateway <address>', 'address of the gateway, in a subnet (repeatable)', collect],
      ['--ip-range <cidr>', 'where addresses are chosen from, in a subnet (repeatable)', collect],
      ['--aux-address <name=address>', 'never given to an endpoint (repeatable)', collect],
      ['-o, --opt <key=value>', "the driver's option (repeatable)", collect],
      ['--label <key=value>', 'for whoever reads it (repeatable)', collect],
      ['--internal', 'without a way out'],
      ['--ipv6', 'IPv6, too'],
      ['--ipam-driver <driver>', 'default, null, or the name of a plugin'],
      ['--ipam-opt <key=value>', "the IPAM driver's option (repeatable)", collect],
    ],
    prints: true,
    examples: [
      'berth cnm network create back',
      'berth cnm network create --subnet 10.9.0.0/24 --gateway 10.9.0.254 --ip-range 10.9.0.128/25 back',
      'berth cnm network create -d macvlan -o parent=eth0.10 --subnet 192.0.2.0/24 wire',
    ],
    run: create,
  });
  define(setting, {
    usage: 'cnm network ls',
    summary: 'list the networks',
    prints: true,
    examples: ['berth cnm network ls', 'berth cnm network ls -f json'],
    run: async (call) => {
      const subnets: Column = {
        key: 'pools',
        title: 'SUBNETS',
        text: ({ pools }) => (pools as { cidr: string }[]).map(({ cidr }) => cidr).join(' '),
      };
      const columns = [shortId, { key: 'name' }, { key: 'driver' }, { key: 'scope' }, subnets];
      await call.out.list(
        columns,
        (await ask(call, 'network-list', {})).map((each) => ({ ...each })),
      );
      return undefined;
    },
  });
  define(setting, {
    usage: 'cnm network inspect <network>',
    summary: 'show a network with its endpoints',
    prints: true,
    examples: ['berth cnm network inspect back', 'berth cnm network inspect back -f json'],
    run: async (call) => {
      const { pools, endpoints, ...network } = await ask(call, 'network-show', {
        network: call.operands[0] ?? '',
      });
      const join = (texts: readonly string[]) => () => texts.join(', ');
      await call.out.record(
        { ...network, pools, endpoints },
        {
          pools: join(pools.map(({ cidr, gateway }) => `${cidr} gateway ${gateway ?? 'none'}`)),
          endpoints: join(
            endpoints.map(({ name, address, address6 }) =>
              [name, address, address6].filter(Boolean).join(' '),
            ),
          ),
        },
      );
      return undefined;
    },
  });
  define(setting, {
    usage: 'cnm network rm <network...>',
    summary: 'remove networks without endpoints',
    examples: ['berth cnm network rm back'],
    run: async (call) => {
      for (const network of call.operands) await ask(call, 'network-delete', { network });
      return undefined;
    },
  });
}

async function create(call: Call<CreateOptions>): Promise<undefined> {
  const { options, operands } = call;
  const network = await ask(call, 'network-create', {
    name: operands[0] ?? '',
    ...(options.driver === undefined ? {} : { driver: options.driver }),
    ...(options.id === undefined ? {} : { id: options.id }),
    ...(options.ipamDriver === undefined ? {} : { ipamDriver: options.ipamDriver }),
    internal: options.internal ?? false,
    ipv6: options.ipv6 ?? false,
    labels: pairs('--label', options.label),
    options: pairs('--opt', options.opt),
    ipamOptions: pairs('--ipam-opt', options.ipamOpt),
    subnets: options.subnet ?? [],
    gateways: options.gateway ?? [],
    ranges: options.ipRange ?? [],
    auxiliary: pairs('--aux-address', options.auxAddress),
  });
  await call.out.record(
    { id: network.id, name: network.name, driver: network.driver, pools: network.pools },
    {
      pools: () => network.pools.map(({ cidr }) => cidr).join(' '),
    },
  );
  return undefined;
}
