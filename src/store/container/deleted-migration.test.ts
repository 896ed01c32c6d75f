import assert from 'node:assert/strict';
import { test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from '../migrations.ts';
import type { Tables } from '../tables.ts';
import { findDeleted, insertDeleted, listDeleted } from './deleted-containers.ts';

test('a database of before learns to remember deleted containers, and keeps what it has', async () => {
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: new Sqlite(':memory:') }) });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  assert.equal((await migrator.migrateTo('0013-container-events')).error, undefined);
  const key = { project_id: 'p', key: 'k', fingerprint: 'f', container_uuid: 'c', created_at: '2030' };
  await db.insertInto('container_create_keys').values(key).execute();
  assert.equal((await migrator.migrateToLatest()).error, undefined);
  assert.deepEqual(await db.selectFrom('container_create_keys').selectAll().execute(), [key]);
  const uuid = '11111111-1111-4111-8111-111111111111';
  const at = '2030-01-01T00:00:00.000Z';
  const deleted = {
    uuid,
    name: 'web',
    projectId: 'p',
    userId: 'u',
    image: 'busybox',
    host: 'h1',
    createdAt: at,
    deletedAt: at,
    deletedBy: 'v',
    requestId: 'req-1',
    keptUntil: at,
    logs: { bytes: null, reason: 'why' },
  };
  await db.transaction().execute((trx) => insertDeleted(trx, deleted));
  assert.deepEqual(await findDeleted(db, uuid), { id: 1, ...deleted });
  assert.deepEqual(await listDeleted(db, { projectId: 'other', limit: 10, now: '2029' }), []);
  assert.equal((await listDeleted(db, { projectId: 'p', limit: 10, now: '2029' })).length, 1);
  await db.destroy();
});
