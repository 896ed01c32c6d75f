/** Kept logs towards the server: it asks for them, and hears which there are, so that both sides forget the same. */

import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { Reconciler } from '../../base/reconciler.ts';
import type { Bus } from '../../bus/bus.ts';
import { keptLogs as keptLogsCall } from '../../wire/agent.ts';
import { readKeptLogs } from '../../wire/agent-questions.ts';
import type { KeptLogs } from './kept-logs.ts';

export interface KeptLogsServiceOptions {
  readonly bus: Bus;
  readonly keptLogs: KeptLogs;
  readonly clock: Clock;
  readonly log: Log;
}

const everyMs = 60_000;
/** The server is told at least this often, whether anything was dropped or not. */
const tellEveryMs = 600_000;

export class KeptLogsService {
  readonly #options: KeptLogsServiceOptions;
  readonly #loop: Reconciler;
  #told = { at: Number.NEGATIVE_INFINITY, drops: -1 };

  constructor(options: KeptLogsServiceOptions) {
    const { bus, keptLogs, log } = options;
    this.#options = options;
    this.#loop = new Reconciler({ name: 'kept logs', log, everyMs, pass: () => this.pass() });
    bus.serve(readKeptLogs, async ({ uuid, ...wanted }) => ({ text: await keptLogs.read(uuid, wanted) }));
  }

  start(): void {
    this.#loop.wake();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async pass(): Promise<void> {
    const { bus, keptLogs, clock } = this.#options;
    await keptLogs.tidy();
    const now = clock.now().getTime();
    const { drops } = keptLogs;
    if (drops === this.#told.drops && now - this.#told.at < tellEveryMs) return;
    const uuids = await keptLogs.list();
    const { unwanted } = await bus.call({ kind: 'server' }, keptLogsCall, { uuids });
    await keptLogs.drop(unwanted);
    this.#told = { at: now, drops };
  }
}
