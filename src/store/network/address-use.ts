/** How many addresses of each subnet ports have. */
import type { Uuid } from '../../model/ids.ts';
import type { DbOrTrx } from '../database.ts';

export async function countAddresses(db: DbOrTrx): Promise<Map<Uuid, number>> {
  const rows = await db
    .selectFrom('fixed_ips')
    .select((eb) => ['subnet_id', eb.fn.countAll().as('count')])
    .groupBy('subnet_id')
    .execute();
  return new Map(rows.map((row) => [row.subnet_id, Number(row.count)]));
}
