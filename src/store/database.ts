/**
 * The one door to SQL: opens the database, sets it up and brings its schema up to date.
 *
 * One SQLite file in WAL mode: what a request was told is done survives a power cut, because every write waits
 * until the log is on disk (./dialect.ts). Other requests may see it a moment earlier. There is one connection;
 * inside `transaction` await nothing but the database, since everything else queues.
 * Columns hold text, integers and reals only (0/1 for booleans, JSON as text, ISO 8601 UTC for times), so that the
 * same tables work on PostgreSQL. Each resource has a file of queries and a row ↔ domain codec beside it.
 */
import Sqlite from 'better-sqlite3';
import { Kysely, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import { DurableSqliteDialect } from './dialect.ts';
import { migrations } from './migrations.ts';
import type { Tables } from './tables.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

export type Db = Kysely<Tables>;
export type Trx = Transaction<Tables>;
/** A query runs on either; multi-row changes take a Trx so that the type says they must be in one. */
export type DbOrTrx = Db | Trx;

/** `file` may be `:memory:`. Throws when the file was written by a newer version. */
export async function openDatabase(file: string): Promise<Db> {
  const sqlite = new Sqlite(file);
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma('synchronous = NORMAL');
  sqlite.pragma('foreign_keys = ON');
  sqlite.pragma('busy_timeout = 5000');
  const db = new Kysely<Tables>({
    dialect: new DurableSqliteDialect(sqlite, WriteAheadLog.of(file)),
  });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error) {
    await db.destroy();
    throw error;
  }
  return db;
}
