/** The container API as an OpenAPI 3.1 document, made from the declarations that the server routes and checks by. */
import type { TSchema } from 'typebox';
import type { Endpoint, Field, Fields } from './endpoint.ts';
import { maximumMinor, minimumMinor, ownMinor, versionText } from './microversion.ts';
import { errors, replyOf } from './shapes.ts';

type Json = Readonly<Record<string, unknown>>;

export function openApiDocument(endpoints: readonly Endpoint[], baseUrl: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const endpoint of endpoints) {
    const path = pathOf(endpoint);
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Container API',
      version: versionText(maximumMinor),
      description: `Zun's API v1, microversions ${versionText(minimumMinor)} to ${versionText(maximumMinor)}.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: baseUrl === '' ? '/' : baseUrl }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } },
      parameters: { microversion },
      responses: { refused: { description: 'A refusal', content: json(errors) } },
    },
  };
}

const microversion = {
  name: 'OpenStack-API-Version',
  in: 'header',
  required: false,
  description: `\`container X.Y\`; without it ${versionText(minimumMinor)}`,
  schema: { type: 'string', default: `container ${versionText(minimumMinor)}` },
};

/** The search of images has its term in the middle of the path. */
function pathOf({ path }: Endpoint): string {
  return `/v1${path.replace('/*', '/{name}/search').replaceAll(/:(\w+)/g, '{$1}')}`;
}

function operationOf(endpoint: Endpoint): Json {
  const { method, summary, policy, since, until, status, notYet, takesStream } = endpoint;
  const words = pathOf(endpoint)
    .slice('/v1/'.length)
    .replaceAll(/[^a-zA-Z]+/g, '_')
    .replaceAll(/^_|_$/g, '');
  const body = bodyOf(endpoint);
  const success = {
    description: 'Done',
    ...(status === 204 || notYet ? {} : { content: contentOf(endpoint) }),
  };
  return {
    operationId: `${method.toLowerCase()}_${words}`,
    summary,
    parameters: [
      { $ref: '#/components/parameters/microversion' },
      ...pathParameters(endpoint),
      ...queryParameters(endpoint),
    ],
    ...(takesStream ? { requestBody: { required: true, content: json(streamed) } } : body),
    responses: { [status]: success, default: { $ref: '#/components/responses/refused' } },
    ...(policy ? { 'x-policy': policy } : {}),
    ...(since === undefined ? {} : { 'x-since': versionText(since) }),
    ...(until === undefined ? {} : { 'x-until': versionText(until) }),
    ...(notYet ? { deprecated: false, 'x-not-yet': notYet } : {}),
  };
}

function contentOf(endpoint: Endpoint): Json {
  if (endpoint.goesOn) return { 'text/event-stream': { schema: plain(replyOf(endpoint)) } };
  return json(replyOf(endpoint));
}

const streamed = {
  type: 'object',
  properties: { data: { type: 'string' } },
  required: ['data'],
} as unknown as TSchema;

function pathParameters(endpoint: Endpoint): Json[] {
  const names = [...pathOf(endpoint).matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  return names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function queryParameters({ query = {}, parameters = [], ownParameters = [] }: Endpoint): Json[] {
  return [
    ...parameters.map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
    ...ownParameters.map((name) => ({
      name,
      in: 'query',
      ...marks({ since: ownMinor }),
      schema: { type: 'string' },
    })),
    ...Object.entries(query).map(([name, field]) => ({
      name,
      in: 'query',
      ...(field.required ? { required: true } : {}),
      ...marks(field),
      schema: plain(field.schema),
    })),
  ];
}

/** What is merged may stand in the query, too; the body is where clients put it. */
function bodyOf({ body, merged }: Endpoint): Json {
  const fields: Fields | undefined = body ?? merged;
  if (!fields) return {};
  const required = Object.entries(fields).filter(([, field]) => field.required);
  const properties = Object.entries(fields).map(([name, field]) => [
    name,
    { ...plain(field.schema), ...marks(field) },
  ]);
  const schema = {
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: false,
    ...(required.length > 0 ? { required: required.map(([name]) => name) } : {}),
  };
  return { requestBody: { required: required.length > 0, content: { 'application/json': { schema } } } };
}

function marks({ since, policy }: Pick<Field, 'since' | 'policy'>): Json {
  return {
    ...(since === undefined ? {} : { 'x-since': versionText(since) }),
    ...(policy === undefined ? {} : { 'x-policy': policy }),
  };
}

function json(schema: TSchema): Json {
  return { 'application/json': { schema: plain(schema) } };
}

/** Without what the library keeps for itself. */
function plain(schema: TSchema): Json {
  return JSON.parse(JSON.stringify(schema, (key, value) => (key.startsWith('~') ? undefined : value)));
}
