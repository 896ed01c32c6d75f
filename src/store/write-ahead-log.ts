/**
 * Puts SQLite's write-ahead log on disk: one flush serves all that was committed before it began.
 *
 * With synchronous=NORMAL a commit is written to the log and SQLite does not wait for the disk. Whoever is to be told
 * that something is done waits for a flush here, on a thread of Node's pool: commits that come together share one, and
 * the process goes on meanwhile. The guarantee is that of synchronous=FULL.
 */
import { closeSync, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';

const sync = promisify(fdatasync);

export class WriteAheadLog {
  readonly #flushFile: () => Promise<void>;
  readonly #closeFile: () => void;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(flushFile: () => Promise<void>, closeFile: () => void = () => undefined) {
    this.#flushFile = flushFile;
    this.#closeFile = closeFile;
  }

  /** Of a database in WAL mode; `:memory:` has none. */
  static of(database: string): WriteAheadLog {
    if (database === ':memory:') return new WriteAheadLog(async () => undefined);
    let fd: number | undefined;
    return new WriteAheadLog(
      () => {
        // There from the first write on.
        fd ??= openSync(`${database}-wal`, 'r');
        return sync(fd);
      },
      // SQLite's locks are on its other two files: closing this one releases none of them.
      () => {
        if (fd !== undefined) closeSync(fd);
      },
    );
  }

  /** Resolves when everything committed by now is on disk. A flush under way may have begun before: the next has not. */
  flush(): Promise<void> {
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        this.#running = this.#flushFile();
        return this.#running;
      });
    return this.#next;
  }

  /** A flush under way is finished. */
  async close(): Promise<void> {
    await this.#running.catch(() => undefined);
    this.#closeFile();
  }
}
