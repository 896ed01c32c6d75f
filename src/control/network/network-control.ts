/**
 * The embedded network service as one object: its use cases, what containers need of it, and what hosts ask.
 *
 * Composition only. Scoping, policy, quotas and validation live in the use cases; every change is one transaction
 * (./context.ts) after which the hosts concerned are woken.
 */
import type { Bus } from '../../bus/bus.ts';
import type { Random } from '../../ipam/allocate.ts';
import type { Networking } from '../networking.ts';
import { Policy } from '../policy.ts';
import { createAddressGroups } from './address-groups.ts';
import { createAddressScopes } from './address-scopes.ts';
import { createAgents } from './agents.ts';
import { createAvailability } from './availability.ts';
import type { NetworkContext } from './context.ts';
import { createDiagnostics, type Diagnostics } from './diagnostics.ts';
import { type KuryrCaller, serveHosts } from './host-calls.ts';
import { createNetworking } from './networking.ts';
import { createNetworks } from './networks.ts';
import { type FindPolicyTarget, policyTargetsOf } from './policy-targets.ts';
import { createPorts } from './ports.ts';
import { createQosPolicies } from './qos-policies.ts';
import { createQuotas } from './quotas.ts';
import { createRbacPolicies } from './rbac-policies.ts';
import { createResources, type Resources } from './resource/resources.ts';
import { createFloatingIpPools, createFloatingIps } from './routing/floating-ips.ts';
import { createPortForwardings } from './routing/port-forwardings.ts';
import { createRouters } from './routing/routers.ts';
import { createSecurityGroupRules } from './security-group-rules.ts';
import { createSecurityGroups } from './security-groups.ts';
import { createSubnetPools } from './subnet-pools.ts';
import { createSubnets } from './subnets.ts';
import type { UseCases } from './use-cases.ts';

export interface NetworkControl extends UseCases {
  readonly policy: Policy;
  /** For explanations: what a rule is asked about. */
  readonly findPolicyTarget: FindPolicyTarget;
  readonly networking: Networking;
  /** The same use cases in Neutron's JSON: what the HTTP API and hosts speak. */
  readonly resources: Resources;
  /** Questions about the dataplane that hosts answer; `unavailable` before `serve`. */
  readonly diagnostics: Diagnostics;
  /** Answers hosts; `kuryrCaller` tells in whose name hosts act through `networkServiceRequest`. */
  serve(bus: Bus, kuryrCaller: KuryrCaller): void;
}

export interface NetworkControlOptions extends Omit<NetworkContext, 'random' | 'policy'> {
  /** Default: the platform's secure random bytes. */
  readonly random?: Random;
  /** Default: no rule is other than its default. */
  readonly policy?: Policy;
}

const secureRandom: Random = (count) => crypto.getRandomValues(new Uint8Array(count));

export function createNetworkControl(options: NetworkControlOptions): NetworkControl {
  const context: NetworkContext = { random: secureRandom, policy: new Policy(), ...options };
  const useCases: UseCases = {
    networks: createNetworks(context),
    subnets: createSubnets(context),
    ports: createPorts(context),
    securityGroups: createSecurityGroups(context),
    securityGroupRules: createSecurityGroupRules(context),
    subnetPools: createSubnetPools(context),
    addressGroups: createAddressGroups(context),
    addressScopes: createAddressScopes(context),
    qosPolicies: createQosPolicies(context),
    rbacPolicies: createRbacPolicies(context),
    routers: createRouters(context),
    floatingIps: createFloatingIps(context),
    portForwardings: createPortForwardings(context),
    floatingIpPools: createFloatingIpPools(context),
    agents: createAgents(context),
    availability: createAvailability(context),
    quotas: createQuotas(context),
  };
  const resources = createResources(context, useCases);
  let hosts: Bus | undefined;
  return {
    ...useCases,
    policy: context.policy,
    findPolicyTarget: policyTargetsOf(useCases),
    resources,
    diagnostics: createDiagnostics(context, () => hosts),
    networking: createNetworking(context),
    serve: (bus, kuryrCaller) => {
      hosts = bus;
      serveHosts({ context, useCases, bus, kuryrCaller });
    },
  };
}
