/** `/roles`, and which role implies which. */
import type { Static } from 'typebox';
import type { RoleFields } from '../../control/identity/roles.ts';
import { Failure } from '../../model/failure.ts';
import type { Implication, Role } from '../../model/identity.ts';
import { CreateRole, UpdateRole } from './bodies.ts';
import { type Call, type Endpoint, type Links, withBody } from './endpoint.ts';
import { roleView } from './views.ts';

const implied = '/v3/roles/:prior_id/implies';

export const roleEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/v3/roles',
    policy: 'identity:list_roles',
    handle: async ({ identity, query, links }) => {
      // Roles of a domain's own do not exist here.
      const roles = query.text('domain_id') ? [] : await identity.roles.list({ name: query.text('name') });
      return { roles: roles.map((role) => roleView(role, links)), links: links.ofList() };
    },
  },
  withBody(CreateRole, {
    method: 'POST',
    path: '/v3/roles',
    policy: 'identity:create_role',
    status: 201,
    handle: async ({ identity, body, links }) => ({
      role: roleView(await identity.roles.create({ ...fieldsOf(body.role), name: body.role.name }), links),
    }),
  }),
  {
    method: 'GET',
    path: '/v3/roles/:role_id',
    policy: 'identity:get_role',
    handle: async ({ identity, params: { role_id = '' }, links }) => ({
      role: roleView(await identity.roles.get(role_id), links),
    }),
  },
  withBody(UpdateRole, {
    method: 'PATCH',
    path: '/v3/roles/:role_id',
    policy: 'identity:update_role',
    handle: async ({ identity, params: { role_id = '' }, body, links }) => ({
      role: roleView(await identity.roles.update(role_id, fieldsOf(body.role)), links),
    }),
  }),
  {
    method: 'DELETE',
    path: '/v3/roles/:role_id',
    policy: 'identity:delete_role',
    handle: async ({ identity, params: { role_id = '' } }) => {
      await identity.roles.remove(role_id);
      return undefined;
    },
  },
  {
    method: 'GET',
    path: '/v3/role_inferences',
    policy: 'identity:list_role_inference_rules',
    handle: async ({ identity, links }) => {
      const roles = await identity.roles.list();
      const rules = await identity.roles.implications();
      const inferences = roles
        .filter((prior) => rules.some(({ priorId }) => priorId === prior.id))
        .map((prior) => inferenceView(prior, roles, rules, links));
      return { role_inferences: inferences, links: links.ofList() };
    },
  },
  {
    method: 'GET',
    path: implied,
    policy: 'identity:list_implied_roles',
    handle: async ({ identity, params: { prior_id = '' }, links }) => {
      const prior = await identity.roles.get(prior_id);
      const [roles, rules] = [await identity.roles.list(), await identity.roles.implications()];
      return { role_inference: inferenceView(prior, roles, rules, links), links: { self: links.self() } };
    },
  },
  {
    method: 'GET',
    path: `${implied}/:implied_id`,
    policy: 'identity:get_implied_role',
    handle: async (call) => {
      await assertImplied(call);
      return pairView(call);
    },
  },
  {
    method: 'PUT',
    path: `${implied}/:implied_id`,
    policy: 'identity:create_implied_role',
    status: 201,
    handle: async (call) => {
      await call.identity.roles.imply(implicationOf(call));
      return pairView(call);
    },
  },
  {
    method: 'DELETE',
    path: `${implied}/:implied_id`,
    policy: 'identity:delete_implied_role',
    handle: async (call) => {
      await assertImplied(call);
      await call.identity.roles.unimply(implicationOf(call));
      return undefined;
    },
  },
];

function fieldsOf(body: Static<typeof UpdateRole>['role']): RoleFields {
  const { name, description, options } = body;
  const immutable = options?.immutable;
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(immutable === undefined ? {} : { immutable: immutable ?? false }),
  };
}

function implicationOf({ params: { prior_id = '', implied_id = '' } }: Call): Implication {
  return { priorId: prior_id, impliedId: implied_id };
}

async function assertImplied(call: Call): Promise<void> {
  const { priorId, impliedId } = implicationOf(call);
  const rules = await call.identity.roles.implications();
  if (rules.some((rule) => rule.priorId === priorId && rule.impliedId === impliedId)) return;
  throw new Failure('resource-not-found', `Role ${priorId} does not imply role ${impliedId}.`);
}

function nameView({ id, name, description }: Role, links: Links) {
  return { id, name, description, links: { self: links.to('roles', id) } };
}

function inferenceView(
  prior: Role,
  roles: readonly Role[],
  rules: readonly Implication[],
  links: Links,
): object {
  const impliedIds = rules.filter(({ priorId }) => priorId === prior.id).map(({ impliedId }) => impliedId);
  return {
    prior_role: nameView(prior, links),
    implies: roles.filter(({ id }) => impliedIds.includes(id)).map((role) => nameView(role, links)),
  };
}

async function pairView(call: Call): Promise<object> {
  const { priorId, impliedId } = implicationOf(call);
  const { roles } = call.identity;
  return {
    role_inference: {
      prior_role: nameView(await roles.get(priorId), call.links),
      implies: nameView(await roles.get(impliedId), call.links),
    },
    links: { self: call.links.self() },
  };
}
