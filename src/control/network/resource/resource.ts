/**
 * One kind of resource in Neutron's JSON: bodies in, views out, by its table; what may be done is decided by its use
 * cases. Bodies and views are unwrapped (no `{"port": …}`).
 */
import type { Caller } from '../../../model/caller.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import type { JsonObject } from '../../../wire/network-service.ts';
import type { Expectation } from '../collection.ts';
import type { NetworkContext } from '../context.ts';
import { checkWriter } from '../policy.ts';
import type { Table, Viewer } from './attribute.ts';
import { type Body, parseBody } from './bodies.ts';
import type { AnyCollection, ResourceKind } from './kinds.ts';
import {
  accepts,
  checkQuery,
  columnsForPage,
  columnsOf,
  type Page,
  paginate,
  pick,
  type Query,
  type Tagged,
} from './query.ts';
import { sightOf } from './sight.ts';

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

interface Order {
  readonly session: Session;
  readonly query: Query;
  readonly where: object;
  readonly viewer: Viewer;
  /** The attributes that the answer needs. */
  readonly asked: Table;
}

export type Key = { readonly id: Uuid } & JsonObject;

export interface ResourceParts {
  readonly kind: ResourceKind;
  readonly collection: AnyCollection<Tagged>;
  readonly context: Pick<NetworkContext, 'config' | 'policy'>;
  /** What the store can answer of filters that are no columns. */
  whereOf?(query: Query): object;
  /** Ids and columns of all that a list would have, without the objects: so that a page costs a page. */
  keysOf?(caller: Caller, where: object, columns: readonly string[]): Promise<Key[]>;
}

export function createResource({ kind, collection, context, whereOf, keysOf }: ResourceParts): Resource {
  const { table, notFound } = kind;
  const { config, policy } = context;
  const singular = kind.ruleName ?? kind.singular;
  const sight = sightOf(kind, policy);
  const viewerOf = ({ caller, isChange = false }: Session): Viewer => ({
    isChange,
    projectId: caller.projectId,
    dnsDomain: config.network.dnsDomain,
    availabilityZone: config.agent.availabilityZone,
  });
  /** What may be shown of some object. */
  const shownTo = ({ caller, showAll }: Session): Table =>
    table.filter((attribute) => attribute.view && (showAll || sight.mayShow(caller, attribute, caller)));
  const view = (session: Session, object: unknown): JsonObject =>
    viewOf(sight.shownOf(session, shownTo(session), object), object, viewerOf(session));
  const noMarker = (id: string) => new Failure(notFound, `The marker ${id} could not be found.`);

  const listWhole = async ({ session, query, where, viewer, asked }: Order): Promise<Page> => {
    const objects = await collection.list(session.caller, where);
    const views = objects
      .filter((object) => sight.maySee(session, object))
      .filter(accepts(table, query, viewer))
      .map((object) => viewOf(sight.shownOf(session, asked, object), object, viewer));
    return paginate(views, query, noMarker);
  };

  /** First which objects are on the page, then those. */
  const listByKeys = async (
    find: NonNullable<ResourceParts['keysOf']>,
    columns: Readonly<Record<string, string>>,
    { session, query, where, viewer, asked }: Order,
  ): Promise<Page> => {
    const keys = await find(session.caller, where, Object.values(columns));
    const page = paginate(keys.map(namedBy(columns)), { ...query, fields: [] }, noMarker);
    const ids = page.items.map(({ id }) => String(id));
    const objects = ids.length > 0 ? await collection.list(session.caller, { id: ids }) : [];
    const views = objects.map((object) => viewOf(sight.shownOf(session, asked, object), object, viewer));
    const byId = new Map(views.map((one) => [one.id, one] as const));
    const items = ids.flatMap<JsonObject>((id) => byId.get(id) ?? []);
    return { ...page, items: items.map((one) => pick(one, query.fields)) };
  };

  return {
    view,

    async list(session, query) {
      checkQuery(table, query);
      const where = { ...columnsOf(table, query), ...whereOf?.(query) };
      const shown = shownTo(session);
      const order: Order = { session, query, where, viewer: viewerOf(session), asked: askedOf(shown, query) };
      const columns = columnsForPage(shown, query);
      return keysOf && columns && sight.isWhole ? listByKeys(keysOf, columns, order) : listWhole(order);
    },

    async get(session, id, fields) {
      const object = await collection.get(session.caller, id);
      if (!sight.maySee(session, object))
        throw new Failure(notFound, `The resource ${id} could not be found.`);
      return pick(view(session, object), fields);
    },

    async create(session, bodies) {
      checkWriter(context, session.caller, `create_${singular}`);
      const drafts = bodies.map((body) => parseBody(table, body, 'create'));
      const made = await collection.create(session.caller, drafts as unknown as readonly never[]);
      return made.map((object) => view(session, object));
    },

    async update(session, id, body, expect) {
      checkWriter(context, session.caller, `update_${singular}`);
      const changes = parseBody(table, body, 'update');
      const object = await collection.update(session.caller, id, changes, expect);
      return view({ ...session, isChange: true }, object);
    },

    async remove(session, id, expect) {
      checkWriter(context, session.caller, `delete_${singular}`);
      await collection.remove(session.caller, id, expect);
    },
  };
}

function viewOf(table: Table, object: unknown, viewer: Viewer): JsonObject {
  const view: Record<string, JsonObject[string]> = {};
  for (const { name, view: show } of table) if (show) view[name] = show(object, viewer);
  return view;
}

/** What a list has to show: with `fields` those, and what the page is cut and sorted by. */
function askedOf(shown: Table, { fields, sort_key = [] }: Query): Table {
  if (!fields?.some((name) => name !== '')) return shown;
  return shown.filter(({ name }) => name === 'id' || fields.includes(name) || sort_key.includes(name));
}

function namedBy(columns: Readonly<Record<string, string>>): (key: Key) => JsonObject {
  return (key) =>
    Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, key[column] ?? null]));
}
