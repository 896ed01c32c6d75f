/** `/users/{id}/application_credentials` and the access rules in them. */
import type { Static } from 'typebox';
import type { NewCredential } from '../../control/identity/application-credentials.ts';
import { Failure } from '../../model/failure.ts';
import { CreateApplicationCredential } from './bodies.ts';
import { type Endpoint, withBody } from './endpoint.ts';
import { accessRuleView, applicationCredentialView } from './views.ts';

const credentials = '/v3/users/:user_id/application_credentials';

export const applicationCredentialEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: credentials,
    policy: 'identity:list_application_credentials',
    handle: async ({ identity, params: { user_id = '' }, query, links }) => {
      await identity.users.get(user_id);
      const list = await identity.applicationCredentials.list(user_id, { name: query.text('name') });
      const roles = await identity.roles.list();
      return {
        application_credentials: list.map((one) => applicationCredentialView(one, roles, links)),
        links: links.ofList(),
      };
    },
  },
  withBody(CreateApplicationCredential, {
    method: 'POST',
    path: credentials,
    policy: 'identity:create_application_credential',
    status: 201,
    handle: async ({ identity, token, body, links }) => {
      const wanted = parse(body.application_credential);
      const { credential, secret } = await identity.applicationCredentials.create(token, wanted);
      const view = applicationCredentialView(credential, await identity.roles.list(), links);
      return { application_credential: { ...view, secret } };
    },
  }),
  {
    method: 'GET',
    path: `${credentials}/:credential_id`,
    policy: 'identity:get_application_credential',
    handle: async ({ identity, params: { user_id = '', credential_id = '' }, links }) => {
      const credential = await identity.applicationCredentials.get(user_id, credential_id);
      const roles = await identity.roles.list();
      return { application_credential: applicationCredentialView(credential, roles, links) };
    },
  },
  {
    method: 'DELETE',
    path: `${credentials}/:credential_id`,
    policy: 'identity:delete_application_credential',
    handle: async ({ identity, token, params: { user_id = '', credential_id = '' } }) => {
      await identity.applicationCredentials.remove(token, user_id, credential_id);
      return undefined;
    },
  },
  {
    method: 'GET',
    path: '/v3/users/:user_id/access_rules',
    policy: 'identity:list_access_rules',
    handle: async ({ identity, params: { user_id = '' }, links }) => {
      const list = await identity.applicationCredentials.list(user_id);
      const rules = list.flatMap(({ accessRules }) => accessRules ?? []);
      return { access_rules: rules.map((rule) => accessRuleView(rule, links)), links: links.ofList() };
    },
  },
];

function parse(body: Static<typeof CreateApplicationCredential>['application_credential']): NewCredential {
  return {
    name: body.name,
    description: body.description ?? null,
    secret: body.secret ?? undefined,
    roles: body.roles?.map(({ id, name = '' }) => (id === undefined ? { name } : { id })),
    accessRules: body.access_rules ?? null,
    unrestricted: body.unrestricted ?? false,
    expiresAt: body.expires_at ? parseTime(body.expires_at) : null,
  };
}

/** ISO 8601; without a zone it is UTC. */
function parseTime(text: string): Date {
  const isIso = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/.test(text);
  const time = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  if (isIso && !Number.isNaN(time.getTime())) return time;
  throw new Failure(
    'schema-validation-error',
    `Invalid input for field 'application_credential.expires_at': ${JSON.stringify(text)} must be a time like 2030-01-31T12:00:00.`,
  );
}
