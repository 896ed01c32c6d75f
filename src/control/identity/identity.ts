/**
 * The embedded identity service: one object that holds its use cases and answers the question of every API,
 * "who holds this token?". Contract: Keystone v3 (the subset that api/keystone serves).
 *
 * Who may call which use case is decided by the table in api/keystone/policy.ts; here only what no policy may
 * allow is refused (a last administrator removed, a credential wider than its maker).
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Caller } from '../../model/caller.ts';
import { adminRole, type Token } from '../../model/identity.ts';
import type { Db } from '../../store/database.ts';
import { ensureSetting } from '../../store/settings.ts';
import type { Authenticator } from '../authenticator.ts';
import { ApplicationCredentials } from './application-credentials.ts';
import { Assignments } from './assignments.ts';
import { Attempts } from './attempts.ts';
import { Changes } from './changes.ts';
import { Domains, defaultDomainId } from './domains.ts';
import { LogIn } from './log-in.ts';
import { unauthorized } from './not-found.ts';
import { Passwords } from './passwords.ts';
import { Projects } from './projects.ts';
import { Roles } from './roles.ts';
import { TokenCodec } from './token-codec.ts';
import { Tokens } from './tokens.ts';
import { Users } from './users.ts';

export interface IdentityOptions {
  readonly db: Db;
  readonly clock: Clock;
  /** Lifetime of a token. */
  readonly tokenSeconds: number;
  /** Failed log-ins that one user may have from one address per minute. */
  readonly logInsPerMinute: number;
}

export class Identity implements Authenticator {
  readonly domains: Domains;
  readonly projects: Projects;
  readonly users: Users;
  readonly roles: Roles;
  readonly assignments: Assignments;
  readonly applicationCredentials: ApplicationCredentials;
  readonly tokens: Tokens;
  readonly logIn: LogIn;
  /** A token's caller without the request: made once per token, since every API request asks. */
  readonly #callers = new WeakMap<Token, Omit<Caller, 'requestId'>>();

  /** Makes the key that signs tokens at the first start. */
  static async open(options: IdentityOptions): Promise<Identity> {
    const key = await ensureSetting(options.db, 'token-key', () => randomBytes(32).toString('base64url'));
    return new Identity(options, new TokenCodec(Buffer.from(key, 'base64url')));
  }

  private constructor({ db, clock, tokenSeconds, logInsPerMinute }: IdentityOptions, codec: TokenCodec) {
    const changes = new Changes(db);
    const passwords = new Passwords();
    const attempts = new Attempts(logInsPerMinute);
    this.domains = new Domains(changes);
    this.projects = new Projects(changes);
    this.users = new Users(changes, passwords, attempts);
    this.roles = new Roles(changes);
    this.assignments = new Assignments(changes);
    this.applicationCredentials = new ApplicationCredentials(changes, passwords, clock);
    this.tokens = new Tokens({ changes, codec, clock, lifetimeSeconds: tokenSeconds });
    this.logIn = new LogIn({ db, passwords, attempts, tokens: this.tokens });
  }

  /** The default domain and the four roles that every installation has. Idempotent. */
  async ensureFoundation(): Promise<void> {
    await this.domains.ensure({ id: defaultDomainId, name: 'Default' });
    const [admin, member, reader] = await Promise.all([
      this.roles.ensure({ name: adminRole, immutable: true }),
      this.roles.ensure({ name: 'member', immutable: true }),
      this.roles.ensure({ name: 'reader', immutable: true }),
      this.roles.ensure({ name: 'service', immutable: true }),
    ]);
    await this.roles.imply({ priorId: admin.id, impliedId: member.id });
    await this.roles.imply({ priorId: member.id, impliedId: reader.id });
  }

  async authenticate(text: string, requestId: string): Promise<Caller> {
    const token = await this.tokens.validate(text);
    const known = this.#callers.get(token);
    if (known) return { ...known, requestId };
    const caller = toCaller(token);
    this.#callers.set(token, caller);
    return { ...caller, requestId };
  }
}

function toCaller({ user, scope, roles, applicationCredential }: Token): Omit<Caller, 'requestId'> {
  if (scope.kind !== 'project') throw unauthorized('the token is not scoped to a project');
  const names = roles.map(({ name }) => name);
  return {
    userId: user.id,
    userName: user.name,
    userDomainId: user.domain.id,
    projectId: scope.project.id,
    projectName: scope.project.name,
    projectDomainId: scope.project.domain.id,
    roles: names,
    isAdmin: names.includes(adminRole),
    ...(applicationCredential?.accessRules ? { accessRules: applicationCredential.accessRules } : {}),
  };
}
