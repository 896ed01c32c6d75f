/**
 * Tokens: issue, validate, revoke.
 *
 * A token states who and where. Whether it is good, and for which roles, is looked up when it is used: the user
 * and the scope must exist and be enabled, the user's generation unchanged, a role held there, the token not
 * revoked, its application credential still there. Results are kept for `cacheMs` and forgotten after every
 * change made in this process, so that here a revocation takes effect at once; `cacheMs` bounds how late another
 * process notices.
 */
import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/clock.ts';
import type {
  ApplicationCredential,
  AuthMethod,
  Domain,
  InDomain,
  Named,
  Token,
  TokenScope,
  User,
} from '../../model/identity.ts';
import { findApplicationCredential } from '../../store/identity/application-credentials.ts';
import { listAssignments } from '../../store/identity/assignments.ts';
import { findDomain } from '../../store/identity/domains.ts';
import { findProject } from '../../store/identity/projects.ts';
import { isRevoked, revokeToken } from '../../store/identity/revocations.ts';
import { listImplications, listRoles } from '../../store/identity/roles.ts';
import { findUser } from '../../store/identity/users.ts';
import type { Changes } from './changes.ts';
import { unauthorized } from './not-found.ts';
import { withImplied } from './roles.ts';
import type { Claims, TokenCodec } from './token-codec.ts';

const cacheMs = 10_000;
const cachedTokens = 20_000;

export type RequestedScope = Claims['scope'];

/** What a successful log-in entitles to. */
export interface Grant {
  readonly user: Pick<User, 'id' | 'generation'>;
  readonly scope: RequestedScope;
  readonly methods: readonly AuthMethod[];
  /** The token it was made from: it lends its audit id, and the new one lives no longer. */
  readonly parent?: Token;
  readonly applicationCredential?: ApplicationCredential | null;
}

export interface IssuedToken {
  /** The token itself: a secret. */
  readonly text: string;
  readonly token: Token;
}

export interface TokensOptions {
  readonly changes: Changes;
  readonly codec: TokenCodec;
  readonly clock: Clock;
  readonly lifetimeSeconds: number;
}

export class Tokens {
  readonly #options: TokensOptions;
  readonly #good = new LRUCache<string, Token>({ max: cachedTokens, ttl: cacheMs });

  constructor(options: TokensOptions) {
    this.#options = options;
    options.changes.onChange(() => this.#good.clear());
  }

  /** Throws `unauthorized` when the user may not enter the scope. */
  async issue(grant: Grant): Promise<IssuedToken> {
    const claims = this.#claims(grant);
    if (claims.expiresAtMs <= claims.issuedAtMs) throw unauthorized('what it would be made from has expired');
    const token = await this.#resolve(claims);
    if (!token) throw unauthorized('no role there, or the user or the scope is disabled');
    return { text: await this.#options.codec.sign(claims), token };
  }

  /** Throws `unauthorized` for every token that is not good right now. */
  async validate(text: string): Promise<Token> {
    const token = this.#good.get(text) ?? (await this.#load(text));
    if (token.expiresAt.getTime() <= this.#options.clock.now().getTime()) throw unauthorized('expired');
    return token;
  }

  async revoke(token: Token): Promise<void> {
    const { changes, clock } = this.#options;
    const [auditId = ''] = token.auditIds;
    await changes.run((trx) => revokeToken(trx, { auditId, expiresAt: token.expiresAt }, clock.now()));
  }

  /**
   * Changes when what the user was let in for counts no more: a new password, a user, project or domain that is disabled. Undefined =
   * a log-in into the project would be refused now.
   */
  async standingOf(userId: string, projectId: string): Promise<string | undefined> {
    const { db } = this.#options.changes;
    const user = await findUser(db, userId);
    if (!user?.enabled || !(await this.#enabledDomain(user.domainId))) return undefined;
    if (!(await this.#enabledProject(projectId))) return undefined;
    const roles = await listAssignments(db, { userId, target: { kind: 'project', id: projectId } });
    return roles.length === 0 ? undefined : String(user.generation);
  }

  async #load(text: string): Promise<Token> {
    const { changes, codec } = this.#options;
    const { epoch } = changes;
    const claims = await codec.verify(text);
    const token = claims && (await this.#resolve(claims));
    if (!token) throw unauthorized();
    // What was read while something changed may be old news.
    if (changes.epoch === epoch) this.#good.set(text, token);
    return token;
  }

  #claims(grant: Grant): Claims {
    const issuedAtMs = this.#options.clock.now().getTime();
    const limits = [
      issuedAtMs + this.#options.lifetimeSeconds * 1000,
      grant.parent?.expiresAt.getTime() ?? Number.POSITIVE_INFINITY,
      Date.parse(grant.applicationCredential?.expiresAt ?? '') || Number.POSITIVE_INFINITY,
    ];
    return {
      userId: grant.user.id,
      scope: grant.scope,
      methods: grant.methods,
      auditId: randomBytes(16).toString('base64url'),
      parentAuditId: grant.parent?.auditIds.at(-1) ?? null,
      applicationCredentialId: grant.applicationCredential?.id ?? null,
      generation: grant.user.generation,
      issuedAtMs,
      expiresAtMs: Math.floor(Math.min(...limits) / 1000) * 1000,
    };
  }

  async #resolve(claims: Claims): Promise<Token | undefined> {
    const { db } = this.#options.changes;
    if (await isRevoked(db, claims.auditId)) return undefined;
    const user = await findUser(db, claims.userId);
    if (!user?.enabled || user.generation !== claims.generation) return undefined;
    const domain = await this.#enabledDomain(user.domainId);
    const scope = await this.#scope(claims.scope);
    const credential = await this.#credential(claims);
    if (!domain || !scope || credential === undefined) return undefined;
    const roles = await this.#roles(claims, credential);
    if (scope.kind !== 'unscoped' && roles.length === 0) return undefined;
    return {
      methods: claims.methods,
      user: { id: user.id, name: user.name, domain },
      scope,
      roles,
      auditIds: [claims.auditId, ...(claims.parentAuditId === null ? [] : [claims.parentAuditId])],
      issuedAt: new Date(claims.issuedAtMs),
      expiresAt: new Date(claims.expiresAtMs),
      applicationCredential: credential,
    };
  }

  /** Null = the token has none; undefined = it has one that is gone. */
  async #credential({ applicationCredentialId }: Claims): Promise<ApplicationCredential | null | undefined> {
    if (applicationCredentialId === null) return null;
    return findApplicationCredential(this.#options.changes.db, applicationCredentialId);
  }

  async #enabledDomain(id: string): Promise<Named | undefined> {
    const domain: Domain | undefined = await findDomain(this.#options.changes.db, id);
    return domain?.enabled ? { id, name: domain.name } : undefined;
  }

  /** Undefined when the project or domain is gone or disabled. */
  async #scope(scope: RequestedScope): Promise<TokenScope | undefined> {
    if (scope.kind === 'unscoped' || scope.kind === 'system') return scope;
    if (scope.kind === 'domain') {
      const domain = await this.#enabledDomain(scope.id);
      return domain && { kind: 'domain', domain };
    }
    const project = await this.#enabledProject(scope.id);
    return project && { kind: 'project', project };
  }

  async #enabledProject(id: string): Promise<InDomain | undefined> {
    const project = await findProject(this.#options.changes.db, id);
    if (!project?.enabled) return undefined;
    const domain = await this.#enabledDomain(project.domainId);
    return domain && { id, name: project.name, domain };
  }

  /** What the user holds in the scope now; through an application credential, no more than it was given. */
  async #roles(claims: Claims, credential: ApplicationCredential | null): Promise<Named[]> {
    const { db } = this.#options.changes;
    if (claims.scope.kind === 'unscoped') return [];
    const assigned = await listAssignments(db, { userId: claims.userId, target: claims.scope });
    const implications = await listImplications(db);
    const held = withImplied(
      assigned.map(({ roleId }) => roleId),
      implications,
    );
    const given = credential ? withImplied(credential.roleIds, implications) : held;
    const all = await listRoles(db);
    return all.filter(({ id }) => held.has(id) && given.has(id)).map(({ id, name }) => ({ id, name }));
  }
}
