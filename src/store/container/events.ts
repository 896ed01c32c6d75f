/** Queries on the log of changes of containers. The database writes it (./events-migration.ts); its oldest part is cut off. */
import type { ContainerEvent } from '../../model/container-event.ts';
import type { DbOrTrx } from '../database.ts';

export interface EventRange {
  /** Exclusive. */
  readonly after: number;
  /** Inclusive; absent = to the end. */
  readonly upTo?: number;
  /** Null = of all projects. */
  readonly projectId: string | null;
  readonly limit: number;
}

/** Oldest first. */
export async function eventsIn(db: DbOrTrx, range: EventRange): Promise<ContainerEvent[]> {
  let query = db.selectFrom('container_events').selectAll().where('seq', '>', range.after);
  if (range.upTo !== undefined) query = query.where('seq', '<=', range.upTo);
  if (range.projectId !== null) query = query.where('project_id', '=', range.projectId);
  const rows = await query.orderBy('seq').limit(range.limit).execute();
  return rows.map(({ seq, project_id: projectId, type, at, container }) => ({
    id: seq,
    projectId,
    type: type as ContainerEvent['type'],
    at,
    containerJson: container,
  }));
}

/** Ids of the oldest and newest event; both 0 when there is none. */
export async function eventBounds(
  db: DbOrTrx,
): Promise<{ readonly oldest: number; readonly newest: number }> {
  const row = await db
    .selectFrom('container_events')
    .select((eb) => [eb.fn.min('seq').as('oldest'), eb.fn.max('seq').as('newest')])
    .executeTakeFirst();
  return { oldest: row?.oldest ?? 0, newest: row?.newest ?? 0 };
}

/** The newest stays always: ids go on from it. */
export async function keepNewestEvents(db: DbOrTrx, count: number): Promise<void> {
  const { oldest, newest } = await eventBounds(db);
  if (newest - oldest < count) return;
  await db
    .deleteFrom('container_events')
    .where('seq', '<=', newest - count)
    .execute();
}
