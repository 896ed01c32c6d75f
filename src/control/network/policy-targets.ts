/** What a rule is asked about, for explanations: the object that its name speaks of, found by its id. */
import type { Caller } from '../../model/caller.ts';
import type { NetworkRule } from '../policy/network-defaults.ts';
import type { PolicyTarget } from '../policy.ts';
import { targetOf } from './policy.ts';
import type { UseCases } from './use-cases.ts';

export type FindPolicyTarget = (
  caller: Caller,
  rule: NetworkRule,
  id: string,
) => Promise<PolicyTarget | undefined>;

interface Found {
  readonly id: string;
  readonly projectId: string;
  readonly name?: string | null;
  readonly networkId?: string;
}

/** Undefined for rules about no single object; throws what the use case throws for an id that is not there. */
export function policyTargetsOf(useCases: UseCases): FindPolicyTarget {
  const collections: Readonly<Record<string, { get(caller: Caller, id: string): Promise<Found> }>> = {
    network: useCases.networks,
    subnet: useCases.subnets,
    port: useCases.ports,
    router: useCases.routers,
    floatingip: useCases.floatingIps,
    floatingip_port_forwarding: useCases.floatingIps,
    security_group: useCases.securityGroups,
    security_group_rule: useCases.securityGroupRules,
    address_group: useCases.addressGroups,
    address_scope: useCases.addressScopes,
    subnetpool: useCases.subnetPools,
    rbac_policy: useCases.rbacPolicies,
    policy: useCases.qosPolicies,
    policy_bandwidth_limit_rule: useCases.qosPolicies,
    router_interface: useCases.routers,
    extraroutes: useCases.routers,
    prefixes: useCases.subnetPools,
    network_subnets: useCases.subnetPools,
  };
  const ownerOf = async (caller: Caller, id: string) => (await useCases.networks.get(caller, id)).projectId;

  return async (caller, rule, id) => {
    const [, verb, resource = ''] = /^([a-z]+)_([a-z_]+)/.exec(rule) ?? [];
    // What is made is made on a network.
    if (verb === 'create' && (resource === 'subnet' || resource === 'port'))
      return { projectId: caller.projectId, networkProjectId: await ownerOf(caller, id) };
    const found = await collections[resource]?.get(caller, id);
    if (!found) return undefined;
    const { networkId } = found;
    const networkProjectId = networkId === undefined ? undefined : await ownerOf(caller, networkId);
    return targetOf({ ...found, ...(networkProjectId === undefined ? {} : { networkProjectId }) });
  };
}
