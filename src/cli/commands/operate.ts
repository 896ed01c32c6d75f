/** Commands for those who run the cloud: services, hosts, quotas. */
import type { Cloud } from '../../client/cloud.ts';
import { type QuotaName, quotaNames } from '../../client/container-types.ts';
import { isFailure } from '../../model/failure.ts';
import { define, integer, type OptionRow, type Setting } from '../define.ts';
import { UsageError } from '../usage-error.ts';

export function commands(setting: Setting): void {
  defineServices(setting);
  defineHosts(setting);
  defineQuotas(setting);
}

function defineServices(setting: Setting): void {
  define(setting, {
    usage: 'service list',
    summary: 'list the agents and whether they are up',
    prints: true,
    examples: ['berth --os-cloud berth-admin service list'],
    run: async ({ cloud, out }) => {
      const keys = ['id', 'host', 'binary', 'state', 'disabled', 'disabled_reason', 'availability_zone'];
      const services = await (await cloud()).containers.services();
      await out.list(
        [...keys, 'last_seen_up'].map((key) => ({ key })),
        services.map((service) => ({ ...service })),
      );
      return undefined;
    },
  });
  define<{ readonly reason?: string }>(setting, {
    usage: 'service disable <host>',
    summary: 'place no new containers on a host',
    options: [['--reason <text>', 'why']],
    examples: ['berth --os-cloud berth-admin service disable host-1 --reason "new disk"'],
    run: async ({ cloud, operands: [host = ''], options, progress }) => {
      const reason = options.reason ? { disabled_reason: options.reason } : {};
      await (await cloud()).containers.setService(host, agentBinary, { verb: 'disable', ...reason });
      progress.note(`${host}: disabled`);
      return undefined;
    },
  });
  define(setting, {
    usage: 'service enable <host>',
    summary: 'place containers on a host again',
    examples: ['berth --os-cloud berth-admin service enable host-1'],
    run: async ({ cloud, operands: [host = ''], progress }) => {
      await (await cloud()).containers.setService(host, agentBinary, { verb: 'enable' });
      progress.note(`${host}: enabled`);
      return undefined;
    },
  });
}

/** What the container API calls an agent. */
const agentBinary = 'zun-compute';

function defineHosts(setting: Setting): void {
  define(setting, {
    usage: 'host list',
    summary: 'list the hosts and how full they are',
    prints: true,
    examples: ['berth --os-cloud berth-admin host list'],
    run: async ({ cloud, out }) => {
      const keys = [
        'uuid',
        'hostname',
        'cpu_used',
        'cpus',
        'mem_used',
        'mem_total',
        'disk_used',
        'disk_total',
      ];
      const hosts = await (await cloud()).containers.hosts();
      await out.list(
        [...keys, 'total_containers'].map((key) => ({ key })),
        hosts.map((host) => ({ ...host })),
      );
      return undefined;
    },
  });
  define(setting, {
    usage: 'host show <host>',
    summary: 'show everything about a host',
    prints: true,
    examples: ['berth --os-cloud berth-admin host show host-1'],
    run: async ({ cloud, operands: [host = ''], out }) => {
      await out.record({ ...(await (await cloud()).containers.host(host)) });
      return undefined;
    },
  });
}

/** Option → the network service's own word. */
const networkQuotas = {
  networks: 'network',
  subnets: 'subnet',
  ports: 'port',
  routers: 'router',
  floatingIps: 'floatingip',
  securityGroups: 'security_group',
  securityGroupRules: 'security_group_rule',
} as const;

type QuotaOptions = Partial<Record<QuotaName | keyof typeof networkQuotas, number>>;

const quotaRows: readonly OptionRow[] = [
  ['--containers <number>', 'containers', integer],
  ['--cpu <number>', 'cores', integer],
  ['--memory <MiB>', 'memory', integer],
  ['--disk <GiB>', 'disk', integer],
  ['--networks <number>', 'networks', integer],
  ['--subnets <number>', 'subnets', integer],
  ['--ports <number>', 'ports', integer],
  ['--routers <number>', 'routers', integer],
  ['--floating-ips <number>', 'floating IPs', integer],
  ['--security-groups <number>', 'security groups', integer],
  ['--security-group-rules <number>', 'rules of security groups', integer],
];

function defineQuotas(setting: Setting): void {
  define(setting, {
    usage: 'quota show [project]',
    summary: 'show limits and what is in use; of your own project, or any (administrators)',
    prints: true,
    examples: ['berth quota show', 'berth --os-cloud berth-admin quota show demo'],
    run: async (call) => {
      const cloud = await call.cloud();
      const project = await projectId(cloud, call.operands[0]);
      const [ours, networks] = await Promise.all([
        cloud.containers.quota(project),
        cloud.networks.quota(project).catch(withoutQuota),
      ]);
      const rows = [
        ...quotaNames.map((name) => ({ resource: name, limit: ours[name].limit, in_use: ours[name].in_use })),
        ...Object.entries(networks).map(([resource, { limit, used }]) => ({ resource, limit, in_use: used })),
      ];
      const limit = { key: 'limit', text: (row: object) => limitText((row as { limit: number }).limit) };
      await call.out.list([{ key: 'resource' }, limit, { key: 'in_use' }], rows);
      return undefined;
    },
  });

  define<QuotaOptions>(setting, {
    usage: 'quota set <project>',
    summary: 'change limits of a project (administrators; -1 = none)',
    options: quotaRows,
    examples: ['berth --os-cloud berth-admin quota set demo --containers 100 --ports 1000'],
    run: async ({ cloud, operands, options, progress }) => {
      const ours = pick(options, Object.fromEntries(quotaNames.map((name) => [name, name])));
      const networks = pick(options, networkQuotas);
      if (Object.keys({ ...ours, ...networks }).length === 0) {
        throw new UsageError('quota set: which limit?');
      }
      const connected = await cloud();
      const project = await projectId(connected, operands[0]);
      if (Object.keys(ours).length > 0) await connected.containers.setQuota(project, ours);
      if (Object.keys(networks).length > 0) await connected.networks.setQuota(project, networks);
      progress.note(`${operands[0]}: limits changed`);
      return undefined;
    },
  });
}

function pick(options: QuotaOptions, words: Readonly<Record<string, string>>): Record<string, number> {
  const given = Object.entries(words).map(([option, word]) => [word, options[option as QuotaName]] as const);
  return Object.fromEntries(given.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

function limitText(limit: number): string {
  return limit < 0 ? 'none' : String(limit);
}

/** A network service that does not tell its quotas is no reason to hide the others. */
function withoutQuota(error: unknown): Record<string, never> {
  if (isFailure(error) && error.status === 404) return {};
  throw error;
}

async function projectId(cloud: Cloud, nameOrId: string | undefined): Promise<string> {
  const { projectId: own = '', projectName } = await cloud.session.token();
  if (nameOrId === undefined || nameOrId === own || nameOrId === projectName) return own;
  return (await cloud.projects.find(nameOrId)).id;
}
