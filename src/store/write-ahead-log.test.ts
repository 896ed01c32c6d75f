import assert from 'node:assert/strict';
import { test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { Kysely } from 'kysely';
import { DurableSqliteDialect } from './dialect.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

interface Tables {
  notes: { text: string };
}

/** A disk that is as slow as the test wants: every flush waits to be ended. */
function slowDisk() {
  const flushes: PromiseWithResolvers<void>[] = [];
  const log = new WriteAheadLog(() => {
    const flush = Promise.withResolvers<void>();
    flushes.push(flush);
    return flush.promise;
  });
  return { log, flushes };
}

function open(log: WriteAheadLog): Kysely<Tables> {
  const sqlite = new Sqlite(':memory:');
  sqlite.exec('create table notes (text text not null)');
  return new Kysely<Tables>({ dialect: new DurableSqliteDialect(sqlite, log) });
}

const macrotask = () => new Promise((resolve) => setImmediate(resolve));

test('a flush that began before the commit does not count', async () => {
  const { log, flushes } = slowDisk();
  const first = log.flush();
  await macrotask();
  let isDone = false;
  const second = log.flush().then(() => {
    isDone = true;
  });
  flushes[0]?.resolve();
  await first;
  await macrotask();
  assert.equal(isDone, false);
  flushes[1]?.resolve();
  await second;
});

test('a disk that failed once is asked again', async () => {
  const { log, flushes } = slowDisk();
  const failing = assert.rejects(log.flush(), /disk/);
  await macrotask();
  flushes[0]?.reject(new Error('disk'));
  await failing;
  const again = log.flush();
  await macrotask();
  flushes[1]?.resolve();
  await again;
});

test('writers wait for the disk and share its flushes; readers and other writers go on meanwhile', async () => {
  const { log, flushes } = slowDisk();
  const db = open(log);
  let done = 0;
  const write = (text: string) =>
    db
      .transaction()
      .execute((trx) => trx.insertInto('notes').values({ text }).execute())
      .then(() => {
        done += 1;
      });
  const writes = Array.from({ length: 20 }, (_, index) => write(String(index)));
  const alone = db
    .insertInto('notes')
    .values({ text: 'alone' })
    .execute()
    .then(() => {
      done += 1;
    });
  while ((await db.selectFrom('notes').selectAll().execute()).length < 21) await macrotask();
  assert.equal(done, 0);
  for (let i = 0; done < 21; i++) {
    assert.ok(i < 3, 'more flushes than needed');
    flushes[i]?.resolve();
    await macrotask();
  }
  await Promise.all([...writes, alone]);
});

test('a transaction that is rolled back leaves nothing and gives its turn on', async () => {
  const db = open(new WriteAheadLog(async () => undefined));
  const failing = db.transaction().execute(async (trx) => {
    await trx.insertInto('notes').values({ text: 'x' }).execute();
    throw new Error('no');
  });
  await assert.rejects(failing, /no/);
  assert.deepEqual(await db.selectFrom('notes').selectAll().execute(), []);
  await db.destroy();
});
