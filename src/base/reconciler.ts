/**
 * A loop that takes no input: woken by a signal or a timer, it compares all that is wanted with all that is
 * there (`pass`). Wakes during a pass cause exactly one more pass after it. A failed pass is logged and tried
 * again after `retryMs`, doubling up to `longestRetryMs`.
 */
import type { Log } from './log.ts';

export interface ReconcilerOptions {
  readonly name: string;
  readonly log: Log;
  readonly pass: (signal: AbortSignal) => Promise<void>;
  /** A pass at least this often, woken or not. */
  readonly everyMs: number;
  readonly retryMs?: number;
  /** `everyMs` unless told. */
  readonly longestRetryMs?: number;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #failures = 0;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Asks for a pass soon; returns at once. */
  wake(): void {
    if (this.#abort.signal.aborted) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#abort.signal.aborted) return;
      if (this.#again) {
        this.#again = false;
        this.wake();
      } else {
        this.#timer = setTimeout(() => this.wake(), this.#delayMs());
        this.#timer.unref();
      }
    });
  }

  /** No further pass starts; resolves when the running one has ended. */
  async stop(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      await this.#options.pass(this.#abort.signal);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (this.#abort.signal.aborted) return;
      this.#options.log.warn(
        { reconciler: this.#options.name, error, failures: this.#failures },
        'pass failed',
      );
    }
  }

  #delayMs(): number {
    const { everyMs, retryMs = 250, longestRetryMs = everyMs } = this.#options;
    return this.#failures === 0 ? everyMs : Math.min(longestRetryMs, retryMs * 2 ** (this.#failures - 1));
  }
}
