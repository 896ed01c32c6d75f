import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from './database.ts';
import { ensureInstanceId, ensureSetting, findSetting } from './settings.ts';

test('a setting is made once and never changes', async () => {
  const db = await openDatabase(':memory:');
  assert.equal(await findSetting(db, 'color'), undefined);
  assert.equal(await ensureSetting(db, 'color', () => 'blue'), 'blue');
  assert.equal(await ensureSetting(db, 'color', () => 'red'), 'blue');
  await db.destroy();
});

test('callers that race get the same value', async () => {
  const db = await openDatabase(':memory:');
  let next = 0;
  const values = await Promise.all(
    Array.from({ length: 8 }, () => ensureSetting(db, 'key', () => String(next++))),
  );
  assert.equal(new Set(values).size, 1);
  await db.destroy();
});

test('the instance id is 32 hexadecimal digits and stays', async () => {
  const db = await openDatabase(':memory:');
  const id = await ensureInstanceId(db);
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(await ensureInstanceId(db), id);
  await db.destroy();
});
