/**
 * Decoded containers by uuid and version: a list of a thousand mostly shows what it showed the second before, and
 * reading and parsing a thousand rows is most of its cost.
 *
 * The version comes from the database with every look, so another process's change is never missed. A container
 * that has not changed is the same object each time, which lets the API keep what it rendered (a WeakMap will do).
 */
import { LRUCache } from 'lru-cache';
import type { Container } from '../../model/container-record.ts';
import type { DbOrTrx } from '../database.ts';
import { containerColumns, toContainer } from './codec.ts';

interface Versioned {
  readonly version: number;
  readonly container: Container;
}

/** About 5 kB each with what the API keeps beside it. */
const cached = new LRUCache<string, Versioned>({ max: 4_000 });

/** In the order of `rows`; what has been deleted since they were read is left out. */
export async function readThroughCache(
  db: DbOrTrx,
  rows: readonly { readonly uuid: string; readonly version: number }[],
): Promise<Container[]> {
  const stale = rows.filter(({ uuid, version }) => cached.get(uuid)?.version !== version);
  const fresh = new Map<string, Container>();
  if (stale.length > 0) {
    const read = await db
      .selectFrom('containers')
      .select([...containerColumns, 'version'])
      .where(
        'uuid',
        'in',
        stale.map(({ uuid }) => uuid),
      )
      .execute();
    for (const row of read) {
      const container = toContainer(row);
      fresh.set(row.uuid, container);
      cached.set(row.uuid, { version: row.version, container });
    }
  }
  const missing = new Set(stale.map(({ uuid }) => uuid));
  return rows.flatMap(({ uuid }) => {
    const container = missing.has(uuid) ? fresh.get(uuid) : cached.get(uuid)?.container;
    return container ? [container] : [];
  });
}
