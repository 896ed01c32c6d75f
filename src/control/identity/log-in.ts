/**
 * From credentials to a token: password, token, application credential.
 *
 * Every failure is the same `unauthorized`, and unknown users cost the same time as wrong passwords. Nothing of
 * what was sent is logged.
 */
import type { AuthMethod, Token, User } from '../../model/identity.ts';
import type { Db } from '../../store/database.ts';
import {
  findApplicationCredential,
  findSecretHash,
  listApplicationCredentials,
} from '../../store/identity/application-credentials.ts';
import { listAssignments } from '../../store/identity/assignments.ts';
import { findDomain, findDomainByName } from '../../store/identity/domains.ts';
import { findProject, listProjects } from '../../store/identity/projects.ts';
import { findPasswordHash, findUser, listUsers } from '../../store/identity/users.ts';
import type { Attempts } from './attempts.ts';
import { unauthorized } from './not-found.ts';
import type { Passwords } from './passwords.ts';
import type { IssuedToken, RequestedScope, Tokens } from './tokens.ts';

export type DomainRef = { readonly id: string } | { readonly name: string };
export type UserRef = { readonly id: string } | { readonly name: string; readonly domain: DomainRef };
export type ProjectRef = UserRef;

export type Credentials =
  | { readonly method: 'password'; readonly user: UserRef; readonly password: string }
  | { readonly method: 'token'; readonly token: string }
  | {
      readonly method: 'application_credential';
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: UserRef };
      readonly secret: string;
    };

export type ScopeRef =
  | { readonly kind: 'absent' | 'unscoped' | 'system' }
  | { readonly kind: 'domain'; readonly domain: DomainRef }
  | { readonly kind: 'project'; readonly project: ProjectRef };

export interface LogInRequest {
  readonly credentials: Credentials;
  readonly scope: ScopeRef;
  /** The client's IP address. */
  readonly address: string;
}

export interface LogInOptions {
  readonly db: Db;
  readonly passwords: Passwords;
  readonly attempts: Attempts;
  readonly tokens: Tokens;
}

export class LogIn {
  readonly #options: LogInOptions;

  constructor(options: LogInOptions) {
    this.#options = options;
  }

  /** Throws `unauthorized`, or `too-many-requests` after too many failures. */
  async authenticate(request: LogInRequest): Promise<IssuedToken> {
    const { credentials, scope, address } = request;
    switch (credentials.method) {
      case 'password':
        return this.#byPassword(credentials, scope, address);
      case 'token':
        return this.#byToken(credentials.token, scope);
      case 'application_credential':
        return this.#byApplicationCredential(credentials, scope, address);
    }
  }

  async #byPassword(
    credentials: Extract<Credentials, { method: 'password' }>,
    scope: ScopeRef,
    address: string,
  ): Promise<IssuedToken> {
    const { db, passwords, attempts, tokens } = this.#options;
    const user = await this.#findUser(credentials.user);
    const hash = user ? await findPasswordHash(db, user.id) : null;
    const subject = user?.id ?? JSON.stringify(credentials.user);
    const isRight = await attempts.try({ address, subject }, () =>
      passwords.matches(credentials.password, hash),
    );
    if (!isRight || !user) throw unauthorized();
    return tokens.issue({ user, scope: await this.#scope(scope, user), methods: ['password'] });
  }

  /** A token of an application credential stays bound to it: same project, same roles. */
  async #byToken(text: string, scope: ScopeRef): Promise<IssuedToken> {
    const { db, tokens } = this.#options;
    const parent = await tokens.validate(text);
    const user = await findUser(db, parent.user.id);
    if (!user) throw unauthorized();
    const credential = parent.applicationCredential;
    const wanted: RequestedScope =
      credential && scope.kind === 'absent' ? projectOf(parent) : await this.#scope(scope, user);
    if (credential && !(wanted.kind === 'project' && wanted.id === credential.projectId)) {
      throw unauthorized('an application credential is good for its own project only');
    }
    const methods = [...new Set<AuthMethod>([...parent.methods, 'token'])];
    return tokens.issue({ user, scope: wanted, methods, parent, applicationCredential: credential });
  }

  async #byApplicationCredential(
    credentials: Extract<Credentials, { method: 'application_credential' }>,
    scope: ScopeRef,
    address: string,
  ): Promise<IssuedToken> {
    const { db, passwords, attempts, tokens } = this.#options;
    const credential = await this.#findCredential(credentials.credential);
    const hash = credential ? await findSecretHash(db, credential.id) : null;
    const subject = credential?.id ?? JSON.stringify(credentials.credential);
    const isRight = await attempts.try({ address, subject }, () =>
      passwords.matches(credentials.secret, hash),
    );
    const user = credential && (await findUser(db, credential.userId));
    if (!isRight || !user) throw unauthorized();
    if (scope.kind !== 'absent') throw unauthorized('an application credential cannot request a scope');
    return tokens.issue({
      user,
      scope: { kind: 'project', id: credential.projectId },
      methods: ['application_credential'],
      applicationCredential: credential,
    });
  }

  async #findDomainId(ref: DomainRef): Promise<string | undefined> {
    const { db } = this.#options;
    const domain = 'id' in ref ? await findDomain(db, ref.id) : await findDomainByName(db, ref.name);
    return domain?.id;
  }

  async #findUser(ref: UserRef): Promise<User | undefined> {
    const { db } = this.#options;
    if ('id' in ref) return findUser(db, ref.id);
    const domainId = await this.#findDomainId(ref.domain);
    return domainId === undefined ? undefined : (await listUsers(db, { domainId, name: ref.name }))[0];
  }

  async #findCredential(ref: Extract<Credentials, { method: 'application_credential' }>['credential']) {
    const { db } = this.#options;
    if ('id' in ref) return findApplicationCredential(db, ref.id);
    const user = await this.#findUser(ref.user);
    return user && (await listApplicationCredentials(db, { userId: user.id, name: ref.name }))[0];
  }

  async #scope(ref: ScopeRef, user: User): Promise<RequestedScope> {
    switch (ref.kind) {
      case 'unscoped':
      case 'system':
        return { kind: ref.kind };
      case 'absent':
        return this.#defaultScope(user);
      case 'domain':
        return { kind: 'domain', id: (await this.#findDomainId(ref.domain)) ?? '' };
      case 'project':
        return { kind: 'project', id: await this.#findProjectId(ref.project) };
    }
  }

  /** Empty when there is none: no project has that id, so issuing the token fails like any other. */
  async #findProjectId(ref: ProjectRef): Promise<string> {
    const { db } = this.#options;
    if ('id' in ref) return ref.id;
    const domainId = (await this.#findDomainId(ref.domain)) ?? '';
    return (await listProjects(db, { domainId, name: ref.name }))[0]?.id ?? '';
  }

  /** The user's default project if it can be entered, else no scope. */
  async #defaultScope(user: User): Promise<RequestedScope> {
    const { db } = this.#options;
    if (user.defaultProjectId === null) return { kind: 'unscoped' };
    const target = { kind: 'project', id: user.defaultProjectId } as const;
    const project = await findProject(db, target.id);
    const roles = await listAssignments(db, { userId: user.id, target });
    return project?.enabled && roles.length > 0 ? target : { kind: 'unscoped' };
  }
}

function projectOf(token: Token): RequestedScope {
  return token.scope.kind === 'project'
    ? { kind: 'project', id: token.scope.project.id }
    : { kind: 'unscoped' };
}
