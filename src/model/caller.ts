/**
 * Who is asking: the result of authenticating a request. Everything below the API border takes a Caller and
 * scopes its look-ups by it.
 */
import type { AccessRule } from './identity.ts';

export interface Caller {
  readonly requestId: string;
  readonly userId: string;
  readonly userName: string;
  readonly userDomainId: string;
  /** The project of the token's scope. */
  readonly projectId: string;
  readonly projectName: string;
  readonly projectDomainId: string;
  readonly roles: readonly string[];
  /** `role:admin` in the token's project: the rule `context_is_admin`. */
  readonly isAdmin: boolean;
  /** The only requests that the token is good for; absent = all that the roles allow. */
  readonly accessRules?: readonly AccessRule[];
}

/** Roles may be the operator's own and then mean what a member may do; who is nothing but a `reader` changes nothing. */
export function mayOnlyRead({ roles }: Pick<Caller, 'roles'>): boolean {
  return roles.length > 0 && roles.every((role) => role === 'reader');
}
