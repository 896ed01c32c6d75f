/**
 * What the resources of the network store share: who may see rows, conditions on columns, and the codec of the
 * columns that all have.
 */
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { Uuid } from '../../model/ids.ts';
import type { DbOrTrx } from '../database.ts';
import type { Tables } from '../tables.ts';
import type { CommonRow } from './tables.ts';

/** Whose objects a look-up may find. */
export type Scope =
  | { readonly kind: 'everything' }
  | { readonly kind: 'project'; readonly projectId: string };

export const everything: Scope = { kind: 'everything' };

/** Column → accepted values (any of them). All conditions must hold. */
export type Where<Row> = { readonly [Column in keyof Row]?: readonly Row[Column][] };

/** A statement may bind only so many values (SQLite 32,766): long lists of ids go in pieces. */
const mostIdsAtOnce = 10_000;

export async function inPieces<T>(
  ids: readonly string[],
  load: (piece: readonly string[]) => Promise<T[]>,
): Promise<T[]> {
  if (ids.length === 0) return [];
  if (ids.length <= mostIdsAtOnce) return load(ids);
  const first = await load(ids.slice(0, mostIdsAtOnce));
  return [...first, ...(await inPieces(ids.slice(mostIdsAtOnce), load))];
}

/** The conditions as one expression for `query.where`. Columns come from row types, values are bound. */
export function matching<Table extends keyof Tables>(
  eb: ExpressionBuilder<Tables, Table>,
  table: Table,
  where: Where<Tables[Table]>,
): Expression<SqlBool> {
  const conditions = Object.entries(where).flatMap(([column, values]) => {
    if (values === undefined) return [];
    const reference = eb.ref(`${table}.${column}` as never);
    return [eb(reference, 'in', values as never) as Expression<SqlBool>];
  });
  return eb.and(conditions);
}

export async function tagsOf(db: DbOrTrx, ids: readonly Uuid[]): Promise<Map<Uuid, string[]>> {
  const rows = await inPieces(ids, (piece) =>
    db.selectFrom('network_tags').selectAll().where('resource_id', 'in', piece).orderBy('tag').execute(),
  );
  return groupBy(
    rows,
    (row) => row.resource_id,
    (row) => row.tag,
  );
}

export function groupBy<T, V>(
  rows: readonly T[],
  key: (row: T) => string,
  value: (row: T) => V,
): Map<string, V[]> {
  const groups = new Map<string, V[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(value(row));
    else groups.set(key(row), [value(row)]);
  }
  return groups;
}

export function commonOf(row: CommonRow, tags: ReadonlyMap<Uuid, string[]>) {
  return {
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    description: row.description,
    tags: tags.get(row.id) ?? [],
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

interface CommonObject {
  readonly id: Uuid;
  readonly projectId: string;
  readonly name: string;
  readonly description: string;
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function commonRow(object: CommonObject): CommonRow {
  return {
    id: object.id,
    project_id: object.projectId,
    name: object.name,
    description: object.description,
    revision: object.revision,
    created_at: object.createdAt,
    updated_at: object.updatedAt,
  };
}

export const bit = (value: boolean): number => (value ? 1 : 0);
