/** `berth cnm sandbox …` */
import { define, type Setting } from '../define.ts';
import { ask } from './ask.ts';
import { shortId } from './network.ts';

interface CreateOptions {
  readonly hostname?: string;
  readonly host?: boolean;
}

export function defineSandboxes(setting: Setting): void {
  define<CreateOptions>(setting, {
    usage: 'cnm sandbox create <name>',
    summary: 'make a sandbox: a network namespace that endpoints join',
    options: [
      ['--hostname <name>', 'its own name in its /etc/hosts (the name)'],
      ['--host', "the host's own namespace, for networks of the driver host"],
    ],
    prints: true,
    examples: [
      'berth cnm sandbox create box',
      'ip netns exec $(berth cnm sandbox create -f value -c netns b2) ip a',
    ],
    run: async (call) => {
      const { hostname, host = false } = call.options;
      const name = call.operands[0] ?? '';
      const draft = { name, isHost: host, ...(hostname === undefined ? {} : { hostname }) };
      await call.out.record({ ...(await ask(call, 'sandbox-create', draft)) });
      return undefined;
    },
  });
  define(setting, {
    usage: 'cnm sandbox ls',
    summary: 'list the sandboxes',
    prints: true,
    examples: ['berth cnm sandbox ls'],
    run: async (call) => {
      const found = await ask(call, 'sandbox-list', {});
      const columns = [shortId, { key: 'name' }, { key: 'netns', title: 'NAMESPACE' }, { key: 'hostname' }];
      await call.out.list(
        columns,
        found.map((each) => ({ ...each })),
      );
      return undefined;
    },
  });
  define(setting, {
    usage: 'cnm sandbox rm <sandbox...>',
    summary: 'remove sandboxes with the endpoints that are in them',
    examples: ['berth cnm sandbox rm box'],
    run: async (call) => {
      for (const sandbox of call.operands) await ask(call, 'sandbox-delete', { sandbox });
      return undefined;
    },
  });
}
