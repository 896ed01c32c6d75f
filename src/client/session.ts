/**
 * An authenticated conversation with one cloud: token, catalog, and requests to its services.
 *
 * A token is taken from the store while it is good, so that a command does not pay a log-in. When a service
 * refuses it (revoked, or the cloud was set up anew) the session logs in once more and repeats the request once.
 */
import { Failure, isFailure } from '../model/failure.ts';
import { authenticate, identityUrl, type Token } from './authenticate.ts';
import type { Credentials } from './credentials.ts';
import { type Fetch, type HttpReply, type Query, send } from './http.ts';

/** Keeps a token between processes. Losing it only costs a log-in, so its methods never throw. */
export interface TokenStore {
  load(): Token | undefined;
  save(token: Token): void;
  forget(): void;
}

export interface SessionOptions {
  readonly credentials: Credentials;
  readonly tokens?: TokenStore;
  readonly fetch?: Fetch;
  /** Per request; 60 s unless told. */
  readonly timeoutMs?: number;
}

export interface ServiceRequest {
  readonly method: string;
  /** Below the endpoint, with a leading slash; parts of it already percent-encoded. */
  readonly path: string;
  readonly query?: Query | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number | undefined;
  /** For answers that go on. */
  readonly onText?: (text: string) => void;
}

export type ServiceType = 'container' | 'network' | 'identity';

/** Other names that catalogs use for a service type. */
const aliases: Readonly<Record<ServiceType, readonly string[]>> = {
  container: ['container', 'application-container'],
  network: ['network'],
  identity: ['identity'],
};

/** What our paths start with, and catalogs may or may not have at the end of their URLs. */
const versionPaths: Readonly<Record<ServiceType, string>> = {
  container: '/v1',
  network: '/v2.0',
  identity: '/v3',
};

/** A token this close to its end is not used any more: the request must arrive before it. */
const expiryMarginMs = 30_000;

export class Session {
  readonly #options: SessionOptions;
  readonly #fetch: Fetch;
  #token: Token | undefined;
  #logIn: Promise<Token> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? globalThis.fetch;
  }

  /** The token in use; logs in when there is none. */
  async token(): Promise<Token> {
    if (!this.#token) {
      const kept = this.#options.tokens?.load();
      if (kept && isFresh(kept)) this.#token = kept;
    }
    if (this.#token && isFresh(this.#token)) return this.#token;
    return this.#renew();
  }

  /** The base URL of a service, without a slash at its end. */
  async endpoint(type: ServiceType): Promise<string> {
    return endpointOf(this.#options.credentials, (await this.token()).catalog, type);
  }

  /** The answer's body, which the caller says is a T. */
  async request<T = unknown>(type: ServiceType, request: ServiceRequest): Promise<T> {
    return (await this.send(type, request)).body as T;
  }

  async send(type: ServiceType, request: ServiceRequest): Promise<HttpReply> {
    const token = await this.token();
    try {
      return await this.#exchange(type, token, request);
    } catch (error) {
      // A token that was given to us cannot be renewed.
      if (!isFailure(error, 'unauthorized') || this.#options.credentials.logIn.kind === 'token') throw error;
      if (this.#token === token) this.#forget();
      return this.#exchange(type, await this.token(), request);
    }
  }

  /** Revokes the token in use and forgets it. */
  async logOut(): Promise<void> {
    const token = this.#token ?? this.#options.tokens?.load();
    this.#forget();
    if (!token) return;
    const { value } = token;
    await this.#exchange('identity', token, {
      method: 'DELETE',
      path: '/auth/tokens',
      headers: { 'x-subject-token': value },
    });
  }

  #forget(): void {
    this.#token = undefined;
    this.#options.tokens?.forget();
  }

  /** One log-in serves all requests that wait for it. */
  #renew(): Promise<Token> {
    this.#logIn ??= authenticate(this.#fetch, this.#options.credentials, this.#timeoutMs)
      .then((token) => {
        this.#token = token;
        this.#options.tokens?.save(token);
        return token;
      })
      .finally(() => {
        this.#logIn = undefined;
      });
    return this.#logIn;
  }

  async #exchange(type: ServiceType, token: Token, request: ServiceRequest): Promise<HttpReply> {
    const url = `${endpointOf(this.#options.credentials, token.catalog, type)}${request.path}`;
    return send(this.#fetch, {
      method: request.method,
      url,
      query: request.query,
      body: request.body,
      headers: { 'x-auth-token': token.value, ...request.headers },
      timeoutMs: request.timeoutMs ?? this.#timeoutMs,
      onText: request.onText,
    });
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? 60_000;
  }
}

function isFresh(token: Token): boolean {
  return Date.parse(token.expiresAt) - expiryMarginMs > Date.now();
}

/** Exported for its test. */
export function endpointOf(credentials: Credentials, catalog: Token['catalog'], type: ServiceType): string {
  const given = aliases[type].map((alias) => credentials.endpoints?.[alias]).find(Boolean);
  if (given) return versioned(given, type);
  if (type === 'identity') return identityUrl(credentials.authUrl);
  const endpoints = catalog
    .filter((service) => aliases[type].includes(service.type))
    .flatMap((service) => service.endpoints);
  const found = endpoints.find(
    (endpoint) =>
      endpoint.interface === credentials.interface &&
      (!credentials.region || [endpoint.region, endpoint.region_id].includes(credentials.region)),
  );
  if (found) return versioned(found.url, type);
  const where = credentials.region ? ` in region ${credentials.region}` : '';
  throw new Failure(
    'unavailable',
    endpoints.length === 0
      ? `the cloud's catalog has no ${type} service (or the log-in has no project)`
      : `the cloud's catalog has no ${credentials.interface} endpoint of the ${type} service${where}`,
  );
}

function versioned(url: string, type: ServiceType): string {
  const base = url.replace(/\/+$/, '');
  return base.endsWith(versionPaths[type]) ? base : `${base}${versionPaths[type]}`;
}
