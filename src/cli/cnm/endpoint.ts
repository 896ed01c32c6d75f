/** `berth cnm endpoint …` */
import type { CnmEndpointDraft } from '../../model/cnm.ts';
import type { CnmEndpointRef, CnmEndpointView } from '../../wire/cnm.ts';
import { type Call, collect, define, integer, type OptionRow, type Setting } from '../define.ts';
import { ask } from './ask.ts';
import { pairs, toPort, toPublish } from './fields.ts';
import { shortId } from './network.ts';

interface OnNetwork {
  readonly network?: string;
}

export interface EndpointOptions {
  readonly ip?: string;
  readonly ip6?: string;
  readonly mac?: string;
  readonly alias?: readonly string[];
  readonly opt?: readonly string[];
  readonly expose?: readonly string[];
  readonly publish?: readonly string[];
}

const onNetwork: OptionRow = ['--network <network>', 'of several endpoints of one name, the one there'];

export function defineEndpoints(setting: Setting): void {
  define<EndpointOptions>(setting, {
    usage: 'cnm endpoint create <network> <name>',
    summary: 'make an endpoint: addresses on a network',
    options: [
      ['--ip <address>', 'this IPv4 address'],
      ['--ip6 <address>', 'this IPv6 address'],
      ['--mac <address>', 'this MAC address'],
      ['--alias <name>', 'another name on the network (repeatable)', collect],
      ['-o, --opt <key=value>', "the driver's option (repeatable)", collect],
      ['--expose <port>', 'a port that it serves: 80, 53/udp (repeatable)', collect],
      ['-p, --publish <ports>', '[ADDRESS:][PORT:]PORT[/PROTOCOL], on the host (repeatable)', collect],
    ],
    prints: true,
    examples: [
      'berth cnm endpoint create back web',
      'berth cnm endpoint create --ip 10.9.0.7 --publish 8080:80 back web',
    ],
    run: async (call) => {
      const [network = '', name = ''] = call.operands;
      return show(call, await ask(call, 'endpoint-create', { network, draft: draftOf(name, call.options) }));
    },
  });
  define<OnNetwork>(setting, {
    usage: 'cnm endpoint ls',
    summary: 'list the endpoints',
    options: [['--network <network>', 'those on this network only']],
    prints: true,
    examples: ['berth cnm endpoint ls', 'berth cnm endpoint ls --network back'],
    run: async (call) => {
      const found = await ask(call, 'endpoint-list', { ...only(call.options) });
      const columns = ['name', 'network', 'address', 'address6', 'macAddress', 'sandbox'];
      const titled = columns.map((key) => (key === 'macAddress' ? { key, title: 'MAC' } : { key }));
      await call.out.list(
        [shortId, ...titled],
        found.map((each) => ({ ...each })),
      );
      return undefined;
    },
  });
  define<OnNetwork>(setting, {
    usage: 'cnm endpoint inspect <endpoint>',
    summary: 'show an endpoint',
    options: [onNetwork],
    prints: true,
    examples: ['berth cnm endpoint inspect web'],
    run: async (call) => show(call, await ask(call, 'endpoint-show', refOf(call))),
  });
  define<OnNetwork & { readonly priority?: number }>(setting, {
    usage: 'cnm endpoint join <endpoint> <sandbox>',
    summary: 'put an endpoint into a sandbox, as an interface',
    options: [onNetwork, ['--priority <number>', 'the higher gives the default route (0)', integer]],
    prints: true,
    examples: ['berth cnm endpoint join web box'],
    run: async (call) => {
      const { priority } = call.options;
      const sandbox = call.operands[1] ?? '';
      const more = priority === undefined ? {} : { priority };
      return show(call, await ask(call, 'endpoint-join', { ...refOf(call), sandbox, ...more }));
    },
  });
  define<OnNetwork>(setting, {
    usage: 'cnm endpoint leave <endpoint>',
    summary: 'take an endpoint out of its sandbox; it keeps its addresses',
    options: [onNetwork],
    examples: ['berth cnm endpoint leave web'],
    run: async (call) => {
      await ask(call, 'endpoint-leave', refOf(call));
      return undefined;
    },
  });
  define<OnNetwork & { readonly force?: boolean }>(setting, {
    usage: 'cnm endpoint rm <endpoint...>',
    summary: 'remove endpoints and release their addresses',
    options: [onNetwork, ['--force', 'also from its sandbox']],
    examples: ['berth cnm endpoint rm web'],
    run: async (call) => {
      const { force = false } = call.options;
      for (const endpoint of call.operands)
        await ask(call, 'endpoint-delete', { endpoint, ...only(call.options), force });
      return undefined;
    },
  });
}

export function draftOf(name: string, options: EndpointOptions): CnmEndpointDraft {
  return {
    name,
    ...(options.ip === undefined ? {} : { address: options.ip }),
    ...(options.ip6 === undefined ? {} : { address6: options.ip6 }),
    ...(options.mac === undefined ? {} : { macAddress: options.mac }),
    aliases: options.alias ?? [],
    options: pairs('--opt', options.opt),
    exposed: (options.expose ?? []).map(toPort),
    publish: (options.publish ?? []).map(toPublish),
  };
}

function only({ network }: OnNetwork): OnNetwork {
  return network === undefined ? {} : { network };
}

function refOf({ operands, options }: Call<OnNetwork>): CnmEndpointRef {
  return { endpoint: operands[0] ?? '', ...only(options) };
}

async function show(call: Call, endpoint: CnmEndpointView): Promise<undefined> {
  const { join, options, exposed, ...rest } = endpoint;
  const ports = (all: readonly object[]) => () => all.map((one) => Object.values(one).join(' ')).join(', ');
  await call.out.record(
    { ...rest, options, exposed, join },
    {
      exposed: ports(exposed),
      publish: ports(endpoint.publish),
      bindings: ports(endpoint.bindings),
      join: () => join?.gateway ?? '',
    },
  );
  return undefined;
}
