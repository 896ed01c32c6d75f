/**
 * The service catalog: what this installation serves and where. It follows from the configuration, so nothing is
 * stored, nothing can be stale, and it cannot be edited through the API. Ids are derived from names, so they stay.
 */
import { createHash } from 'node:crypto';

export interface CatalogService {
  readonly type: string;
  readonly name: string;
  /** Behind the public URL; `$(project_id)s` stands for the project of the token. */
  readonly path: string;
}

/** Everything on one port. */
export const embeddedServices: readonly CatalogService[] = [
  { type: 'identity', name: 'keystone', path: '/identity/v3' },
  { type: 'container', name: 'zun', path: '/v1' },
  { type: 'network', name: 'neutron', path: '/network' },
  { type: 'image', name: 'glance', path: '/image' },
  { type: 'volumev3', name: 'cinderv3', path: '/volume/v3/$(project_id)s' },
  { type: 'block-storage', name: 'cinder', path: '/volume/v3/$(project_id)s' },
];

export const endpointInterfaces = ['public', 'internal', 'admin'] as const;
export type EndpointInterface = (typeof endpointInterfaces)[number];

export interface Endpoint {
  readonly id: string;
  readonly serviceId: string;
  readonly interface: EndpointInterface;
  readonly region: string;
  /** May hold `$(project_id)s`. */
  readonly url: string;
}

export interface Service {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
}

export interface CatalogOptions {
  readonly services: readonly CatalogService[];
  readonly region: string;
}

/** `baseUrl`: how the asking client reaches this server, without a slash at the end. */
export function buildCatalog(options: CatalogOptions, baseUrl: string): Service[] {
  return options.services.map(({ type, name, path }) => {
    const serviceId = derivedId('service', type);
    const endpoints = endpointInterfaces.map((face) => ({
      id: derivedId('endpoint', type, face),
      serviceId,
      interface: face,
      region: options.region,
      url: `${baseUrl}${path}`,
    }));
    return { id: serviceId, type, name, endpoints };
  });
}

const projectPlaceholder = '$(project_id)s';

/** The catalog of a token: URLs filled in; what needs a project is left out when there is none. */
export function catalogFor(services: readonly Service[], projectId: string | undefined): Service[] {
  return services.map((service) => ({
    ...service,
    endpoints: service.endpoints
      .filter(({ url }) => projectId !== undefined || !url.includes(projectPlaceholder))
      .map((endpoint) => ({
        ...endpoint,
        url: endpoint.url.replaceAll(projectPlaceholder, projectId ?? ''),
      })),
  }));
}

function derivedId(...parts: string[]): string {
  return createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 32);
}
