/**
 * Requests at random, made from the declarations of the endpoints: paths of things that are there and of things that are not, fields
 * that their schemas let through and fields that they do not, any version, any caller.
 */
import fc from 'fast-check';
import type { Endpoint, Fields } from '../../src/api/zun/endpoint.ts';
import { maximumMinor } from '../../src/api/zun/microversion.ts';

export const projects = ['alice', 'bob'] as const;
export const tokens = ['alice', 'alice', 'bob', 'admin', 'reader-of-alice', null] as const;

export interface FuzzRequest {
  readonly endpoint: string;
  readonly method: string;
  readonly url: string;
  readonly token: (typeof tokens)[number];
  readonly version: string | null;
  readonly body: unknown;
  /** Sent instead of `body`. */
  readonly raw: string | undefined;
}

/** Names that are there, by the part of a path that they stand in for. */
export interface Known {
  readonly containers: readonly string[];
  readonly registries: readonly string[];
  readonly webhooks: readonly string[];
  readonly images: readonly string[];
  readonly deleted: readonly string[];
}

const odd = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    -1,
    1,
    1.5,
    1e30,
    '',
    '0',
    '-1',
    'None',
    'true',
    'a\u0000b',
    'ü💥',
    '../x',
    '%2e%2e',
    "' OR 1=1 --",
  ),
  fc.string({ maxLength: 40 }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** One for all fields: making such an arbitrary takes longer than hundreds of requests. */
const word = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{2,12}$/);

/** Once in twenty times. */
function rarely<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 19, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

/** Values that a schema lets through, as far as its words go. */
function fitting(schema: Record<string, unknown>): fc.Arbitrary<unknown> {
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  const type = [schema.type].flat()[0];
  if (type === 'object') {
    const properties = Object.entries((schema.properties ?? {}) as Record<string, Record<string, unknown>>);
    if (properties.length === 0)
      return fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.string({ maxLength: 8 }), {
        maxKeys: 3,
      });
    return fc.record(Object.fromEntries(properties.map(([name, each]) => [name, fitting(each)])), {
      requiredKeys: (schema.required as string[]) ?? [],
    });
  }
  if (type === 'array')
    return fc.array(fitting((schema.items ?? { type: 'string' }) as Record<string, unknown>), {
      maxLength: 3,
    });
  if (type === 'integer' || type === 'number') return fc.integer({ min: 0, max: 5000 });
  if (type === 'boolean') return fc.boolean();
  if (schema.pattern === '^[0-9]+$' || schema.pattern === '^[0-9]*$')
    return fc.integer({ min: 0, max: 600 }).map(String);
  // Nobody listens there.
  if (String(schema.pattern).startsWith('^[hH]')) return fc.constant('http://127.0.0.1:1/');
  return word;
}

function inputOf(fields: Fields): fc.Arbitrary<Record<string, unknown>> {
  const values = Object.entries(fields).map(([name, { schema }]) => [
    name,
    fc.oneof(
      { weight: 4, arbitrary: fitting(schema as unknown as Record<string, unknown>) },
      { weight: 1, arbitrary: odd },
    ),
  ]);
  const required = Object.keys(fields).filter((name) => fields[name]?.required);
  return fc
    .tuple(
      fc.record(Object.fromEntries(values), { requiredKeys: required as never[] }),
      rarely(fc.tuple(fc.string({ maxLength: 10 }), odd)),
    )
    .map(([good, extra]) => (extra ? { ...good, [extra[0]]: extra[1] } : good)) as fc.Arbitrary<
    Record<string, unknown>
  >;
}

function pathOf(path: string, known: Known): fc.Arbitrary<string> {
  const parts: Record<string, fc.Arbitrary<string>> = {
    ident: fc.oneof(
      { weight: 6, arbitrary: identOf(path, known) },
      { weight: 1, arbitrary: fc.oneof(fc.uuid(), fc.string({ minLength: 1, maxLength: 30 })) },
    ),
    uuid: known.deleted.length > 0 ? fc.constantFrom(...known.deleted) : fc.uuid(),
    project: fc.constantFrom(...projects, 'admin', 'nobody'),
    name: fc.constantFrom('default', 'other'),
    request: fc.uuid().map((id) => `req-${id}`),
    action: fc.constantFrom('container:start', 'registry:create', 'nothing'),
  };
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '');
  return fc.tuple(...names.map((name) => parts[name] ?? fc.string({ minLength: 1 }))).map((values) => {
    let filled = path.replace('/*', '/nginx/search');
    for (const [index, name] of names.entries())
      filled = filled.replace(`:${name}`, encodeURIComponent(values[index] ?? ''));
    return filled;
  });
}

function identOf(path: string, known: Known): fc.Arbitrary<string> {
  const kinds = {
    registries: known.registries,
    webhooks: known.webhooks,
    images: known.images,
    hosts: ['host-1'],
  };
  const others = path.endsWith('/logs') ? [...known.containers, ...known.deleted] : known.containers;
  const list = Object.entries(kinds).find(([kind]) => path.startsWith(`/${kind}`))?.[1] ?? others;
  return list.length > 0 ? fc.constantFrom(...list) : fc.uuid();
}

function queryText(input: Record<string, unknown>): string {
  const entries = Object.entries(input).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : (JSON.stringify(value) ?? ''),
  ]);
  const text = new URLSearchParams(entries as [string, string][]).toString();
  return text === '' ? '' : `?${text}`;
}

export function requestOf(endpoint: Endpoint, known: Known): fc.Arbitrary<FuzzRequest> {
  const { method, path, query = {}, body, merged } = endpoint;
  const parameters = [...(endpoint.parameters ?? []), ...(endpoint.ownParameters ?? [])];
  const listed = fc.dictionary(fc.constantFrom(...(parameters.length > 0 ? parameters : ['none'])), odd, {
    maxKeys: 2,
  });
  return fc
    .record({
      path: pathOf(path, known),
      query: parameters.length > 0 ? listed : inputOf(query),
      body: inputOf(body ?? merged ?? {}),
      token: fc.constantFrom(...tokens),
      version: fc.oneof(
        { weight: 6, arbitrary: fc.constant(`1.${endpoint.until ?? maximumMinor}`) },
        { weight: 2, arbitrary: fc.integer({ min: 1, max: maximumMinor }).map((minor) => `1.${minor}`) },
        { weight: 1, arbitrary: fc.constantFrom(null, '2.0', '1.99', 'latest', 'x') },
      ),
      raw: rarely(fc.constantFrom('', '{', '[]', 'null', '{"a":', '"x"')),
    })
    .map(({ path: filled, query: asked, body: given, token, version, raw }) => ({
      endpoint: `${method} ${path}`,
      method,
      url: `/v1${filled}${queryText(asked)}`,
      token,
      version,
      body: given,
      raw,
    }));
}
