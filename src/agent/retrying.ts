/**
 * Sends what is due to the server, now and again until the server has it.
 *
 * `send` is called with nothing to lose: it sends a snapshot and drops only what was acknowledged. Calls never
 * overlap; what is added during one is sent right after it. While the server is away the pauses grow to two seconds.
 */
import type { Log } from '../base/log.ts';
import { isFailure } from '../model/failure.ts';

const firstPauseMs = 50;
const longestPauseMs = 2_000;

/** The other side, or Docker, is not there just now: the same attempt may succeed later. */
export function isTransient(error: unknown): boolean {
  return (
    isFailure(error, 'unavailable') || isFailure(error, 'timeout') || isFailure(error, 'docker-unavailable')
  );
}

/**
 * A dockerd that was killed while it started the container left a task of its id behind, and no container of that id can
 * start any more. One that is made anew has another id.
 */
export function isTaskLeft(error: unknown): boolean {
  return isFailure(error, 'docker-error') && /\btask \w+: already exists/.test(error.message);
}

export class Retrying {
  readonly #name: string;
  readonly #log: Log;
  readonly #send: () => Promise<void>;
  #running: Promise<void> | undefined;
  #isDue = false;
  #isStopped = false;
  #endPause: (() => void) | undefined;

  constructor(name: string, log: Log, send: () => Promise<void>) {
    this.#name = name;
    this.#log = log;
    this.#send = send;
  }

  /** Something is due. */
  poke(): void {
    this.#isDue = true;
    if (this.#isStopped || this.#running) return;
    this.#running = this.#loop().finally(() => {
      this.#running = undefined;
      if (this.#isDue) this.poke();
    });
  }

  /** One last attempt, then silence. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#endPause?.();
    await this.#running;
    if (this.#isDue)
      await this.#send().catch((error: unknown) => this.#log.warn({ error }, `${this.#name} not sent`));
    this.#isDue = false;
  }

  async #loop(): Promise<void> {
    let pauseMs = firstPauseMs;
    while (this.#isDue && !this.#isStopped) {
      // What is added while this waits for its turn goes with the same message.
      await null;
      this.#isDue = false;
      try {
        await this.#send();
        pauseMs = firstPauseMs;
      } catch (error) {
        this.#isDue = true;
        this.#log.warn({ error, pauseMs }, `${this.#name} not sent yet`);
        await this.#pause(pauseMs);
        pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
