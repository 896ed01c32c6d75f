/** Commands about who may do what with containers and networks. */
import { define, type Setting } from '../define.ts';

export function commands(setting: Setting): void {
  defineList(setting);
  defineExplain(setting);
}

function defineList(setting: Setting): void {
  define(setting, {
    usage: 'policy list',
    summary: 'list the rules of containers and networks as they count here',
    prints: true,
    examples: ['berth --os-cloud berth-admin policy list'],
    run: async ({ cloud, out }) => {
      const rules = await (await cloud()).containers.policies();
      await out.list(
        ['rule', 'text', 'default'].map((key) => ({ key })),
        rules.map((rule) => ({ ...rule })),
      );
      return undefined;
    },
  });
}

function defineExplain(setting: Setting): void {
  define<{ readonly project?: string }>(setting, {
    usage: 'policy explain <user> <action> [object]',
    summary: 'say why a user may or may not do something, check by check',
    prints: true,
    options: [['--project <name>', 'the project that the user works in; needed when there are several']],
    examples: [
      'berth --os-cloud berth-admin policy explain demo container:start web',
      'berth --os-cloud berth-admin policy explain demo container:create:privileged',
      'berth --os-cloud berth-admin policy explain demo delete_port 5f0c…',
    ],
    run: async ({ cloud, out, operands: [user = '', action = '', object], options: { project } }) => {
      const query = { user, ...(project ? { project } : {}), ...(object ? { object } : {}) };
      const { checks, ...answer } = await (await cloud()).containers.explainPolicy(action, query);
      const lines = checks.map(({ rule, check, holds, has, wants }) => {
        const compared = check === '@' || check === '!' ? '' : ` (${has || 'nothing'}; wanted ${wants})`;
        return `${holds ? 'yes' : 'no'}: ${check}${compared} in ${rule}`;
      });
      await out.record({ ...answer, checks: lines }, {}, ['checks']);
      return undefined;
    },
  });
}
