/**
 * Answers from other servers: asked in turn, remembered, bounded.
 *
 * Questions that are under way are shared. What is remembered is kept by the list of servers that was asked, so that no
 * tenant's server can speak for another's. Each asker and each network may have so many questions under way; more
 * are refused at once, so that nobody can starve others.
 */
import { LRUCache } from 'lru-cache';
import type { Log } from '../base/log.ts';
import { type Answer, keyOf, type Query, rcode } from './message.ts';
import { askServer, type Server } from './upstream.ts';

export interface ForwarderOptions {
  readonly log: Log;
  /** Milliseconds on a clock that only goes forwards. */
  readonly now?: () => number;
  readonly timing?: Partial<ForwarderTiming>;
}

export interface ForwarderTiming {
  /** How long one server is waited for. */
  readonly tryMs: number;
  /** How long an asker waits in all: dockerd gives up after 4 s. */
  readonly totalMs: number;
}

export interface Asker {
  readonly network: string;
  readonly source: string;
}

interface Remembered {
  readonly answer: Answer;
  readonly since: number;
}

export interface Passed {
  readonly answer: Answer;
  /** How old it is. */
  readonly seconds: number;
}

const usualTiming: ForwarderTiming = { tryMs: 1200, totalMs: 3500 };
const most = { bySource: 64, byNetwork: 256, bytes: 8 << 20, seconds: 86_400, negativeSeconds: 900 } as const;

export class Forwarder {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #timing: ForwarderTiming;
  readonly #underWay = new Map<string, Promise<Answer>>();
  readonly #busy = new Map<string, number>();
  readonly #known = new LRUCache<string, Remembered>({
    maxSize: most.bytes,
    sizeCalculation: ({ answer }, key) => answer.message.length + key.length + 500,
  });

  constructor({ log, now = () => performance.now(), timing = {} }: ForwarderOptions) {
    this.#log = log;
    this.#now = now;
    this.#timing = { ...usualTiming, ...timing };
  }

  /** Undefined = nobody answered, or the asker has too many questions under way. */
  async ask(query: Query, servers: readonly Server[], asker: Asker): Promise<Passed | undefined> {
    const key = `${servers.map(({ address, port }) => `${address}#${port}`).join(' ')} ${keyOf(query)}`;
    const known = this.#recall(key);
    if (known) return known;
    const places = [
      [asker.network, most.byNetwork],
      [`${asker.network} ${asker.source}`, most.bySource],
    ] as const;
    if (places.some(([place, limit]) => (this.#busy.get(place) ?? 0) >= limit)) return undefined;
    for (const [place] of places) this.#count(place, 1);
    try {
      return { answer: await this.#share(key, query, servers), seconds: 0 };
    } catch (error) {
      this.#log.debug({ name: query.name, error }, 'no server answered');
      return undefined;
    } finally {
      for (const [place] of places) this.#count(place, -1);
    }
  }

  #recall(key: string): Passed | undefined {
    const found = this.#known.get(key);
    if (!found) return undefined;
    const seconds = Math.floor((this.#now() - found.since) / 1000);
    if (seconds < Math.min(found.answer.keepSeconds, most.seconds)) return { answer: found.answer, seconds };
    this.#known.delete(key);
    return undefined;
  }

  #share(key: string, query: Query, servers: readonly Server[]): Promise<Answer> {
    const present = this.#underWay.get(key);
    if (present) return present;
    const asking = this.#askInTurn(query, servers).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asking);
    return asking.then((answer) => {
      this.#remember(key, answer);
      return answer;
    });
  }

  /** Twice around the list, unless time is up; a server that cannot help is as good as one that is silent. */
  async #askInTurn(query: Query, servers: readonly Server[]): Promise<Answer> {
    const deadline = this.#now() + this.#timing.totalMs;
    let last: Answer | undefined;
    let reason: unknown = new Error('there is no server to ask');
    for (const server of [...servers, ...servers]) {
      const left = Math.min(this.#timing.tryMs, deadline - this.#now());
      if (left <= 0) break;
      try {
        last = await askServer(server, query, left);
        if (last.rcode !== rcode.serverFailure && last.rcode !== rcode.refused) return last;
      } catch (error) {
        reason = error;
      }
    }
    if (last) return last;
    throw reason;
  }

  #remember(key: string, answer: Answer): void {
    const isGood = answer.rcode === rcode.noError || answer.rcode === rcode.nameError;
    if (!isGood || answer.keepSeconds <= 0) return;
    this.#known.set(key, { answer, since: this.#now() });
  }

  #count(place: string, change: number): void {
    const count = (this.#busy.get(place) ?? 0) + change;
    if (count === 0) this.#busy.delete(place);
    else this.#busy.set(place, count);
  }
}
