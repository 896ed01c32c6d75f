/**
 * Tells the server that this host is there, and whether Docker answers: a host with a silent Docker is down.
 *
 * Host facts are read when Docker comes back and from time to time, not at every beat.
 */

import type { Log } from '../base/log.ts';
import { Reconciler } from '../base/reconciler.ts';
import type { Bus } from '../bus/bus.ts';
import type { Engine } from '../docker/engine.ts';
import { isFailure } from '../model/failure.ts';
import { type HostReport, heartbeat } from '../wire/agent.ts';
import { type HostSettings, hostFacts } from './host-facts.ts';

const pingDeadlineMs = 3_000;
const beatsPerFacts = 12;

export interface HeartbeatOptions {
  readonly bus: Bus;
  readonly engine: Engine;
  readonly log: Log;
  readonly settings: HostSettings;
  readonly everyMs: number;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #loop: Reconciler;
  #facts: HostReport | undefined;
  #factsAge = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    const { log, everyMs } = options;
    this.#loop = new Reconciler({ name: 'heartbeat', log, everyMs, pass: () => this.#beat() });
  }

  /** Now, and from then on regularly. */
  wake(): void {
    this.#loop.wake();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #beat(): Promise<void> {
    const { bus, engine, settings } = this.#options;
    let engineError: string | null = null;
    try {
      await engine.ping(pingDeadlineMs);
      if (!this.#facts || this.#factsAge >= beatsPerFacts) {
        this.#facts = await hostFacts(await engine.info(), settings);
        this.#factsAge = 0;
      }
      this.#factsAge += 1;
    } catch (error) {
      engineError = isFailure(error) ? error.message : 'Docker gave an answer that is not understood';
      this.#facts = undefined;
    }
    await bus.call({ kind: 'server' }, heartbeat, {
      engineOk: engineError === null,
      engineError,
      ...(this.#facts && { host: this.#facts }),
    });
  }
}
