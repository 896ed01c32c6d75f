/** `/users`, a user's own change of password included. */
import type { Static } from 'typebox';
import type { UserFields } from '../../control/identity/users.ts';
import { ChangePassword, CreateUser, UpdateUser } from './bodies.ts';
import { type Endpoint, withBody } from './endpoint.ts';
import { assertSameDomain, domainOf } from './own-domain.ts';
import { userView } from './views.ts';

export const userEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/v3/users',
    policy: 'identity:list_users',
    handle: async ({ identity, query, links }) => {
      const users = await identity.users.list({
        name: query.text('name'),
        domainId: query.text('domain_id'),
        enabled: query.flag('enabled'),
      });
      return { users: users.map((user) => userView(user, links)), links: links.ofList() };
    },
  },
  withBody(CreateUser, {
    method: 'POST',
    path: '/v3/users',
    policy: 'identity:create_user',
    status: 201,
    handle: async ({ identity, token, body: { user: body }, links }) => {
      const domainId = body.domain_id ?? domainOf(token);
      const user = await identity.users.create({ ...fieldsOf(body), name: body.name, domainId });
      return { user: userView(user, links) };
    },
  }),
  {
    method: 'GET',
    path: '/v3/users/:user_id',
    policy: 'identity:get_user',
    handle: async ({ identity, params: { user_id = '' }, links }) => ({
      user: userView(await identity.users.get(user_id), links),
    }),
  },
  withBody(UpdateUser, {
    method: 'PATCH',
    path: '/v3/users/:user_id',
    policy: 'identity:update_user',
    handle: async ({ identity, params: { user_id = '' }, body: { user: body }, links }) => {
      const { domainId } = await identity.users.get(user_id);
      assertSameDomain('user.domain_id', body.domain_id, domainId);
      return { user: userView(await identity.users.update(user_id, fieldsOf(body)), links) };
    },
  }),
  {
    method: 'DELETE',
    path: '/v3/users/:user_id',
    policy: 'identity:delete_user',
    handle: async ({ identity, params: { user_id = '' } }) => {
      await identity.users.remove(user_id);
      return undefined;
    },
  },
  // Without a token: the old password is the proof, and the tokens in use die with it.
  withBody(ChangePassword, {
    method: 'POST',
    path: '/v3/users/:user_id/password',
    policy: 'public',
    handle: async ({ identity, params: { user_id = '' }, body: { user }, request }) => {
      await identity.users.changePassword(user_id, {
        original: user.original_password,
        password: user.password,
        address: request.ip,
      });
      return undefined;
    },
  }),
];

function fieldsOf(body: Static<typeof UpdateUser>['user']): UserFields {
  const { name, description, email, enabled, password, default_project_id: defaultProjectId } = body;
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(email === undefined ? {} : { email }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(password === undefined ? {} : { password }),
    ...(defaultProjectId === undefined ? {} : { defaultProjectId }),
  };
}
