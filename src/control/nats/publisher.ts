/**
 * Publishes every event of every project, in order, each at least once: the cursor in the database moves when all before it are
 * acknowledged. What was cut off from the log meanwhile is told as a gap.
 *
 * While nobody can be reached nothing is kept but the cursor; the log is what waits.
 */
import type { Log } from '../../base/log.ts';
import { Reconciler } from '../../base/reconciler.ts';
import { type ContainerEvent, eventJson, gapOf } from '../../model/container-event.ts';
import { findEventCursor, saveEventCursor } from '../../store/container/event-cursors.ts';
import { eventBounds, eventsIn } from '../../store/container/events.ts';
import type { Db } from '../../store/database.ts';

export interface Publication {
  readonly subject: string;
  /** The same when it is published again. */
  readonly id: string;
  readonly json: string;
}

/** One connection. */
export interface Outlet {
  readonly isOpen: boolean;
  /** Resolves when all are acknowledged; after an error it is unknown which are. */
  publish(publications: readonly Publication[]): Promise<void>;
  close(): Promise<void>;
}

export interface PublisherOptions {
  readonly db: Db;
  readonly log: Log;
  readonly open: () => Promise<Outlet>;
  readonly subjectPrefix: string;
  readonly lookEveryMs?: number;
  readonly retryMs?: number;
}

const reader = 'nats';
const pageSize = 200;
const longestRetryMs = 30_000;

export class EventPublisher {
  readonly #options: PublisherOptions;
  readonly #reconciler: Reconciler;
  #outlet: Outlet | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    const { log, lookEveryMs = 100, retryMs = 500 } = options;
    this.#reconciler = new Reconciler({
      name: 'publishing events',
      log,
      everyMs: lookEveryMs,
      retryMs,
      longestRetryMs,
      pass: (signal) => this.#pass(signal),
    });
  }

  /** Looks now and from then on regularly. At the first start of all it begins with what comes next. */
  start(): void {
    this.#reconciler.wake();
  }

  /** What is under way is broken off: it will be published again. */
  async stop(): Promise<void> {
    const stopped = this.#reconciler.stop();
    await this.#outlet?.close();
    await stopped;
    await this.#outlet?.close();
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { db } = this.#options;
    let cursor = (await findEventCursor(db, reader)) ?? (await this.#begin());
    const outlet = await this.#connected();
    try {
      while (!signal.aborted) {
        const next = await this.#nextAfter(cursor);
        if (next.publications.length === 0) return;
        await outlet.publish(next.publications);
        await saveEventCursor(db, reader, next.cursor);
        cursor = next.cursor;
      }
    } catch (error) {
      // What it still holds must not come after what will be published again.
      await outlet.close();
      throw error;
    }
  }

  async #begin(): Promise<number> {
    const { newest } = await eventBounds(this.#options.db);
    await saveEventCursor(this.#options.db, reader, newest);
    return newest;
  }

  async #connected(): Promise<Outlet> {
    if (this.#outlet?.isOpen) return this.#outlet;
    this.#outlet = await this.#options.open();
    this.#options.log.info('connected: events are published');
    return this.#outlet;
  }

  async #nextAfter(cursor: number): Promise<{ publications: Publication[]; cursor: number }> {
    const { db, subjectPrefix } = this.#options;
    const { oldest } = await eventBounds(db);
    if (cursor < oldest - 1) {
      const gap = { subject: `${subjectPrefix}.gap`, ...gapOf(cursor, oldest) };
      return { publications: [gap], cursor: oldest - 1 };
    }
    const events = await eventsIn(db, { after: cursor, projectId: null, limit: pageSize });
    return {
      publications: events.map((event) => this.#publicationOf(event)),
      cursor: events.at(-1)?.id ?? cursor,
    };
  }

  #publicationOf(event: ContainerEvent): Publication {
    const { projectId, containerUuid, type } = event;
    const parts = [projectId, containerUuid].map((part) => part.replaceAll(/[^A-Za-z0-9_-]/g, '_'));
    return {
      subject: [this.#options.subjectPrefix, ...parts, type].join('.'),
      id: String(event.id),
      json: eventJson(event),
    };
  }
}
