/**
 * What waits for webhooks: the log of events from each hook's cursor on, as far as it concerns the hook.
 *
 * There is no queue besides the log and the cursors, so nothing can be lost between the two.
 */
import { type ExpressionBuilder, sql } from 'kysely';
import type { DbOrTrx } from '../database.ts';
import type { Tables } from '../tables.ts';

type OfHook = ExpressionBuilder<Tables, 'webhooks'>;

/** Events that a hook is still to be told of, in two indexed parts: those of its project, and everybody's. */
function waiting(eb: OfHook) {
  const later = eb
    .selectFrom('container_events')
    .whereRef('container_events.seq', '>', 'webhooks.cursor')
    .where(sql<boolean>`webhooks.types like '%"' || container_events.type || '"%'`);
  return {
    own: later.whereRef('container_events.project_id', '=', 'webhooks.project_id'),
    everybodys: later.where('webhooks.all_projects', '=', 1),
  };
}

export interface DueAsk {
  readonly now: string;
  /** Those that have failed last time, or the others. */
  readonly areFailing: boolean;
  readonly limit: number;
}

export interface DueWebhook {
  readonly uuid: string;
  readonly projectId: string;
}

/** Hooks that something waits for (an event, or to be told of a gap) and that may be tried now; the longest untried first. */
export async function dueWebhooks(db: DbOrTrx, { now, areFailing, limit }: DueAsk): Promise<DueWebhook[]> {
  return db
    .selectFrom('webhooks')
    .select(['uuid', 'project_id as projectId'])
    .where('enabled', '=', 1)
    .where('failures', areFailing ? '>' : '=', 0)
    .where((eb) => eb.or([eb('next_attempt_at', 'is', null), eb('next_attempt_at', '<=', now)]))
    .where((eb) => {
      const { own, everybodys } = waiting(eb);
      return eb.or([
        eb('cursor', '<', sql<number>`(select min(seq) - 1 from container_events)`),
        eb.exists(own.select('container_events.seq')),
        eb.exists(everybodys.select('container_events.seq')),
      ]);
    })
    .orderBy(sql`coalesce(last_attempt_at, '')`)
    .orderBy('id')
    .limit(limit)
    .execute();
}

export interface PassOver {
  readonly threshold: number;
  readonly oldest: number;
  readonly newest: number;
}

/**
 * Moves cursors that are before `threshold` up to just below what waits, at most to `newest`: then the part of the log that is cut
 * off is missed only by hooks that it concerned. Those that miss something already stay, to be told so.
 */
export async function passOver(db: DbOrTrx, { threshold, oldest, newest }: PassOver): Promise<void> {
  await db
    .updateTable('webhooks')
    .set((eb) => {
      const { own, everybodys } = waiting(eb as unknown as OfHook);
      const first = (events: typeof own) =>
        events.select(sql<number>`container_events.seq - 1`.as('before')).orderBy('seq').limit(1);
      return {
        cursor: eb
          .case()
          .when('all_projects', '=', 1)
          .then(eb.fn.coalesce(first(everybodys), eb.val(newest)))
          .else(eb.fn.coalesce(first(own), eb.val(newest)))
          .end(),
      };
    })
    .where('cursor', '<', threshold)
    .where('cursor', '>=', oldest - 1)
    .execute();
}
