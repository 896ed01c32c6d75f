/** Identity objects as Keystone v3 shows them. Every view lists its fields: nothing else can get out. */
import type { Service } from '../../control/identity/catalog.ts';
import { catalogFor } from '../../control/identity/catalog.ts';
import type {
  AccessRule,
  ApplicationCredential,
  Domain,
  InDomain,
  Named,
  Project,
  Role,
  Token,
  TokenScope,
  User,
} from '../../model/identity.ts';
import type { Links } from './endpoint.ts';

export function domainView(domain: Domain, links: Links) {
  const { id, name, description, enabled } = domain;
  return { id, name, description, enabled, tags: [], options: {}, links: { self: links.to('domains', id) } };
}

export function projectView(project: Project, links: Links) {
  return {
    id: project.id,
    name: project.name,
    domain_id: project.domainId,
    description: project.description,
    enabled: project.enabled,
    parent_id: project.domainId,
    is_domain: false,
    tags: project.tags,
    options: {},
    links: { self: links.to('projects', project.id) },
  };
}

/** What was never set is absent rather than null, as Keystone has it. */
export function userView(user: User, links: Links) {
  return {
    id: user.id,
    name: user.name,
    domain_id: user.domainId,
    enabled: user.enabled,
    ...(user.defaultProjectId === null ? {} : { default_project_id: user.defaultProjectId }),
    ...(user.description === null ? {} : { description: user.description }),
    ...(user.email === null ? {} : { email: user.email }),
    password_expires_at: null,
    options: {},
    links: { self: links.to('users', user.id) },
  };
}

export function roleView(role: Role, links: Links) {
  return { ...bareRoleView(role), links: { self: links.to('roles', role.id) } };
}

function bareRoleView({ id, name, description, immutable }: Role) {
  return { id, name, domain_id: null, description, options: immutable ? { immutable } : {} };
}

export function accessRuleView({ id, service, path, method }: AccessRule, links: Links) {
  return { id, service, path, method, links: { self: links.to('access_rules', id) } };
}

/** `roles`: all there are. Expiry without a zone, as Keystone writes it here and nowhere else. */
export function applicationCredentialView(
  credential: ApplicationCredential,
  roles: readonly Role[],
  links: Links,
) {
  return {
    id: credential.id,
    name: credential.name,
    description: credential.description,
    user_id: credential.userId,
    project_id: credential.projectId,
    system: null,
    expires_at:
      credential.expiresAt === null ? null : keystoneTime(new Date(credential.expiresAt)).slice(0, -1),
    unrestricted: credential.unrestricted,
    roles: roles.filter(({ id }) => credential.roleIds.includes(id)).map(bareRoleView),
    ...(credential.accessRules === null
      ? {}
      : {
          access_rules: credential.accessRules.map(({ id, service, path, method }) => ({
            id,
            service,
            path,
            method,
          })),
        }),
    links: { self: links.to('application_credentials', credential.id) },
  };
}

export function serviceView({ id, type, name }: Service, links: Links) {
  return { id, type, name, enabled: true, links: { self: links.to('services', id) } };
}

export function endpointView(endpoint: Service['endpoints'][number], links: Links) {
  return {
    id: endpoint.id,
    interface: endpoint.interface,
    service_id: endpoint.serviceId,
    url: endpoint.url,
    enabled: true,
    region: endpoint.region,
    region_id: endpoint.region,
    links: { self: links.to('endpoints', endpoint.id) },
  };
}

export function catalogView(services: readonly Service[], scope: TokenScope) {
  const projectId = scope.kind === 'project' ? scope.project.id : undefined;
  return catalogFor(services, projectId).map(({ id, type, name, endpoints }) => ({
    id,
    type,
    name,
    endpoints: endpoints.map((endpoint) => ({
      id: endpoint.id,
      interface: endpoint.interface,
      region: endpoint.region,
      region_id: endpoint.region,
      url: endpoint.url,
    })),
  }));
}

/** `services` undefined = without the catalog. */
export function tokenView(token: Token, services: readonly Service[] | undefined) {
  const { scope, applicationCredential: credential } = token;
  return {
    methods: token.methods,
    user: { ...inDomainView(token.user), password_expires_at: null },
    audit_ids: token.auditIds,
    expires_at: keystoneTime(token.expiresAt),
    issued_at: keystoneTime(token.issuedAt),
    ...scopeView(scope),
    ...(scope.kind === 'unscoped' ? {} : { roles: token.roles.map(namedView) }),
    ...(scope.kind === 'unscoped' || !services ? {} : { catalog: catalogView(services, scope) }),
    ...(credential ? { application_credential: credentialOfToken(credential) } : {}),
  };
}

function credentialOfToken({ id, name, unrestricted, accessRules }: ApplicationCredential) {
  return { id, name, restricted: !unrestricted, ...(accessRules ? { access_rules: accessRules } : {}) };
}

function scopeView(scope: TokenScope) {
  switch (scope.kind) {
    case 'unscoped':
      return {};
    case 'project':
      return { project: inDomainView(scope.project), is_domain: false };
    case 'domain':
      return { domain: namedView(scope.domain) };
    case 'system':
      return { system: { all: true } };
  }
}

function inDomainView({ id, name, domain }: InDomain) {
  return { id, name, domain: namedView(domain) };
}

function namedView({ id, name }: Named) {
  return { id, name };
}

/** `2030-01-01T00:00:00.000000Z`: Keystone has microseconds. */
export function keystoneTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z');
}
