/** The options of a create that Zun does not have (from microversion 1.41): their fields, what they mean, how they are shown. */
import type { Config } from '../../base/config-schema.ts';
import {
  allowedSysctls,
  type ContainerOptions,
  capabilities,
  type Ulimit,
  type UlimitName,
  ulimitNames,
} from '../../model/container-options.ts';
import type { Container } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import type { Fields, Input } from './endpoint.ts';
import { ownMinor } from './microversion.ts';
import { isTrue, plainBoolean, schema, stopSignal, userName } from './vocabulary.ts';

const mostFiles = 1_048_576;
const mostPids = 4_194_304;
const longestGraceSeconds = 300;

const hostPattern = '^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$';
const someAddress = { type: 'string', maxLength: 45, anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] };
const capability = { enum: ['ALL', ...capabilities, ...capabilities.map((name) => `CAP_${name}`)] };
const capabilityList = schema({ type: 'array', maxItems: 50, items: capability });
const limit = (most: number) => ({ type: 'integer', minimum: 0, maximum: most });
const ulimit = (most: number) => ({
  anyOf: [
    limit(most),
    {
      type: 'object',
      properties: { soft: limit(most), hard: limit(most) },
      required: ['soft', 'hard'],
      additionalProperties: false,
    },
  ],
});

/** Absolute, of no folder that the kernel or the Engine fills, and without `..`. */
const tmpfsPath = '^/(?!(proc|sys|dev)(/|$))(?!(.*/)?\\.{1,2}(/|$))[^\\u0000:,]+$';

/** Each is new: to an older version they are unknown. */
export function optionFields({ containers }: Config) {
  const mebibytes = { type: 'integer', minimum: 1, maximum: containers.maximumMemoryMiB };
  const since = { since: ownMinor, below: 'unknown' } as const;
  const addresses = { type: 'array', maxItems: 3, items: someAddress };
  const domain = { type: 'string', maxLength: 253, pattern: hostPattern };
  return {
    cpu_limit: {
      ...since,
      schema: schema({ type: 'number', minimum: 0.01, maximum: containers.maximumCpu }),
    },
    pids_limit: { ...since, schema: schema({ type: 'integer', minimum: 1, maximum: mostPids }) },
    ulimits: {
      ...since,
      schema: schema({
        type: 'object',
        properties: Object.fromEntries(
          ulimitNames.map((name) => [name, ulimit(name === 'nofile' ? mostFiles : 2 ** 31)]),
        ),
        additionalProperties: false,
      }),
    },
    shm_size: { ...since, schema: schema(mebibytes) },
    tmpfs: {
      ...since,
      schema: schema({
        type: 'object',
        maxProperties: 20,
        propertyNames: { maxLength: 255, pattern: tmpfsPath },
        additionalProperties: {
          type: 'object',
          properties: { size: mebibytes },
          additionalProperties: false,
        },
      }),
    },
    read_only: { ...since, schema: plainBoolean },
    user: { ...since, schema: userName },
    cap_add: { ...since, schema: capabilityList, policy: 'container:create:cap_add' },
    cap_drop: { ...since, schema: capabilityList },
    sysctls: {
      ...since,
      schema: schema({
        type: 'object',
        propertyNames: { enum: [...allowedSysctls] },
        additionalProperties: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[0-9 ,\\t-]+$' },
      }),
    },
    extra_hosts: {
      ...since,
      schema: schema({
        type: 'object',
        maxProperties: 100,
        propertyNames: domain,
        additionalProperties: someAddress,
      }),
    },
    dns: { ...since, schema: schema(addresses) },
    dns_search: { ...since, schema: schema({ type: 'array', maxItems: 6, items: domain }) },
    stop_signal: { ...since, schema: stopSignal },
    stop_grace: { ...since, schema: schema(limit(longestGraceSeconds)) },
    init: { ...since, schema: plainBoolean },
  } as const satisfies Fields;
}

/** Throws `invalid` for what does not go together. Undefined = none was given. */
export function toOptions(body: Input): ContainerOptions | undefined {
  const options = {
    ...given('cpuLimit', body.cpu_limit as number),
    ...given('pidsLimit', body.pids_limit as number),
    ...given('ulimits', ulimitsOf(body)),
    ...given('shmSizeMiB', body.shm_size as number),
    ...given('tmpfs', tmpfsOf(body)),
    ...given('readOnly', flagOf(body.read_only)),
    ...given('user', body.user as string),
    ...given('capAdd', capabilitiesOf(body.cap_add)),
    ...given('capDrop', capabilitiesOf(body.cap_drop)),
    ...given('sysctls', body.sysctls as Record<string, string>),
    ...given('extraHosts', body.extra_hosts as Record<string, string>),
    ...given('dns', body.dns as readonly string[]),
    ...given('dnsSearch', body.dns_search as readonly string[]),
    ...given('stopSignal', body.stop_signal as string),
    ...given('stopGraceSeconds', body.stop_grace as number),
    ...given('init', flagOf(body.init)),
  };
  // The Engine writes files into a container before its first start, through the root.
  if (options.readOnly && Array.isArray(body.mounts) && body.mounts.length > 0) {
    throw new Failure('invalid', 'read_only: mounts of type bind cannot be written into a read-only root');
  }
  return Object.keys(options).length === 0 ? undefined : options;
}

function given<const Name extends string, T>(name: Name, value: T | undefined): { readonly [N in Name]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [N in Name]?: T });
}

function flagOf(value: unknown): boolean | undefined {
  return value === undefined ? undefined : isTrue(value);
}

function ulimitsOf({ ulimits }: Input): Ulimit[] | undefined {
  if (ulimits === undefined) return undefined;
  return Object.entries(ulimits as Record<UlimitName, number | Omit<Ulimit, 'name'>>).map(([key, value]) => {
    const name = key as UlimitName;
    const { soft, hard } = typeof value === 'number' ? { soft: value, hard: value } : value;
    if (soft > hard) throw new Failure('invalid', `ulimits: ${name} has a soft limit above its hard one`);
    return { name, soft, hard };
  });
}

function tmpfsOf({ tmpfs }: Input): Record<string, number | null> | undefined {
  if (tmpfs === undefined) return undefined;
  const places = Object.entries(tmpfs as Record<string, { readonly size?: number }>);
  return Object.fromEntries(places.map(([path, { size }]) => [path, size ?? null]));
}

function capabilitiesOf(list: unknown): string[] | undefined {
  const names = list as readonly string[] | undefined;
  return names && [...new Set(names.map((name) => name.replace(/^CAP_/, '')))];
}

export function optionsView({ spec: { options = {} } }: Pick<Container, 'spec'>) {
  return {
    cpu_limit: options.cpuLimit ?? null,
    pids_limit: options.pidsLimit ?? null,
    ulimits: Object.fromEntries(
      (options.ulimits ?? []).map(({ name, soft, hard }) => [name, { soft, hard }]),
    ),
    shm_size: options.shmSizeMiB ?? null,
    tmpfs: Object.fromEntries(
      Object.entries(options.tmpfs ?? {}).map(([path, size]) => [path, size === null ? {} : { size }]),
    ),
    read_only: options.readOnly ?? false,
    user: options.user ?? null,
    cap_add: options.capAdd ?? [],
    cap_drop: options.capDrop ?? [],
    sysctls: options.sysctls ?? {},
    extra_hosts: options.extraHosts ?? {},
    dns: options.dns ?? [],
    dns_search: options.dnsSearch ?? [],
    stop_signal: options.stopSignal ?? null,
    stop_grace: options.stopGraceSeconds ?? null,
    init: options.init ?? false,
  };
}
