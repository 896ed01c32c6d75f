/**
 * The containers of this host: wanted state in, actual state out.
 *
 * Per container one queue, so that nothing overlaps on it; in its turn a container is looked at, its waiting operations
 * are carried out in order, and what is astray is repaired. Wakes, events, the clock and a Docker that came back all
 * lead to the same look. Nothing is stored: what was done but not yet acknowledged is in memory, and after a crash it
 * is seen from Docker and done again without harm.
 *
 * When Docker or the server is away an operation is neither done nor failed: it waits, and is tried again.
 */

import type { Clock } from '../base/clock.ts';
import { KeyedQueue } from '../base/keyed-queue.ts';
import type { Log } from '../base/log.ts';
import { Reconciler } from '../base/reconciler.ts';
import { undoable } from '../base/undo.ts';
import type { Bus } from '../bus/bus.ts';
import type { Engine, EngineContainer } from '../docker/engine.ts';
import { isFailure } from '../model/failure.ts';
import { dockerContainerName, dockerLabels } from '../model/host-names.ts';
import { operationRow } from '../model/operation-table.ts';
import {
  type ContainerReport,
  type Operation,
  type WantedContainer,
  wantedContainers,
} from '../wire/agent.ts';
import { isSettled } from './connections.ts';
import type { KeptLogs } from './kept-logs/kept-logs.ts';
import { missingReport, toReport } from './observed.ts';
import { planOperation, planRepair, type Step } from './plan.ts';
import type { Reporter } from './reporter.ts';
import { isTaskLeft, isTransient } from './retrying.ts';
import type { Steps } from './steps.ts';

export interface ContainersOptions {
  readonly bus: Bus;
  readonly engine: Engine;
  readonly steps: Steps;
  readonly reporter: Reporter;
  readonly keptLogs: KeptLogs;
  readonly instance: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly everyMs: number;
  /** Pauses between attempts at what failed: from the first, doubling, to the last. */
  readonly retryMs: readonly [first: number, last: number];
}

/** What is remembered of one container between looks. */
interface Memory {
  wanted?: WantedContainer;
  /** Operations done here whose outcome the server may not have yet. */
  readonly done: Set<string>;
  wasCreated: boolean;
  /** When it was last looked at, by this machine's clock. */
  lookedAt: number;
  /** Id and state as last seen; undefined = not looked at yet. */
  seen?: string;
  failures: number;
  retry?: NodeJS.Timeout;
  isQueued: boolean;
}

/** What the Engine has of a container; undefined = it answered, and has none of ours. */
interface Look {
  readonly observed: EngineContainer | undefined;
}

export class Containers {
  readonly #options: ContainersOptions;
  readonly #memory = new Map<string, Memory>();
  readonly #queue = new KeyedQueue();
  readonly #loop: Reconciler;
  #pending: Set<string> | 'all' = 'all';
  /** When Docker was first seen up since it was last away, in milliseconds of Unix time. */
  #dockerUpSince: number;
  #isStopped = false;

  constructor(options: ContainersOptions) {
    this.#options = options;
    const { log, everyMs, clock } = options;
    this.#dockerUpSince = clock.now().getTime();
    this.#loop = new Reconciler({ name: 'containers', log, everyMs, pass: () => this.#pass() });
  }

  start(): void {
    this.#loop.wake();
  }

  /** Operations under way are finished; nothing new begins. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { retry } of this.#memory.values()) clearTimeout(retry);
    await this.#loop.stop();
    await this.#queue.idle();
  }

  /** Docker answers again: what it did not bring back by itself is brought back. */
  onDockerBack(): void {
    this.#dockerUpSince = this.#options.clock.now().getTime();
    this.wake([]);
  }

  /** Empty = all. */
  wake(uuids: readonly string[]): void {
    this.#note(uuids);
    this.#loop.wake();
  }

  /** Docker told that something happened to it at `at`; what was seen since is not news. */
  onEvent(uuid: string, at: number): void {
    const memory = this.#memory.get(uuid);
    if (memory && memory.lookedAt <= at) this.#enqueue(uuid, memory);
  }

  /** Whether a container that is here, or is to be made, has a port on the network. */
  usesNetwork(networkId: string): boolean {
    return [...this.#memory.values()].some(
      (memory) =>
        (memory.wasCreated || nextOperation(memory) !== undefined) &&
        memory.wanted?.nics.some((nic) => nic.networkId === networkId),
    );
  }

  /** All ports of the container that has this one. */
  nicsAround(portId: string): WantedContainer['nics'] | undefined {
    for (const { wanted } of this.#memory.values()) {
      if (wanted?.nics.some((nic) => nic.portId === portId)) return wanted.nics;
    }
    return undefined;
  }

  async #pass(): Promise<void> {
    const pending = this.#pending;
    this.#pending = new Set();
    const uuids = pending === 'all' || pending.size === 0 ? undefined : [...pending];
    try {
      const request = uuids ? { uuids } : {};
      const reply = await this.#options.bus.call({ kind: 'server' }, wantedContainers, request);
      this.#sort(reply.containers, uuids ?? [...this.#memory.keys()]);
      const listed = uuids ? undefined : await this.#list();
      for (const { uuid } of reply.containers) {
        const memory = this.#remembered(uuid);
        if (!listed || needsLook(memory, listed.get(dockerContainerName(uuid)))) this.#enqueue(uuid, memory);
      }
    } catch (error) {
      this.#note(uuids ?? []);
      throw error;
    }
  }

  /** Docker's containers of ours in one call, by name; undefined when it does not answer. */
  async #list(): Promise<Map<string, string> | undefined> {
    const { engine, instance, log } = this.#options;
    try {
      const listed = await engine.listContainers(`${dockerLabels.instance}=${instance}`);
      return new Map(listed.map((one) => [one.name, seenOf(one)]));
    } catch (error) {
      log.warn({ error }, 'containers not listed');
      return undefined;
    }
  }

  #note(uuids: readonly string[]): void {
    if (uuids.length === 0) this.#pending = 'all';
    else if (this.#pending !== 'all') for (const uuid of uuids) this.#pending.add(uuid);
  }

  #sort(containers: readonly WantedContainer[], asked: readonly string[]): void {
    const named = new Set(containers.map(({ uuid }) => uuid));
    for (const wanted of containers) {
      const memory = this.#remembered(wanted.uuid);
      memory.wanted = wanted;
      memory.wasCreated ||= wanted.wasCreated;
      const waiting = new Set(wanted.operations.map(({ id }) => id));
      for (const id of memory.done) if (!waiting.has(id)) memory.done.delete(id);
    }
    // What Docker still has of them is left to the sweep, which waits a while before it removes anything.
    for (const uuid of asked) {
      if (named.has(uuid)) continue;
      clearTimeout(this.#memory.get(uuid)?.retry);
      this.#memory.delete(uuid);
      this.#options.reporter.forget(uuid);
    }
  }

  #remembered(uuid: string): Memory {
    let memory = this.#memory.get(uuid);
    if (!memory) {
      memory = { done: new Set(), wasCreated: false, lookedAt: 0, failures: 0, isQueued: false };
      this.#memory.set(uuid, memory);
    }
    return memory;
  }

  /** One look is enough for everything that asked for one before its turn came. */
  #enqueue(uuid: string, memory: Memory): void {
    if (memory.isQueued || this.#isStopped) return;
    memory.isQueued = true;
    clearTimeout(memory.retry);
    const look = this.#queue.run(uuid, async () => {
      memory.isQueued = false;
      await this.#converge(memory);
    });
    look.then(
      () => {
        memory.failures = 0;
      },
      (error: unknown) => this.#tryLater(uuid, memory, error),
    );
  }

  #tryLater(uuid: string, memory: Memory, error: unknown): void {
    if (this.#isStopped || this.#memory.get(uuid) !== memory) return;
    const [first, last] = this.#options.retryMs;
    const pauseMs = Math.min(last, first * 2 ** memory.failures);
    memory.failures += 1;
    this.#options.log.warn({ container: uuid, error, pauseMs }, 'container not as wanted yet');
    memory.retry = setTimeout(() => this.#enqueue(uuid, memory), pauseMs);
    memory.retry.unref();
  }

  async #converge(memory: Memory): Promise<void> {
    let look: Look | undefined;
    for (;;) {
      const wanted = memory.wanted && { ...memory.wanted, wasCreated: memory.wasCreated };
      if (!wanted || this.#isStopped) return;
      const operation = nextOperation(memory);
      if (!operation) return this.#repair(wanted, memory, look ?? (await this.#look(wanted.uuid, memory)));
      look = await this.#operate(wanted, operation, memory);
    }
  }

  async #look(uuid: string, memory: Memory): Promise<Look> {
    memory.lookedAt = this.#options.clock.now().getTime();
    const found = await this.#options.engine.findContainer(dockerContainerName(uuid));
    const ours = found?.labels[dockerLabels.instance] === this.#options.instance ? found : undefined;
    memory.seen = seenOf(ours);
    return { observed: ours };
  }

  /** Carries out one operation and reports how it ended. Throws only when it must be tried again. */
  async #operate(wanted: WantedContainer, operation: Operation, memory: Memory): Promise<Look | undefined> {
    const { reporter, log } = this.#options;
    const about = { container: wanted.uuid, operation: operation.id };
    const { observed } = await this.#look(wanted.uuid, memory);
    const steps = planOperation(wanted, operation, observed);
    const tell = this.#teller(wanted.uuid, observed, memory);
    tell(operationRow(operation.verb).task);
    reporter.outcome({ ...about, result: 'progress' });
    const isNew = operation.verb === 'create' || operation.verb === 'rebuild' || !observed;
    try {
      await this.#apply(steps, wanted, { isNew, tell });
    } catch (error) {
      if (isTransient(error) || (isNew && isTaskLeft(error))) throw error;
      log.warn({ ...about, verb: operation.verb, error }, 'operation failed');
      return this.#onFailed(wanted, operation, error, memory);
    }
    memory.done.add(operation.id);
    log.info({ ...about, verb: operation.verb }, 'operation done');
    if (operation.verb === 'delete') return await this.#onDeleted(wanted.uuid, operation);
    try {
      const look = await this.#look(wanted.uuid, memory);
      if (look.observed) memory.wasCreated = true;
      this.#sayState(wanted, look, memory);
      return look;
    } finally {
      // In the same breath as the state it led to, which makes it one message. Also when Docker went away just now: it
      // is done, and the state is told when it is back.
      reporter.outcome({ ...about, result: 'success' });
    }
  }

  async #onDeleted(uuid: string, operation: Operation): Promise<undefined> {
    const { reporter, keptLogs } = this.#options;
    const logs = await keptLogs.endOf(uuid);
    this.#memory.delete(uuid);
    const about = { container: uuid, operation: operation.id };
    reporter.outcome({ ...about, result: 'success', ...(logs ? { logs: { ...logs } } : {}) });
    reporter.gone(uuid);
  }

  async #onFailed(
    wanted: WantedContainer,
    operation: Operation,
    error: unknown,
    memory: Memory,
  ): Promise<Look> {
    const message = sayToPeople(error);
    const look = await this.#look(wanted.uuid, memory);
    const now = look.observed;
    if (!now) memory.wasCreated = false;
    memory.done.add(operation.id);
    // Without a container its life has failed; with one, only this operation has.
    const report = now
      ? { ...toReport(wanted.uuid, now, wanted), reason: message }
      : missingReport(wanted.uuid, { reason: message, failed: true });
    this.#say(report, memory);
    const about = { container: wanted.uuid, operation: operation.id };
    this.#options.reporter.outcome({ ...about, result: 'error', message });
    return look;
  }

  /** Nothing is asked: bring back what went astray, and report what is. */
  async #repair(wanted: WantedContainer, memory: Memory, { observed }: Look): Promise<void> {
    const { log } = this.#options;
    // An attempt that failed is repeated, whatever time it left behind.
    const upSince = memory.failures > 0 ? Number.POSITIVE_INFINITY : this.#dockerUpSince;
    const isConnected =
      observed === undefined || isSettled(this.#options.steps.connectionsOf(wanted, observed));
    const steps = planRepair(wanted, observed, { upSince, isConnected });
    if (steps.length === 0) {
      if (observed) this.#say(toReport(wanted.uuid, observed, wanted), memory);
      else if (wanted.wasCreated) this.#say(missingReport(wanted.uuid, lossOf(wanted)), memory);
      if (observed) await this.#options.steps.settleRoutes(wanted, observed);
      return;
    }
    log.info(
      { container: wanted.uuid, steps: steps.map((step) => step.do) },
      'container astray: bringing it back',
    );
    try {
      await this.#apply(steps, wanted, { isNew: !observed, tell: () => undefined });
    } catch (error) {
      if (!isTransient(error)) {
        const { observed: now } = await this.#look(wanted.uuid, memory);
        const reason = `cannot be brought back: ${sayToPeople(error)}`;
        const report = now ? toReport(wanted.uuid, now, wanted) : missingReport(wanted.uuid);
        this.#say({ ...report, reason }, memory);
      }
      throw error;
    }
    if (wanted.wasCreated) this.#sayState(wanted, await this.#look(wanted.uuid, memory), memory);
  }

  async #apply(
    steps: readonly Step[],
    wanted: WantedContainer,
    { isNew, tell }: { readonly isNew: boolean; readonly tell: (task: string | null) => void },
  ): Promise<void> {
    await undoable(this.#options.log, async (undo) => {
      for (const step of steps) {
        if (step.do === 'prepare' && isNew) {
          undo.add('remove container', () => this.#options.steps.run({ do: 'remove' }, wanted, tell));
        }
        await this.#options.steps.run(step, wanted, tell);
      }
    });
  }

  #sayState(wanted: WantedContainer, { observed }: Look, memory: Memory): void {
    const { uuid } = wanted;
    this.#say(observed ? toReport(uuid, observed, wanted) : missingReport(uuid, lossOf(wanted)), memory);
  }

  #teller(
    uuid: string,
    observed: EngineContainer | undefined,
    memory: Memory,
  ): (task: string | null) => void {
    const base = observed ? toReport(uuid, observed) : missingReport(uuid);
    return (taskState) => {
      if (taskState === null) return;
      // By the time it is started it was made, even if it ends and removes itself before anybody looks.
      const state = taskState === 'container_starting' && !observed ? 'created' : base.state;
      this.#say({ ...base, state, taskState, reason: null }, memory);
    };
  }

  #say(report: ContainerReport, { lookedAt }: Memory): void {
    this.#options.reporter.container({ ...report, observedAt: new Date(lookedAt).toISOString() });
  }
}

function seenOf(container: { readonly id: string; readonly state: string } | undefined): string {
  return container ? `${container.id} ${container.state}` : 'missing';
}

/** A full look passes over containers that are as they were and wait for nothing. */
function needsLook(memory: Memory, listed = 'missing'): boolean {
  return memory.failures > 0 || memory.seen !== listed || nextOperation(memory) !== undefined;
}

function nextOperation({ wanted, done }: Memory): Operation | undefined {
  return wanted?.operations.find(({ id }) => !done.has(id));
}

/** A container that removes itself at its end is expected to be gone one day. */
function lossOf({ spec, uuid }: WantedContainer): { reason: string | null; failed: boolean } {
  if (spec.autoRemove) return { reason: null, failed: false };
  return { reason: `No such container: ${dockerContainerName(uuid)} in docker`, failed: true };
}

/** What is not a Failure is a fault of ours: its text is for the log. */
function sayToPeople(error: unknown): string {
  return isFailure(error) ? error.message : 'An unexpected error occurred on the host; its log says more.';
}
