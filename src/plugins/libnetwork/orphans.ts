/**
 * What nobody wants any more: dockerd ignores failed deletes and repeats nothing, so what was not released while this
 * driver was away stays in the network service.
 *
 * An orphan is freed when it has been one for the grace period: others may just be made.
 */
import type { Log } from '../../base/log.ts';

export interface Orphan {
  readonly kind: string;
  readonly id: string;
}

/** One kind of object: which are orphans at this moment, and how one is freed. */
export interface Shelter {
  readonly kind: string;
  find(): Promise<readonly string[]>;
  free(id: string): Promise<void>;
}

export interface OrphansOptions {
  /** In the order of freeing: users before what they use. */
  readonly shelters: readonly Shelter[];
  readonly graceMs: number;
  /** Nothing is freed; the log tells what would be. */
  readonly isDryRun: boolean;
  readonly log: Log;
}

export class Orphans {
  readonly #options: OrphansOptions;
  /** Orphan → when it was first seen. */
  #seen: ReadonlyMap<string, number> = new Map();

  constructor(options: OrphansOptions) {
    this.#options = options;
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
    for (const shelter of this.#options.shelters) {
      for (const id of await this.#find(shelter)) {
        const since = this.#seen.get(id) ?? performance.now();
        seen.set(id, since);
        if (performance.now() - since < graceMs) continue;
        if (await this.#free(shelter, id)) freed.push({ kind: shelter.kind, id });
      }
    }
    this.#seen = seen;
    return freed;
  }

  async #find({ kind, find }: Shelter): Promise<readonly string[]> {
    try {
      return await find();
    } catch (error) {
      this.#options.log.warn({ kind, error }, 'cannot look for orphans');
      return [];
    }
  }

  async #free({ kind, free }: Shelter, id: string): Promise<boolean> {
    const { log, isDryRun } = this.#options;
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
