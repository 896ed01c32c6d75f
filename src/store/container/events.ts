/** Queries on the log of changes of containers. The database writes it (./events-migration.ts); its oldest part is cut off. */
import type { ContainerEvent, ContainerEventType } from '../../model/container-event.ts';
import type { DbOrTrx } from '../database.ts';
import { passOver } from './webhook-queue.ts';

export interface EventRange {
  /** Exclusive. */
  readonly after: number;
  /** Inclusive; absent = to the end. */
  readonly upTo?: number;
  /** Null = of all projects. */
  readonly projectId: string | null;
  /** Absent = of all. */
  readonly types?: readonly ContainerEventType[];
  readonly limit: number;
}

/** Oldest first. */
export async function eventsIn(db: DbOrTrx, range: EventRange): Promise<ContainerEvent[]> {
  let query = db.selectFrom('container_events').selectAll().where('seq', '>', range.after);
  if (range.upTo !== undefined) query = query.where('seq', '<=', range.upTo);
  if (range.projectId !== null) query = query.where('project_id', '=', range.projectId);
  if (range.types !== undefined) query = query.where('type', 'in', range.types);
  const rows = await query.orderBy('seq').limit(range.limit).execute();
  return rows.map((row) => ({
    id: row.seq,
    projectId: row.project_id,
    containerUuid: row.container_uuid,
    type: row.type as ContainerEventType,
    at: row.at,
    containerJson: row.container,
  }));
}

/** Ids of the oldest and newest event; both 0 when there is none. Two look-ups: asked for together they would read every row. */
export async function eventBounds(
  db: DbOrTrx,
): Promise<{ readonly oldest: number; readonly newest: number }> {
  const row = await db
    .selectNoFrom((eb) => [
      eb
        .selectFrom('container_events')
        .select((of) => of.fn.min('seq').as('oldest'))
        .as('oldest'),
      eb
        .selectFrom('container_events')
        .select((of) => of.fn.max('seq').as('newest'))
        .as('newest'),
    ])
    .executeTakeFirst();
  return { oldest: row?.oldest ?? 0, newest: row?.newest ?? 0 };
}

/** Webhooks that nothing waits for are moved on when they are this far behind: looking for them reads that much at most. */
const idleLag = 500;

/** The newest stays always: ids go on from it. Webhooks that lose nothing by the cut are moved past it. */
export async function keepNewestEvents(db: DbOrTrx, count: number): Promise<void> {
  const { oldest, newest } = await eventBounds(db);
  await passOver(db, { threshold: newest - Math.min(count, idleLag), oldest, newest });
  if (newest - oldest < count) return;
  await db
    .deleteFrom('container_events')
    .where('seq', '<=', newest - count)
    .execute();
}
