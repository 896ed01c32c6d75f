/** `/services`, `/endpoints`, `/regions`: the catalog seen by an administrator. It cannot be edited here. */
import type { Service } from '../../control/identity/catalog.ts';
import { Failure } from '../../model/failure.ts';
import type { Call, Endpoint, Query } from './endpoint.ts';
import { endpointView, serviceView } from './views.ts';

const collections = ['services', 'endpoints', 'regions'];

export const catalogEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/v3/services',
    policy: 'identity:list_services',
    handle: ({ services, query, links }) => ({
      services: services()
        .filter(({ name, type }) => matches(query, { name, type }))
        .map((service) => serviceView(service, links)),
      links: links.ofList(),
    }),
  },
  {
    method: 'GET',
    path: '/v3/services/:id',
    policy: 'identity:get_service',
    handle: ({ services, params: { id = '' }, links }) => ({
      service: serviceView(found('service', id, services()), links),
    }),
  },
  {
    method: 'GET',
    path: '/v3/endpoints',
    policy: 'identity:list_endpoints',
    handle: ({ services, query, links }) => ({
      endpoints: allEndpoints(services())
        .filter((one) =>
          matches(query, { interface: one.interface, service_id: one.serviceId, region_id: one.region }),
        )
        .map((endpoint) => endpointView(endpoint, links)),
      links: links.ofList(),
    }),
  },
  {
    method: 'GET',
    path: '/v3/endpoints/:id',
    policy: 'identity:get_endpoint',
    handle: ({ services, params: { id = '' }, links }) => ({
      endpoint: endpointView(found('endpoint', id, allEndpoints(services())), links),
    }),
  },
  {
    method: 'GET',
    path: '/v3/regions',
    policy: 'identity:list_regions',
    handle: (call) => ({
      regions: regionsOf(call).map((id) => regionView(id, call)),
      links: call.links.ofList(),
    }),
  },
  {
    method: 'GET',
    path: '/v3/regions/:id',
    policy: 'identity:get_region',
    handle: (call) => {
      const { id = '' } = call.params;
      const region = found(
        'region',
        id,
        regionsOf(call).map((name) => ({ id: name })),
      );
      return { region: regionView(region.id, call) };
    },
  },
  ...collections.flatMap((name) => [
    readOnly('POST', `/v3/${name}`),
    readOnly('PATCH', `/v3/${name}/:id`),
    readOnly('DELETE', `/v3/${name}/:id`),
  ]),
];

function readOnly(method: Endpoint['method'], path: string): Endpoint {
  return {
    method,
    path,
    policy: 'identity:edit_catalog',
    handle: () => {
      throw new Failure(
        'policy-not-authorized',
        'The service catalog follows from the configuration of this server and cannot be edited.',
      );
    },
  };
}

function allEndpoints(services: readonly Service[]): Service['endpoints'] {
  return services.flatMap(({ endpoints }) => endpoints);
}

function regionsOf({ services }: Call): string[] {
  return [...new Set(allEndpoints(services()).map(({ region }) => region))];
}

function regionView(id: string, { links }: Call): object {
  return { id, description: '', parent_region_id: null, links: { self: links.to('regions', id) } };
}

function matches(query: Query, values: Readonly<Record<string, string>>): boolean {
  return Object.entries(values).every(([key, value]) => (query.text(key) ?? value) === value);
}

function found<T extends { readonly id: string }>(kind: string, id: string, list: readonly T[]): T {
  const object = list.find((one) => one.id === id);
  if (!object) throw new Failure('resource-not-found', `Could not find ${kind}: ${id}.`);
  return object;
}
