/**
 * Changes of containers as they happen, for those who watch.
 *
 * While anybody watches, one look at the log every few milliseconds serves all: each event is rendered once, and the same bytes go to
 * everybody who may see it. So it does not matter which process, or which line of code, made the change. A subscriber that
 * resumes reads the log for itself until it has caught up. One that reads too slowly is told so and cut off; it can resume.
 */
import type { Readable } from 'node:stream';
import type { Log } from '../../base/log.ts';
import { eventBounds, eventsIn } from '../../store/container/events.ts';
import type { Db } from '../../store/database.ts';
import { Subscriber, textOf } from './event-subscriber.ts';

export interface FeedOptions {
  readonly db: Db;
  readonly log: Log;
  readonly lookEveryMs?: number;
  readonly heartbeatMs?: number;
  /** What may wait for one reader. */
  readonly limitBytes?: number;
}

export interface Subscription {
  /** Null = of all projects. */
  readonly projectId: string | null;
  /** The last event that the subscriber knows; null = only what comes. */
  readonly after: number | null;
  /** The stream ends after this long; 0 = when it has all that there is. */
  readonly seconds: number;
}

const pageSize = 500;
/** No project is called so. */
const everybody = '';

export class EventFeed {
  readonly #options: Required<FeedOptions>;
  /** Those who have everything up to `#last`, by project, with what they had when they joined. */
  readonly #live = new Map<string, Map<Subscriber, number>>();
  readonly #open = new Set<Subscriber>();
  #last = 0;
  #looking: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: FeedOptions) {
    this.#options = { lookEveryMs: 100, heartbeatMs: 15_000, limitBytes: 262_144, ...options };
  }

  /** How many watch. */
  get size(): number {
    return this.#open.size;
  }

  /** Server-Sent Events; destroy the stream to leave. */
  async subscribe({ projectId, after, seconds }: Subscription): Promise<Readable> {
    const { db, log, limitBytes } = this.#options;
    const { oldest, newest } = await eventBounds(db);
    const subscriber = new Subscriber(limitBytes, () => this.#leave(subscriber));
    this.#open.add(subscriber);
    this.#beat();
    const isLost = after !== null && (after > newest || after < oldest - 1);
    const start = after === null ? newest : isLost ? Math.max(oldest - 1, 0) : after;
    if (isLost) subscriber.push(`event: gap\ndata: ${JSON.stringify({ after, oldest })}\n\n`);
    // Whoever leaves before the first event can come back to here.
    subscriber.push(`retry: 2000\nid: ${start}\n\n`);
    this.#follow(subscriber, projectId ?? everybody, start)
      .then(() => seconds === 0 && subscriber.end())
      .catch((error: unknown) => {
        log.error({ error }, 'events could not be read');
        subscriber.end();
      });
    if (seconds > 0) subscriber.endAfter(seconds);
    if (this.#isStopped) subscriber.end();
    return subscriber.stream;
  }

  stop(): void {
    this.#isStopped = true;
    for (const subscriber of this.#open) subscriber.end();
    clearInterval(this.#heartbeat);
    clearTimeout(this.#looking);
  }

  /** Reads the log until there is nothing that the others have and this one has not; then it is one of them. */
  async #follow(subscriber: Subscriber, key: string, start: number): Promise<void> {
    const projectId = key === everybody ? null : key;
    for (let cursor = start; !subscriber.hasEnded; ) {
      const othersHave = this.#last;
      const events = await eventsIn(this.#options.db, { after: cursor, projectId, limit: pageSize });
      for (const event of events) await subscriber.pushPatiently(textOf(event));
      cursor = events.at(-1)?.id ?? cursor;
      if (events.length === pageSize) continue;
      cursor = Math.max(cursor, othersHave);
      if (this.#last <= cursor || this.#live.size === 0) return this.#join(subscriber, key, cursor);
    }
  }

  #join(subscriber: Subscriber, key: string, cursor: number): void {
    if (subscriber.hasEnded) return;
    if (this.#live.size === 0) this.#last = cursor;
    const those = this.#live.get(key) ?? new Map<Subscriber, number>();
    this.#live.set(key, those.set(subscriber, cursor));
    this.#lookSoon();
  }

  #leave(subscriber: Subscriber): void {
    this.#open.delete(subscriber);
    for (const [key, those] of this.#live) {
      if (those.delete(subscriber) && those.size === 0) this.#live.delete(key);
    }
    if (this.#open.size > 0) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  #beat(): void {
    this.#heartbeat ??= setInterval(() => {
      for (const subscriber of this.#open) subscriber.push(': still here\n\n');
    }, this.#options.heartbeatMs);
  }

  #lookSoon(): void {
    if (this.#isStopped || this.#looking || this.#live.size === 0) return;
    this.#looking = setTimeout(async () => {
      try {
        await this.#look();
      } catch (error) {
        this.#options.log.warn({ error }, 'events could not be read: tried again');
      }
      this.#looking = undefined;
      this.#lookSoon();
    }, this.#options.lookEveryMs);
  }

  async #look(): Promise<void> {
    for (;;) {
      const range = { after: this.#last, projectId: null, limit: pageSize };
      const events = await eventsIn(this.#options.db, range);
      for (const event of events) {
        this.#last = event.id;
        const text = textOf(event);
        for (const key of [event.projectId, everybody]) {
          for (const [subscriber, had] of this.#live.get(key) ?? [])
            if (event.id > had) subscriber.push(text);
        }
      }
      if (events.length < pageSize) return;
    }
  }
}
