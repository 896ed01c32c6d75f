/** Waiting for an operation to end: woken by reports in this process, looking at the store in between for others. */

import { findOperation } from '../../store/container/operations.ts';
import type { Db } from '../../store/database.ts';

const lookEveryMs = 500;

export class OperationEnds {
  readonly #db: Db;
  readonly #waiting = new Map<string, () => void>();

  constructor(db: Db) {
    this.#db = db;
  }

  /** Resolves when the operation has ended, its container is gone, or the deadline has passed. */
  async wait(id: string, deadlineMs: number): Promise<void> {
    const until = performance.now() + deadlineMs;
    while (performance.now() < until) {
      const operation = await findOperation(this.#db, id);
      if (!operation || operation.finishedAt !== null) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, lookEveryMs);
        this.#waiting.set(id, () => {
          clearTimeout(timer);
          resolve();
        });
      });
      this.#waiting.delete(id);
    }
  }

  ended(id: string): void {
    this.#waiting.get(id)?.();
  }
}
