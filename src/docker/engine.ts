/**
 * The Engine as we use it: the narrow interface between the agent and whatever runs the containers.
 *
 * Two implementations: ./connect (Docker over its socket) and ./fake (a small working model for tests).
 * Shapes that are sent (`ContainerBody`, `NetworkBody`) are the Engine's own JSON, API 1.41, restricted to the
 * fields we set; shapes that come back are translated to our words.
 *
 * Every call ends: it has a deadline, and then fails like any other. Errors are Failures: `docker-unavailable` when
 * the Engine does not answer (try again later), `docker-error` with the Engine's own words when it refuses,
 * `image-not-found` and `image-pull-failed` for images. What is there already or gone already is success where the
 * method says so, so that every call may be repeated.
 */
import type { Readable, Writable } from 'node:stream';
import type { EngineState } from '../model/container.ts';
import type { Frame } from './frames.ts';

export interface Healthcheck {
  readonly Test: readonly string[];
  /** Nanoseconds. */
  readonly Interval: number;
  readonly Timeout: number;
  readonly Retries: number;
}

/** A container's place on a network, fixed by us before it starts. */
export interface EndpointBody {
  readonly IPAMConfig: { readonly IPv4Address?: string; readonly IPv6Address?: string };
  /** Honoured by newer Engines (API 1.44); older ones take `ContainerBody.MacAddress` for the first network. */
  readonly MacAddress?: string;
  readonly DriverOpts: Readonly<Record<string, string>>;
}

/** Limits that may change while the container runs. Memory in bytes; `MemorySwap` = memory and swap together. */
export interface ResourcesBody {
  readonly CpuShares?: number;
  readonly Memory?: number;
  readonly MemorySwap?: number;
}

export interface ContainerBody {
  readonly Image: string;
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  /** `NAME=value`. */
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly Hostname?: string;
  readonly WorkingDir?: string;
  readonly Tty: boolean;
  readonly OpenStdin: boolean;
  readonly MacAddress?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly User?: string;
  readonly StopSignal?: string;
  /** Seconds. */
  readonly StopTimeout?: number;
  readonly Healthcheck?: Healthcheck;
  readonly HostConfig: ResourcesBody & {
    readonly NetworkMode: string;
    readonly Privileged: boolean;
    readonly AutoRemove: boolean;
    readonly RestartPolicy?: { readonly Name: string; readonly MaximumRetryCount: number };
    readonly Runtime?: string;
    readonly StorageOpt?: { readonly size: string };
    readonly Dns?: readonly string[];
    readonly DnsSearch?: readonly string[];
    /** Microseconds of CPU time in each period. */
    readonly CpuPeriod?: number;
    readonly CpuQuota?: number;
    readonly PidsLimit?: number;
    readonly Ulimits?: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[];
    /** Bytes. */
    readonly ShmSize?: number;
    /** Path → mount options. */
    readonly Tmpfs?: Readonly<Record<string, string>>;
    readonly ReadonlyRootfs?: boolean;
    readonly CapAdd?: readonly string[];
    readonly CapDrop?: readonly string[];
    readonly Sysctls?: Readonly<Record<string, string>>;
    /** `name:address`. */
    readonly ExtraHosts?: readonly string[];
    readonly Init?: boolean;
  };
  readonly NetworkingConfig?: { readonly EndpointsConfig: Readonly<Record<string, EndpointBody>> };
}

export interface NetworkBody {
  readonly Name: string;
  readonly Driver: string;
  readonly EnableIPv6: boolean;
  readonly Options: Readonly<Record<string, string>>;
  readonly Labels: Readonly<Record<string, string>>;
  readonly IPAM: {
    readonly Driver: string;
    readonly Options: Readonly<Record<string, string>>;
    readonly Config: readonly { readonly Subnet: string; readonly Gateway?: string }[];
  };
}

export interface EngineContainer {
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: EngineState;
  /** Of the last run; 0 while it has never ended. */
  readonly exitCode: number;
  /** Why the last start failed; empty = it did not. */
  readonly startError: string;
  readonly killedForMemory: boolean;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  /** Restarts by the Engine since the last start that somebody asked for. */
  readonly restartCount: number;
  /** Undefined = no health check, or it does not run. */
  readonly health?: EngineHealth;
  readonly command: readonly string[];
  readonly entrypoint: readonly string[];
  readonly workdir: string;
  readonly hostname: string;
  readonly runtime: string;
  readonly tty: boolean;
  readonly ports: readonly number[];
  /** The Docker networks it is connected to. */
  readonly endpoints: readonly EngineEndpoint[];
  /** Process id of its first process on this machine; 0 while there is none. */
  readonly pid: number;
}

export interface ExecOptions {
  /** With a terminal of its own. */
  readonly tty?: boolean;
  /** Besides the container's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** `name[:group]`; absent = the container's. */
  readonly user?: string;
  readonly workdir?: string;
}

export interface ExecuteOptions extends ExecOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** All that the command can read; absent = nothing. */
  readonly stdin?: string;
}

/** A process that is talked with. */
export interface Conversation {
  /** Its end is the end of the process's input, where that has one. */
  readonly input: Writable;
  /** Without the Engine's framing. Ends when the process does; destroy it to leave. */
  readonly output: Readable;
}

export interface EngineEndpoint {
  /** Name of the Docker network. */
  readonly network: string;
  /** What its driver was told about the endpoint. */
  readonly options: Readonly<Record<string, string>>;
}

export interface EngineHealth {
  readonly status: 'starting' | 'healthy' | 'unhealthy';
  readonly failingStreak: number;
  /** Of the last check. */
  readonly output: string;
}

/** One line of a listing. */
export interface EngineContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: EngineState;
}

export interface EngineNetwork {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly ipamDriver: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** On one network. */
export interface EngineNetworkEndpoint {
  readonly id: string;
  readonly name: string;
  readonly macAddress: string;
  /** Undefined = just being made, or left by a container that is gone. */
  readonly containerId: string | undefined;
}

export interface EngineInfo {
  readonly version: string;
  readonly architecture: string;
  readonly osType: string;
  readonly os: string;
  readonly kernelVersion: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly runtimes: readonly string[];
  readonly rootDir: string;
  readonly storageDriver: string;
  readonly backingFilesystem: string;
}

/** Modes are Go's: the lowest nine bits are Unix's. */
export interface EnginePathStat {
  readonly name: string;
  readonly size: number;
  readonly mode: number;
  /** ISO 8601. */
  readonly mtime: string;
  /** Empty unless it is a link. */
  readonly linkTarget: string;
}

/** In characters. */
export interface TerminalSize {
  readonly height: number;
  readonly width: number;
}

export interface RegistryLogIn {
  readonly username: string;
  readonly password: string;
}

export interface PullOptions {
  readonly logIn?: RegistryLogIn;
  readonly onProgress?: (progress: PullProgress) => void;
}

/** Layers so far, of those that the image is known to have. */
export interface PullProgress {
  readonly layers: number;
  readonly layersDone: number;
  readonly bytes: number;
  readonly bytesDone: number;
}

export interface EngineImage {
  readonly id: string;
  readonly sizeBytes: number;
}

export interface FoundImage {
  readonly name: string;
  readonly description: string;
  readonly isOfficial: boolean;
  readonly isAutomated: boolean;
  readonly stars: number;
}

export interface LogOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly timestamps: boolean;
  /** Lines from the end; null = all. */
  readonly tail: number | null;
  /** Unix seconds; null = from the start. */
  readonly since: number | null;
}

/** Counters since the container's start, and its memory now. */
export interface EngineStats {
  readonly cpuNanoseconds: number;
  readonly systemCpuNanoseconds: number;
  readonly memoryUsedBytes: number;
  readonly memoryLimitBytes: number;
  readonly blockReadBytes: number;
  readonly blockWriteBytes: number;
  readonly netRxBytes: number;
  readonly netTxBytes: number;
}

/** What `watch` tells. After `connected` anything may have changed unseen: look at everything. */
export type EngineSignal =
  | { readonly kind: 'connected' }
  | { readonly kind: 'lost'; readonly reason: string }
  | {
      readonly kind: 'container';
      readonly id: string;
      /** `start`, `die`, `destroy` … */
      readonly action: string;
      readonly labels: Readonly<Record<string, string>>;
      /** Milliseconds since 1970 by the Engine's clock. */
      readonly at: number;
    };

/** `name` or `name=value`. */
export type LabelFilter = string;

export interface Engine {
  /** Resolves when the Engine answers within `deadlineMs`; else throws `docker-unavailable`. */
  ping(deadlineMs: number): Promise<void>;
  info(): Promise<EngineInfo>;

  /** Whether the Engine has the image; `reference` as users write it. Throws `image-not-found` for a malformed one. */
  hasImage(reference: string): Promise<boolean>;
  /** Throws `image-not-found` or `image-pull-failed`, in words for the owner of the container. */
  pullImage(reference: string, options?: PullOptions): Promise<void>;
  /** Id and size of an image that is here; undefined = it is not. */
  findImage(reference: string): Promise<EngineImage | undefined>;
  /** Gone already is success. Throws `conflict` while a container uses it. */
  removeImage(reference: string): Promise<void>;
  /** What the Engine's default registry has. Throws `unavailable` when it does not answer. */
  searchImages(term: string): Promise<readonly FoundImage[]>;

  /** Whether a registry answers and takes the log-in: what failed, in words for its owner; null = nothing did. */
  testRegistry(domain: string, logIn?: RegistryLogIn): Promise<string | null>;

  /** Returns the new container's id. Throws `conflict` when the name is taken. */
  createContainer(name: string, body: ContainerBody): Promise<string>;
  findContainer(idOrName: string): Promise<EngineContainer | undefined>;
  listContainers(label: LabelFilter): Promise<EngineContainerSummary[]>;
  /** Running already is success. */
  startContainer(id: string): Promise<void>;
  /** Stopped already is success. `timeoutSeconds` before SIGKILL; absent = the container's own, usually 10. */
  stopContainer(id: string, timeoutSeconds?: number): Promise<void>;
  /** Starts a stopped container. */
  restartContainer(id: string, timeoutSeconds?: number): Promise<void>;
  /** Not running is success. */
  killContainer(id: string, signal?: string): Promise<void>;
  pauseContainer(id: string): Promise<void>;
  unpauseContainer(id: string): Promise<void>;
  updateContainer(id: string, resources: ResourcesBody): Promise<void>;
  /** Running or not, with its anonymous volumes; resolves when it is gone. Gone already is success. */
  removeContainer(id: string): Promise<void>;
  /**
   * Unpacks a tar archive in the folder `path` of the container, which need not run. Throws `invalid-value` when there is no
   * such folder.
   */
  putArchive(id: string, path: string, tar: Buffer | Readable): Promise<void>;
  /** A file or folder as a tar archive, to be read or destroyed. Throws `invalid-value` when there is none. */
  getArchive(id: string, path: string): Promise<{ readonly stat: EnginePathStat; readonly tar: Readable }>;
  /** Size of the terminal. Throws `invalid-value` when it has none. */
  resizeContainer(id: string, size: TerminalSize): Promise<void>;
  /** Of a command that `docker exec` runs. Throws `invalid-value` when this container has no such command running. */
  resizeExec(id: string, execId: string, size: TerminalSize): Promise<void>;

  /** What the container wrote, both streams in order. Very long logs are cut at the front and say so. */
  logs(id: string, options: LogOptions): Promise<string>;
  /**
   * Its last entries, at most `most` of them and oldest first; each is a time (RFC 3339 with nanoseconds), a blank, and what was written.
   * To be read to its end, or left by `return`. Throws `docker-unavailable` when all of it takes longer than `deadlineMs`.
   */
  logEntries(
    id: string,
    options: { readonly most: number; readonly deadlineMs: number },
  ): Promise<AsyncGenerator<Frame>>;
  /** The same as `logs`, and on until the container ends or the stream is destroyed. */
  followLogs(id: string, options: LogOptions): Promise<Readable>;
  /**
   * Runs a command in the container; stdout and stderr merged. When `timeoutMs` passes, or `signal` aborts, the
   * process and its group are killed and `conflict` is thrown: `Timeout on executing command: …`.
   */
  execute(
    id: string,
    command: readonly string[],
    options: ExecuteOptions,
  ): Promise<{ readonly output: string; readonly exitCode: number }>;
  /** Talks with the container's own process, which goes on running when one leaves. */
  attach(id: string): Promise<Conversation>;
  /** Makes a command ready; `interactive` = it has an input. Returns its id. */
  createExec(
    id: string,
    command: readonly string[],
    options: ExecOptions & { readonly interactive: boolean },
  ): Promise<string>;
  /**
   * Starts such a command, once; resolves when it runs, or has ended already. Throws `invalid-value` when this container
   * has no such command, `conflict` when it was started before.
   */
  startExec(id: string, execId: string): Promise<Conversation>;
  /** Its exit code; null = it still runs. */
  execResult(id: string, execId: string): Promise<number | null>;
  /** Ends such a command as closing its terminal would, and by force when that is not enough. Ended already is success. */
  hangUpExec(id: string, execId: string): Promise<void>;
  top(
    id: string,
    psArgs: string | null,
  ): Promise<{ readonly titles: readonly string[]; readonly processes: readonly (readonly string[])[] }>;
  stats(id: string): Promise<EngineStats>;

  /** Returns the new network's id. Throws `conflict` when the name is taken. */
  createNetwork(body: NetworkBody): Promise<string>;
  findNetwork(name: string): Promise<EngineNetwork | undefined>;
  /** All of them, or those with the label. */
  listNetworks(label?: LabelFilter): Promise<EngineNetwork[]>;
  /** Of running containers; none when there is no such network. */
  listEndpoints(networkId: string): Promise<EngineNetworkEndpoint[]>;
  /** Gone already is success. */
  removeNetwork(idOrName: string): Promise<void>;
  /** Of a container that runs, at once; of one that does not, at its next start. */
  connectNetwork(network: string, containerId: string, endpoint: EndpointBody): Promise<void>;
  /** Not connected is success. */
  disconnectNetwork(network: string, containerId: string): Promise<void>;

  /** Events of containers with the label, without end: connects again whenever the Engine comes back. */
  watch(options: { readonly label?: LabelFilter; readonly signal: AbortSignal }): AsyncIterable<EngineSignal>;

  close(): void;
}
