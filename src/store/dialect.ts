/**
 * SQLite for Kysely, with what its own dialect does not do.
 *
 * Whoever wrote waits for the disk after giving the one connection back, so that commits that come together share a
 * flush (./write-ahead-log.ts). And statements are prepared once: that is half the price of a small query.
 * A full disk is a Failure that says so; SQLite has undone the transaction by itself then.
 */
import type Sqlite from 'better-sqlite3';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
} from 'kysely';
import { LRUCache } from 'lru-cache';
import { Failure } from '../model/failure.ts';
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
    return new TellingConnection(await super.acquireConnection());
  }

  /** What failed stays the error that is seen: nothing is left to undo when SQLite has undone it. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isInTransaction) await super.rollbackTransaction(connection);
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

/** Says in people's words what the disk refuses. */
class TellingConnection implements DatabaseConnection {
  readonly #connection: DatabaseConnection;

  constructor(connection: DatabaseConnection) {
    this.#connection = connection;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      return await this.#connection.executeQuery<Row>(query);
    } catch (error) {
      throw diskFailure(error) ?? error;
    }
  }

  streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    return this.#connection.streamQuery<Row>(query, chunkSize);
  }
}

function diskFailure(error: unknown): Failure | undefined {
  const { code } = error as { readonly code?: unknown };
  if (code !== 'SQLITE_FULL') return undefined;
  const message = 'The disk that holds the state of the cloud is full: nothing was changed. Try again later.';
  return new Failure('unavailable', message, { cause: error });
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

  get isInTransaction(): boolean {
    return this.#sqlite.inTransaction;
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
