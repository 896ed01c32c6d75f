/** `berth network topology`. */
import type { Cloud } from '../../client/cloud.ts';
import type { PortObject, RouterObject } from '../../client/networks.ts';
import { define, type Setting } from '../define.ts';
import { floatingByPort } from '../floating.ts';
import { dotOf } from '../topology/dot.ts';
import { type Lists, type Topology, topologyOf } from '../topology/model.ts';
import { treeOf } from '../topology/tree.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly format?: string;
  readonly all?: boolean;
}

const renderings: Readonly<Record<string, (topology: Topology, options: Options) => string>> = {
  tree: (topology, { all = false }) => treeOf(topology, all),
  json: (topology) => `${JSON.stringify(topology, null, 2)}\n`,
  dot: dotOf,
};

export function defineTopology(setting: Setting): void {
  define<Options>(setting, {
    usage: 'network topology',
    summary: 'show how networks, routers, ports and external addresses hang together',
    options: [
      ['-f, --format <format>', 'tree, json or dot (for Graphviz)'],
      ['--all', 'every port of networks that have many'],
    ],
    examples: ['berth network topology', 'berth network topology -f dot | dot -Tsvg > networks.svg'],
    run: async ({ cloud, options, out }) => {
      const render = renderings[options.format ?? 'tree'];
      if (!render) throw new UsageError(`--format ${options.format}: expected tree, json or dot`);
      out.raw(render(topologyOf(await listsOf(await cloud())), options));
      return undefined;
    },
  });
}

async function listsOf({ networks: api, containers }: Cloud): Promise<Lists> {
  const [networks, subnets, routers, ports, groups, running, floating] = await Promise.all([
    api.list('networks'),
    api.list('subnets'),
    api.list<RouterObject>('routers'),
    api.list<PortObject>('ports'),
    api.list('security-groups'),
    containers.list(),
    floatingByPort(api),
  ]);
  return { networks, subnets, routers, ports, groups, containers: running, floating };
}
