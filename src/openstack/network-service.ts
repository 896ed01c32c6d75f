/**
 * Neutron over HTTP as a NetworkService: bodies and queries pass as they are, wrapped and named as its API wants.
 *
 * Looking, changing and deleting are repeated when the service is not reached; making is not, because a second object
 * might be left behind. A port that is made or taken into use is bound to this host unless the body says otherwise: its
 * agent is to wire it. Contract: https://docs.openstack.org/api-ref/network/v2/
 */
import type { Session } from '../client/session.ts';
import { isFailure } from '../model/failure.ts';
import type {
  JsonObject,
  ListQuery,
  NetworkResource,
  NetworkService,
  ResourceViews,
} from '../wire/network-service.ts';
import { isPassing, retrying } from './retry.ts';

const singular: Readonly<Record<NetworkResource, string>> = {
  networks: 'network',
  subnets: 'subnet',
  subnetpools: 'subnetpool',
  ports: 'port',
  'security-groups': 'security_group',
  'security-group-rules': 'security_group_rule',
  floatingips: 'floatingip',
};

interface Link {
  readonly rel: string;
  readonly href: string;
}

export interface NeutronOptions {
  readonly session: Pick<Session, 'request'>;
  /** The name of this host, as its Neutron agent has it. Absent = ports are bound to none. */
  readonly host?: string;
  /** Before the second, third … attempt. */
  readonly waitsMs?: readonly number[];
}

export function neutronService({ session, host, waitsMs = [200, 1000] }: NeutronOptions): NetworkService {
  const bound = host === undefined ? {} : { 'binding:host_id': host };
  const repeated = <T>(work: () => Promise<T>) => retrying(work, { waitsMs, isWorthwhile: isPassing });
  const get = <T>(path: string, query?: ListQuery) =>
    repeated(() => session.request<T>('network', { method: 'GET', path, query: query ?? {} }));
  const put = <T>(path: string, body?: JsonObject) =>
    repeated(() => session.request<T>('network', { method: 'PUT', path, body }));
  const post = <T>(path: string, body: JsonObject) =>
    session.request<T>('network', { method: 'POST', path, body });
  const remove = (path: string) =>
    ignoringAbsence(repeated(() => session.request('network', { method: 'DELETE', path })));

  return {
    async list<R extends NetworkResource>(resource: R, query: ListQuery) {
      const plural = `${singular[resource]}s`;
      const found: ResourceViews[R][] = [];
      for (let next: ListQuery | undefined = query; next; ) {
        const page: Record<string, unknown> = await get(`/${resource}`, next);
        found.push(...(page[plural] as ResourceViews[R][]));
        next = nextPage(page[`${plural}_links`] as readonly Link[] | undefined);
      }
      return found;
    },
    async get<R extends NetworkResource>(resource: R, id: string) {
      return unwrap<R>(resource, await get(pathOf(resource, id)));
    },
    async create<R extends NetworkResource>(resource: R, body: JsonObject) {
      const whole = resource === 'ports' ? { ...bound, ...body } : body;
      return unwrap<R>(resource, await post(`/${resource}`, { [singular[resource]]: whole }));
    },
    async update<R extends NetworkResource>(resource: R, id: string, body: JsonObject) {
      const isTaken = resource === 'ports' && typeof body.device_id === 'string' && body.device_id !== '';
      const whole = isTaken ? { ...bound, ...body } : body;
      return unwrap<R>(resource, await put(pathOf(resource, id), { [singular[resource]]: whole }));
    },
    remove: (resource, id) => remove(pathOf(resource, id)),
    async addTag(resource, id, tag) {
      await put(`${pathOf(resource, id)}/tags/${encodeURIComponent(tag)}`);
    },
    removeTag: (resource, id, tag) => remove(`${pathOf(resource, id)}/tags/${encodeURIComponent(tag)}`),
    async forward(id, body) {
      await post(`${pathOf('floatingips', id)}/port_forwardings`, { port_forwarding: body });
    },
    async unforward(id) {
      const path = `${pathOf('floatingips', id)}/port_forwardings`;
      const answer = await get<{ port_forwardings: { id: string }[] }>(path).catch((error: unknown) => {
        if (isAbsence(error)) return { port_forwardings: [] };
        throw error;
      });
      for (const forwarding of answer.port_forwardings) await remove(`${path}/${forwarding.id}`);
    },
  };
}

function pathOf(resource: NetworkResource, id: string): string {
  return `/${resource}/${encodeURIComponent(id)}`;
}

function unwrap<R extends NetworkResource>(resource: R, answer: unknown): ResourceViews[R] {
  return (answer as Record<string, ResourceViews[R]>)[singular[resource]] as ResourceViews[R];
}

/** Neutron may cut lists into pages of its own choice. */
function nextPage(links: readonly Link[] = []): ListQuery | undefined {
  const next = links.find(({ rel }) => rel === 'next');
  if (!next) return undefined;
  const { searchParams } = new URL(next.href);
  return Object.fromEntries([...new Set(searchParams.keys())].map((key) => [key, searchParams.getAll(key)]));
}

async function ignoringAbsence(removal: Promise<unknown>): Promise<void> {
  await removal.catch((error: unknown) => {
    if (!isAbsence(error)) throw error;
  });
}

function isAbsence(error: unknown): boolean {
  return isFailure(error) && error.status === 404;
}
