/**
 * What nobody wants any more: dockerd ignores failed deletes and repeats nothing, so what was not released while this
 * driver was away stays in the network service.
 *
 * An orphan is freed when it has been one for the grace period: others may just be made. Looked for is every so often,
 * and soon after a start or after Docker was away, which is when there may be some.
 */
import type { Log } from '../../base/log.ts';

/** What cannot be freed is not tried without a break, either. */
const leastPauseMs = 1_000;

export interface Orphan {
  readonly kind: string;
  readonly id: string;
}

/** One kind of object: which are orphans at this moment, and how one is freed. */
export interface Shelter {
  readonly kind: string;
  find(): Promise<readonly string[]>;
  /** Absent = only the operator can; its id says how. */
  free?(id: string): Promise<void>;
}

export interface OrphansOptions {
  /** In the order of freeing: users before what they use. */
  readonly shelters: readonly Shelter[];
  readonly graceMs: number;
  readonly everyMs: number;
  /** Nothing is freed; the log tells what would be. */
  readonly isDryRun: boolean;
  readonly log: Log;
}

export class Orphans {
  readonly #options: OrphansOptions;
  /** Orphan → when it was first seen. */
  #seen: ReadonlyMap<string, number> = new Map();
  /** Some are in their grace period, or could not be freed. */
  #isWaiting = false;
  /** How often in a row somebody could not tell. */
  #blindLooks = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking = Promise.resolve();
  #isStopped = false;

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  /** From now on looks by itself, the first time when whoever was interrupted has had the grace period to go on. */
  lookSoon(): void {
    this.#lookIn(this.#soonMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  /** All of this moment, whether the grace period is over or not; nothing is changed. */
  async look(): Promise<Orphan[]> {
    const found: Orphan[] = [];
    for (const { kind, find } of this.#options.shelters) {
      found.push(...(await find()).map((id) => ({ kind, id })));
    }
    return found;
  }

  /** Frees those whose grace period is over. One that fails, or a kind that cannot be looked at, hinders no other. */
  async sweep(graceMs = this.#options.graceMs): Promise<Orphan[]> {
    const seen = new Map<string, number>();
    const freed: Orphan[] = [];
    let isWaiting = false;
    let isBlind = false;
    for (const shelter of this.#options.shelters) {
      const found = await this.#find(shelter);
      isBlind ||= found === undefined;
      for (const id of found ?? []) {
        const since = this.#seen.get(id) ?? performance.now();
        if (this.#isStopped) return freed;
        const isDue = performance.now() - since >= graceMs;
        if (isDue && (await this.#free(shelter, id))) {
          freed.push({ kind: shelter.kind, id });
          continue;
        }
        seen.set(id, since);
        isWaiting ||= !isDue || shelter.free !== undefined;
      }
    }
    this.#seen = seen;
    this.#isWaiting = isWaiting;
    this.#blindLooks = isBlind ? this.#blindLooks + 1 : 0;
    return freed;
  }

  get #soonMs(): number {
    const { graceMs, everyMs } = this.#options;
    return Math.min(everyMs, Math.max(graceMs, leastPauseMs));
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#looking = this.#looking.then(() => this.#pass());
    }, ms);
    this.#timer.unref();
  }

  async #pass(): Promise<void> {
    await this.sweep();
    // Asked for meanwhile: that look sees more than this one did.
    if (this.#timer === undefined) this.#lookIn(this.#pauseMs);
  }

  get #pauseMs(): number {
    const { everyMs, isDryRun } = this.#options;
    if (this.#blindLooks > 0) return Math.min(everyMs, this.#soonMs * 2 ** (this.#blindLooks - 1));
    return this.#isWaiting && !isDryRun ? this.#soonMs : everyMs;
  }

  async #find({ kind, find }: Shelter): Promise<readonly string[] | undefined> {
    try {
      return await find();
    } catch (error) {
      this.#options.log.warn({ kind, error }, 'cannot look for orphans');
      return undefined;
    }
  }

  async #free({ kind, free }: Shelter, id: string): Promise<boolean> {
    const { log, isDryRun } = this.#options;
    if (!free) {
      log.warn({ kind, id }, 'Docker keeps it for no container, and only Docker can let it go');
      return false;
    }
    log.warn({ kind, id, isDryRun }, 'freeing what Docker did not release');
    if (isDryRun) return false;
    try {
      await free(id);
      return true;
    } catch (error) {
      log.warn({ kind, id, error }, 'it stays for now');
      return false;
    }
  }
}
