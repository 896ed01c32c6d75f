/**
 * What the server must be told about containers: kept until it has it.
 *
 * Of a container's reports only the latest matters, and one that says nothing new is not sent. Outcomes of operations
 * are never dropped. After a restart of the agent nothing is remembered: reports and outcomes are derived again from
 * what the Engine has and from the operations that still wait.
 */

import type { Log } from '../base/log.ts';
import type { Bus } from '../bus/bus.ts';
import { type ContainerReport, type OperationOutcome, report } from '../wire/agent.ts';
import { isTransient, Retrying } from './retrying.ts';

interface Batch {
  readonly containers: readonly ContainerReport[];
  readonly outcomes: readonly OperationOutcome[];
  readonly gone: readonly string[];
}

export class Reporter {
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #sender: Retrying;
  readonly #due = new Map<string, ContainerReport>();
  readonly #lastSaid = new Map<string, string>();
  #outcomes: OperationOutcome[] = [];
  #gone = new Set<string>();

  constructor(bus: Bus, log: Log) {
    this.#bus = bus;
    this.#log = log;
    this.#sender = new Retrying('report', log, () => this.#send());
  }

  container(what: ContainerReport): void {
    const { observedAt: _, ...said } = what;
    const text = JSON.stringify(said);
    if (this.#lastSaid.get(what.uuid) === text) return;
    this.#lastSaid.set(what.uuid, text);
    this.#due.set(what.uuid, what);
    this.#sender.poke();
  }

  outcome(outcome: OperationOutcome): void {
    this.#outcomes.push(outcome);
    this.#sender.poke();
  }

  /** Its `delete` is complete on this host. */
  gone(uuid: string): void {
    this.forget(uuid);
    this.#gone.add(uuid);
    this.#sender.poke();
  }

  /** Nobody wants to hear of it any more. */
  forget(uuid: string): void {
    this.#due.delete(uuid);
    this.#lastSaid.delete(uuid);
  }

  stop(): Promise<void> {
    return this.#sender.stop();
  }

  async #send(): Promise<void> {
    const batch: Batch = {
      containers: [...this.#due.values()],
      outcomes: [...this.#outcomes],
      gone: [...this.#gone],
    };
    if (batch.containers.length + batch.outcomes.length + batch.gone.length === 0) return;
    try {
      await this.#call(batch);
      this.#drop(batch);
    } catch (error) {
      if (isTransient(error)) throw error;
      this.#log.warn({ error }, 'report refused; sending container by container');
      await this.#sendApart(batch);
    }
  }

  /** One container that the server does not accept must not hold back the others. */
  async #sendApart(batch: Batch): Promise<void> {
    const uuids = new Set([
      ...batch.containers.map(({ uuid }) => uuid),
      ...batch.outcomes.map(({ container }) => container),
      ...batch.gone,
    ]);
    for (const uuid of uuids) {
      const part: Batch = {
        containers: batch.containers.filter((one) => one.uuid === uuid),
        outcomes: batch.outcomes.filter(({ container }) => container === uuid),
        gone: batch.gone.filter((one) => one === uuid),
      };
      try {
        await this.#call(part);
      } catch (error) {
        if (isTransient(error)) throw error;
        this.#log.error({ container: uuid, error }, 'report refused and dropped');
      }
      this.#drop(part);
    }
  }

  async #call({ containers, outcomes, gone }: Batch): Promise<void> {
    await this.#bus.call({ kind: 'server' }, report, {
      containers: [...containers],
      outcomes: [...outcomes],
      gone: [...gone],
    });
  }

  #drop(sent: Batch): void {
    for (const one of sent.containers) if (this.#due.get(one.uuid) === one) this.#due.delete(one.uuid);
    const outcomes = new Set(sent.outcomes);
    this.#outcomes = this.#outcomes.filter((one) => !outcomes.has(one));
    for (const uuid of sent.gone) this.#gone.delete(uuid);
  }
}
