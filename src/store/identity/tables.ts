/**
 * Rows of identity as they are stored. Booleans are 0/1, lists are JSON text, times ISO 8601 UTC.
 * An assignment's target is a project, a domain or the system (`target_id` = `all`), so no foreign key guards it:
 * deleting a project or domain deletes its assignments in the same transaction.
 */
export interface DomainRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: number;
}

export interface ProjectRow {
  readonly id: string;
  readonly domain_id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: number;
  readonly tags: string;
}

export interface UserRow {
  readonly id: string;
  readonly domain_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly email: string | null;
  readonly enabled: number;
  readonly default_project_id: string | null;
  /** Null = cannot log in with a password. */
  readonly password_hash: string | null;
  readonly generation: number;
}

export interface RoleRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly immutable: number;
}

export interface ImpliedRoleRow {
  readonly prior_id: string;
  readonly implied_id: string;
}

export interface RoleAssignmentRow {
  readonly user_id: string;
  readonly target_kind: 'project' | 'domain' | 'system';
  readonly target_id: string;
  readonly role_id: string;
}

export interface ApplicationCredentialRow {
  readonly id: string;
  readonly user_id: string;
  readonly project_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly role_ids: string;
  readonly access_rules: string | null;
  readonly unrestricted: number;
  readonly expires_at: string | null;
  readonly secret_hash: string;
}

export interface RevokedTokenRow {
  readonly audit_id: string;
  /** When the token would have expired by itself: the row is useless afterwards. */
  readonly expires_at: string;
}

export interface IdentityTables {
  readonly domains: DomainRow;
  readonly projects: ProjectRow;
  readonly users: UserRow;
  readonly roles: RoleRow;
  readonly implied_roles: ImpliedRoleRow;
  readonly role_assignments: RoleAssignmentRow;
  readonly application_credentials: ApplicationCredentialRow;
  readonly revoked_tokens: RevokedTokenRow;
}
