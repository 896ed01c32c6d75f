/**
 * The network service as a host sees it: Neutron's resources in Neutron's own JSON (snake_case, unwrapped).
 *
 * Kuryr is written against `NetworkService`. Two implementations: the call below over the bus to the embedded
 * service (in the name of the configured Kuryr project; ports are bound to the asking host, whatever was said),
 * and HTTP to a real Neutron.
 */
import Type from 'typebox';
import { defineCall } from './call.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export const networkResources = [
  'networks',
  'subnets',
  'subnetpools',
  'ports',
  'security-groups',
  'security-group-rules',
  'floatingips',
] as const;
export type NetworkResource = (typeof networkResources)[number];

export interface NetworkView extends JsonObject {
  readonly id: string;
  readonly name: string;
  readonly project_id: string;
  readonly shared: boolean;
  readonly mtu: number;
  readonly tags: readonly string[];
  readonly subnets: readonly string[];
}

export interface SubnetView extends JsonObject {
  readonly id: string;
  readonly name: string;
  readonly network_id: string;
  readonly ip_version: 4 | 6;
  readonly cidr: string;
  readonly gateway_ip: string | null;
  /** Null = of its own. */
  readonly subnetpool_id: string | null;
  readonly tags: readonly string[];
}

export interface SubnetPoolView extends JsonObject {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly ip_version: 4 | 6;
  readonly prefixes: readonly string[];
  /** Text in Neutron's answers, by custom. */
  readonly default_prefixlen: string | number;
  readonly shared: boolean;
  readonly tags: readonly string[];
}

export interface PortView extends JsonObject {
  readonly id: string;
  readonly name: string;
  readonly network_id: string;
  readonly mac_address: string;
  readonly status: string;
  readonly device_id: string;
  readonly device_owner: string;
  readonly 'binding:host_id': string;
  readonly security_groups: readonly string[];
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[];
  readonly tags: readonly string[];
}

export interface SecurityGroupView extends JsonObject {
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

export interface FloatingIpView extends JsonObject {
  readonly id: string;
  readonly description: string;
  readonly floating_ip_address: string;
}

export interface ResourceViews {
  readonly networks: NetworkView;
  readonly subnets: SubnetView;
  readonly subnetpools: SubnetPoolView;
  readonly ports: PortView;
  readonly 'security-groups': SecurityGroupView;
  readonly 'security-group-rules': JsonObject & { readonly id: string };
  readonly floatingips: FloatingIpView;
}

/** Query as in Neutron's lists: `{ network_id: 'x', tags: 'a,b', fixed_ips: ['subnet_id=s', 'ip_address=a'] }`. */
export type ListQuery = Readonly<Record<string, string | readonly string[]>>;

/** Errors are Failures with the codes of Neutron's own errors (`port-not-found`, `ip-address-in-use` …). */
export interface NetworkService {
  list<R extends NetworkResource>(resource: R, query: ListQuery): Promise<ResourceViews[R][]>;
  get<R extends NetworkResource>(resource: R, id: string): Promise<ResourceViews[R]>;
  create<R extends NetworkResource>(resource: R, body: JsonObject): Promise<ResourceViews[R]>;
  update<R extends NetworkResource>(resource: R, id: string, body: JsonObject): Promise<ResourceViews[R]>;
  /** Missing is success. */
  remove(resource: NetworkResource, id: string): Promise<void>;
  addTag(resource: NetworkResource, id: string, tag: string): Promise<void>;
  removeTag(resource: NetworkResource, id: string, tag: string): Promise<void>;
  /** A port of the floating IP leads to one of a port: Neutron's body of a port forwarding. */
  forward(floatingIpId: string, body: JsonObject): Promise<void>;
  /** None of its ports leads anywhere any more. */
  unforward(floatingIpId: string): Promise<void>;
}

/** One request to the embedded service; `body` and `query` as the method has them. */
export const networkServiceRequest = defineCall({
  name: 'network-service',
  to: 'server',
  request: Type.Object({
    method: Type.Enum([
      'list',
      'get',
      'create',
      'update',
      'remove',
      'add-tag',
      'remove-tag',
      'forward',
      'unforward',
    ]),
    resource: Type.Enum([...networkResources]),
    id: Type.Optional(Type.String()),
    tag: Type.Optional(Type.String()),
    query: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())]))),
    body: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
  reply: Type.Object({ result: Type.Unknown() }),
  deadlineMs: 15_000,
});
