/** The body of `POST /auth/tokens` → what the log-in use case takes. Faults are 400 and name the field. */
import type { Static } from 'typebox';
import type {
  Credentials,
  DomainRef,
  LogInRequest,
  ScopeRef,
  UserRef,
} from '../../control/identity/log-in.ts';
import { Failure } from '../../model/failure.ts';
import { compileCheck } from '../check.ts';
import { type Authenticate, AuthenticateScope } from './bodies.ts';

type Auth = Static<typeof Authenticate>['auth'];
type IdentityPart = Auth['identity'];

interface RawRef {
  readonly id?: string;
  readonly name?: string;
}
interface RawInDomain extends RawRef {
  readonly domain?: RawRef;
}

export function parseAuthenticate({ auth }: { readonly auth: Auth }, address: string): LogInRequest {
  return { credentials: parseCredentials(auth.identity), scope: parseScope(auth.scope), address };
}

function parseCredentials(identity: IdentityPart): Credentials {
  const [method, ...others] = identity.methods;
  if (others.length > 0) {
    throw new Failure('schema-validation-error', 'auth.identity.methods: one method at a time is supported.');
  }
  switch (method) {
    case 'password': {
      const { user } = needed(identity.password, 'auth.identity.password');
      return { method, user: parseInDomain(user, 'auth.identity.password.user'), password: user.password };
    }
    case 'token':
      return { method, token: needed(identity.token, 'auth.identity.token').id };
    case 'application_credential':
      return parseApplicationCredential(identity);
    default:
      throw new Failure('unauthorized', 'Attempted to authenticate with an unsupported method.');
  }
}

function parseApplicationCredential(identity: IdentityPart): Credentials {
  const path = 'auth.identity.application_credential';
  const { id, name, user, secret } = needed(identity.application_credential, path);
  if (id !== undefined) return { method: 'application_credential', credential: { id }, secret };
  const credential = {
    name: needed(name, `${path}.name`),
    user: parseInDomain(needed(user, `${path}.user`), `${path}.user`),
  };
  return { method: 'application_credential', credential, secret };
}

const checkScope = compileCheck(AuthenticateScope);

function parseScope(scope: unknown): ScopeRef {
  if (scope === undefined) return { kind: 'absent' };
  if (scope === 'unscoped') return { kind: 'unscoped' };
  const checked = checkScope(scope);
  const kinds = Object.keys(checked);
  if (kinds.length !== 1) {
    throw new Failure(
      'schema-validation-error',
      `auth.scope: expected exactly one of project, domain, system, unscoped; got ${kinds.length}.`,
    );
  }
  if (checked.project) {
    return { kind: 'project', project: parseInDomain(checked.project, 'auth.scope.project') };
  }
  if (checked.domain) return { kind: 'domain', domain: parseRef(checked.domain, 'auth.scope.domain') };
  return { kind: checked.system ? 'system' : 'unscoped' };
}

function parseInDomain({ id, name, domain }: RawInDomain, path: string): UserRef {
  if (id !== undefined) return { id };
  return {
    name: needed(name, `${path}.id or ${path}.name`),
    domain: parseRef(needed(domain, `${path}.domain`), `${path}.domain`),
  };
}

function parseRef({ id, name }: RawRef, path: string): DomainRef {
  return id !== undefined ? { id } : { name: needed(name, `${path}.id or ${path}.name`) };
}

function needed<T>(value: T | undefined, field: string): T {
  if (value === undefined) {
    throw new Failure('schema-validation-error', `Expecting to find ${field} in request body.`);
  }
  return value;
}
