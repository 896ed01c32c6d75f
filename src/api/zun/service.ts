/**
 * The container API (Zun v1) on the HTTP server: it owns the root and everything below /v1.
 *
 * Every request passes, in this order: token (401), microversion header (406), route (404, 405), the endpoint's
 * version range (406), content type (415), schemas (400), policy (403), handler. Contract: docs/guide/container-api.md.
 */
import { parse as parseQuery } from 'node:querystring';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../base/config-schema.ts';
import type { Authenticator } from '../../control/authenticator.ts';
import type { ContainerControl } from '../../control/container/control.ts';
import { Failure } from '../../model/failure.ts';
import { baseUrlOf } from '../base-url.ts';
import { type ApiService, authenticated } from '../server.ts';
import { wantsWebSocket } from '../websocket/upgrades.ts';
import { WebSockets } from '../websocket/web-sockets.ts';
import { consoleRoute } from './console.ts';
import { rootDocument, versionDocument } from './discovery.ts';
import {
  type Call,
  checkFields,
  checkParameters,
  type Endpoint,
  type Input,
  type Reply,
} from './endpoint.ts';
import { zunEndpoints } from './endpoints.ts';
import { type ErrorReply, routerReply, toErrorReply } from './errors.ts';
import { assertOffered, minimumMinor, ownMinor, parseVersionHeader, versionHeaders } from './microversion.ts';
import { openApiDocument } from './openapi.ts';

export interface ZunServiceOptions {
  readonly control: ContainerControl;
  readonly authenticator: Authenticator;
  readonly config: Config;
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;

export function zunService(options: ZunServiceOptions): ApiService {
  return {
    prefix: '',
    register(app) {
      const { control, authenticator, config } = options;
      const base = (request: FastifyRequest) => baseUrlOf(request, config);
      app.decorateRequest('minorVersion', minimumMinor);
      app.setErrorHandler((error, request, reply) => {
        const answer = toErrorReply(error);
        if (answer.correlationId) {
          control.log.error(
            { request: request.id, correlation: answer.correlationId, error },
            'request failed',
          );
        }
        return sendError(reply, answer, base(request));
      });
      const endpoints = zunEndpoints(control);
      const sockets = new WebSockets(config);
      // Connections that only listen would keep the server from closing.
      app.addHook('preClose', async () => {
        sockets.closeAll();
        control.endFollowing();
        control.stopWatching();
      });
      app.register(async (open) => {
        openRoutes(open, base, endpoints);
        consoleRoute(open, { control, sockets });
      });
      app.register(async (scope) => {
        scope.addHook('onRequest', authenticated(authenticator, 'container'));
        scope.addHook('onRequest', async (request) => {
          request.caller = control.policy.recognise(request.caller);
        });
        scope.addHook('onRequest', negotiate);
        const [streaming, others] = [
          endpoints.filter(isStreaming),
          endpoints.filter((each) => !isStreaming(each)),
        ];
        for (const endpoint of others) mount(scope, endpoint, { control, base, sockets });
        scope.register(async (raw) => {
          raw.removeAllContentTypeParsers();
          raw.addContentTypeParser('*', (_request, body, done) => done(null, body));
          for (const endpoint of streaming) mount(raw, endpoint, { control, base, sockets });
        });
        refuseOtherMethods(scope, endpoints);
        scope.setNotFoundHandler((request, reply) =>
          sendError(reply, routerReply(404, 'The resource could not be found.'), base(request)),
        );
      });
    },
  };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The microversion asked for, as its minor number. */
    minorVersion: number;
  }
}

function openRoutes(
  app: FastifyInstance,
  base: (request: FastifyRequest) => string,
  endpoints: readonly Endpoint[],
): void {
  const open = { exposeHeadRoute: false };
  app.get('/', open, async (request, reply) => send(reply, { body: rootDocument(base(request)) }));
  app.get('/v1', open, async (request, reply) => {
    reply.headers(versionHeaders(minimumMinor));
    return send(reply, { body: versionDocument(base(request)) });
  });
  app.get('/healthcheck', open, async (_request, reply) => reply.type('text/plain').send('OK'));
  app.get('/openapi.json', open, async (request, reply) =>
    send(reply, { body: openApiDocument(endpoints, base(request)) }),
  );
  for (const url of ['/', '/v1', '/healthcheck', '/openapi.json', '/console'])
    refuseMethods(app, url, ['GET']);
}

async function negotiate(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  // Also on errors: clients read the range from a 406.
  reply.headers(versionHeaders(minimumMinor));
  const header = request.headers['openstack-api-version'];
  request.minorVersion = parseVersionHeader(Array.isArray(header) ? header.join(',') : header);
  reply.headers(versionHeaders(request.minorVersion));
}

function isStreaming({ takesStream }: Endpoint): boolean {
  return takesStream === true;
}

interface Mounting {
  readonly control: ContainerControl;
  readonly base: (request: FastifyRequest) => string;
  readonly sockets: WebSockets;
}

function mount(app: FastifyInstance, endpoint: Endpoint, { control, base, sockets }: Mounting): void {
  app.route({
    method: endpoint.method,
    url: `/v1${endpoint.path}`,
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      assertOffered(request.minorVersion, endpoint);
      const call = toCall(request, endpoint, { baseUrl: base(request), isGone: () => reply.raw.destroyed });
      if (endpoint.policy && !endpoint.checksPolicyItself)
        control.policy.enforce(call.caller, endpoint.policy, targetOf(call));
      const protocol = endpoint.overWebSocket && wantsWebSocket(request) ? sockets.check(request) : undefined;
      const answer = await endpoint.handle(call);
      if (!protocol || !answer.stream) return send(reply, { status: endpoint.status, ...answer });
      sockets.splice(request, reply, { output: answer.stream }, protocol);
      return reply;
    },
  });
}

/** Quotas are about a project that the path names. */
function targetOf({ path }: Call): { projectId: string } | undefined {
  return path.project === undefined ? undefined : { projectId: path.project };
}

function toCall(
  request: FastifyRequest,
  endpoint: Endpoint,
  connection: Pick<Call, 'baseUrl' | 'isGone'>,
): Call {
  if (endpoint.needsJson && !/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new Failure('unsupported-media-type', 'The body must be application/json.');
  }
  const query = { ...formOf(request), ...(request.query as Input) };
  const upload = request.body instanceof Readable ? request.body : undefined;
  const body = isObject(request.body) && !upload ? request.body : {};
  const call = {
    caller: request.caller,
    version: request.minorVersion,
    path: request.params as Record<string, string>,
    headers: request.headers,
    query,
    body,
    input: merge(query, body),
    ...connection,
    ...(upload ? { upload } : {}),
    ...idempotencyOf(request),
  };
  const { version } = call;
  if (endpoint.parameters) checkParameters(parametersAt(endpoint, version), query);
  if (endpoint.query) checkFields(endpoint.query, query, { version, where: 'query' });
  if (endpoint.body && version >= (endpoint.bodySince ?? 1))
    checkFields(endpoint.body, body, { version, where: 'body' });
  if (endpoint.merged) checkFields(endpoint.merged, call.input, { version, where: 'body' });
  return call;
}

function parametersAt({ parameters = [], ownParameters = [] }: Endpoint, version: number): readonly string[] {
  return version < ownMinor ? parameters : [...parameters, ...ownParameters];
}

/** Throws `invalid-value` for a key that no client makes by purpose. */
function idempotencyOf({ headers, minorVersion }: FastifyRequest): Pick<Call, 'idempotencyKey'> {
  const key = headers['idempotency-key'];
  if (key === undefined || minorVersion < ownMinor) return {};
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return { idempotencyKey: key };
  throw new Failure('invalid-value', 'Idempotency-Key: 1 to 255 visible characters of ASCII');
}

/** A form's fields count as parameters of the query. */
function formOf({ headers, body }: FastifyRequest): Input {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');
  return isForm && Buffer.isBuffer(body) ? parseQuery(body.toString('utf8')) : {};
}

/** What is no JSON object counts as no body. */
function isObject(body: unknown): body is Input {
  return typeof body === 'object' && body !== null && !Array.isArray(body) && !Buffer.isBuffer(body);
}

function merge(query: Input, body: Input): Input {
  const merged: Record<string, unknown> = { ...query };
  for (const [key, value] of Object.entries(body)) {
    merged[key] = Object.hasOwn(query, key) ? [query[key], value] : value;
  }
  return merged;
}

function send(reply: FastifyReply, answer: Reply): FastifyReply {
  reply.code(answer.status ?? 200);
  if (answer.location !== undefined) reply.header('location', answer.location);
  if (reply.statusCode === 204) return reply.send();
  // It was held for long, and nobody else waits for it.
  if (answer.contentType === 'text/event-stream')
    reply.headers({ connection: 'close', 'cache-control': 'no-store' });
  return reply
    .header('content-type', answer.contentType ?? 'application/json')
    .send(answer.stream ?? answer.json ?? JSON.stringify(answer.body ?? null));
}

function sendError(reply: FastifyReply, { status, body }: ErrorReply, baseUrl: string): FastifyReply {
  if (status === 401) reply.header('www-authenticate', `Keystone uri="${baseUrl}/identity/v3"`);
  return reply.code(status).header('content-type', 'application/json').send(JSON.stringify(body));
}

/** A path that exists with another method is 405; only then is it not 404. */
function refuseOtherMethods(app: FastifyInstance, endpoints: readonly Endpoint[]): void {
  const byPath = Map.groupBy(endpoints, ({ path }) => path);
  for (const [path, offered] of byPath) {
    refuseMethods(
      app,
      `/v1${path}`,
      offered.map(({ method }) => method),
    );
  }
}

function refuseMethods(app: FastifyInstance, url: string, offered: readonly string[]): void {
  app.route({
    method: methods.filter((method) => !offered.includes(method)),
    url,
    exposeHeadRoute: false,
    handler: async ({ method }) => {
      throw new Failure('method-not-allowed', `The method ${method} is not allowed for this resource.`);
    },
  });
}
