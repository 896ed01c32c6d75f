/**
 * One kind of resource in Neutron's JSON: bodies in, views out, by its table; what may be done is decided by its use
 * cases. Bodies and views are unwrapped (no `{"port": …}`).
 */
import type { Caller } from '../../../model/caller.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import type { JsonObject } from '../../../wire/network-service.ts';
import type { Expectation } from '../collection.ts';
import type { NetworkConfig } from '../context.ts';
import { checkWriter } from '../policy.ts';
import type { Table, Viewer } from './attribute.ts';
import { type Body, parseBody } from './bodies.ts';
import type { AnyCollection, ResourceKind } from './kinds.ts';
import {
  accepts,
  checkQuery,
  columnsOf,
  type Page,
  paginate,
  pick,
  type Query,
  type Tagged,
} from './query.ts';

/** In whose name, and how much to show. */
export interface Session {
  readonly caller: Caller;
  /** Also what only administrators see; default: when the caller is one. */
  readonly showAll?: boolean;
  /** The answer is to a change: a few things look different then. */
  readonly isChange?: boolean;
}

export interface Resource {
  list(session: Session, query: Query): Promise<Page>;
  get(session: Session, id: Uuid, fields?: readonly string[]): Promise<JsonObject>;
  /** All or none. */
  create(session: Session, bodies: readonly Body[]): Promise<JsonObject[]>;
  update(session: Session, id: Uuid, body: Body, expect?: Expectation): Promise<JsonObject>;
  remove(session: Session, id: Uuid, expect?: Expectation): Promise<void>;
  view(session: Session, object: unknown): JsonObject;
}

export interface ResourceParts {
  readonly kind: ResourceKind;
  readonly collection: AnyCollection<Tagged>;
  readonly config: NetworkConfig;
  /** What the store can answer of filters that are no columns. */
  whereOf?(query: Query): object;
}

export function createResource({ kind, collection, config, whereOf }: ResourceParts): Resource {
  const { table, singular, notFound } = kind;
  const viewerOf = ({ caller, isChange = false }: Session): Viewer => ({
    isChange,
    projectId: caller.projectId,
    dnsDomain: config.network.dnsDomain,
    availabilityZone: config.agent.availabilityZone,
  });
  const view = (session: Session, object: unknown): JsonObject =>
    viewOf(table, object, { viewer: viewerOf(session), showAll: session.showAll ?? session.caller.isAdmin });
  return {
    view,

    async list(session, query) {
      checkQuery(table, query);
      const where = { ...columnsOf(table, query), ...whereOf?.(query) };
      const objects = await collection.list(session.caller, where);
      const views = objects
        .filter(accepts(table, query, viewerOf(session)))
        .map((object) => view(session, object));
      return paginate(views, query, (id) => new Failure(notFound, `The marker ${id} could not be found.`));
    },

    async get(session, id, fields) {
      return pick(view(session, await collection.get(session.caller, id)), fields);
    },

    async create(session, bodies) {
      checkWriter(session.caller, `create_${singular}`);
      const drafts = bodies.map((body) => parseBody(table, body, 'create'));
      const made = await collection.create(session.caller, drafts as unknown as readonly never[]);
      return made.map((object) => view(session, object));
    },

    async update(session, id, body, expect) {
      checkWriter(session.caller, `update_${singular}`);
      const changes = parseBody(table, body, 'update');
      const object = await collection.update(session.caller, id, changes, expect);
      return view({ ...session, isChange: true }, object);
    },

    async remove(session, id, expect) {
      checkWriter(session.caller, `delete_${singular}`);
      await collection.remove(session.caller, id, expect);
    },
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
