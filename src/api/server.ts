/**
 * The one HTTP server: every API is a service mounted on it under a prefix of its own.
 *
 * Owns what all share: request ids, tolerant JSON bodies (OpenStack clients send POSTs with a JSON content type
 * and no body), URL normalisation, and the token in `X-Auth-Token`. Error bodies differ per API, so each service
 * sets its own error handler; what reaches the one here is a bug or an unknown path.
 */
import type { IncomingMessage } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Log } from '../base/log.ts';
import type { Authenticator } from '../control/authenticator.ts';
import { isAllowed } from '../model/access-rules.ts';
import type { Caller } from '../model/caller.ts';
import { Failure } from '../model/failure.ts';
import type { AccessRule } from '../model/identity.ts';
import { newRequestId } from '../model/ids.ts';
import { isWebSocketRequest, routeUpgrades } from './websocket/upgrades.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authenticated`; reading it on a route without that hook is a programming error. */
    caller: Caller;
  }
}

export interface ApiService {
  /** Path below which the service lives, e.g. `/network`; empty for Zun, which owns the root. */
  readonly prefix: string;
  register(app: FastifyInstance): void | Promise<void>;
}

export interface ServerOptions {
  readonly log: Log;
  readonly services: readonly ApiService[];
  /** Changes a request's URL before routing. */
  readonly rewriteUrl?: (url: string) => string;
  readonly bodyLimitBytes?: number;
}

export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { rewriteUrl = (url: string) => url } = options;
  const app: FastifyInstance = Fastify({
    logger: false,
    // A request that is being answered when the server stops is answered; idle connections are not waited for.
    forceCloseConnections: 'idle',
    http: { shouldUpgradeCallback: isWebSocketRequest },
    bodyLimit: options.bodyLimitBytes ?? 4 * 1024 * 1024,
    genReqId: () => newRequestId(),
    // A name may be as long as a URL: that nothing has it is for the service to say, in its own shape.
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 16 * 1024 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: false } },
    rewriteUrl: (request: IncomingMessage) => decodable(rewriteUrl(request.url ?? '/')),
  });
  routeUpgrades(app);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    const text = (body as Buffer).toString('utf8');
    if (text.length === 0) return done(null, undefined);
    if (!isJson(request)) return done(null, body);
    if (isTooDeep(text)) {
      return done(new Failure('invalid-value', `The body is nested deeper than ${deepestBody} levels.`));
    }
    try {
      done(null, JSON.parse(text));
    } catch {
      done(null, malformedJson);
    }
  });
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    options.log.debug(
      {
        request: request.id,
        method: request.method,
        url: pathOf(request.url),
        status: reply.statusCode,
        ms: reply.elapsedTime,
      },
      'request',
    );
  });
  for (const service of options.services) {
    await app.register(async (scope) => service.register(scope), { prefix: service.prefix });
  }
  return app;
}

/** No API needs a tenth of it. */
const deepestBody = 100;

/** Before it is parsed: reading JSON, checking it and writing it again are all recursive. One pass, whatever the text. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') isInString = !isInString;
    else if (isInString) at += character === '\\' ? 1 : 0;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    if (depth > deepestBody) return true;
  }
  return false;
}

/** Escapes that are not UTF-8 stand for themselves, so that the service says that nothing has such a name. */
function decodable(url: string): string {
  const path = pathOf(url);
  try {
    decodeURIComponent(path);
    return url;
  } catch {
    return path.replaceAll('%', '%25') + url.slice(path.length);
  }
}

/** What a body that is not JSON, though it says it is, parses to; services decide what that means for them. */
export const malformedJson: unique symbol = Symbol('malformed JSON');

/**
 * An onRequest hook: 401 through the service's error handler unless the token is good for this request.
 * `serviceType` is the service's type in the catalog; without it, tokens with access rules are refused.
 */
export function authenticated(authenticator: Authenticator, serviceType?: string) {
  return async (request: FastifyRequest): Promise<void> => {
    const token = request.headers['x-auth-token'];
    if (typeof token !== 'string' || token === '') throw unauthorized();
    const caller = await authenticator.authenticate(token, request.id);
    assertAccess(caller.accessRules, request, serviceType);
    request.caller = caller;
  };
}

/** Rules may name the path as the service knows it (`/v2.0/ports`) or as the client sees it (`/network/v2.0/ports`). */
export function assertAccess(
  rules: readonly AccessRule[] | null | undefined,
  request: FastifyRequest,
  serviceType: string | undefined,
): void {
  if (!rules) return;
  const path = pathOf(request.url);
  const { prefix } = request.server;
  const paths = path.startsWith(`${prefix}/`) ? [path, path.slice(prefix.length)] : [path];
  const isGood =
    serviceType !== undefined &&
    paths.some((one) => isAllowed(rules, { service: serviceType, method: request.method, path: one }));
  if (!isGood) throw unauthorized();
}

function unauthorized(): Failure {
  return new Failure('unauthorized', 'The request you have made requires authentication.');
}

function isJson(request: FastifyRequest): boolean {
  const type = request.headers['content-type'];
  return type === undefined || /\bjson\b/i.test(type);
}

/** What the router looks at. Query strings may hold names and secrets: logs carry the path only. */
function pathOf(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? url;
}
