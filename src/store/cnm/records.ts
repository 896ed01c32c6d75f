/**
 * The records of the Container Network Model in a SQLite file of their own: a row each, its content as JSON. A change is on
 * disk when the call returns.
 */
import Sqlite from 'better-sqlite3';

export class SqliteRecords {
  readonly #sqlite: Sqlite.Database;

  constructor(file: string) {
    this.#sqlite = new Sqlite(file);
    this.#sqlite.pragma('journal_mode = WAL');
    this.#sqlite.pragma('synchronous = FULL');
    this.#sqlite.exec(
      'CREATE TABLE IF NOT EXISTS records (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)) STRICT',
    );
  }

  async list(kind: string): Promise<never[]> {
    const rows = this.#sqlite.prepare('SELECT body FROM records WHERE kind = ? ORDER BY rowid').all(kind) as {
      body: string;
    }[];
    return rows.map(({ body }) => JSON.parse(body) as never);
  }

  async put(kind: string, record: { readonly id: string }): Promise<void> {
    this.#sqlite
      .prepare(
        'INSERT INTO records VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body',
      )
      .run(kind, record.id, JSON.stringify(record));
  }

  async remove(kind: string, id: string): Promise<void> {
    this.#sqlite.prepare('DELETE FROM records WHERE kind = ? AND id = ?').run(kind, id);
  }

  close(): void {
    this.#sqlite.close();
  }
}
