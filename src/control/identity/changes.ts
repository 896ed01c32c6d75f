/**
 * The one way identity data is changed: a transaction, after which every cached token is looked at anew.
 *
 * Invariants: `epoch` rises after each committed change and before its caller goes on, so whoever read under an
 * older epoch may not cache what it read; a broken unique index becomes the `conflict` that the use case words;
 * with `keepAdmin`, a change that would leave nobody with the role admin is rolled back.
 */
import { Failure } from '../../model/failure.ts';
import { adminRole } from '../../model/identity.ts';
import type { Db, Trx } from '../../store/database.ts';
import { countHolders } from '../../store/identity/assignments.ts';
import { isUniqueViolation } from '../../store/unique.ts';

export interface ChangeOptions {
  /** Words the conflict when a name is taken. */
  readonly taken?: string;
  /** Refuse to take the last administrator's role, account or project away. */
  readonly keepAdmin?: boolean;
}

export class Changes {
  readonly db: Db;
  #epoch = 0;
  readonly #listeners: (() => void)[] = [];

  constructor(db: Db) {
    this.db = db;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** `listener` runs after every change, before the use case that made it returns. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async run<T>(work: (trx: Trx) => Promise<T>, options: ChangeOptions = {}): Promise<T> {
    try {
      return await this.db
        .transaction()
        .execute((trx) => (options.keepAdmin ? keepingAdmin(trx, work) : work(trx)));
    } catch (error) {
      if (options.taken !== undefined && isUniqueViolation(error)) {
        throw new Failure('conflict', options.taken, { cause: error });
      }
      throw error;
    } finally {
      // Also after a failure: a commit whose outcome is unknown may have happened.
      this.#epoch += 1;
      for (const listener of this.#listeners) listener();
    }
  }
}

async function keepingAdmin<T>(trx: Trx, work: (trx: Trx) => Promise<T>): Promise<T> {
  const before = await countHolders(trx, adminRole);
  const result = await work(trx);
  if (before > 0 && (await countHolders(trx, adminRole)) === 0) {
    throw new Failure(
      'conflict',
      `This is the last enabled user with the role ${adminRole}: give the role to another user first.`,
    );
  }
  return result;
}
