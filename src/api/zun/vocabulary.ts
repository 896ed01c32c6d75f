/** The words that Zun's inputs are made of: schemas with their limits, and how their spellings are read. */
import Type, { type TSchema } from 'typebox';
import type { Config } from '../../base/config-schema.ts';
import { containerEventTypes } from '../../model/container-event.ts';
import { Failure } from '../../model/failure.ts';

/** A JSON schema as it is; limits apply to the types that they can apply to. */
export function schema(definition: Record<string, unknown>): TSchema {
  return Type.Unsafe<unknown>(definition);
}

const trueWords = ['True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes'];
const falseWords = ['False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no'];
const wideTrue = ['1', 't', 'true', 'on', 'y', 'yes'];
const wideFalse = ['0', 'f', 'false', 'off', 'n', 'no'];

export const extendedBoolean = schema({ enum: [true, false, ...trueWords, ...falseWords] });
export const plainBoolean = schema({ enum: [true, false, 'True', 'true', 'False', 'false'] });
export const booleanOrNull = schema({ type: ['boolean', 'null'] });

/** Of any spelling that the schemas above let through. */
export function isTrue(value: unknown, byDefault = false): boolean {
  if (value === undefined || value === null) return byDefault;
  return value === true || trueWords.includes(String(value));
}

/** The widest set of boolean words, for `all_projects`. Throws `invalid-value`. */
export function parseWideBoolean(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  const word = String(value).trim().toLowerCase();
  if (wideTrue.includes(word)) return true;
  if (wideFalse.includes(word)) return false;
  throw new Failure(
    'invalid-value',
    `${name}: unrecognized value '${value}', acceptable values are: ${[...wideFalse, ...wideTrue].map((each) => `'${each}'`).join(', ')}`,
  );
}

const namePattern = '^[a-zA-Z0-9][a-zA-Z0-9_.-]+$';
const hostPattern = '^[a-zA-Z0-9-._]*$';

/** What becomes an argument or a variable of a process cannot hold a null character, nor can a text of PostgreSQL. */
const withoutNull = { pattern: '^[^\\u0000]*$' };

export const anyValue = schema({});
export const text = schema({ type: 'string', maxLength: 4096, ...withoutNull });
export const command = schema({ type: 'string', minLength: 1, maxLength: 131_072, ...withoutNull });
export const textOrNull = schema({ type: ['string', 'null'], maxLength: 4096, ...withoutNull });
export const nameOrNull = schema({
  type: ['string', 'null'],
  minLength: 2,
  maxLength: 255,
  pattern: namePattern,
});
export const newName = schema({ type: 'string', minLength: 2, maxLength: 255, pattern: namePattern });
export const registryName = newName;
const registryFields = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 2, maxLength: 255, pattern: namePattern },
    // Host and port: it becomes the first part of an image's name.
    domain: {
      type: 'string',
      minLength: 1,
      maxLength: 255,
      pattern: '^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?$',
    },
    username: { type: 'string', minLength: 1, maxLength: 255, ...withoutNull },
    password: { type: 'string', minLength: 1, maxLength: 4096, ...withoutNull },
  },
  additionalProperties: false,
};
export const newRegistry = schema({ ...registryFields, required: ['domain'] });
export const registryChange = schema(registryFields);
export const image = schema({
  type: 'string',
  minLength: 2,
  maxLength: 255,
  pattern: '[a-zA-Z0-9][a-zA-Z0-9_.-]',
  allOf: [withoutNull],
});
export const words = schema({ type: ['array', 'null'], maxItems: 1000, items: withoutNull });
export const environment = schema({
  type: ['object', 'null'],
  propertyNames: { minLength: 1, ...withoutNull },
  additionalProperties: { type: 'string', maxLength: 131_072, ...withoutNull },
  maxProperties: 1000,
});
export const labels = schema({
  type: ['object', 'null'],
  propertyNames: withoutNull,
  additionalProperties: withoutNull,
  maxProperties: 1000,
});
export const hints = schema({
  type: ['object', 'null'],
  propertyNames: withoutNull,
  additionalProperties: { type: 'string', maxLength: 255, ...withoutNull },
  maxProperties: 100,
});
export const hostname = schema({ type: 'string', minLength: 1, maxLength: 255, pattern: hostPattern });
export const hostName = hostname;
export const binaryName = schema({ type: 'string', minLength: 1, maxLength: 255, ...withoutNull });
export const zoneOrNull = schema({ type: ['string', 'null'], minLength: 1, maxLength: 255, ...withoutNull });
export const imageDriver = schema({ enum: ['glance', 'docker', 'None', null] });
export const imagePullPolicy = schema({
  enum: [null, 'never', 'always', 'ifnotpresent', 'Never', 'Always', 'IfNotPresent'],
});
export const cpuPolicy = schema({ enum: ['dedicated', 'shared'] });
export const restartPolicy = schema({
  type: ['object', 'null'],
  properties: {
    Name: { enum: ['no', 'always', 'on-failure', 'unless-stopped'] },
    MaximumRetryCount: { type: ['integer', 'string', 'null'], minimum: 0, pattern: '^[0-9]+$', maxLength: 9 },
  },
  required: ['Name'],
  additionalProperties: false,
});
export const securityGroups = schema({
  type: ['array', 'null'],
  items: { type: 'string', minLength: 1, maxLength: 255, ...withoutNull },
  maxItems: 100,
});
export const exposedPorts = schema({ type: ['object', 'null'], maxProperties: 1000 });
const count = { type: ['number', 'string', 'null'] };
export const healthcheck = schema({
  type: ['object', 'null'],
  properties: {
    cmd: { type: ['string', 'null'], maxLength: 131_072, ...withoutNull },
    interval: count,
    retries: count,
    timeout: count,
  },
});
const address = (version: 4 | 6) => ({ type: 'string', maxLength: 45, format: `ipv${version}` });
const netName = { type: 'string', minLength: 1, maxLength: 255, ...withoutNull };
const netProperties = {
  network: netName,
  port: netName,
  'v4-fixed-ip': address(4),
  'v6-fixed-ip': address(6),
};

function netsOf(properties: Record<string, unknown>): TSchema {
  return schema({
    type: ['array', 'null'],
    maxItems: 32,
    items: {
      type: 'object',
      properties,
      additionalProperties: false,
      oneOf: [{ required: ['network'] }, { required: ['port'] }],
    },
  });
}
/** Up to 1.40. */
export const zunNets = netsOf(netProperties);
export const nets = netsOf({ ...netProperties, default_gateway: plainBoolean });

export const networkOrPort = schema(netName);
export const fixedIp = schema({
  type: 'string',
  maxLength: 45,
  anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }],
});
export const groupName = schema({ type: 'string', minLength: 1, maxLength: 255, ...withoutNull });
export const mounts = schema({
  type: ['array', 'null'],
  maxItems: 64,
  items: {
    type: 'object',
    properties: {
      type: { type: 'string', maxLength: 32 },
      source: { type: 'string' },
      destination: { type: 'string', maxLength: 4096 },
      size: { type: ['string', 'integer'] },
    },
    additionalProperties: false,
    anyOf: [{ required: ['source', 'destination'] }, { required: ['size', 'destination'] }],
  },
});

/** A number as JSON number or text; the limits hold for both spellings. */
function numeric(definition: {
  readonly types: readonly string[];
  readonly pattern: string;
  readonly minimum: number;
  readonly maximum?: number;
}): TSchema {
  const { types, pattern, minimum, maximum = Number.POSITIVE_INFINITY } = definition;
  const base = schema({ type: types, pattern, minLength: 1, maxLength: 20 });
  const atLeast = Type.Refine(
    base,
    (value) => !isNumeric(value) || Number(value) >= minimum,
    (value) => `${shown(value)} is less than the minimum of ${minimum}`,
  );
  return Type.Refine(
    atLeast,
    (value) => !isNumeric(value) || Number(value) <= maximum,
    (value) => `${shown(value)} is greater than the maximum of ${maximum}`,
  );
}

function isNumeric(value: unknown): boolean {
  return (
    (typeof value === 'number' || (typeof value === 'string' && value !== '')) && !Number.isNaN(Number(value))
  );
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** Limits of resources come from the configuration. */
export function resourceSchemas({ containers }: Config) {
  return {
    cpu: numeric({
      types: ['number', 'string', 'null'],
      pattern: '^[0-9]*(\\.([0-9]+))?$',
      minimum: containers.minimumCpu,
      maximum: containers.maximumCpu,
    }),
    memory: numeric({
      types: ['string', 'integer', 'null'],
      pattern: '^[0-9]+$',
      minimum: containers.minimumMemoryMiB,
      maximum: containers.maximumMemoryMiB,
    }),
    disk: numeric({
      types: ['string', 'integer', 'null'],
      pattern: '^[0-9]+$',
      minimum: containers.minimumDiskGiB,
      maximum: containers.maximumDiskGiB,
    }),
  };
}

export const quotaLimit = numeric({
  types: ['string', 'integer'],
  pattern: '^-?[0-9]+$',
  minimum: -1,
  maximum: 2_147_483_647,
});
/** Null = in none but the default one. */
export const quotaClass = schema({ type: ['string', 'null'], minLength: 1, maxLength: 255, ...withoutNull });
/** Digits, a number, or nothing at all. */
export const timeout = schema({ type: ['string', 'integer'], pattern: '^[0-9]*$', minimum: 0, maxLength: 6 });
export const tail = schema({ type: ['string', 'integer'], maxLength: 20 });
export const since = schema({
  type: ['string', 'integer'],
  pattern: '^([0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{3}|None)$',
  maxLength: 32,
});

/** `name[:group]`, or their numbers. */
export const userName = schema({
  type: 'string',
  maxLength: 65,
  pattern: '^[a-zA-Z0-9_][a-zA-Z0-9_.-]*(:[a-zA-Z0-9_][a-zA-Z0-9_.-]*)?$',
});
export const absolutePath = schema({ type: 'string', maxLength: 4096, pattern: '^/[^\\u0000]*$' });
export const stdin = schema({ type: 'string', maxLength: 1_048_576 });
export const commandSeconds = schema({ type: 'integer', minimum: 1, maximum: 3600 });

export const eventId = schema({ type: 'string', pattern: '^[0-9]{1,15}$' });
/** Up to an hour. */
export const watchSeconds = numeric({
  types: ['string', 'integer'],
  pattern: '^[0-9]+$',
  minimum: 0,
  maximum: 3600,
});

export const flag = schema({ type: 'boolean' });
export const webhookUrl = schema({
  type: 'string',
  minLength: 1,
  maxLength: 2048,
  pattern: '^[hH][tT][tT][pP][sS]?://[\\x21-\\x7e]+$',
});
export const webhookEvents = schema({
  type: 'array',
  minItems: 1,
  maxItems: containerEventTypes.length,
  items: { enum: containerEventTypes.map((type) => `container.${type}`) },
});
/** Null = make a new one. */
export const webhookSecret = schema({
  type: ['string', 'null'],
  minLength: 16,
  maxLength: 255,
  pattern: '^[\\x21-\\x7e]+$',
});
export const webhookAfter = schema({ type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** A path inside a container. */
export const path = schema({ type: 'string', minLength: 1, maxLength: 4096, ...withoutNull });
export const execId = schema({ type: 'string', pattern: '^[a-f0-9]{64}$' });
export const terminalSize = numeric({
  types: ['string', 'integer'],
  pattern: '^[0-9]+$',
  minimum: 1,
  maximum: 65_535,
});

const signalNames = (
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU ' +
  'URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS POLL CLD IOT RTMIN RTMAX'
).split(' ');
const highestSignal = 64;

const signals = [
  ...signalNames.flatMap((name) => [name, `SIG${name}`, name.toLowerCase(), `sig${name.toLowerCase()}`]),
  ...Array.from({ length: highestSignal }, (_, index) => String(index + 1)),
];
export const signal = schema({ enum: [null, 'None', ...signals] });
export const stopSignal = schema({ enum: signals });
