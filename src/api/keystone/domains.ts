/** `/domains`. */
import type { Static } from 'typebox';
import type { DomainFields } from '../../control/identity/domains.ts';
import { CreateDomain, UpdateDomain } from './bodies.ts';
import { type Endpoint, withBody } from './endpoint.ts';
import { domainView } from './views.ts';

export const domainEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/v3/domains',
    policy: 'identity:list_domains',
    handle: async ({ identity, query, links }) => {
      const [name, enabled] = [query.text('name'), query.flag('enabled')];
      const domains = (await identity.domains.list()).filter(
        (domain) =>
          (name === undefined || domain.name === name) &&
          (enabled === undefined || domain.enabled === enabled),
      );
      return { domains: domains.map((domain) => domainView(domain, links)), links: links.ofList() };
    },
  },
  withBody(CreateDomain, {
    method: 'POST',
    path: '/v3/domains',
    policy: 'identity:create_domain',
    status: 201,
    handle: async ({ identity, body, links }) => {
      const domain = await identity.domains.create({ ...fieldsOf(body.domain), name: body.domain.name });
      return { domain: domainView(domain, links) };
    },
  }),
  {
    method: 'GET',
    path: '/v3/domains/:domain_id',
    policy: 'identity:get_domain',
    handle: async ({ identity, params: { domain_id = '' }, links }) => ({
      domain: domainView(await identity.domains.get(domain_id), links),
    }),
  },
  withBody(UpdateDomain, {
    method: 'PATCH',
    path: '/v3/domains/:domain_id',
    policy: 'identity:update_domain',
    handle: async ({ identity, params: { domain_id = '' }, body, links }) => {
      const domain = await identity.domains.update(domain_id, fieldsOf(body.domain));
      return { domain: domainView(domain, links) };
    },
  }),
  {
    method: 'DELETE',
    path: '/v3/domains/:domain_id',
    policy: 'identity:delete_domain',
    handle: async ({ identity, params: { domain_id = '' } }) => {
      await identity.domains.remove(domain_id);
      return undefined;
    },
  },
];

function fieldsOf(body: Static<typeof UpdateDomain>['domain']): DomainFields {
  const { name, description, enabled } = body;
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description: description ?? '' }),
    ...(enabled === undefined ? {} : { enabled }),
  };
}
