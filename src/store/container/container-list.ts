/**
 * The users' list of containers: filters, one sort key with the row number as tie-break, and keyset paging
 * (the page after a row is found by comparing values, not by counting).
 */
import type { Expression, ExpressionBuilder } from 'kysely';
import type { Container } from '../../model/container-record.ts';
import type { DbOrTrx } from '../database.ts';
import type { Tables } from '../tables.ts';
import { readThroughCache } from './container-cache.ts';
import type { ContainersTable } from './tables.ts';

type Column = keyof ContainersTable & string;

/** Sort keys of the API → column; null = the same in every row, so the tie-break decides. */
export const containerSortColumns: Readonly<Record<string, Column | null>> = {
  id: 'id',
  uuid: 'uuid',
  name: 'name',
  image: 'image',
  project_id: 'project_id',
  user_id: 'user_id',
  container_id: 'runtime_id',
  cpu: 'cpu',
  cpu_policy: 'cpu_policy',
  memory: 'memory_mib',
  status: 'status',
  status_reason: 'status_reason',
  status_detail: 'status',
  task_state: 'task_state',
  workdir: 'workdir',
  hostname: 'hostname',
  host: 'host',
  interactive: 'interactive',
  tty: 'tty',
  image_driver: 'image_driver',
  auto_remove: 'auto_remove',
  auto_heal: 'auto_heal',
  runtime: 'runtime',
  disk: 'disk_gib',
  privileged: 'privileged',
  started_at: 'started_at',
  created_at: 'created_at',
  updated_at: 'updated_at',
  capsule_id: null,
  registry_id: null,
  container_type: null,
};

const nullable: ReadonlySet<Column> = new Set([
  'runtime_id',
  'status_reason',
  'task_state',
  'workdir',
  'hostname',
  'host',
  'runtime',
  'started_at',
  'updated_at',
]);

export interface ContainerFilters {
  readonly name?: string;
  readonly image?: string;
  readonly projectId?: string;
  readonly userId?: string;
  readonly memoryMiB?: number;
  readonly host?: string;
  readonly taskState?: string;
  readonly status?: string;
  readonly autoRemove?: boolean;
}

/** What Zun cannot ask for. Times are ISO 8601 UTC as they are stored. */
export interface MoreFilters {
  /** All of them; a null value = whatever the label says. A superset is found: the caller looks again. */
  readonly labels: readonly LabelFilter[];
  readonly createdSince?: string;
  readonly createdBefore?: string;
  readonly changedSince?: string;
  readonly changedBefore?: string;
}
export type LabelFilter = readonly [name: string, value: string | null];

export interface ContainerListQuery {
  /** Null = of all projects. */
  readonly projectId: string | null;
  readonly filters: ContainerFilters;
  readonly more?: MoreFilters;
  /** A key of `containerSortColumns`. */
  readonly sortKey: string;
  readonly descending: boolean;
  readonly limit: number;
  /** Uuid of the last row of the page before: one that is there, unless the list is sorted by uuid. */
  readonly marker?: string;
}

const filterColumns: Readonly<Record<keyof ContainerFilters, Column>> = {
  name: 'name',
  image: 'image',
  projectId: 'project_id',
  userId: 'user_id',
  memoryMiB: 'memory_mib',
  host: 'host',
  taskState: 'task_state',
  status: 'status',
  autoRemove: 'auto_remove',
};

const timeFilters = {
  createdSince: ['created', '>='],
  createdBefore: ['created', '<'],
  changedSince: ['changed', '>='],
  changedBefore: ['changed', '<'],
} as const;
type TimeFilter = keyof typeof timeFilters;

function timesOf(more: MoreFilters | undefined): [TimeFilter, string][] {
  if (!more) return [];
  const { labels: _, ...times } = more;
  return Object.entries(times) as [TimeFilter, string][];
}

export async function listContainers(db: DbOrTrx, query: ContainerListQuery): Promise<Container[]> {
  const direction = query.descending ? 'desc' : 'asc';
  const after = query.descending ? '<' : '>';
  const column = containerSortColumns[query.sortKey] ?? 'id';
  let select = db.selectFrom('containers').select(['containers.uuid', 'containers.version']);
  if (query.projectId !== null) select = select.where('project_id', '=', query.projectId);
  for (const [filter, value] of Object.entries(query.filters)) {
    const bound = typeof value === 'boolean' ? Number(value) : value;
    select = select.where(filterColumns[filter as keyof ContainerFilters], '=', bound);
  }
  for (const [name, value] of query.more?.labels ?? []) {
    const text = value === null ? JSON.stringify(name) : `${JSON.stringify(name)}:${JSON.stringify(value)}`;
    select = select.where('spec', 'like', `%${text}%`);
  }
  for (const [filter, value] of timesOf(query.more)) {
    const [of, operator] = timeFilters[filter];
    select = select.where(
      (eb) => (of === 'created' ? eb.ref('created_at') : eb.fn.coalesce('updated_at', 'created_at')),
      operator,
      value,
    );
  }
  if (query.marker !== undefined && column === 'uuid') select = select.where('uuid', after, query.marker);
  else if (query.marker !== undefined) {
    const marker = query.marker;
    select = select.where((eb) => {
      const value = (table: 'containers' | 'last') => comparable(eb, column, table);
      return eb.exists(
        eb
          .selectFrom('containers as last')
          .select('last.id')
          .where('last.uuid', '=', marker)
          .where((inner) =>
            inner.or([
              inner(value('containers'), after, value('last')),
              inner.and([
                inner(value('containers'), '=', value('last')),
                inner('containers.id', after, inner.ref('last.id')),
              ]),
            ]),
          ),
      );
    });
  }
  if (column !== 'id') select = select.orderBy((eb) => comparable(eb, column, 'containers'), direction);
  const rows = await select.orderBy('containers.id', direction).limit(query.limit).execute();
  return readThroughCache(db, rows);
}

/** Nulls compare as empty text, in the order as well as between pages: else a page would skip them. */
function comparable(
  eb: ExpressionBuilder<Tables, 'containers'>,
  column: Column,
  table: 'containers' | 'last',
): Expression<unknown> {
  const value = eb.ref(`${table}.${column}` as 'containers.name');
  return nullable.has(column) ? eb.fn.coalesce(value, eb.val('')) : value;
}
