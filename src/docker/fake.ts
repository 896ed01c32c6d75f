/**
 * The Engine as a small working model: images, containers, networks and events in memory, for tests of the agent.
 *
 * It behaves as Docker does where the agent depends on it: names are unique, a container starts only when its networks
 * exist, restart policies bring a container back when it ends but not after a stop, a daemon that restarts ends what
 * ran. Faults are injected per call (`failNext`); `isDown` makes everything fail as an absent dockerd does.
 */
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Failure } from '../model/failure.ts';
import type {
  ContainerBody,
  Conversation,
  EndpointBody,
  Engine,
  EngineContainer,
  EngineContainerSummary,
  EngineImage,
  EngineInfo,
  EngineNetwork,
  EngineNetworkEndpoint,
  EnginePathStat,
  EngineSignal,
  EngineStats,
  ExecOptions,
  FoundImage,
  LabelFilter,
  LogOptions,
  NetworkBody,
  PullOptions,
  RegistryLogIn,
  ResourcesBody,
} from './engine.ts';
import type { Frame } from './frames.ts';
import { formatImageReference, parseImageReference } from './image-reference.ts';

export interface FakeContainer {
  id: string;
  name: string;
  body: ContainerBody;
  state: EngineContainer['state'];
  exitCode: number;
  startedAt?: string;
  finishedAt?: string;
  restartCount: number;
  pid: number;
  endpoints: Map<string, EndpointBody>;
  files: { path: string; tar: Buffer }[];
  /** How often it was started, by anybody. */
  starts: number;
  log: readonly Frame[];
}

/** What every container of the model has written. */
const usualLog: readonly Frame[] = ['one', 'two', 'three'].map((word, second) => ({
  isError: word === 'two',
  payload: Buffer.from(`2030-01-01T00:00:0${second}.000000000Z ${word}\n`),
}));

export interface FakeExec {
  readonly container: string;
  readonly command: readonly string[];
  readonly options: ExecOptions & { readonly interactive: boolean };
  /** There once it was started. */
  conversation?: Conversation;
  /** There once it has ended. */
  exitCode?: number;
}

type Call = Exclude<keyof Engine, 'watch' | 'close'>;

export class FakeEngine implements Engine {
  readonly images = new Set<string>();
  /** What a registry has: pulling moves it to `images`. */
  readonly registry = new Set<string>();
  readonly containers = new Map<string, FakeContainer>();
  readonly networks = new Map<string, NetworkBody & { id: string }>();
  /** Commands in containers, by id. What they are told, they say. */
  readonly execs = new Map<string, FakeExec>();
  /** Of every pull so far. */
  readonly logIns: (RegistryLogIn | undefined)[] = [];
  /** Every call so far, with its first argument. */
  readonly calls: string[] = [];
  isDown = false;
  /** Called before a container joins a network, as dockerd calls the network's driver. */
  onJoin: ((network: string, endpoint: EndpointBody) => Promise<void>) | undefined;
  onLeave: ((network: string, endpoint: EndpointBody) => Promise<void>) | undefined;
  readonly #faults = new Map<Call, unknown[]>();
  readonly #watchers = new Set<(signal: EngineSignal) => void>();
  #ids = 0;
  #clock = Date.parse('2020-01-01T00:00:00Z');

  /** The next call of this method throws `error` instead (once per `failNext`). */
  failNext(call: Call, error: unknown = new Failure('docker-error', `${call} was made to fail`)): void {
    this.#faults.set(call, [...(this.#faults.get(call) ?? []), error]);
  }

  /** The daemon goes away. Containers end with it; `machine: true` loses their networks and themselves, too. */
  stopDaemon({ machine = false } = {}): void {
    this.isDown = true;
    for (const container of this.containers.values()) {
      if (container.state === 'running' || container.state === 'paused') this.#end(container, 137, false);
    }
    if (machine) for (const map of [this.containers, this.networks]) map.clear();
    this.#tell({ kind: 'lost', reason: 'the daemon stopped' });
  }

  /** It comes back, without starting anything: what a missing network plugin makes of restart policies. */
  startDaemon(): void {
    this.isDown = false;
    this.#tell({ kind: 'connected' });
  }

  /** A container's process ends by itself. */
  exit(idOrName: string, exitCode: number): void {
    const container = this.#get(idOrName);
    const policy = container.body.HostConfig.RestartPolicy;
    this.#end(container, exitCode, true);
    const again =
      policy?.Name === 'always' ||
      policy?.Name === 'unless-stopped' ||
      (policy?.Name === 'on-failure' &&
        exitCode !== 0 &&
        (policy.MaximumRetryCount === 0 || container.restartCount < policy.MaximumRetryCount));
    if (again) {
      container.restartCount += 1;
      this.#run(container);
    } else if (container.body.HostConfig.AutoRemove) {
      this.containers.delete(container.id);
      this.#event(container, 'destroy');
    }
  }

  /** Somebody removes it behind our back. */
  vanish(idOrName: string): void {
    const container = this.#get(idOrName);
    this.containers.delete(container.id);
    this.#event(container, 'destroy');
  }

  async ping(): Promise<void> {
    this.#enter('ping');
  }

  async info(): Promise<EngineInfo> {
    this.#enter('info');
    return {
      version: '20.10.24',
      architecture: 'x86_64',
      osType: 'linux',
      os: 'Debian GNU/Linux 12 (bookworm)',
      kernelVersion: '6.1.0',
      cpus: 4,
      memoryBytes: 8 * 2 ** 30,
      labels: { rack: '7' },
      runtimes: ['runc'],
      rootDir: '/',
      storageDriver: 'overlay2',
      backingFilesystem: 'extfs',
    };
  }

  async hasImage(reference: string): Promise<boolean> {
    this.#enter('hasImage', reference);
    return this.images.has(canonical(reference));
  }

  async pullImage(reference: string, { logIn, onProgress }: PullOptions = {}): Promise<void> {
    this.#enter('pullImage', reference);
    this.logIns.push(logIn);
    onProgress?.({ layers: 2, layersDone: 1, bytes: 2 ** 20, bytesDone: 2 ** 19 });
    const image = canonical(reference);
    if (!this.registry.has(image)) {
      throw new Failure('image-not-found', `image "${image}" cannot be pulled: docker.io has no such image`);
    }
    this.images.add(image);
  }

  async findImage(reference: string): Promise<EngineImage | undefined> {
    this.#enter('findImage', reference);
    const image = canonical(reference);
    return this.images.has(image) ? { id: `sha256:of-${image}`, sizeBytes: 1234 } : undefined;
  }

  async removeImage(reference: string): Promise<void> {
    this.#enter('removeImage', reference);
    const image = canonical(reference);
    const user = [...this.containers.values()].find(({ body }) => canonical(body.Image) === image);
    if (user) throw new Failure('conflict', `container ${user.id} is using its referenced image`);
    this.images.delete(image);
  }

  async searchImages(term: string): Promise<FoundImage[]> {
    this.#enter('searchImages', term);
    return [{ name: term, description: 'found', isOfficial: true, isAutomated: false, stars: 7 }];
  }

  async testRegistry(domain: string): Promise<string | null> {
    this.#enter('testRegistry', domain);
    return null;
  }

  async createContainer(name: string, body: ContainerBody): Promise<string> {
    this.#enter('createContainer', name);
    if (!this.images.has(canonical(body.Image))) {
      throw new Failure('docker-error', `No such image: ${body.Image}`);
    }
    if (this.#find(name)) throw new Failure('conflict', `The container name "/${name}" is already in use`);
    this.#ids += 1;
    const id = this.#ids.toString(16).padStart(64, '0');
    const endpoints = new Map(Object.entries(body.NetworkingConfig?.EndpointsConfig ?? {}));
    const container: FakeContainer = {
      id,
      name,
      body: structuredClone(body),
      state: 'created',
      exitCode: 0,
      restartCount: 0,
      pid: this.#ids,
      endpoints,
      files: [],
      starts: 0,
      log: usualLog,
    };
    this.containers.set(id, container);
    this.#event(container, 'create');
    return id;
  }

  async findContainer(idOrName: string): Promise<EngineContainer | undefined> {
    this.#enter('findContainer', idOrName);
    const container = this.#find(idOrName);
    if (!container) return undefined;
    const { body } = container;
    return {
      id: container.id,
      name: container.name,
      labels: body.Labels,
      state: container.state,
      exitCode: container.exitCode,
      startError: '',
      killedForMemory: false,
      createdAt: '2030-01-01T00:00:00.000Z',
      ...(container.startedAt && { startedAt: container.startedAt }),
      ...(container.finishedAt && { finishedAt: container.finishedAt }),
      restartCount: container.restartCount,
      command: body.Cmd ?? ['image-command'],
      entrypoint: body.Entrypoint ?? [],
      workdir: body.WorkingDir ?? '',
      hostname: body.Hostname ?? container.id.slice(0, 12),
      runtime: body.HostConfig.Runtime ?? 'runc',
      tty: body.Tty,
      ports: Object.keys(body.ExposedPorts ?? {}).map((port) => Number.parseInt(port, 10)),
      endpoints: [...container.endpoints].map(([network, { DriverOpts }]) => ({
        network,
        options: DriverOpts,
      })),
      pid: container.state === 'running' || container.state === 'paused' ? container.pid : 0,
    };
  }

  async listContainers(label: LabelFilter): Promise<EngineContainerSummary[]> {
    this.#enter('listContainers', label);
    return [...this.containers.values()]
      .filter(({ body }) => matches(body.Labels, label))
      .map(({ id, name, body, state }) => ({ id, name, labels: body.Labels, state }));
  }

  async startContainer(id: string): Promise<void> {
    this.#enter('startContainer', id);
    const container = this.#get(id);
    if (container.state === 'running') return;
    for (const [network, endpoint] of container.endpoints) {
      if (!this.networks.has(network)) throw new Failure('docker-error', `network ${network} not found`);
      await this.onJoin?.(network, endpoint);
    }
    container.restartCount = 0;
    this.#run(container);
  }

  async stopContainer(id: string): Promise<void> {
    this.#enter('stopContainer', id);
    const container = this.#get(id);
    if (container.state === 'running') this.#end(container, 137, true);
  }

  async restartContainer(id: string): Promise<void> {
    this.#enter('restartContainer', id);
    const container = this.#get(id);
    if (container.state === 'running') this.#end(container, 137, true);
    this.#run(container);
  }

  async killContainer(id: string, signal = 'SIGKILL'): Promise<void> {
    this.#enter('killContainer', id);
    const container = this.#get(id);
    if (container.state === 'running' && /KILL|TERM|^9$|^15$/.test(signal)) this.#end(container, 137, true);
  }

  async pauseContainer(id: string): Promise<void> {
    this.#enter('pauseContainer', id);
    this.#turn(id, 'running', 'paused', 'pause');
  }

  async unpauseContainer(id: string): Promise<void> {
    this.#enter('unpauseContainer', id);
    this.#turn(id, 'paused', 'running', 'unpause');
  }

  async updateContainer(id: string, resources: ResourcesBody): Promise<void> {
    this.#enter('updateContainer', id);
    const container = this.#get(id);
    container.body = { ...container.body, HostConfig: { ...container.body.HostConfig, ...resources } };
  }

  async removeContainer(id: string): Promise<void> {
    this.#enter('removeContainer', id);
    const container = this.#find(id);
    if (!container) return;
    this.containers.delete(container.id);
    this.#event(container, 'destroy');
  }

  async putArchive(id: string, path: string, tar: Buffer | Readable): Promise<void> {
    this.#enter('putArchive', id);
    const { files } = this.#get(id);
    if (path === '/missing')
      throw new Failure('invalid-value', `path ${JSON.stringify(path)}: no such folder`);
    files.push({ path, tar: Buffer.isBuffer(tar) ? tar : await buffer(tar) });
  }

  /** What was put at the path. */
  async getArchive(id: string, path: string): Promise<{ stat: EnginePathStat; tar: Readable }> {
    this.#enter('getArchive', id);
    const found = this.#get(id).files.findLast((file) => file.path === path);
    if (!found) throw new Failure('invalid-value', `path ${JSON.stringify(path)}: no such file`);
    const mtime = '2030-01-01T00:00:00Z';
    const stat = { name: path.slice(1), size: found.tar.length, mode: 0o755, mtime, linkTarget: '' };
    return { stat, tar: Readable.from([found.tar]) };
  }

  async resizeContainer(id: string): Promise<void> {
    this.#enter('resizeContainer', id);
    if (!this.#get(id).body.Tty) throw new Failure('invalid-value', 'The container has no terminal.');
  }

  async resizeExec(id: string, execId: string): Promise<void> {
    this.#enter('resizeExec', id);
    if (!this.#exec(id, execId).conversation)
      throw new Failure('invalid-value', `no such exec instance: ${execId}`);
  }

  async attach(id: string): Promise<Conversation> {
    this.#enter('attach', id);
    this.#get(id);
    return echo();
  }

  async createExec(
    id: string,
    command: readonly string[],
    options: ExecOptions & { readonly interactive: boolean },
  ): Promise<string> {
    this.#enter('createExec', id);
    this.#ids += 1;
    const execId = this.#ids.toString(16).padStart(64, 'e');
    this.execs.set(execId, { container: this.#get(id).id, command, options });
    return execId;
  }

  async startExec(id: string, execId: string): Promise<Conversation> {
    this.#enter('startExec', id);
    const exec = this.#exec(id, execId);
    if (exec.conversation) throw new Failure('conflict', `exec instance ${execId} was started before`);
    exec.conversation = echo();
    return exec.conversation;
  }

  async execResult(id: string, execId: string): Promise<number | null> {
    this.#enter('execResult', id);
    return this.#exec(id, execId).exitCode ?? null;
  }

  async hangUpExec(id: string, execId: string): Promise<void> {
    this.#enter('hangUpExec', id);
    this.#exec(id, execId).exitCode ??= 129;
  }

  async followLogs(id: string, options: LogOptions): Promise<Readable> {
    return Readable.from([Buffer.from(await this.logs(id, options))]);
  }

  async logs(id: string, { tail }: LogOptions): Promise<string> {
    this.#enter('logs', id);
    const lines = this.#get(id).log.map(({ payload }) => payload.toString().replace(/^\S+ /, ''));
    return lines.slice(tail === null ? 0 : -tail).join('');
  }

  async logEntries(id: string, { most }: { readonly most: number }): Promise<AsyncGenerator<Frame>> {
    this.#enter('logEntries', id);
    const { log } = this.#get(id);
    return (async function* () {
      yield* log.slice(-most);
    })();
  }

  async execute(id: string, command: readonly string[]): Promise<{ output: string; exitCode: number }> {
    this.#enter('execute', id);
    this.#get(id);
    return { output: `${command.join(' ')}\n`, exitCode: 0 };
  }

  async top(id: string): Promise<{ titles: string[]; processes: string[][] }> {
    this.#enter('top', id);
    this.#get(id);
    return { titles: ['UID', 'PID', 'CMD'], processes: [['root', '1', 'sh']] };
  }

  async stats(id: string): Promise<EngineStats> {
    this.#enter('stats', id);
    this.#get(id);
    return {
      cpuNanoseconds: 500,
      systemCpuNanoseconds: 10_000,
      memoryUsedBytes: 16 * 2 ** 20,
      memoryLimitBytes: 64 * 2 ** 20,
      blockReadBytes: 1,
      blockWriteBytes: 2,
      netRxBytes: 3,
      netTxBytes: 4,
    };
  }

  async createNetwork(body: NetworkBody): Promise<string> {
    this.#enter('createNetwork', body.Name);
    if (this.networks.has(body.Name)) throw new Failure('conflict', `network ${body.Name} already exists`);
    this.#ids += 1;
    const id = this.#ids.toString(16).padStart(64, '0');
    this.networks.set(body.Name, { ...structuredClone(body), id });
    return id;
  }

  async findNetwork(name: string): Promise<EngineNetwork | undefined> {
    this.#enter('findNetwork', name);
    const body = this.networks.get(name);
    return body && toNetwork(body);
  }

  async listNetworks(label?: LabelFilter): Promise<EngineNetwork[]> {
    this.#enter('listNetworks', label ?? 'all');
    const isMeant = ({ Labels }: NetworkBody) => label === undefined || matches(Labels, label);
    return [...this.networks.values()].filter(isMeant).map(toNetwork);
  }

  async listEndpoints(networkId: string): Promise<EngineNetworkEndpoint[]> {
    this.#enter('listEndpoints', networkId);
    const name = [...this.networks.values()].find(({ id }) => id === networkId)?.Name ?? '';
    const connected = [...this.containers].filter(
      (each) => each[1].state === 'running' && each[1].endpoints.has(name),
    );
    // An endpoint has no other name here than its container and network.
    return connected.map(([id]) => ({ id: `${id} ${networkId}`, name: id, macAddress: '', containerId: id }));
  }

  async removeNetwork(idOrName: string): Promise<void> {
    this.#enter('removeNetwork', idOrName);
    const body = [...this.networks.values()].find(({ Name, id }) => Name === idOrName || id === idOrName);
    if (!body) return;
    const isUsed = [...this.containers.values()].some(
      ({ state, endpoints }) => state === 'running' && endpoints.has(body.Name),
    );
    if (isUsed) throw new Failure('docker-error', `network ${body.Name} has active endpoints`);
    this.networks.delete(body.Name);
  }

  async connectNetwork(network: string, containerId: string, endpoint: EndpointBody): Promise<void> {
    this.#enter('connectNetwork', network);
    const container = this.#get(containerId);
    if (network === 'none' ? container.endpoints.size > 0 : container.endpoints.has('none')) {
      throw new Failure(
        'docker-error',
        'container cannot be connected to multiple networks with one in none mode',
      );
    }
    if (network !== 'none' && !this.networks.has(network)) {
      throw new Failure('docker-error', `network ${network} not found`);
    }
    if (container.state === 'running') await this.onJoin?.(network, endpoint);
    container.endpoints.set(network, endpoint);
  }

  async disconnectNetwork(network: string, containerId: string): Promise<void> {
    this.#enter('disconnectNetwork', network);
    const container = this.#get(containerId);
    const endpoint = container.endpoints.get(network);
    if (!endpoint) return;
    if (container.state === 'running') await this.onLeave?.(network, endpoint);
    container.endpoints.delete(network);
  }

  async *watch({
    label,
    signal,
  }: {
    label?: LabelFilter;
    signal: AbortSignal;
  }): AsyncGenerator<EngineSignal> {
    const waiting: EngineSignal[] = this.isDown ? [] : [{ kind: 'connected' }];
    let wake: () => void = () => undefined;
    const watcher = (seen: EngineSignal) => {
      if (seen.kind === 'container' && label !== undefined && !matches(seen.labels, label)) return;
      waiting.push(seen);
      wake();
    };
    this.#watchers.add(watcher);
    signal.addEventListener('abort', () => wake());
    try {
      while (!signal.aborted) {
        const next = waiting.shift();
        if (next) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  close(): void {
    this.#watchers.clear();
  }

  #enter(call: Call, about = ''): void {
    this.calls.push(`${call} ${about}`.trim());
    if (this.isDown) throw new Failure('docker-unavailable', 'Docker does not answer at fake: ECONNREFUSED');
    const error = this.#faults.get(call)?.shift();
    if (error) throw error;
  }

  #find(idOrName: string): FakeContainer | undefined {
    return [...this.containers.values()].find(({ id, name }) => id === idOrName || name === idOrName);
  }

  #get(idOrName: string): FakeContainer {
    const container = this.#find(idOrName);
    if (!container) throw new Failure('docker-error', `No such container: ${idOrName}`);
    return container;
  }

  #exec(id: string, execId: string): FakeExec {
    const exec = this.execs.get(execId);
    if (exec?.container === this.#get(id).id) return exec;
    throw new Failure('invalid-value', `no such exec instance: ${execId}`);
  }

  #run(container: FakeContainer): void {
    container.state = 'running';
    container.startedAt = this.#tick();
    container.starts += 1;
    this.#event(container, 'start');
  }

  #end(container: FakeContainer, exitCode: number, isSeen: boolean): void {
    container.state = 'exited';
    container.exitCode = exitCode;
    container.finishedAt = this.#tick();
    if (isSeen) this.#event(container, 'die');
  }

  #turn(id: string, from: EngineContainer['state'], to: EngineContainer['state'], action: string): void {
    const container = this.#get(id);
    if (container.state !== from) throw new Failure('conflict', `Container ${id} is not ${from}`);
    container.state = to;
    this.#event(container, action);
  }

  #tick(): string {
    this.#clock += 1000;
    return new Date(this.#clock).toISOString();
  }

  #event(container: FakeContainer, action: string): void {
    const { id, body } = container;
    this.#tell({ kind: 'container', id, action, labels: body.Labels, at: Date.now() });
  }

  #tell(signal: EngineSignal): void {
    for (const watcher of this.#watchers) watcher(signal);
  }
}

/** A process that says what it is told, until its input ends. */
function echo(): Conversation {
  const both = new PassThrough();
  return { input: both, output: both };
}

function canonical(reference: string): string {
  return formatImageReference(parseImageReference(reference));
}

function matches(labels: Readonly<Record<string, string>>, filter: LabelFilter): boolean {
  const at = filter.indexOf('=');
  return at < 0 ? filter in labels : labels[filter.slice(0, at)] === filter.slice(at + 1);
}

function toNetwork({ id, Name, Driver, IPAM, Labels }: NetworkBody & { id: string }): EngineNetwork {
  return { id, name: Name, driver: Driver, ipamDriver: IPAM.Driver, labels: Labels };
}
