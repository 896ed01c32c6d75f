/**
 * The network service in Neutron's JSON: bodies in, views out, for the HTTP API and for hosts alike.
 *
 * A resource is its table (./networks.ts …) and its use cases; what is the same for all is in ./resource.ts.
 */
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import type { PortForwarding } from '../../../model/network.ts';
import type { JsonObject } from '../../../wire/network-service.ts';
import type { Expectation } from '../collection.ts';
import type { NetworkContext } from '../context.ts';
import type { UseCases } from '../use-cases.ts';
import type { Body } from './bodies.ts';
import {
  type AnyCollection,
  agentKind,
  availabilityKind,
  type Collections,
  portForwardingKind,
  type ResourceName,
  resourceKinds,
} from './kinds.ts';
import { portWhere } from './ports.ts';
import type { Page, Query } from './query.ts';
import { createResource, type Resource, type Session } from './resource.ts';
import { createTags, type Tags } from './tags.ts';

export type { Session } from './resource.ts';

export interface Resources {
  list(session: Session, name: ResourceName, query: Query): Promise<Page>;
  get(session: Session, name: ResourceName, id: Uuid, fields?: readonly string[]): Promise<JsonObject>;
  /** All or none. */
  create(session: Session, name: ResourceName, bodies: readonly Body[]): Promise<JsonObject[]>;
  update(
    session: Session,
    name: ResourceName,
    id: Uuid,
    body: Body,
    expect?: Expectation,
  ): Promise<JsonObject>;
  remove(session: Session, name: ResourceName, id: Uuid, expect?: Expectation): Promise<void>;
  /** An object of the use cases as the API shows it. */
  view(session: Session, name: ResourceName, object: unknown): JsonObject;
  portForwardingsOf(floatingIpId: Uuid): Resource;
  readonly agents: Resource;
  /** Of one IP version, or of both. */
  availabilitiesOf(version: 4 | 6 | undefined): Resource;
  readonly tags: Tags;
}

export function createResources(context: NetworkContext, useCases: UseCases): Resources {
  const collections: Collections = {
    networks: useCases.networks,
    subnets: useCases.subnets,
    ports: useCases.ports,
    'security-groups': useCases.securityGroups,
    'security-group-rules': useCases.securityGroupRules,
    subnetpools: useCases.subnetPools,
    'address-groups': useCases.addressGroups,
    'address-scopes': useCases.addressScopes,
    'qos/policies': useCases.qosPolicies,
    'rbac-policies': useCases.rbacPolicies,
    routers: useCases.routers,
    floatingips: useCases.floatingIps,
  };
  const byName = Object.fromEntries(
    (Object.keys(collections) as ResourceName[]).map((name) => [
      name,
      createResource({
        kind: resourceKinds[name],
        collection: collections[name],
        context,
        ...(name === 'ports' ? { whereOf: portWhere, keysOf: useCases.ports.keys } : {}),
      }),
    ]),
  ) as Record<ResourceName, Resource>;
  return {
    list: (session, name, query) => byName[name].list(session, query),
    get: (session, name, id, fields) => byName[name].get(session, id, fields),
    create: (session, name, bodies) => byName[name].create(session, bodies),
    update: (session, name, id, body, expect) => byName[name].update(session, id, body, expect),
    remove: (session, name, id, expect) => byName[name].remove(session, id, expect),
    view: (session, name, object) => byName[name].view(session, object),
    portForwardingsOf: (floatingIpId) =>
      createResource({
        kind: portForwardingKind,
        collection: portForwardingsOf(useCases, floatingIpId),
        context,
      }),
    agents: createResource({
      kind: agentKind,
      collection: { ...useCases.agents, create: neverMade, remove: neverMade },
      context,
    }),
    availabilitiesOf: (version) =>
      createResource({
        kind: availabilityKind,
        collection: {
          list: (caller) => useCases.availability.list(caller, version),
          get: useCases.availability.get,
          create: neverMade,
          update: neverMade,
          remove: neverMade,
        },
        context,
      }),
    tags: createTags(context, collections),
  };
}

/** What is only looked at has no route that would come here. */
function neverMade(): Promise<never> {
  throw new Failure('method-not-allowed', 'That is only looked at.');
}

/** The use cases of one floating IP's forwarded ports, in the shape that all collections have. */
function portForwardingsOf({ portForwardings }: UseCases, floatingIpId: Uuid): AnyCollection<PortForwarding> {
  return {
    list: (caller) => portForwardings.list(caller, floatingIpId),
    get: (caller, id) => portForwardings.get(caller, floatingIpId, id),
    create: (caller, drafts) => portForwardings.create(caller, floatingIpId, drafts),
    update: (caller, id, changes) => portForwardings.update(caller, floatingIpId, id, changes),
    remove: (caller, id) => portForwardings.remove(caller, floatingIpId, id),
  };
}
