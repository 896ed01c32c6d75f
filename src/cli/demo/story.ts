/**
 * A sequence of named, timed steps that leaves nothing behind.
 *
 * A step that makes something registers first how it is removed. However the story ends, everything registered is
 * removed in reverse order, whatever fails on the way; the first error is the one thrown.
 */
import { settleAll } from '../../base/undo.ts';

export type Print = (line: string) => void;

export class Story {
  readonly #print: Print;
  readonly #signal: AbortSignal;
  readonly #start = performance.now();
  #removals: (readonly [what: string, remove: () => Promise<unknown>])[] = [];

  constructor(print: Print, signal: AbortSignal) {
    this.#print = print;
    this.#signal = signal;
  }

  /** `work` returns what to say about it and what it made. No step begins once the signal says stop. */
  async step<T>(
    title: string,
    work: () => Promise<{ readonly said?: string; readonly made: T }>,
  ): Promise<T> {
    const start = performance.now();
    try {
      this.#signal.throwIfAborted();
      const { said, made } = await work();
      this.#print(`✓ ${title}${said ? `: ${said}` : ''} (${seconds(start)})`);
      return made;
    } catch (error) {
      this.#print(`✗ ${title} (${seconds(start)})`);
      throw error;
    }
  }

  /** Registered before the thing exists: a removal must accept that there is nothing to remove. */
  later(what: string, remove: () => Promise<unknown>): void {
    this.#removals.push([what, remove]);
  }

  /** Removes what was registered since the last time. Throws an AggregateError that names what could not be. */
  async removeAll(): Promise<void> {
    await settleAll('not everything could be removed', this.#removals.splice(0).reverse());
  }

  get took(): string {
    return seconds(this.#start);
  }
}

function seconds(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(2)} s`;
}

/** A sleep that ends with the signal's reason when the signal says stop, and so ends whoever waits by it. */
export function interruptible(
  sleep: (ms: number) => Promise<void>,
  signal: AbortSignal,
): (ms: number) => Promise<void> {
  return async (ms) => {
    await sleep(ms);
    signal.throwIfAborted();
  };
}
