/** `/role_assignments`, and the grants below projects, domains and the system: the same thing seen from two sides. */
import type { Identity } from '../../control/identity/identity.ts';
import type { Assignment, Domain, Project, Role, Target, User } from '../../model/identity.ts';
import type { Call, Endpoint, Links, Query } from './endpoint.ts';
import type { Action } from './policy.ts';
import { roleView } from './views.ts';

/** Where grants hang, and what the path's parameters make of it. */
const targets: readonly { readonly path: string; readonly target: (call: Call) => Target }[] = [
  {
    path: '/v3/projects/:project_id',
    target: ({ params: { project_id: id = '' } }) => ({ kind: 'project', id }),
  },
  {
    path: '/v3/domains/:domain_id',
    target: ({ params: { domain_id: id = '' } }) => ({ kind: 'domain', id }),
  },
  { path: '/v3/system', target: () => ({ kind: 'system' }) },
];

export const assignmentEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/v3/role_assignments',
    policy: 'identity:list_role_assignments',
    handle: async ({ identity, query, links }) => {
      const assignments = await find(identity, query);
      const names = query.flag('include_names') ? await namesOf(identity) : undefined;
      return {
        role_assignments: assignments.map((assignment) => assignmentView(assignment, links, names)),
        links: links.ofList(),
      };
    },
  },
  ...targets.flatMap(({ path, target }) => grantEndpoints(`${path}/users/:user_id/roles`, target)),
];

function grantEndpoints(path: string, target: (call: Call) => Target): Endpoint[] {
  const grantOf = (call: Call): Assignment => {
    const { user_id: userId = '', role_id: roleId = '' } = call.params;
    return { userId, roleId, target: target(call) };
  };
  const one = (
    method: Endpoint['method'],
    policy: Action,
    run: (identity: Identity, grant: Assignment) => Promise<void>,
  ): Endpoint => ({
    method,
    path: `${path}/:role_id`,
    policy,
    handle: async (call) => {
      await run(call.identity, grantOf(call));
      return undefined;
    },
  });
  return [
    {
      method: 'GET',
      path,
      policy: 'identity:list_grants',
      handle: async (call) => {
        const { identity, links } = call;
        const { userId } = grantOf(call);
        await identity.users.get(userId);
        await identity.assignments.checkTarget(target(call));
        const held = await identity.assignments.list({ userId, target: target(call) });
        const roles = (await identity.roles.list()).filter(({ id }) =>
          held.some(({ roleId }) => roleId === id),
        );
        return { roles: roles.map((role) => roleView(role, links)), links: links.ofList() };
      },
    },
    one('GET', 'identity:check_grant', (identity, grant) => identity.assignments.get(grant)),
    one('PUT', 'identity:create_grant', (identity, grant) => identity.assignments.add(grant)),
    one('DELETE', 'identity:revoke_grant', (identity, grant) => identity.assignments.remove(grant)),
  ];
}

async function find(identity: Identity, query: Query): Promise<Assignment[]> {
  // Neither groups nor inherited assignments exist here, so asking for theirs finds none.
  if (query.text('group.id') || query.text('scope.OS-INHERIT:inherited_to')) return [];
  const filter = { userId: query.text('user.id'), target: targetOf(query) };
  const roleId = query.text('role.id');
  const list = query.flag('effective')
    ? await identity.assignments.listEffective(filter)
    : await identity.assignments.list(filter);
  return roleId === undefined ? list : list.filter((assignment) => assignment.roleId === roleId);
}

function targetOf(query: Query): Target | undefined {
  const [project, domain] = [query.text('scope.project.id'), query.text('scope.domain.id')];
  if (project !== undefined) return { kind: 'project', id: project };
  if (domain !== undefined) return { kind: 'domain', id: domain };
  return query.text('scope.system') === undefined ? undefined : { kind: 'system' };
}

interface Names {
  readonly users: ReadonlyMap<string, User>;
  readonly roles: ReadonlyMap<string, Role>;
  readonly projects: ReadonlyMap<string, Project>;
  readonly domains: ReadonlyMap<string, Domain>;
}

async function namesOf(identity: Identity): Promise<Names> {
  const byId = <T extends { readonly id: string }>(list: readonly T[]) =>
    new Map(list.map((item) => [item.id, item]));
  return {
    users: byId(await identity.users.list()),
    roles: byId(await identity.roles.list()),
    projects: byId(await identity.projects.list()),
    domains: byId(await identity.domains.list()),
  };
}

/** With `names`, every id comes with a name and the domain it is in. */
function assignmentView({ userId, roleId, target }: Assignment, links: Links, names: Names | undefined) {
  const inDomain = (id: string, object: User | Project | undefined) =>
    names ? { id, name: object?.name, domain: domain(object?.domainId ?? '') } : { id };
  const domain = (id: string) => (names ? { id, name: names.domains.get(id)?.name } : { id });
  const place = target.kind === 'system' ? ['system'] : [`${target.kind}s`, target.id];
  return {
    user: inDomain(userId, names?.users.get(userId)),
    role: names ? { id: roleId, name: names.roles.get(roleId)?.name } : { id: roleId },
    scope:
      target.kind === 'system'
        ? { system: { all: true } }
        : target.kind === 'domain'
          ? { domain: domain(target.id) }
          : { project: inDomain(target.id, names?.projects.get(target.id)) },
    links: { assignment: links.to(...place, 'users', userId, 'roles', roleId) },
  };
}
