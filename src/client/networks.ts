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
  readonly floating_network_id: string;
  readonly fixed_ip_address: string | null;
  readonly port_id: string | null;
  readonly router_id: string | null;
  readonly tags?: readonly string[];
  /** Absent where the service has no port forwarding. */
  readonly port_forwardings?: readonly Partial<PortForwardingObject>[];
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

export interface RouterObject extends NetworkObject {
  readonly external_gateway_info: {
    readonly network_id: string;
    readonly enable_snat?: boolean;
    readonly external_fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[];
  } | null;
  readonly routes: readonly { readonly destination: string; readonly nexthop: string }[];
}

/** A port of a floating IP that leads to a port of a tenant's port. */
export interface PortForwardingObject {
  readonly id: string;
  readonly protocol: string;
  /** Null where a range of ports is forwarded. */
  readonly external_port: number | null;
  readonly internal_port: number | null;
  readonly external_port_range?: string;
  readonly internal_port_range?: string;
  readonly internal_ip_address: string;
  readonly internal_port_id: string;
  readonly description?: string;
}

/** Where a packet would go (Berth's extension `berth-diagnostics`). */
export interface TraceView {
  readonly passes: boolean;
  readonly steps: readonly TraceStepView[];
  /** As it arrived; null when that is another project's matter. */
  readonly packet: Readonly<Record<string, string | number>> | null;
}

/** One host's dataplane compared with what is wanted. */
export interface HostExaminationView {
  readonly host: string;
  readonly networks: number;
  readonly findings: readonly {
    readonly where: string;
    readonly text: string;
    readonly is_repaired: boolean;
  }[];
  readonly error: string | null;
}

export interface TraceStepView {
  readonly at: 'port' | 'network' | 'router' | 'outside';
  readonly id: string | null;
  readonly what: string;
  readonly passes: boolean;
  readonly text: string;
  readonly security_group_id: string | null;
  readonly security_group_rule_id: string | null;
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

  /** A verb of one object, such as a router's `add_router_interface`. Returns the answer's body. */
  act(collection: NetworkCollection, id: string, verb: string, body: object): Promise<unknown> {
    const path = `/${collection}/${encodeURIComponent(id)}/${verb}`;
    return this.#session.request('network', { method: 'PUT', path, body });
  }

  /** What a floating IP shows of them itself, else a request: not every service shows whose they are. */
  async forwardings({ id, port_forwardings: shown = [] }: FloatingIpObject): Promise<PortForwardingObject[]> {
    const isWhole = (one: Partial<PortForwardingObject>): one is PortForwardingObject =>
      one.id !== undefined && one.internal_port_id !== undefined;
    if (shown.every(isWhole)) return [...shown];
    const path = forwardingPath(id);
    const body = await this.#session.request<{ port_forwardings: PortForwardingObject[] }>('network', {
      method: 'GET',
      path,
    });
    return body.port_forwardings;
  }

  async createForwarding(floatingIpId: string, content: object): Promise<PortForwardingObject> {
    const path = forwardingPath(floatingIpId);
    const body = { port_forwarding: content };
    return (
      await this.#session.request<{ port_forwarding: PortForwardingObject }>('network', {
        method: 'POST',
        path,
        body,
      })
    ).port_forwarding;
  }

  async removeForwarding(floatingIpId: string, id: string): Promise<void> {
    const path = `${forwardingPath(floatingIpId)}/${encodeURIComponent(id)}`;
    await this.#session.request('network', { method: 'DELETE', path });
  }

  async trace(trace: object): Promise<TraceView> {
    const body = await this.#session.request<{ trace: TraceView }>('network', {
      method: 'POST',
      path: '/berth/trace',
      body: { trace },
    });
    return body.trace;
  }

  /** For administrators. */
  async doctor(ask: { readonly repair: boolean; readonly host?: string }): Promise<HostExaminationView[]> {
    const body = await this.#session.request<{ doctor: { hosts: HostExaminationView[] } }>('network', {
      method: 'POST',
      path: '/berth/doctor',
      body: { doctor: ask },
    });
    return body.doctor.hosts;
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

function forwardingPath(floatingIpId: string): string {
  return `/floatingips/${encodeURIComponent(floatingIpId)}/port_forwardings`;
}
