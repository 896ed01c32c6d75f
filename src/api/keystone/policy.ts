/**
 * Who may do what: one row per action of Keystone's API. The tests walk the table.
 *
 * `admin` = role admin in the token's scope. `self` = also the user in the path. `ownProject` = also with a token of
 * the project in the path. `service` = also services, which check other people's tokens.
 */
import { Failure } from '../../model/failure.ts';
import { adminRole, type Token } from '../../model/identity.ts';

/** What the action is done to, as far as a rule asks. */
export interface PolicyTarget {
  readonly userId?: string | undefined;
  readonly projectId?: string | undefined;
}

type Rule = (token: Token, target: PolicyTarget) => boolean;

const anybody: Rule = () => true;
const admin: Rule = (token) => isAdmin(token);
const onlySelf: Rule = (token, target) => token.user.id === target.userId;
const self: Rule = (token, target) => isAdmin(token) || onlySelf(token, target);
const ownProject: Rule = (token, target) =>
  isAdmin(token) || (token.scope.kind === 'project' && token.scope.project.id === target.projectId);
const selfOrService: Rule = (token, target) => self(token, target) || hasRole(token, 'service');

export const policies = {
  'identity:validate_token': selfOrService,
  'identity:revoke_token': selfOrService,
  'identity:get_auth_catalog': anybody,
  'identity:get_auth_projects': anybody,
  'identity:get_auth_domains': anybody,
  'identity:get_auth_system': anybody,

  'identity:list_domains': admin,
  'identity:get_domain': admin,
  'identity:create_domain': admin,
  'identity:update_domain': admin,
  'identity:delete_domain': admin,

  'identity:list_projects': admin,
  'identity:get_project': ownProject,
  'identity:create_project': admin,
  'identity:update_project': admin,
  'identity:delete_project': admin,
  'identity:list_user_projects': self,

  'identity:list_users': admin,
  'identity:get_user': self,
  'identity:create_user': admin,
  'identity:update_user': admin,
  'identity:delete_user': admin,

  'identity:list_groups': admin,
  'identity:get_group': admin,
  'identity:create_group': admin,
  'identity:list_groups_for_user': self,

  'identity:list_roles': admin,
  'identity:get_role': admin,
  'identity:create_role': admin,
  'identity:update_role': admin,
  'identity:delete_role': admin,
  'identity:list_implied_roles': admin,
  'identity:get_implied_role': admin,
  'identity:create_implied_role': admin,
  'identity:delete_implied_role': admin,
  'identity:list_role_inference_rules': admin,

  'identity:list_role_assignments': admin,
  'identity:list_grants': admin,
  'identity:check_grant': admin,
  'identity:create_grant': admin,
  'identity:revoke_grant': admin,

  'identity:list_application_credentials': self,
  'identity:get_application_credential': self,
  'identity:create_application_credential': onlySelf,
  'identity:delete_application_credential': self,
  'identity:list_access_rules': self,

  'identity:list_services': admin,
  'identity:get_service': admin,
  'identity:list_endpoints': admin,
  'identity:get_endpoint': admin,
  'identity:edit_catalog': admin,
  'identity:list_regions': anybody,
  'identity:get_region': anybody,
  'identity:list_registered_limits': anybody,
  'identity:list_limits': anybody,
} as const satisfies Record<string, Rule>;

export type Action = keyof typeof policies;

/** Throws `policy-not-authorized` naming the action. */
export function authorize(action: Action, token: Token, target: PolicyTarget): void {
  if (policies[action](token, target)) return;
  throw new Failure(
    'policy-not-authorized',
    `You are not authorized to perform the requested action: ${action}.`,
  );
}

function isAdmin(token: Token): boolean {
  return hasRole(token, adminRole);
}

function hasRole(token: Token, name: string): boolean {
  return token.roles.some((role) => role.name === name);
}
