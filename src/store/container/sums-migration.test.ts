import assert from 'node:assert/strict';
import { test } from 'node:test';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { type Kysely as Db, Kysely, SqliteDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Usage } from '../../model/container-record.ts';
import { migrations } from '../migrations.ts';
import type { Tables } from '../tables.ts';
import { usageByHost, usageOfProject } from './sums.ts';

interface Asked {
  readonly project: string;
  readonly host: string | null;
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
}

function open() {
  const db: Db<Tables> = new Kysely({ dialect: new SqliteDialect({ database: new Sqlite(':memory:') }) });
  return { db, migrator: new Migrator({ db, provider: { getMigrations: async () => migrations } }) };
}

/** Columns that have no default and do not matter here get an empty text. */
async function insert(db: Db<Tables>, uuid: string, asked: Asked) {
  const { rows } = await sql<{
    name: string;
    notnull: number;
    pk: number;
  }>`pragma table_info(containers)`.execute(db);
  const blank = rows.filter(({ notnull, pk }) => notnull && !pk).map(({ name }) => [name, '']);
  const row = {
    ...Object.fromEntries(blank),
    uuid,
    project_id: asked.project,
    host: asked.host,
    cpu: asked.cpu,
    memory_mib: asked.memory,
    disk_gib: asked.disk,
  };
  await db.insertInto('containers').values(row).execute();
}

function sumOf(all: readonly Asked[]): Usage {
  return all.reduce(
    (sum, { cpu, memory, disk }) => ({
      containers: sum.containers + 1,
      cpu: Math.round((sum.cpu + cpu) * 1e6) / 1e6,
      memoryMiB: sum.memoryMiB + memory,
      diskGiB: sum.diskGiB + disk,
    }),
    { containers: 0, cpu: 0, memoryMiB: 0, diskGiB: 0 },
  );
}

const asked: fc.Arbitrary<Asked> = fc.record({
  project: fc.constantFrom('p', 'q'),
  host: fc.constantFrom('a', 'b', null),
  cpu: fc.constantFrom(0, 0.1, 0.25, 1.5),
  memory: fc.nat(512),
  disk: fc.nat(9),
});
const step = fc.record({ uuid: fc.constantFrom('1', '2', '3', '4'), to: fc.option(asked) });

test('containers from before are counted', async () => {
  const { db, migrator } = open();
  assert.equal((await migrator.migrateTo('0013-container-events')).error, undefined);
  await insert(db, 'one', { project: 'p', host: 'a', cpu: 0.1, memory: 64, disk: 1 });
  await insert(db, 'two', { project: 'p', host: null, cpu: 0.2, memory: 64, disk: 0 });
  assert.equal((await migrator.migrateToLatest()).error, undefined);
  assert.deepEqual(await usageOfProject(db, 'p'), { containers: 2, cpu: 0.3, memoryMiB: 128, diskGiB: 1 });
  assert.deepEqual(
    await usageByHost(db),
    new Map([['a', { containers: 1, cpu: 0.1, memoryMiB: 64, diskGiB: 1 }]]),
  );
  await db.destroy();
});

test('whatever comes, changes and goes, the sums are those of the rows', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { db, migrator } = open();
      await migrator.migrateToLatest();
      const rows = new Map<string, Asked>();
      for (const { uuid, to } of steps) {
        if (to === null) await db.deleteFrom('containers').where('uuid', '=', uuid).execute();
        else if (rows.has(uuid)) {
          const { project, host, cpu, memory, disk } = to;
          const set = { project_id: project, host, cpu, memory_mib: memory, disk_gib: disk };
          await db.updateTable('containers').set(set).where('uuid', '=', uuid).execute();
        } else await insert(db, uuid, to);
        if (to === null) rows.delete(uuid);
        else rows.set(uuid, to);
      }
      const all = [...rows.values()];
      for (const project of ['p', 'q']) {
        const expected = sumOf(all.filter((row) => row.project === project));
        assert.deepEqual(await usageOfProject(db, project), expected);
      }
      const hosts = new Set(all.flatMap(({ host }) => host ?? []));
      const byHost = [...hosts].map((host) => [host, sumOf(all.filter((row) => row.host === host))] as const);
      assert.deepEqual(await usageByHost(db), new Map(byHost.toSorted(([a], [b]) => (a < b ? -1 : 1))));
      await db.destroy();
    }),
    { numRuns: 40 },
  );
});
