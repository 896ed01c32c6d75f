/**
 * The network API (Neutron v2.0), one set of functions for all of its resources: they differ in their fields only.
 */
import { Failure, isFailure } from '../model/failure.ts';
import { looksLikeUuid } from '../model/ids.ts';
import type { Query } from './http.ts';
import type { Session } from './session.ts';

/** Collection in the path → key of one object in bodies, and what people call it. */
const resources = {
  networks: { one: 'network', many: 'networks', called: 'network' },
  subnets: { one: 'subnet', many: 'subnets', called: 'subnet' },
  ports: { one: 'port', many: 'ports', called: 'port' },
  routers: { one: 'router', many: 'routers', called: 'router' },
  floatingips: { one: 'floatingip', many: 'floatingips', called: 'floating IP' },
  'security-groups': { one: 'security_group', many: 'security_groups', called: 'security group' },
  'security-group-rules': {
    one: 'security_group_rule',
    many: 'security_group_rules',
    called: 'security group rule',
  },
} as const;
export type NetworkCollection = keyof typeof resources;

/** An object of the network service as it is on the wire. */
export interface NetworkObject {
  readonly id: string;
  readonly name?: string;
  readonly [field: string]: unknown;
}

export interface PortObject extends NetworkObject {
  readonly device_id: string;
  readonly network_id: string;
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[];
}

export interface FloatingIpObject extends NetworkObject {
  readonly floating_ip_address: string;
  readonly port_id: string | null;
}

export interface RuleObject extends NetworkObject {
  readonly security_group_id: string;
  readonly direction: 'ingress' | 'egress';
  readonly ethertype: 'IPv4' | 'IPv6';
  readonly protocol: string | null;
  readonly port_range_min: number | null;
  readonly port_range_max: number | null;
  readonly remote_ip_prefix: string | null;
  readonly remote_group_id: string | null;
}

/** Objects per page when a list is long. */
const pageSize = 1000;

export class NetworkApi {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** All that match, page by page. */
  async list<T extends NetworkObject = NetworkObject>(
    collection: NetworkCollection,
    query: Query = {},
  ): Promise<T[]> {
    const found: T[] = [];
    for (;;) {
      const marker = found.at(-1)?.id;
      const body = await this.#session.request<Record<string, T[]>>('network', {
        method: 'GET',
        path: `/${collection}`,
        query: { ...query, limit: pageSize, ...(marker ? { marker } : {}) },
      });
      const page = body[resources[collection].many] ?? [];
      found.push(...page);
      if (page.length < pageSize) return found;
    }
  }

  async get<T extends NetworkObject = NetworkObject>(collection: NetworkCollection, id: string): Promise<T> {
    return this.#send<T>('GET', collection, `/${encodeURIComponent(id)}`);
  }

  /** By id or by name. Throws `resource-not-found`, or `conflict` when several have the name. */
  async find<T extends NetworkObject = NetworkObject>(
    collection: NetworkCollection,
    nameOrId: string,
    query: Query = {},
  ): Promise<T> {
    const { called } = resources[collection];
    if (looksLikeUuid(nameOrId)) {
      try {
        return await this.get<T>(collection, nameOrId);
      } catch (error) {
        if (!(isFailure(error) && error.status === 404)) throw error;
      }
    }
    const named = await this.list<T>(collection, { ...query, name: nameOrId });
    if (named.length > 1) {
      const ids = named.map((item) => item.id).join(', ');
      throw new Failure('conflict', `${named.length} ${called}s are called ${nameOrId}: ${ids}`);
    }
    if (named[0]) return named[0];
    throw new Failure('resource-not-found', `there is no ${called} ${nameOrId}`);
  }

  create<T extends NetworkObject = NetworkObject>(collection: NetworkCollection, body: object): Promise<T> {
    return this.#send<T>('POST', collection, '', body);
  }

  update<T extends NetworkObject = NetworkObject>(
    collection: NetworkCollection,
    id: string,
    body: object,
  ): Promise<T> {
    return this.#send<T>('PUT', collection, `/${encodeURIComponent(id)}`, body);
  }

  async remove(collection: NetworkCollection, id: string): Promise<void> {
    const path = `/${collection}/${encodeURIComponent(id)}`;
    await this.#session.request('network', { method: 'DELETE', path });
  }

  async setTags(collection: NetworkCollection, id: string, tags: readonly string[]): Promise<void> {
    const path = `/${collection}/${encodeURIComponent(id)}/tags`;
    await this.#session.request('network', { method: 'PUT', path, body: { tags } });
  }

  /** Limits and use by resource (`network`, `port` …). */
  async quota(projectId: string): Promise<Record<string, { readonly limit: number; readonly used: number }>> {
    const path = `/quotas/${encodeURIComponent(projectId)}/details`;
    const body = await this.#session.request<{
      quota: Record<string, { limit: number; used: number }>;
    }>('network', { method: 'GET', path });
    return body.quota;
  }

  async setQuota(projectId: string, limits: Readonly<Record<string, number>>): Promise<void> {
    const path = `/quotas/${encodeURIComponent(projectId)}`;
    await this.#session.request('network', { method: 'PUT', path, body: { quota: limits } });
  }

  async #send<T extends NetworkObject>(
    method: string,
    collection: NetworkCollection,
    below: string,
    content?: object,
  ): Promise<T> {
    const { one } = resources[collection];
    const body = await this.#session.request<Record<string, T>>('network', {
      method,
      path: `/${collection}${below}`,
      ...(content ? { body: { [one]: content } } : {}),
    });
    const object = body?.[one];
    if (object) return object;
    throw new Failure('internal', `the network service answered ${method} /${collection} without a ${one}`);
  }
}
