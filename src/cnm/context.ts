/** What the parts of the controller share. */
import type { KeyedQueue } from '../base/keyed-queue.ts';
import type { Log } from '../base/log.ts';
import type { Kernel } from '../host/kernel.ts';
import { Failure } from '../model/failure.ts';
import type { Book } from './book.ts';
import type { Driver } from './driver.ts';
import type { Ipam } from './ipam.ts';

export interface Context {
  readonly kernel: Kernel;
  readonly log: Log;
  readonly now: () => Date;
  readonly networks: Book<'network'>;
  readonly endpoints: Book<'endpoint'>;
  readonly sandboxes: Book<'sandbox'>;
  readonly drivers: Finder<Driver>;
  readonly ipams: Finder<Ipam>;
  /** Keys are ids of networks and sandboxes. */
  readonly inTurn: KeyedQueue;
}

/** By name; the second is asked for names that are not built in, and may find a plugin. */
export class Finder<T> {
  readonly #what: string;
  readonly #known: ReadonlyMap<string, T>;
  readonly #plugin: (name: string) => Promise<T | undefined>;

  constructor(what: string, known: ReadonlyMap<string, T>, plugin: (name: string) => Promise<T | undefined>) {
    this.#what = what;
    this.#known = known;
    this.#plugin = plugin;
  }

  async get(name: string): Promise<T> {
    const found = this.#known.get(name) ?? (await this.#plugin(name));
    if (found) return found;
    const names = [...this.#known.keys()].join(', ');
    throw new Failure(
      'driver-not-found',
      `${this.#what} "${name}" not found: built in are ${names}, and no plugin has the name`,
    );
  }
}

/** 64 hexadecimal digits. */
export function newId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
}
