/** `berth security-group …` and `berth security-group rule …` */
import type { NetworkApi, RuleObject } from '../../client/networks.ts';
import { define, integer, type OptionRow, type Setting } from '../define.ts';
import type { Column, Row } from '../output/output.ts';
import { UsageError } from '../usage-error.ts';
import { defineDelete, defineResource, given, idField } from './network-resource.ts';

export function commands(setting: Setting): void {
  defineResource(setting, {
    word: 'security-group',
    called: 'security group',
    collection: 'security-groups',
    columns: [
      { key: 'id' },
      { key: 'name' },
      { key: 'description' },
      { key: 'security_group_rules', title: 'RULES', text: (row) => String(rulesOf(row).length) },
    ],
    text: { security_group_rules: (row) => rulesOf(row).map(ruleText).join('; ') },
    list: {
      options: [
        ['--name <name>', 'with this name'],
        ['--project <id>', 'of this project (administrators)'],
      ],
      query: (options) => given(options, { name: 'name', project: 'project_id' }),
    },
    create: {
      options: [],
      fields: () => ({}),
      examples: [
        'berth security-group create web',
        'berth security-group rule create web --protocol tcp --dst-port 80',
      ],
    },
    set: {
      options: [],
      fields: () => ({}),
      examples: ['berth security-group set --description "the shop" web'],
    },
  });
  defineRules(setting);
}

const ruleColumns: readonly Column[] = [
  { key: 'id' },
  { key: 'direction' },
  { key: 'ethertype' },
  { key: 'protocol', text: (row) => (row as RuleObject).protocol ?? 'any' },
  { key: 'ports', text: (row) => portsText(row as RuleObject) },
  { key: 'remote', text: (row) => remoteText(row as RuleObject) },
  { key: 'security_group_id', title: 'GROUP' },
];

interface RuleOptions {
  readonly ingress?: boolean;
  readonly egress?: boolean;
  readonly protocol?: string;
  readonly dstPort?: string;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  readonly remoteIp?: string;
  readonly remoteGroup?: string;
  readonly ethertype?: string;
  readonly description?: string;
}

const ruleRows: readonly OptionRow[] = [
  ['--ingress', 'for what comes in (this is the default)'],
  ['--egress', 'for what goes out'],
  ['--protocol <protocol>', 'tcp, udp, icmp, a number … (any)'],
  ['--dst-port <port[:port]>', 'ports of tcp, udp … (any)'],
  ['--icmp-type <type>', 'of icmp', integer],
  ['--icmp-code <code>', 'of icmp', integer],
  ['--remote-ip <cidr>', 'the other side (anybody)'],
  ['--remote-group <name>', 'the other side: members of this group'],
  ['--ethertype <type>', 'IPv4 or IPv6 (that of --remote-ip, else IPv4)'],
  ['--description <text>', 'what it is for'],
];

function defineRules(setting: Setting): void {
  define<RuleOptions>(setting, {
    usage: 'security-group rule create <security-group>',
    summary: 'let something through',
    options: ruleRows,
    prints: true,
    examples: [
      'berth security-group rule create web --protocol tcp --dst-port 80:81',
      'berth security-group rule create db --protocol tcp --dst-port 5432 --remote-group web',
    ],
    run: async ({ cloud, operands, options, out }) => {
      const { networks } = await cloud();
      const body = await ruleFields(operands[0] ?? '', options, networks);
      await out.record(await networks.create('security-group-rules', body));
      return undefined;
    },
  });
  define(setting, {
    usage: 'security-group rule list [security-group]',
    summary: 'list the rules of a group, or all',
    prints: true,
    examples: ['berth security-group rule list web'],
    run: async ({ cloud, operands, out }) => {
      const { networks } = await cloud();
      const query = await idField(networks, 'security_group_id', ['security-groups', operands[0]]);
      const rules = await networks.list<RuleObject>('security-group-rules', query as Record<string, string>);
      await out.list(ruleColumns, rules);
      return undefined;
    },
  });
  define(setting, {
    usage: 'security-group rule show <rule>',
    summary: 'show everything about a rule',
    prints: true,
    examples: ['berth security-group rule show 6086e899-b08a-4e39-8a74-953263a22b9f'],
    run: async ({ cloud, operands, out }) => {
      await out.record(await (await cloud()).networks.get('security-group-rules', operands[0] ?? ''));
      return undefined;
    },
  });
  defineDelete(setting, {
    word: 'security-group rule',
    called: 'rule',
    collection: 'security-group-rules',
  });
}

/** Exported for its test. */
export async function ruleFields(group: string, options: RuleOptions, networks: NetworkApi) {
  if (options.ingress && options.egress) throw new UsageError('either --ingress or --egress');
  const [first, last, ...more] = options.dstPort?.split(':') ?? [];
  if (more.length > 0 || [first, last].some((port) => port !== undefined && !/^\d+$/.test(port))) {
    throw new UsageError(`--dst-port ${options.dstPort}: expected a port, or FIRST:LAST`);
  }
  return {
    ...(await idField(networks, 'security_group_id', ['security-groups', group])),
    direction: options.egress ? 'egress' : 'ingress',
    ethertype: options.ethertype ?? (options.remoteIp?.includes(':') ? 'IPv6' : 'IPv4'),
    ...given(options, { protocol: 'protocol', remoteIp: 'remote_ip_prefix', description: 'description' }),
    ...(first === undefined
      ? given(options, { icmpType: 'port_range_min', icmpCode: 'port_range_max' })
      : { port_range_min: Number(first), port_range_max: Number(last ?? first) }),
    ...(await idField(networks, 'remote_group_id', ['security-groups', options.remoteGroup])),
  };
}

function rulesOf(row: Row): readonly RuleObject[] {
  return (row.security_group_rules as readonly RuleObject[] | undefined) ?? [];
}

function ruleText(rule: RuleObject): string {
  const remote = remoteText(rule);
  const side = remote && (rule.direction === 'ingress' ? ` from ${remote}` : ` to ${remote}`);
  return `${rule.direction} ${rule.ethertype} ${rule.protocol ?? 'any'} ${portsText(rule)}`.trimEnd() + side;
}

function portsText({ port_range_min: first, port_range_max: last }: RuleObject): string {
  if (first === null && last === null) return '';
  return first === last ? String(first) : `${first ?? ''}:${last ?? ''}`;
}

function remoteText(rule: RuleObject): string {
  return rule.remote_ip_prefix ?? rule.remote_group_id ?? '';
}
