/** The kinds of resources: their names in paths and bodies, their tables, and their use cases without types. */
import type { Caller } from '../../../model/caller.ts';
import type { FailureCode } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import type { Expectation } from '../collection.ts';
import { addressGroupAttributes } from './address-groups.ts';
import { addressScopeAttributes } from './address-scopes.ts';
import { agentAttributes } from './agents.ts';
import type { Table } from './attribute.ts';
import { availabilityAttributes } from './availability.ts';
import { floatingIpAttributes } from './floating-ips.ts';
import { networkAttributes } from './networks.ts';
import { portForwardingAttributes } from './port-forwardings.ts';
import { portAttributes } from './ports.ts';
import { qosPolicyAttributes } from './qos-policies.ts';
import type { Tagged } from './query.ts';
import { rbacPolicyAttributes } from './rbac-policies.ts';
import { routerAttributes } from './routers.ts';
import { ruleAttributes, securityGroupAttributes } from './security-groups.ts';
import { subnetPoolAttributes } from './subnet-pools.ts';
import { subnetAttributes } from './subnets.ts';

export interface ResourceKind {
  /** Key of one in a body: `security_group`. */
  readonly singular: string;
  /** Key of a list: `security_groups`. */
  readonly plural: string;
  /** In names of rules, when it is not the key of one. */
  readonly ruleName?: string;
  readonly table: Table;
  readonly notFound: FailureCode;
  /** Whether its objects carry tags. */
  readonly isTagged: boolean;
}

/** By the name in the path. */
export const resourceKinds = {
  networks: {
    singular: 'network',
    plural: 'networks',
    table: networkAttributes as Table,
    notFound: 'network-not-found',
    isTagged: true,
  },
  subnets: {
    singular: 'subnet',
    plural: 'subnets',
    table: subnetAttributes as Table,
    notFound: 'subnet-not-found',
    isTagged: true,
  },
  ports: {
    singular: 'port',
    plural: 'ports',
    table: portAttributes as Table,
    notFound: 'port-not-found',
    isTagged: true,
  },
  'security-groups': {
    singular: 'security_group',
    plural: 'security_groups',
    table: securityGroupAttributes as Table,
    notFound: 'security-group-not-found',
    isTagged: true,
  },
  'security-group-rules': {
    singular: 'security_group_rule',
    plural: 'security_group_rules',
    table: ruleAttributes as Table,
    notFound: 'security-group-rule-not-found',
    isTagged: false,
  },
  subnetpools: {
    singular: 'subnetpool',
    plural: 'subnetpools',
    table: subnetPoolAttributes as Table,
    notFound: 'subnet-pool-not-found',
    isTagged: true,
  },
  'address-scopes': {
    singular: 'address_scope',
    plural: 'address_scopes',
    table: addressScopeAttributes as Table,
    notFound: 'address-scope-not-found',
    isTagged: false,
  },
  'address-groups': {
    singular: 'address_group',
    plural: 'address_groups',
    table: addressGroupAttributes as Table,
    notFound: 'address-group-not-found',
    isTagged: false,
  },
  'qos/policies': {
    singular: 'policy',
    plural: 'policies',
    table: qosPolicyAttributes as Table,
    notFound: 'qos-policy-not-found',
    isTagged: true,
  },
  'rbac-policies': {
    singular: 'rbac_policy',
    plural: 'rbac_policies',
    table: rbacPolicyAttributes as Table,
    notFound: 'rbac-policy-not-found',
    isTagged: false,
  },
  routers: {
    singular: 'router',
    plural: 'routers',
    table: routerAttributes as Table,
    notFound: 'router-not-found',
    isTagged: true,
  },
  floatingips: {
    singular: 'floatingip',
    plural: 'floatingips',
    table: floatingIpAttributes as Table,
    notFound: 'floating-ip-not-found',
    isTagged: true,
  },
} as const satisfies Record<string, ResourceKind>;
/** Below a floating IP: `/floatingips/{id}/port_forwardings`. */
export const portForwardingKind: ResourceKind = {
  singular: 'port_forwarding',
  plural: 'port_forwardings',
  ruleName: 'floatingip_port_forwarding',
  table: portForwardingAttributes as Table,
  notFound: 'port-forwarding-not-found',
  isTagged: false,
};

/** `/agents`: shown and switched, never made. */
export const agentKind: ResourceKind = {
  singular: 'agent',
  plural: 'agents',
  table: agentAttributes as Table,
  notFound: 'agent-not-found',
  isTagged: false,
};

/** `/network-ip-availabilities`: shown. */
export const availabilityKind: ResourceKind = {
  singular: 'network_ip_availability',
  plural: 'network_ip_availabilities',
  table: availabilityAttributes as Table,
  notFound: 'network-not-found',
  isTagged: false,
};

export type ResourceName = keyof typeof resourceKinds;

interface Owned extends Tagged {
  readonly projectId: string;
}

/** The use cases of one resource, their types forgotten: the table has checked what goes in. */
export interface AnyCollection<Kind extends Tagged = Owned> {
  list(caller: Caller, where?: object): Promise<Kind[]>;
  get(caller: Caller, id: Uuid): Promise<Kind>;
  create(caller: Caller, drafts: readonly never[]): Promise<Kind[]>;
  update(caller: Caller, id: Uuid, changes: object, expect?: Expectation): Promise<Kind>;
  remove(caller: Caller, id: Uuid, expect?: Expectation): Promise<void>;
}

export type Collections = Readonly<Record<ResourceName, AnyCollection>>;
