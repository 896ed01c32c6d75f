/**
 * SQLite for Kysely, with two things that its own dialect does not do.
 *
 * Whoever wrote waits for the disk after giving the one connection back, so that commits that come together share a
 * flush (./write-ahead-log.ts). And statements are prepared once: that is half the price of a small query.
 */
import type Sqlite from 'better-sqlite3';
import { type DatabaseConnection, type Driver, SqliteAdapter, SqliteDialect, SqliteDriver } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { WriteAheadLog } from './write-ahead-log.ts';

const keptStatements = 500;

export class DurableSqliteDialect extends SqliteDialect {
  readonly #database: PreparedDatabase;
  readonly #log: WriteAheadLog;

  constructor(sqlite: Sqlite.Database, log: WriteAheadLog) {
    const database = new PreparedDatabase(sqlite);
    super({ database });
    this.#database = database;
    this.#log = log;
  }

  override createDriver(): Driver {
    return new DurableDriver(this.#database, this.#log);
  }

  override createAdapter(): SqliteAdapter {
    return new OwnTurnsAdapter();
  }
}

/** Turns on the one connection are taken in the driver: Kysely's would be kept while waiting for the disk. */
class OwnTurnsAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class DurableDriver extends SqliteDriver {
  readonly #database: PreparedDatabase;
  readonly #log: WriteAheadLog;
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];

  constructor(database: PreparedDatabase, log: WriteAheadLog) {
    super({ database });
    this.#database = database;
    this.#log = log;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
    return super.acquireConnection();
  }

  override async releaseConnection(): Promise<void> {
    const hasWritten = this.#database.takeHasWritten();
    const next = this.#waiting.shift();
    if (next) next();
    else this.#isTaken = false;
    if (hasWritten) await this.#log.flush();
  }

  override async destroy(): Promise<void> {
    await this.#log.close();
    await super.destroy();
  }
}

/** Keeps prepared statements, and notes whether one that writes was asked for. */
class PreparedDatabase {
  readonly #sqlite: Sqlite.Database;
  readonly #statements = new LRUCache<string, Sqlite.Statement<unknown[]>>({ max: keptStatements });
  #hasWritten = false;

  constructor(sqlite: Sqlite.Database) {
    this.#sqlite = sqlite;
  }

  prepare(sql: string): Sqlite.Statement<unknown[]> {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#sqlite.prepare<unknown[]>(sql);
      this.#statements.set(sql, statement);
    }
    this.#hasWritten ||= !statement.readonly;
    return statement;
  }

  takeHasWritten(): boolean {
    const hasWritten = this.#hasWritten;
    this.#hasWritten = false;
    return hasWritten;
  }

  close(): void {
    this.#sqlite.close();
  }
}
