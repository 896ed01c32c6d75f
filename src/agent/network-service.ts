/** The embedded network service, over the bus: what Kuryr on this host works with. Contract: wire/network-service. */
import type { Bus } from '../bus/bus.ts';
import type { RequestOf } from '../wire/call.ts';
import {
  type JsonObject,
  type ListQuery,
  type NetworkResource,
  type NetworkService,
  networkServiceRequest,
  type ResourceViews,
} from '../wire/network-service.ts';

export function busNetworkService(bus: Bus): NetworkService {
  const ask = async (request: RequestOf<typeof networkServiceRequest>): Promise<unknown> => {
    const { result } = await bus.call({ kind: 'server' }, networkServiceRequest, request);
    return result;
  };
  // What comes back is the service's own view of the resource that was asked for.
  return {
    async list<R extends NetworkResource>(resource: R, query: ListQuery) {
      return (await ask({ method: 'list', resource, query: toPlain(query) })) as ResourceViews[R][];
    },
    async get<R extends NetworkResource>(resource: R, id: string) {
      return (await ask({ method: 'get', resource, id })) as ResourceViews[R];
    },
    async create<R extends NetworkResource>(resource: R, body: JsonObject) {
      return (await ask({ method: 'create', resource, body })) as ResourceViews[R];
    },
    async update<R extends NetworkResource>(resource: R, id: string, body: JsonObject) {
      return (await ask({ method: 'update', resource, id, body })) as ResourceViews[R];
    },
    async remove(resource, id) {
      await ask({ method: 'remove', resource, id });
    },
    async addTag(resource, id, tag) {
      await ask({ method: 'add-tag', resource, id, tag });
    },
    async removeTag(resource, id, tag) {
      await ask({ method: 'remove-tag', resource, id, tag });
    },
    async forward(id, body) {
      await ask({ method: 'forward', resource: 'floatingips', id, body });
    },
    async unforward(id) {
      await ask({ method: 'unforward', resource: 'floatingips', id });
    },
  };
}

function toPlain(query: ListQuery): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(query).map(([key, value]) => [key, typeof value === 'string' ? value : [...value]]),
  );
}
