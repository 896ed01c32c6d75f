/**
 * An endpoint as data: method, path, action, body schema and what it does. `mount` turns a table of them into
 * routes: token → policy → body → handler → answer. Methods that no endpoint of a path has are answered 405.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { Static, TSchema } from 'typebox';
import {
  buildCatalog,
  type CatalogService,
  embeddedServices,
  type Service,
} from '../../control/identity/catalog.ts';
import type { Identity } from '../../control/identity/identity.ts';
import { Failure } from '../../model/failure.ts';
import type { Token } from '../../model/identity.ts';
import { baseUrlOf } from '../base-url.ts';
import { compileCheck } from '../check.ts';
import { assertAccess } from '../server.ts';
import { type Action, authorize } from './policy.ts';

export interface KeystoneOptions {
  readonly identity: Identity;
  readonly config: {
    /** How clients reach the API; empty = as the request says it did. */
    readonly publicUrl: string;
    readonly region: string;
  };
  /** What the catalog lists; default: everything that is served on this port. */
  readonly services?: readonly CatalogService[];
}

/** What a handler gets. */
export interface Call<B = unknown> {
  readonly identity: Identity;
  /** Reading it on a public endpoint is a programming error. */
  readonly token: Token;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: B;
  readonly links: Links;
  /** What the catalog lists, with the URLs that the asking client needs. */
  readonly services: () => readonly Service[];
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Route<B> {
  readonly method: Method;
  /** Below `/identity`. */
  readonly path: string;
  /** `public` = without a token; `authenticated` = the handler decides. */
  readonly policy: Action | 'public' | 'authenticated';
  /** Status of a success; 204 when the handler returns nothing. */
  readonly status?: number;
  handle(call: Call<B>): Promise<object | undefined> | object | undefined;
}

export interface Endpoint extends Route<unknown> {
  readonly body?: TSchema;
}

/** An endpoint with a body: the handler gets it checked and typed. */
export function withBody<S extends TSchema>(body: S, route: Route<Static<S>>): Endpoint {
  return { ...route, body, handle: (call) => route.handle(call as Call<Static<S>>) };
}

/** Query parameters as Keystone reads them: unknown ones are ignored, the first of several counts. */
export class Query {
  readonly #values: Readonly<Record<string, string | string[] | undefined>>;

  constructor(values: unknown) {
    this.#values = values as Record<string, string | string[] | undefined>;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** Present without a value is true, as `?effective` is. */
  flag(name: string): boolean | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : !['0', 'false', 'no', 'off'].includes(text.toLowerCase());
  }
}

/** URLs of this service as the asking client sees them. */
export class Links {
  readonly baseUrl: string;
  readonly #requestUrl: string;

  constructor(baseUrl: string, requestUrl: string) {
    this.baseUrl = baseUrl;
    this.#requestUrl = requestUrl;
  }

  /** `to('projects', id)` → `http://…/identity/v3/projects/<id>`. */
  to(...path: readonly string[]): string {
    return [`${this.baseUrl}/identity/v3`, ...path.map(encodeURIComponent)].join('/');
  }

  /** The request's own URL, query included. */
  self(): string {
    return `${this.baseUrl}${this.#requestUrl}`;
  }

  ofList() {
    return { next: null, self: this.self(), previous: null };
  }
}

export function mount(app: FastifyInstance, options: KeystoneOptions, endpoints: readonly Endpoint[]): void {
  for (const endpoint of endpoints) mountOne(app, options, endpoint);
  for (const [path, methods] of methodsByPath(endpoints)) refuseOthers(app, path, methods);
}

function mountOne(app: FastifyInstance, options: KeystoneOptions, endpoint: Endpoint): void {
  const { identity, config, services = embeddedServices } = options;
  const check = endpoint.body && compileCheck(endpoint.body);
  app.route({
    method: endpoint.method,
    url: endpoint.path,
    handler: async (request, reply) => {
      const token = await admit(identity, endpoint.policy, request);
      const baseUrl = baseUrlOf(request, config);
      const answer = await endpoint.handle({
        identity,
        get token(): Token {
          if (!token) throw new Error(`${endpoint.method} ${endpoint.path} is public: it has no token`);
          return token;
        },
        params: request.params as Record<string, string>,
        query: new Query(request.query),
        body: check?.(request.body),
        links: new Links(baseUrl, request.url),
        services: () => buildCatalog({ services, region: config.region }, baseUrl),
        request,
        reply,
      });
      return reply.code(endpoint.status ?? (answer ? 200 : 204)).send(answer);
    },
  });
}

/** The token of a caller who may use the endpoint; undefined where anybody may. */
async function admit(
  identity: Identity,
  policy: Endpoint['policy'],
  request: FastifyRequest,
): Promise<Token | undefined> {
  if (policy === 'public') return undefined;
  const token = await tokenOf(identity, request);
  const params = request.params as Record<string, string>;
  if (policy !== 'authenticated') {
    authorize(policy, token, { userId: params.user_id, projectId: params.project_id });
  }
  return token;
}

async function tokenOf(identity: Identity, request: FastifyRequest): Promise<Token> {
  const text = request.headers['x-auth-token'];
  if (typeof text !== 'string' || text === '') {
    throw new Failure('unauthorized', 'The request you have made requires authentication.');
  }
  const token = await identity.tokens.validate(text);
  assertAccess(token.applicationCredential?.accessRules, request, 'identity');
  return token;
}

function methodsByPath(endpoints: readonly Endpoint[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const { path, method } of endpoints) {
    methods.set(path, [...(methods.get(path) ?? []), ...(method === 'GET' ? ['GET', 'HEAD'] : [method])]);
  }
  return methods;
}

function refuseOthers(app: FastifyInstance, path: string, allowed: readonly string[]): void {
  const all: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
  app.route({
    method: all.filter((method) => !allowed.includes(method)),
    url: path,
    handler: async (_request, reply) =>
      reply
        .code(405)
        .header('Allow', allowed.join(', '))
        .send({ message: 'The method is not allowed for the requested URL.' }),
  });
}
