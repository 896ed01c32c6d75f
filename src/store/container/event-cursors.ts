/** How far readers of the log have come that keep their place in the database. */
import type { DbOrTrx } from '../database.ts';

/** Undefined = it has never read. */
export async function findEventCursor(db: DbOrTrx, reader: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('event_cursors')
    .select('seq')
    .where('reader', '=', reader)
    .executeTakeFirst();
  return row?.seq;
}

export async function saveEventCursor(db: DbOrTrx, reader: string, seq: number): Promise<void> {
  await db
    .insertInto('event_cursors')
    .values({ reader, seq })
    .onConflict((conflict) => conflict.column('reader').doUpdateSet({ seq }))
    .execute();
}
