/**
 * The words of identity: domains hold projects and users; an assignment gives a user a role on a target; a token
 * carries a user into one scope. Times are ISO 8601 UTC text when stored, `Date` in a token.
 *
 * A password or its hash is never part of these types, so no view can leak one.
 */
export interface Domain {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
}

export interface Project {
  readonly id: string;
  readonly domainId: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly tags: readonly string[];
}

export interface User {
  readonly id: string;
  readonly domainId: string;
  readonly name: string;
  readonly description: string | null;
  readonly email: string | null;
  readonly enabled: boolean;
  readonly defaultProjectId: string | null;
  /** Raised when the password changes or the user is disabled: tokens of an older generation are dead. */
  readonly generation: number;
}

export interface Role {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  /** Berth's own roles: they can be neither renamed nor deleted. */
  readonly immutable: boolean;
}

/** Whoever has `priorId` has `impliedId` too. */
export interface Implication {
  readonly priorId: string;
  readonly impliedId: string;
}

/** What a role is given on, and what a token can be scoped to. */
export type Target =
  | { readonly kind: 'project'; readonly id: string }
  | { readonly kind: 'domain'; readonly id: string }
  | { readonly kind: 'system' };

export interface Assignment {
  readonly userId: string;
  readonly roleId: string;
  readonly target: Target;
}

/** A token of a credential with access rules is good for these requests only. */
export interface AccessRule {
  readonly id: string;
  /** Service type, e.g. `network`. */
  readonly service: string;
  readonly method: string;
  /** `*` = one path segment's worth of anything, `**` = any number, `{name}` = one segment. */
  readonly path: string;
}

/** A password that a user made for a program: one project, some of the user's roles. The secret is not in here. */
export interface ApplicationCredential {
  readonly id: string;
  readonly userId: string;
  readonly projectId: string;
  readonly name: string;
  readonly description: string | null;
  readonly roleIds: readonly string[];
  /** Null = every request that the roles allow. */
  readonly accessRules: readonly AccessRule[] | null;
  /** May itself make and delete application credentials. */
  readonly unrestricted: boolean;
  readonly expiresAt: string | null;
}

/** How often a name is needed beside an id. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

export interface InDomain extends Named {
  readonly domain: Named;
}

export type TokenScope =
  | { readonly kind: 'unscoped' }
  | { readonly kind: 'project'; readonly project: InDomain }
  | { readonly kind: 'domain'; readonly domain: Named }
  | { readonly kind: 'system' };

export type AuthMethod = 'password' | 'token' | 'application_credential';

/** A token that was found to be good right now. */
export interface Token {
  readonly methods: readonly AuthMethod[];
  readonly user: InDomain;
  readonly scope: TokenScope;
  /** Implied roles included; empty when unscoped. */
  readonly roles: readonly Named[];
  /** Its own id, then that of the token it was made from. */
  readonly auditIds: readonly string[];
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly applicationCredential: ApplicationCredential | null;
}

/** The role that may do everything; it implies `member`, which implies `reader`. */
export const adminRole = 'admin';
