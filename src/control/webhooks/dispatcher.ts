/**
 * Tells webhooks of events: at least once, to each hook in order, from a cursor in the database.
 *
 * Nothing about deliveries is kept in memory but which hooks are at work, so a crash costs at most that what was being delivered is
 * delivered again. A hook has a turn of some events, then others that wait have theirs. Hooks that fail have few places of their own, and
 * a project has a quarter of all: nobody can take the places of the others, however long each attempt hangs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { Reconciler } from '../../base/reconciler.ts';
import type { Webhook } from '../../model/webhook.ts';
import { type DueWebhook, dueWebhooks } from '../../store/container/webhook-queue.ts';
import { findWebhook, recordAttempt } from '../../store/container/webhooks.ts';
import type { Db } from '../../store/database.ts';
import type { Secrets } from '../secrets.ts';
import { afterAttempt } from './attempt.ts';
import { letterOf, type Message, nextMessage } from './message.ts';
import type { Line, Outcome, Sender } from './sender.ts';

export interface DispatcherOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: Secrets;
  readonly sender: Pick<Sender, 'open'>;
  readonly disableAfterSeconds: number;
  /** How many hooks are told at the same time; failing ones have a quarter as many places besides. */
  readonly parallel: number;
  readonly lookEveryMs?: number;
  /** From 0 to 1. */
  readonly random?: () => number;
}

const turnEvents = 100;
const turnMs = 5_000;
const restMs = 5_000;

interface Lane {
  readonly areFailing: boolean;
  readonly places: number;
  /** Uuid → project. */
  readonly busy: Map<string, string>;
}

interface Sending {
  readonly message: Message;
  readonly line: Line;
  readonly at: Date;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #lanes: readonly Lane[];
  readonly #turns = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #reconciler: Reconciler;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { parallel, log, lookEveryMs = 250 } = options;
    this.#lanes = [
      { areFailing: false, places: parallel, busy: new Map() },
      { areFailing: true, places: Math.ceil(parallel / 4), busy: new Map() },
    ];
    this.#reconciler = new Reconciler({
      name: 'webhooks',
      log,
      everyMs: lookEveryMs,
      pass: async () => {
        for (const lane of this.#lanes) await this.#fill(lane);
      },
    });
  }

  /** Looks now and from then on regularly. */
  start(): void {
    this.#reconciler.wake();
  }

  /** What is being delivered is broken off: it will be delivered again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#reconciler.stop();
    await Promise.all(this.#turns.values());
  }

  async #fill(lane: Lane): Promise<void> {
    if (lane.busy.size >= lane.places) return;
    const { db, clock } = this.#options;
    const { areFailing, places } = lane;
    const now = clock.now().toISOString();
    // Those at work are still due, and some of the others have to wait for their project's.
    const due = await dueWebhooks(db, { now, areFailing, limit: 4 * places + this.#turns.size });
    for (const each of due) {
      if (lane.busy.size >= places || this.#stopping.signal.aborted) return;
      if (!this.#turns.has(each.uuid) && hasPlaceFor(each, lane)) this.#begin(each, lane);
    }
  }

  #begin({ uuid, projectId }: DueWebhook, { busy }: Lane): void {
    busy.set(uuid, projectId);
    const turn = this.#turn(uuid)
      .catch((error: unknown) => this.#rest(uuid, error))
      .finally(() => {
        busy.delete(uuid);
        this.#turns.delete(uuid);
        this.#reconciler.wake();
      });
    this.#turns.set(uuid, turn);
  }

  /** What is wrong is here, not there: nobody is to be told the same again and again because of it. */
  async #rest(uuid: string, error: unknown): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    this.#options.log.error({ webhook: uuid, error }, 'a delivery could not be made or noted: tried again');
    await sleep(restMs, undefined, { signal }).catch(() => undefined);
  }

  async #turn(uuid: string): Promise<void> {
    const line = this.#options.sender.open();
    const end = performance.now() + turnMs;
    try {
      for (let told = 0; told < turnEvents && performance.now() < end; told += 1) {
        if (!(await this.#tell(uuid, line))) return;
      }
    } finally {
      line.close();
    }
  }

  /** One event; true = it was taken. The hook is read anew each time: a change of it counts at once. */
  async #tell(uuid: string, line: Line): Promise<boolean> {
    const { db, clock, disableAfterSeconds, random = Math.random } = this.#options;
    const webhook = await findWebhook(db, uuid);
    if (!webhook?.enabled) return false;
    const message = await nextMessage(db, webhook);
    if (!message) return false;
    const at = clock.now();
    const outcome = await this.#send(webhook, { message, line, at });
    if (this.#stopping.signal.aborted && outcome.error !== null) return false;
    const { cursor, eventId } = message;
    const jitter = random();
    const after = afterAttempt(webhook, { at, cursor, eventId, outcome, jitter, disableAfterSeconds });
    await recordAttempt(db, after);
    this.#logChange(webhook, after);
    return outcome.error === null;
  }

  async #send(webhook: Webhook, { message, line, at }: Sending): Promise<Outcome> {
    let secret: string;
    try {
      secret = this.#options.secrets.open(webhook.sealedSecret, webhook.uuid);
    } catch (error) {
      this.#options.log.error({ webhook: webhook.uuid, error }, 'the key of this server does not fit');
      return { status: null, error: 'its secret cannot be read any more: give it a new one' };
    }
    return line.send(letterOf(webhook, message, { secret, at }), this.#stopping.signal);
  }

  #logChange(before: Webhook, { uuid, projectId, enabled, delivery }: Webhook): void {
    const { log } = this.#options;
    const about = { webhook: uuid, project: projectId, failures: delivery.failures };
    if (!enabled) log.warn(about, 'webhook has failed for too long: disabled');
    else if (before.delivery.failures > 0 && delivery.failures === 0)
      log.info(about, 'webhook takes events again');
    else if (delivery.failures === 1) log.info(about, 'webhook fails: tried again later');
  }
}

function hasPlaceFor({ projectId }: DueWebhook, { busy, places }: Lane): boolean {
  const taken = [...busy.values()].filter((each) => each === projectId).length;
  return taken < Math.ceil(places / 4);
}
