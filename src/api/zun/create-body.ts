/**
 * A create's body → what the use case asks for and the compiled specification.
 *
 * The schema has been checked. What is left are the rules that need more than one field, each with its error in
 * Zun's words; they run when the use case calls `admit` and `compile`, in the documented order.
 */
import type { Config } from '../../base/config-schema.ts';
import type { CreateAsk, GuardedField } from '../../control/container/create.ts';
import type { RequestedNet } from '../../control/networking.ts';
import type { Policy } from '../../control/policy.ts';
import type {
  ContainerSpec,
  ExposedPort,
  Healthcheck,
  InjectedFile,
  RestartPolicy,
} from '../../model/container.ts';
import { Failure } from '../../model/failure.ts';
import { splitShellWords } from '../../model/shell-words.ts';
import { toOptions } from './container-options.ts';
import type { CreateFields } from './create-fields.ts';
import { type Call, checkFieldVersion, type Field, type Input } from './endpoint.ts';
import { ownMinor } from './microversion.ts';
import { isTrue } from './vocabulary.ts';

interface Border {
  readonly config: Config;
  readonly policy: Policy;
  readonly fields: CreateFields;
}

export function toCreateAsk(call: Call, border: Border): CreateAsk {
  const { body, query } = call;
  const { containers } = border.config;
  const resources = {
    cpu: toNumber(body.cpu, containers.defaultCpu),
    memoryMiB: toNumber(body.memory, containers.defaultMemoryMiB),
    diskGiB: toNumber(body.disk, 0),
  };
  return {
    name: (body.name as string | null | undefined) ?? null,
    run: isTrue(query.run),
    resources,
    nets: netsOf(call),
    securityGroups: securityGroupsOf(body),
    availabilityZone: (body.availability_zone as string | null | undefined) ?? null,
    host: (body.host as string | undefined) ?? null,
    registry: (body.registry as string | undefined) ?? null,
    hostLabels: hostLabelsOf(body),
    admit: (field) => admit(field, call, border),
    compile: () => compile(call, border.config, resources),
  };
}

function toNumber(value: unknown, byDefault: number): number {
  return value === undefined || value === null ? byDefault : Number(value);
}

interface NetInput {
  readonly network?: string;
  readonly port?: string;
  readonly 'v4-fixed-ip'?: string;
  readonly 'v6-fixed-ip'?: string;
  readonly default_gateway?: unknown;
}

function netsOf({ body, version }: Call): RequestedNet[] {
  const nets = ((body.nets ?? []) as readonly NetInput[]).map((net) => toNet(net, version));
  if (nets.filter(({ defaultGateway }) => defaultGateway).length <= 1) return nets;
  throw new Failure('invalid', 'nets: only one of them can be the default gateway');
}

function toNet(net: NetInput, version: number): RequestedNet {
  const fixedIps = [net['v4-fixed-ip'], net['v6-fixed-ip']].filter((address) => address !== undefined);
  // Zun's ports have one address that was asked for, and that is the first.
  const used = version >= ownMinor ? fixedIps : fixedIps.slice(0, 1);
  return {
    ...(net.network === undefined ? {} : { network: net.network }),
    ...(net.port === undefined ? {} : { port: net.port }),
    ...(used.length === 0 ? {} : { fixedIps: used }),
    ...(isTrue(net.default_gateway) ? { defaultGateway: true } : {}),
  };
}

/** An empty list asks for nothing: forms send it always. */
function securityGroupsOf({ security_groups: groups }: Input): readonly string[] | null {
  const names = (groups ?? []) as readonly string[];
  return names.length === 0 ? null : names;
}

const labelHint = 'label:';

function hostLabelsOf({ hints }: Input): Record<string, string> {
  return Object.fromEntries(
    Object.entries((hints ?? {}) as Record<string, string>)
      .filter(([name]) => name.startsWith(labelHint))
      .map(([name, value]) => [name.slice(labelHint.length), value]),
  );
}

/** Rules on one field besides those of its schema, version and policy. */
const fieldRules: Partial<Record<GuardedField, (value: unknown, call: Call) => void>> = {
  mounts: (value) => {
    for (const mount of value as readonly Input[]) assertMountable(mount);
  },
  exposed_ports: (_value, { body, version }) => {
    if (version >= ownMinor || !('security_groups' in body)) return;
    throw new Failure('invalid', 'Cannot specify both exposed_ports and security_groups: give one of them');
  },
};

function admit(name: GuardedField, call: Call, { fields, policy }: Border): void {
  const field: Field = fields[name];
  const value = call.body[name];
  // The key alone counts for `privileged`: even `false` needs the right to say it.
  const isGiven = name === 'privileged' ? name in call.body : isSaid(value);
  if (!isGiven) return;
  if (field.below === 'refused') checkFieldVersion(name, field, call);
  if (field.policy) policy.enforce(call.caller, field.policy);
  fieldRules[name]?.(value, call);
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

function assertMountable({ type = 'volume', source, destination }: Input): void {
  if (type === 'volume') {
    throw new Failure('not-implemented', 'mounts of volumes are not offered yet: only type bind is');
  }
  if (type !== 'bind') throw new Failure('invalid', `mounts: type '${type}' is unknown: give volume or bind`);
  if (typeof source !== 'string' || !isBase64(source))
    throw new Failure('invalid', 'Invalid Base 64 file data');
  if (!/^\/.*[^/]$/.test(String(destination)) || String(destination).split('/').includes('..')) {
    throw new Failure('invalid', `mounts: destination '${destination}' must be the absolute path of a file`);
  }
}

function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text.replaceAll(/\s/g, ''));
}

function compile(
  { body, version }: Call,
  { containers }: Config,
  resources: CreateAsk['resources'],
): ContainerSpec {
  const interactive = isTrue(body.interactive);
  const driver = body.image_driver;
  const options = toOptions(body);
  const pullPolicy = String(body.image_pull_policy ?? containers.pullPolicy).toLowerCase();
  return {
    image: String(body.image),
    imageDriver: driver === 'glance' ? 'glance' : 'docker',
    pullPolicy: pullPolicy as ContainerSpec['pullPolicy'],
    command: toWords(body.command),
    entrypoint: toWords(body.entrypoint),
    ...resources,
    cpuPolicy: body.cpu_policy === 'dedicated' ? 'dedicated' : 'shared',
    workdir: (body.workdir as string | null | undefined) ?? null,
    environment: (body.environment ?? {}) as Record<string, string>,
    labels: toTexts(body.labels),
    hostname: (body.hostname as string | undefined) ?? null,
    interactive,
    // Before 1.36 a terminal was what `interactive` meant.
    tty: version < 36 && 'interactive' in body ? interactive : isTrue(body.tty),
    autoRemove: isTrue(body.auto_remove),
    autoHeal: isTrue(body.auto_heal),
    runtime: (body.runtime as string | null | undefined) ?? null,
    privileged: isTrue(body.privileged),
    restartPolicy: restartPolicyOf(body),
    healthcheck: healthcheckOf(body),
    files: filesOf(body),
    exposedPorts: exposedPortsOf(body),
    registryId: null,
    ...(options ? { options } : {}),
  };
}

/** A list of anything, or one line in the shell's spelling (before 1.20). */
function toWords(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return splitShellWords(value);
  return (value as readonly unknown[]).map(toText);
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function toTexts(map: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries((map ?? {}) as Input).map(([key, value]) => [key, toText(value)]));
}

function restartPolicyOf({ restart_policy: given }: Input): RestartPolicy | null {
  if (given === undefined || given === null) return null;
  const { Name: name, MaximumRetryCount: count } = given as {
    Name: RestartPolicy['name'];
    MaximumRetryCount?: string | number | null;
  };
  const maximumRetryCount = Number(count ?? 0);
  if ((name === 'always' || name === 'unless-stopped') && maximumRetryCount !== 0) {
    throw new Failure('invalid', `maximum retry count not valid with restart policy of ${name}`);
  }
  return { name, maximumRetryCount: name === 'no' ? 0 : maximumRetryCount };
}

function healthcheckOf({ healthcheck: given }: Input): Healthcheck | null {
  const { cmd, interval, retries, timeout } = (given ?? {}) as Input;
  if (cmd === undefined || cmd === null || cmd === '') return null;
  return {
    test: cmd as string,
    intervalSeconds: toCount('interval', interval),
    timeoutSeconds: toCount('timeout', timeout),
    retries: toCount('retries', retries),
  };
}

function toCount(field: string, value: unknown): number {
  if (value === undefined || value === null || value === '') return 0;
  const count = Number(value);
  if (Number.isInteger(count) && count >= 0) return count;
  throw new Failure('invalid', `healthcheck: ${field} '${value}' must be a whole number, 0 or more`);
}

function filesOf({ mounts }: Input): InjectedFile[] {
  return ((mounts ?? []) as readonly { source: string; destination: string }[]).map((mount) => ({
    destination: mount.destination,
    contentBase64: mount.source.replaceAll(/\s/g, ''),
  }));
}

function exposedPortsOf({ exposed_ports: given }: Input): ExposedPort[] {
  return Object.keys((given ?? {}) as Input).map((key) => {
    const [port = '', protocol = 'tcp', ...more] = key.split('/');
    if (more.length > 0 || (protocol !== 'tcp' && protocol !== 'udp')) {
      throw new Failure('invalid', `value ${key.slice(port.length + 1)} is an invalid protocol`);
    }
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
      throw new Failure('invalid', `value ${port} is invalid as publish port.`);
    }
    return { port: Number(port), protocol };
  });
}
