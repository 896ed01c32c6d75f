import assert from 'node:assert/strict';
import { test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from '../migrations.ts';
import { everything } from './common.ts';
import type { AnyDb } from './migration.ts';
import { findRouters } from './routers.ts';

test('routers from before have no static routes, and stay as they are', async () => {
  const db: AnyDb = new Kysely({ dialect: new SqliteDialect({ database: new Sqlite(':memory:') }) });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  assert.equal((await migrator.migrateTo('0005-network-sharing')).error, undefined);
  const old = {
    id: 'r',
    project_id: 'demo',
    name: 'demo-router',
    description: '',
    revision: 3,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    admin_state_up: 1,
    external_network_id: null,
    enable_snat: 1,
  };
  await db.insertInto('routers').values(old).execute();
  assert.equal((await migrator.migrateToLatest()).error, undefined);
  const [router, ...others] = await findRouters(db, everything);
  assert.equal(others.length, 0);
  assert.deepEqual(
    [router?.name, router?.revision, router?.enableSnat, router?.routes, router?.zoneHints],
    ['demo-router', 3, true, [], []],
  );
  await db.destroy();
});
