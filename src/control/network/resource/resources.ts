/**
 * The network service in Neutron's JSON: bodies in, views out, for the HTTP API and for hosts alike.
 *
 * A resource is its table (./networks.ts …) and its use cases; everything here is the same for all. Bodies and
 * views are unwrapped (no `{"port": …}`). What the caller may do is decided by the use cases.
 */
import type { Caller } from '../../../model/caller.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import type { JsonObject } from '../../../wire/network-service.ts';
import type { Expectation } from '../collection.ts';
import type { NetworkContext } from '../context.ts';
import { checkWriter } from '../policy.ts';
import type { UseCases } from '../use-cases.ts';
import type { Table, Viewer } from './attribute.ts';
import { type Body, parseBody } from './bodies.ts';
import { type AnyCollection, type Collections, type ResourceName, resourceKinds } from './kinds.ts';
import { portWhere } from './ports.ts';
import { accepts, checkQuery, columnsOf, type Page, paginate, pick, type Query } from './query.ts';
import { createTags, type Tags } from './tags.ts';

/** In whose name, and how much to show. */
export interface Session {
  readonly caller: Caller;
  /** Also what only administrators see; default: when the caller is one. */
  readonly showAll?: boolean;
  /** The answer is to a change: a few things look different then. */
  readonly isChange?: boolean;
}

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
    'address-scopes': useCases.addressScopes,
    'rbac-policies': useCases.rbacPolicies,
    routers: readOnly(useCases.routers),
  };
  const viewerOf = ({ caller, isChange = false }: Session): Viewer => ({
    isChange,
    projectId: caller.projectId,
    dnsDomain: context.config.network.dnsDomain,
    availabilityZone: context.config.agent.availabilityZone,
  });
  const toView = (table: Table, object: unknown, session: Session): JsonObject =>
    viewOf(table, object, { viewer: viewerOf(session), showAll: session.showAll ?? session.caller.isAdmin });
  return {
    async list(session, name, query) {
      const { table, notFound } = resourceKinds[name];
      checkQuery(table, query);
      const where = { ...columnsOf(table, query), ...(name === 'ports' ? portWhere(query) : {}) };
      const objects = await collections[name].list(session.caller, where);
      const views = objects
        .filter(accepts(table, query, viewerOf(session)))
        .map((object) => toView(table, object, session));
      return paginate(views, query, (id) => new Failure(notFound, `The marker ${id} could not be found.`));
    },

    async get(session, name, id, fields) {
      const object = await collections[name].get(session.caller, id);
      return pick(toView(resourceKinds[name].table, object, session), fields);
    },

    async create(session, name, bodies) {
      const { table, singular } = resourceKinds[name];
      checkWriter(session.caller, `create_${singular}`);
      const drafts = bodies.map((body) => parseBody(table, body, 'create'));
      const made = await collections[name].create(session.caller, drafts as unknown as readonly never[]);
      return made.map((object) => toView(table, object, session));
    },

    async update(session, name, id, body, expect) {
      const { table, singular } = resourceKinds[name];
      checkWriter(session.caller, `update_${singular}`);
      const changes = parseBody(table, body, 'update');
      const object = await collections[name].update(session.caller, id, changes, expect);
      return toView(table, object, { ...session, isChange: true });
    },

    async remove(session, name, id, expect) {
      checkWriter(session.caller, `delete_${resourceKinds[name].singular}`);
      await collections[name].remove(session.caller, id, expect);
    },

    tags: createTags(context, collections),
  };
}

function viewOf(
  table: Table,
  object: unknown,
  { viewer, showAll }: { readonly viewer: Viewer; readonly showAll: boolean },
): JsonObject {
  const view: Record<string, JsonObject[string]> = {};
  for (const { name, view: show, adminView } of table) {
    if (show && (showAll || !adminView)) view[name] = show(object, viewer);
  }
  return view;
}

function readOnly(useCases: Pick<AnyCollection, 'list' | 'get'>): AnyCollection {
  const refuse = () => Promise.reject(new Failure('not-implemented', 'Routers can only be looked at yet.'));
  return { list: useCases.list, get: useCases.get, create: refuse, update: refuse, remove: refuse };
}
