/**
 * One process per state folder.
 *
 * The lock is a write lock on a SQLite file of its own: taking it is atomic, the kernel drops it however the holder
 * ends, and it holds across containers and namespaces that share the folder. The file itself says nothing and stays.
 */
import Sqlite from 'better-sqlite3';

export interface StateLock {
  release(): void;
}

/** Undefined when another process holds it. */
export function takeStateLock(file: string): StateLock | undefined {
  const sqlite = new Sqlite(file, { timeout: 0 });
  try {
    sqlite.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    sqlite.close();
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  return { release: () => void sqlite.close() };
}
