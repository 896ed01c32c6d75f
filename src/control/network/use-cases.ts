/** The use cases of the network service, one collection per kind of object. */
import type { AddressGroups } from './address-groups.ts';
import type { AddressScopes } from './address-scopes.ts';
import type { Agents } from './agents.ts';
import type { Availability } from './availability.ts';
import type { Networks } from './networks.ts';
import type { Ports } from './ports.ts';
import type { QosPolicies } from './qos-policies.ts';
import type { Quotas } from './quotas.ts';
import type { RbacPolicies } from './rbac-policies.ts';
import type { FloatingIpPools, FloatingIps } from './routing/floating-ips.ts';
import type { PortForwardings } from './routing/port-forwardings.ts';
import type { Routers } from './routing/routers.ts';
import type { SecurityGroupRules } from './security-group-rules.ts';
import type { SecurityGroups } from './security-groups.ts';
import type { SubnetPools } from './subnet-pools.ts';
import type { Subnets } from './subnets.ts';

export interface UseCases {
  readonly networks: Networks;
  readonly subnets: Subnets;
  readonly ports: Ports;
  readonly securityGroups: SecurityGroups;
  readonly securityGroupRules: SecurityGroupRules;
  readonly subnetPools: SubnetPools;
  readonly addressGroups: AddressGroups;
  readonly addressScopes: AddressScopes;
  readonly qosPolicies: QosPolicies;
  readonly rbacPolicies: RbacPolicies;
  readonly routers: Routers;
  readonly floatingIps: FloatingIps;
  readonly portForwardings: PortForwardings;
  readonly floatingIpPools: FloatingIpPools;
  readonly agents: Agents;
  readonly availability: Availability;
  readonly quotas: Quotas;
}
