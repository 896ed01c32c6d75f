/**
 * From the options of `run` and `create` to the body of the request. Pure but for `readFile`.
 *
 * Fields that were not given are left out: their defaults are the server's, and some of them (runtime, host,
 * privileged …) need a permission that merely naming them would ask for.
 */
import type { ContainerRequest, MountRequest, NetRequest } from '../client/container-types.ts';
import { collect, integer, number, type OptionRow } from './define.ts';
import { type ProcessOptions, processOptions, processRequest } from './option-request.ts';
import { splitWords } from './shell-words.ts';
import { memoryMiB, pairs } from './spelled.ts';
import { UsageError } from './usage-error.ts';

export interface RunOptions extends ProcessOptions {
  readonly name?: string;
  readonly cpu?: number;
  readonly memory?: string;
  readonly disk?: number;
  readonly env?: readonly string[];
  readonly label?: readonly string[];
  readonly workdir?: string;
  readonly hostname?: string;
  readonly entrypoint?: string;
  readonly net?: readonly string[];
  readonly securityGroup?: readonly string[];
  readonly exposePort?: readonly string[];
  readonly mount?: readonly string[];
  readonly restart?: string;
  readonly rm?: boolean;
  readonly autoRemove?: boolean;
  readonly autoHeal?: boolean;
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly healthcheck?: string;
  readonly imagePullPolicy?: string;
  readonly imageDriver?: string;
  readonly registry?: string;
  readonly runtime?: string;
  readonly hint?: readonly string[];
  readonly availabilityZone?: string;
  readonly host?: string;
  readonly privileged?: boolean;
}

export const runOptions: readonly OptionRow[] = [
  ['-n, --name <name>', 'name of the container (made up when left out)'],
  ['--cpu <number>', 'cores, also parts: 0.5', number],
  ['-m, --memory <MiB>', 'memory: 1024, 512M, 2G'],
  ['--disk <GiB>', 'size of its root disk, where hosts can limit it', integer],
  ['-e, --env <K=V>', 'environment variable; K alone takes its value from here (repeatable)', collect],
  ['--label <K=V>', 'label (repeatable)', collect],
  ['--workdir <path>', 'working directory'],
  ['--hostname <name>', 'host name inside'],
  ['--entrypoint <words>', "replaces the image's entrypoint"],
  [
    '--net <spec>',
    'network=NAME or port=NAME[,v4-fixed-ip=A][,v6-fixed-ip=A], or just NAME (repeatable)',
    collect,
  ],
  ['--security-group <name>', 'what may reach it (repeatable)', collect],
  ['-p, --expose-port <port[/protocol]>', 'open this port to everybody (repeatable)', collect],
  ['--mount <spec>', 'type=bind,source=FILE,destination=PATH writes a file (repeatable)', collect],
  ['--restart <policy>', 'no, always, unless-stopped or on-failure[:N]'],
  ['--rm, --auto-remove', 'delete it when it ends'],
  ['--auto-heal', 'start it again when it vanishes'],
  ['-i, --interactive', 'keep its standard input open'],
  ['-t, --tty', 'give it a terminal'],
  ['--healthcheck <spec>', 'cmd=COMMAND[,interval=S][,timeout=S][,retries=N]'],
  ['--image-pull-policy <policy>', 'always, ifnotpresent or never'],
  ['--image-driver <driver>', 'docker or glance'],
  ['--registry <name>', 'registry to pull from'],
  ['--runtime <name>', 'runc, crun, kata …'],
  ['--hint <K=V>', 'hint for the scheduler (repeatable)', collect],
  ['--availability-zone <zone>', 'where to run it'],
  ['--host <name>', 'the very host to run it on'],
  ['--privileged', 'all rights on its host'],
  ...processOptions,
];

export interface RequestInput {
  readonly image: string;
  readonly command: readonly string[];
  readonly options: RunOptions;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A file's content in base64. */
  readonly readFile: (path: string) => Promise<string>;
}

export async function containerRequest(input: RequestInput): Promise<ContainerRequest> {
  const { options } = input;
  refuseContradictions(options);
  const mounts = await Promise.all((options.mount ?? []).map((spec) => mountOf(spec, input.readFile)));
  return leaveOut({
    image: input.image,
    command: input.command.length > 0 ? input.command : undefined,
    name: options.name,
    cpu: options.cpu,
    memory: options.memory === undefined ? undefined : memoryMiB('--memory', options.memory),
    disk: options.disk,
    environment: options.env && environmentOf(options.env, input.env),
    labels: options.label && pairs('--label', options.label),
    workdir: options.workdir,
    hostname: options.hostname,
    entrypoint: options.entrypoint === undefined ? undefined : splitWords(options.entrypoint),
    nets: options.net?.map(netOf),
    security_groups: options.securityGroup,
    exposed_ports: options.exposePort && Object.fromEntries(options.exposePort.map((port) => [port, {}])),
    mounts: mounts.length > 0 ? mounts : undefined,
    restart_policy: options.restart === undefined ? undefined : restartOf(options.restart),
    auto_remove: options.rm || options.autoRemove ? true : undefined,
    auto_heal: options.autoHeal,
    interactive: options.interactive,
    tty: options.tty,
    healthcheck: options.healthcheck === undefined ? undefined : healthcheckOf(options.healthcheck),
    image_pull_policy: options.imagePullPolicy,
    image_driver: options.imageDriver,
    registry: options.registry,
    runtime: options.runtime,
    hints: options.hint && pairs('--hint', options.hint),
    availability_zone: options.availabilityZone,
    host: options.host,
    privileged: options.privileged,
    ...processRequest(options),
  });
}

type Loose<T> = { readonly [K in keyof T]: T[K] | undefined };

function leaveOut(request: Loose<ContainerRequest> & { readonly image: string }): ContainerRequest {
  const given = Object.entries(request).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as ContainerRequest;
}

function refuseContradictions(options: RunOptions): void {
  if (options.exposePort && options.securityGroup) {
    throw new UsageError('--expose-port makes a security group of its own: leave out --security-group');
  }
  if ((options.rm || options.autoRemove) && options.restart && options.restart !== 'no') {
    throw new UsageError('--rm deletes the container when it ends: leave out --restart');
  }
}

function environmentOf(
  items: readonly string[],
  here: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const spelled = items.flatMap((item) => {
    if (item.includes('=')) return [item];
    const value = here[item];
    // As docker does: a variable that is not set here is not set there either.
    return value === undefined ? [] : [`${item}=${value}`];
  });
  return pairs('--env', spelled);
}

const netKeys = ['network', 'port', 'v4-fixed-ip', 'v6-fixed-ip'] as const;

function netOf(spec: string): NetRequest {
  if (!spec.includes('=')) return { network: spec };
  const net: NetRequest = fields('--net', spec, netKeys);
  if ((net.network === undefined) === (net.port === undefined)) {
    throw new UsageError(`--net ${spec}: expected either network= or port=`);
  }
  return net;
}

function restartOf(text: string): NonNullable<ContainerRequest['restart_policy']> {
  const [name = '', count, ...more] = text.split(':');
  if (!['no', 'always', 'unless-stopped', 'on-failure'].includes(name) || more.length > 0) {
    throw new UsageError(`--restart ${text}: expected no, always, unless-stopped or on-failure[:N]`);
  }
  if (count === undefined) return { Name: name };
  if (name !== 'on-failure' || !/^\d+$/.test(count)) {
    throw new UsageError(`--restart ${text}: only on-failure takes a number of tries, as in on-failure:3`);
  }
  return { Name: name, MaximumRetryCount: count };
}

const mountKeys = ['type', 'source', 'destination', 'size'] as const;

async function mountOf(spec: string, readFile: RequestInput['readFile']): Promise<MountRequest> {
  const { type, source, destination, size } = fields('--mount', spec, mountKeys);
  if (!destination || !(source || size)) {
    throw new UsageError(`--mount ${spec}: expected destination=, and source= or size=`);
  }
  if (type !== undefined && type !== 'bind' && type !== 'volume') {
    throw new UsageError(`--mount ${spec}: type is bind (a file) or volume`);
  }
  if (type === 'bind') {
    if (!source) throw new UsageError(`--mount ${spec}: type=bind needs source=FILE`);
    return { type, source: await readFile(source), destination };
  }
  return { ...(type ? { type } : {}), ...(source ? { source } : {}), ...(size ? { size } : {}), destination };
}

function healthcheckOf(spec: string): NonNullable<ContainerRequest['healthcheck']> {
  // The command may hold commas of its own: only a comma before a known key separates.
  const { cmd, interval, retries, timeout } = fields('--healthcheck', spec, [
    'cmd',
    'interval',
    'retries',
    'timeout',
  ]);
  if (!cmd) throw new UsageError(`--healthcheck ${spec}: expected cmd=COMMAND`);
  const whole = (key: string, text: string | undefined) => {
    if (text === undefined) return {};
    if (!/^\d+$/.test(text)) throw new UsageError(`--healthcheck ${key}=${text}: expected a whole number`);
    return { [key]: Number(text) };
  };
  return {
    cmd,
    ...whole('interval', interval),
    ...whole('retries', retries),
    ...whole('timeout', timeout),
  };
}

/** `a=1,b=2` with known keys only; a comma separates only before one of them. */
export function fields<const Key extends string>(
  flag: string,
  spec: string,
  keys: readonly Key[],
): { [K in Key]?: string } {
  const found: { [K in Key]?: string } = {};
  for (const part of spec.split(new RegExp(`,(?=(?:${keys.join('|')})=)`))) {
    const at = part.indexOf('=');
    const key = keys.find((known) => known === part.slice(0, Math.max(at, 0)));
    if (!key)
      throw new UsageError(`${flag} ${spec}: expected ${keys.map((known) => `${known}=…`).join(', ')}`);
    found[key] = part.slice(at + 1);
  }
  return found;
}
