/**
 * A small working model of the agent of one host: it keeps "Engine" containers in memory, converges on what the
 * server wants whenever it is woken, carries out operations in order and reports. It can refuse and can be stopped.
 */
import { randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { checkedTar } from '../../src/agent/tar-check.ts';
import { KeyedQueue } from '../../src/base/keyed-queue.ts';
import type { Bus } from '../../src/bus/bus.ts';
import type { EngineState } from '../../src/model/container.ts';
import type { Health } from '../../src/model/container-record.ts';
import { Failure } from '../../src/model/failure.ts';
import {
  type ContainerReport,
  type HostReport,
  heartbeat,
  type Operation,
  type OperationOutcome,
  report,
  type WantedContainer,
  wake,
  wantedContainers,
} from '../../src/wire/agent.ts';
import {
  containerExecute,
  containerInspect,
  containerLogs,
  containerResize,
  containerStats,
  containerTop,
  execCreate,
  execResize,
  execResult,
  imageProgress,
  imagePull,
  imageRemove,
  imageSearch,
  readKeptLogs,
  registryTest,
} from '../../src/wire/agent-questions.ts';
import type { RequestOf } from '../../src/wire/call.ts';
import { attachContainer, followLogs, readArchive, startExec, writeArchive } from '../../src/wire/streams.ts';
import { FakeTerminal } from './fake-terminal.ts';

const server = { kind: 'server' } as const;

interface EngineContainer {
  readonly runtimeId: string;
  state: EngineState;
  startedAt: string | undefined;
  finishedAt: string | undefined;
  exitCode: number | undefined;
  wanted: WantedContainer;
}

/** Verb → the state after it; `undefined` = unchanged. */
const stateAfter: Partial<Record<Operation['verb'], EngineState>> = {
  start: 'running',
  stop: 'exited',
  reboot: 'running',
  pause: 'paused',
  unpause: 'running',
  kill: 'exited',
};

export const fakeHostReport: HostReport = {
  architecture: 'x86_64',
  osType: 'linux',
  os: 'Debian GNU/Linux 12 (bookworm)',
  kernelVersion: '6.1.0',
  cpus: 8,
  memoryMiB: 16_384,
  diskGiB: 100,
  diskQuotaSupported: false,
  labels: {},
  runtimes: ['runc'],
  availabilityZone: 'nova',
  engineVersion: '20.10.24',
  hardware: {
    numaNodes: [{ id: 0, cpus: '0-7', memoryMiB: 16_384 }],
    pciDevices: [
      { address: '0000:00:02.0', vendorId: '10de', productId: '1db6', classId: '030200', numaNode: 0 },
    ],
  },
};

export class FakeAgent {
  readonly bus: Bus;
  readonly engine = new Map<string, EngineContainer>();
  readonly health = new Map<string, Health>();
  /** Hears of nothing any more. */
  isDeaf = false;
  readonly images = new Set<string>();
  /** Pulls wait for it. */
  pullGate: Promise<void> | undefined;
  /** Archives that were written, by `<uuid> <path>`. */
  readonly files = new Map<string, Buffer>();
  /** Logs of deleted containers, by uuid. */
  readonly keptLogs = new Map<string, string>();
  /** Why none are kept of those that are deleted from now on. */
  keepsNone: string | null = null;
  /** Who follows the log of a container, by uuid: written to, it is what the container says. */
  readonly followers = new Map<string, PassThrough>();
  /** Logs that are followed end at once. */
  isBrief = false;
  /** Ids of commands that run in containers. */
  readonly execs = new Set<string>();
  /** What was asked to be made ready, by the id it got. */
  readonly asked = new Map<string, Omit<RequestOf<typeof execCreate>, 'uuid'>>();
  /** Terminals of containers and of commands, by uuid or id. */
  readonly #terminals = new Map<string, FakeTerminal>();
  /** An image name or `<verb>` → the sentence with which it fails. */
  readonly refusals = new Map<string, string>();
  readonly #host: Partial<HostReport>;
  readonly #queue = new KeyedQueue();

  constructor(bus: Bus, host: Partial<HostReport> = {}) {
    this.bus = bus;
    this.#host = host;
    bus.listen(wake, ({ containers }) => {
      if (this.isDeaf) return;
      void this.converge(containers.length > 0 ? containers : undefined).catch(() => undefined);
    });
    bus.serve(containerInspect, async ({ uuid }) => this.reportOf(uuid));
    bus.serve(containerLogs, async ({ uuid, tail }) => ({ text: `log of ${uuid} tail ${tail}\n` }));
    bus.serve(readKeptLogs, async ({ uuid, tail }) => {
      const text = this.keptLogs.get(uuid);
      if (text !== undefined) return { text: `${text} tail ${tail}\n` };
      throw new Failure('resource-not-found', `The logs of container ${uuid} are no longer kept.`);
    });
    bus.streams.serve(followLogs, async ({ uuid }) => {
      const download = new PassThrough();
      download.write(`log of ${uuid}\n`);
      if (this.isBrief) download.end();
      else this.followers.set(uuid, download);
      return { head: {}, download };
    });
    bus.serve(containerExecute, async ({ uuid: _, command, ...more }) => {
      if (command[0] === 'sleep') throw new Failure('timeout', 'too slow');
      if (command[0] === 'tell') return { output: JSON.stringify(more), exitCode: 0 };
      return { output: `${command.join('|')}\n`, exitCode: command[0] === 'false' ? 1 : 0 };
    });
    bus.serve(containerResize, async ({ uuid, height, width }) => {
      if (!this.engine.get(uuid)?.wanted.spec.tty) throw new Failure('invalid-value', 'it has no terminal');
      this.terminalOf(uuid).size = `${height} ${width}`;
      return {};
    });
    bus.serve(execResize, async ({ execId, height, width }) => {
      if (!this.execs.has(execId)) throw new Failure('invalid-value', `no such exec instance: ${execId}`);
      this.terminalOf(execId).size = `${height} ${width}`;
      return {};
    });
    bus.streams.serve(attachContainer, async ({ uuid }, { upload }) => ({
      head: {},
      download: this.terminalOf(uuid).talk(upload),
    }));
    bus.serve(execCreate, async ({ uuid: _, ...asked }) => {
      const execId = randomBytes(32).toString('hex');
      this.asked.set(execId, asked);
      return { execId };
    });
    bus.streams.serve(startExec, async ({ execId }, { upload }) => {
      this.execs.add(execId);
      return { head: {}, download: this.terminalOf(execId).talk(upload) };
    });
    bus.serve(execResult, async ({ execId }) => ({ exitCode: this.terminalOf(execId).exitCode ?? null }));
    bus.streams.serve(readArchive, async ({ uuid, path }) => {
      const tar = this.files.get(`${uuid} ${path}`);
      if (!tar) throw new Failure('invalid-value', `path ${JSON.stringify(path)}: no such file`);
      const stat = {
        name: path,
        size: tar.length,
        mode: 0o644,
        mtime: '2030-01-01T00:00:00Z',
        linkTarget: '',
      };
      return { head: { stat }, download: Readable.from([tar]) };
    });
    bus.streams.serve(writeArchive, async ({ uuid, path, limitBytes }, { upload }) => {
      const parts: Buffer[] = [];
      for await (const part of checkedTar(upload, limitBytes)) parts.push(part);
      this.files.set(`${uuid} ${path}`, Buffer.concat(parts));
      return { head: {} };
    });
    bus.serve(imagePull, async ({ uuid, reference }) => {
      bus.notify(server, imageProgress, { uuid, text: '1 of 2 layers' });
      await this.pullGate;
      const refusal = this.refusals.get(reference);
      if (refusal !== undefined) throw new Failure('image-not-found', refusal);
      this.images.add(reference);
      return { imageId: 'sha256:1', sizeBytes: 1234 };
    });
    bus.serve(imageRemove, async ({ reference }) => {
      const refusal = this.refusals.get('remove image');
      if (refusal !== undefined) throw new Failure('conflict', refusal);
      this.images.delete(reference);
      return {};
    });
    bus.serve(imageSearch, async ({ term }) => ({
      images: [term, `${term}-slim`].map((name) => ({
        name,
        description: 'found',
        isOfficial: true,
        isAutomated: false,
        stars: 7,
      })),
    }));
    bus.serve(registryTest, async ({ domain, logIn }) => {
      const reason = logIn?.password === 'wrong' ? `${domain} answers, and refuses the log-in` : null;
      return { reason: this.refusals.get(domain) ?? reason };
    });
    bus.serve(containerTop, async () => ({
      titles: ['UID', 'PID', 'CMD'],
      processes: [['root', '1', 'sleep 1000']],
    }));
    bus.serve(containerStats, async () => ({
      cpuPercent: 1.5,
      memoryUsedMiB: 10,
      memoryLimitMiB: 512,
      memoryPercent: 1.95,
      blockReadBytes: 1,
      blockWriteBytes: 2,
      netRxBytes: 3,
      netTxBytes: 4,
    }));
  }

  /** Made when it is first asked for. */
  terminalOf(id: string): FakeTerminal {
    const terminal = this.#terminals.get(id) ?? new FakeTerminal();
    this.#terminals.set(id, terminal);
    return terminal;
  }

  async beat(engineOk = true): Promise<void> {
    await this.bus.call(server, heartbeat, {
      engineOk,
      engineError: engineOk ? null : 'no answer',
      ...(engineOk ? { host: { ...fakeHostReport, ...this.#host } } : {}),
    });
  }

  /** Looks at what is wanted and makes it so, one container at a time. */
  async converge(uuids?: readonly string[]): Promise<void> {
    const { containers } = await this.bus.call(server, wantedContainers, uuids ? { uuids: [...uuids] } : {});
    await Promise.all(containers.map((wanted) => this.#queue.run(wanted.uuid, () => this.#settle(wanted))));
  }

  async idle(): Promise<void> {
    await this.#queue.idle();
  }

  async #settle(wanted: WantedContainer): Promise<void> {
    const known = this.engine.get(wanted.uuid);
    if (known) known.wanted = wanted;
    const outcomes: OperationOutcome[] = [];
    const gone: string[] = [];
    for (const operation of wanted.operations) {
      const name = { container: wanted.uuid, operation: operation.id };
      const refusal = this.refusals.get(operation.verb) ?? this.#imageRefusal(operation, wanted);
      if (refusal !== undefined) outcomes.push({ ...name, result: 'error', message: refusal });
      else {
        this.#carryOut(operation, wanted);
        const isDelete = operation.verb === 'delete';
        if (isDelete) gone.push(wanted.uuid);
        outcomes.push({ ...name, result: 'success', ...(isDelete ? { logs: this.#keepLogs(wanted) } : {}) });
      }
    }
    await this.bus.call(server, report, {
      containers: gone.length > 0 ? [] : [this.reportOf(wanted.uuid)],
      outcomes,
      gone,
    });
  }

  #keepLogs({ uuid }: WantedContainer): NonNullable<OperationOutcome['logs']> {
    if (this.keepsNone !== null) return { bytes: null, reason: this.keepsNone };
    this.keptLogs.set(uuid, `kept log of ${uuid}`);
    return { bytes: 55, reason: null };
  }

  #imageRefusal(operation: Operation, wanted: WantedContainer): string | undefined {
    return operation.verb === 'create' ? this.refusals.get(wanted.spec.image) : undefined;
  }

  #carryOut(operation: Operation, wanted: WantedContainer): void {
    const now = new Date().toISOString();
    const known = this.engine.get(wanted.uuid);
    if (operation.verb === 'delete') this.engine.delete(wanted.uuid);
    else if (operation.verb === 'create' || operation.verb === 'rebuild') {
      if (known && operation.verb === 'create') return;
      this.engine.set(wanted.uuid, {
        runtimeId: wanted.uuid.replaceAll('-', '').padEnd(64, '0'),
        state: wanted.power === 'running' ? 'running' : 'created',
        startedAt: wanted.power === 'running' ? now : undefined,
        finishedAt: undefined,
        exitCode: undefined,
        wanted,
      });
    } else if (known) {
      known.state = stateAfter[operation.verb] ?? known.state;
      if (known.state === 'running') known.startedAt = now;
      if (known.state === 'exited') known.finishedAt = now;
      if (known.state === 'exited') known.exitCode = 137;
    }
  }

  reportOf(uuid: string): ContainerReport {
    const known = this.engine.get(uuid);
    if (!known) return { uuid, state: 'missing', taskState: null, reason: null, failed: false };
    const { spec } = known.wanted;
    return {
      uuid,
      state: known.state,
      taskState: null,
      reason: null,
      failed: false,
      runtimeId: known.runtimeId,
      ...(known.startedAt === undefined ? {} : { startedAt: known.startedAt }),
      ...(known.finishedAt === undefined ? {} : { finishedAt: known.finishedAt }),
      ...(known.exitCode === undefined ? {} : { exitCode: known.exitCode }),
      vitals: { restartCount: 0, health: this.health.get(uuid) ?? null },
      resolved: {
        command: spec.command.length > 0 ? spec.command : ['/bin/sh'],
        entrypoint: spec.entrypoint,
        workdir: spec.workdir,
        hostname: spec.hostname ?? uuid.slice(0, 12),
        runtime: spec.runtime ?? 'runc',
        ports: spec.exposedPorts.map(({ port }) => port),
      },
    };
  }

  /** The container's process ends by itself. */
  async exit(uuid: string, exitCode = 0): Promise<void> {
    const known = this.engine.get(uuid);
    if (!known) throw new Error(`no container ${uuid}`);
    if (known.wanted.spec.autoRemove) this.engine.delete(uuid);
    else Object.assign(known, { state: 'exited', exitCode, finishedAt: new Date().toISOString() });
    this.followers.get(uuid)?.end();
    this.#terminals.get(uuid)?.end(exitCode);
    await this.tell(uuid);
  }

  async tell(...uuids: string[]): Promise<void> {
    await this.bus.call(server, report, {
      containers: uuids.map((uuid) => this.reportOf(uuid)),
      outcomes: [],
      gone: [],
    });
  }
}
