import assert from 'node:assert/strict';
import { test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from '../migrations.ts';
import type { AnyDb } from './migration.ts';

test('networks that were shared or external stay so, through policies', async () => {
  const db: AnyDb = new Kysely({ dialect: new SqliteDialect({ database: new Sqlite(':memory:') }) });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateTo('0004-network-attributes');
  assert.equal(error, undefined);
  const network = (id: string, segment: number, flags: { shared: number; external: number }) => ({
    id,
    project_id: 'infra',
    name: id,
    description: '',
    revision: 1,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    admin_state_up: 1,
    port_security_enabled: 1,
    mtu: 1450,
    segmentation_id: segment,
    ...flags,
  });
  const old = [
    network('private', 1, { shared: 0, external: 0 }),
    network('common', 2, { shared: 1, external: 0 }),
    network('public', 3, { shared: 0, external: 1 }),
  ];
  await db.insertInto('networks').values(old).execute();
  assert.equal((await migrator.migrateToLatest()).error, undefined);
  const policies = await db
    .selectFrom('rbac_policies')
    .select(['object_id', 'action', 'target_project', 'project_id'])
    .orderBy('object_id')
    .execute();
  assert.deepEqual(policies, [
    { object_id: 'common', action: 'access_as_shared', target_project: '*', project_id: 'infra' },
    { object_id: 'public', action: 'access_as_external', target_project: '*', project_id: 'infra' },
  ]);
  await db.destroy();
});
