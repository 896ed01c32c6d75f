/** How much there is, over all projects: what `berth status` shows. */
import type { Db } from './database.ts';

export async function countEverything(db: Db): Promise<Record<string, number>> {
  const count = async (table: 'containers' | 'networks' | 'ports'): Promise<number> => {
    const row = await db.selectFrom(table).select(db.fn.countAll<number>().as('count')).executeTakeFirst();
    return row?.count ?? 0;
  };
  const running = await db
    .selectFrom('containers')
    .select(db.fn.countAll<number>().as('count'))
    .where('status', '=', 'Running')
    .executeTakeFirst();
  return {
    containers: await count('containers'),
    running: running?.count ?? 0,
    networks: await count('networks'),
    ports: await count('ports'),
  };
}
