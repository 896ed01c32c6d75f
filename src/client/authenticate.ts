/**
 * Logging in: Keystone v3's `POST /auth/tokens`, and what its answer says about the caller and the cloud.
 * Contract: https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management
 */
import { Failure } from '../model/failure.ts';
import type { Credentials, LogIn, NamedRef } from './credentials.ts';
import { type Fetch, send } from './http.ts';

export interface CatalogEndpoint {
  readonly interface: string;
  readonly region?: string | null;
  readonly region_id?: string | null;
  readonly url: string;
}

export interface CatalogService {
  readonly type: string;
  readonly name: string;
  readonly endpoints: readonly CatalogEndpoint[];
}

/** A token with what was said about it; plain JSON, so that it can be kept between processes. */
export interface Token {
  readonly value: string;
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly userId: string;
  readonly userName: string;
  readonly projectId: string | undefined;
  readonly projectName: string | undefined;
  readonly roles: readonly string[];
  readonly catalog: readonly CatalogService[];
}

interface TokenBody {
  readonly token: {
    readonly expires_at: string;
    readonly user: { readonly id: string; readonly name: string };
    readonly project?: { readonly id: string; readonly name: string };
    readonly roles?: readonly { readonly name: string }[];
    readonly catalog?: readonly CatalogService[];
  };
}

export async function authenticate(
  fetch: Fetch,
  credentials: Credentials,
  timeoutMs: number,
): Promise<Token> {
  const reply = await send(fetch, {
    method: 'POST',
    url: `${identityUrl(credentials.authUrl)}/auth/tokens`,
    body: logInBody(credentials),
    timeoutMs,
  });
  const value = reply.headers.get('x-subject-token');
  const { token } = (reply.body ?? {}) as Partial<TokenBody>;
  if (!value || !token) {
    throw new Failure('unavailable', `${credentials.authUrl} does not answer like an identity service (v3)`);
  }
  return {
    value,
    expiresAt: token.expires_at,
    userId: token.user.id,
    userName: token.user.name,
    projectId: token.project?.id,
    projectName: token.project?.name,
    roles: (token.roles ?? []).map((role) => role.name),
    catalog: token.catalog ?? [],
  };
}

/** The v3 root of an auth URL, however it was written. */
export function identityUrl(authUrl: string): string {
  const url = authUrl.replace(/\/+$/, '');
  return /\/v3$/.test(url) ? url : `${url}/v3`;
}

/** The request of a log-in. Exported for its test. */
export function logInBody(credentials: Credentials): object {
  const { logIn, project } = credentials;
  return {
    auth: {
      identity: identityOf(logIn),
      // An application credential brings its own scope and refuses another.
      ...(project && logIn.kind !== 'application-credential' ? { scope: { project: refOf(project) } } : {}),
    },
  };
}

function identityOf(logIn: LogIn): object {
  switch (logIn.kind) {
    case 'password':
      return {
        methods: ['password'],
        password: { user: { ...refOf(logIn.user), password: logIn.password } },
      };
    case 'token':
      return { methods: ['token'], token: { id: logIn.token } };
    case 'application-credential':
      return {
        methods: ['application_credential'],
        application_credential: {
          ...(logIn.credential.id ? { id: logIn.credential.id } : { name: logIn.credential.name }),
          ...(logIn.user && !logIn.credential.id ? { user: refOf(logIn.user) } : {}),
          secret: logIn.secret,
        },
      };
  }
}

function refOf(ref: NamedRef): object {
  if (ref.id) return { id: ref.id };
  const domain = ref.domain?.id ? { id: ref.domain.id } : { name: ref.domain?.name ?? 'Default' };
  return { name: ref.name, domain };
}
