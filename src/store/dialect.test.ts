import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { isFailure } from '../model/failure.ts';
import { type Db, openDatabase } from './database.ts';

async function withDatabase(work: (db: Db) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-dialect-'));
  const db = await openDatabase(join(folder, 'berth.db'));
  try {
    await work(db);
  } finally {
    await db.destroy();
    rmSync(folder, { recursive: true });
  }
}

const limitPages = (db: Db, pages: number) => sql`pragma max_page_count = ${sql.lit(pages)}`.execute(db);

test('a full disk is said, undoes the transaction, and is got over', () =>
  withDatabase(async (db) => {
    await sql`create table notes (text text not null)`.execute(db);
    const insert = (bytes: number) => sql`insert into notes (text) values (${'x'.repeat(bytes)})`;
    const count = async () => (await sql`select * from notes`.execute(db)).rows.length;
    await limitPages(db, 1);

    const isSaid = (error: unknown) =>
      isFailure(error, 'unavailable') && /disk .* is full/.test(error.message);
    const both = db.transaction().execute(async (trx) => {
      await insert(10).execute(trx);
      await insert(1_000_000).execute(trx);
    });
    await assert.rejects(both, isSaid);
    await assert.rejects(insert(1_000_000).execute(db), isSaid);
    assert.equal(await count(), 0);

    await limitPages(db, 100_000);
    await insert(1_000_000).execute(db);
    assert.equal(await count(), 1);
  }));

test('what fails for another reason is undone and keeps its error', () =>
  withDatabase(async (db) => {
    await sql`create table notes (text text not null unique)`.execute(db);
    const insert = sql`insert into notes (text) values ('one')`;
    const twice = db.transaction().execute(async (trx) => {
      await insert.execute(trx);
      await insert.execute(trx);
    });
    await assert.rejects(twice, { code: 'SQLITE_CONSTRAINT_UNIQUE' });
    assert.deepEqual((await sql`select * from notes`.execute(db)).rows, []);
  }));
