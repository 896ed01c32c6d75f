/** The Engine's answers → our words. Only the fields that we read are described here. */
import { type EngineState, engineStates } from '../model/container.ts';
import type {
  EngineContainer,
  EngineContainerSummary,
  EngineHealth,
  EngineInfo,
  EngineNetwork,
  EngineNetworkEndpoint,
  EngineStats,
} from './engine.ts';

type Maybe<T> = T | null | undefined;
type Labels = Maybe<Readonly<Record<string, string>>>;

export interface ContainerAnswer {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly Error: string;
    readonly OOMKilled: boolean;
    readonly Pid: number;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: Maybe<{
      readonly Status: string;
      readonly FailingStreak: number;
      readonly Log: Maybe<readonly { readonly Output: string }[]>;
    }>;
  };
  readonly Config: {
    readonly Cmd: Maybe<readonly string[]>;
    readonly Entrypoint: Maybe<readonly string[]>;
    readonly WorkingDir: string;
    readonly Hostname: string;
    readonly Tty: boolean;
    readonly Labels: Labels;
    readonly ExposedPorts?: Maybe<Readonly<Record<string, object>>>;
  };
  readonly HostConfig: { readonly Runtime: string };
  readonly NetworkSettings: {
    readonly Networks: Maybe<
      Readonly<Record<string, { readonly DriverOpts?: Maybe<Readonly<Record<string, string>>> }>>
    >;
  };
}

export interface ContainerSummaryAnswer {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Labels: Labels;
  readonly State: string;
}

export interface NetworkAnswer {
  readonly Id: string;
  readonly Name: string;
  readonly Driver: string;
  readonly IPAM?: { readonly Driver?: string };
  readonly Labels: Labels;
  /** Only of an inspection; by the container's id, or `ep-` and the endpoint's. */
  readonly Containers?: Readonly<
    Record<string, { readonly Name: string; readonly EndpointID: string; readonly MacAddress: string }>
  > | null;
}

export interface InfoAnswer {
  readonly ServerVersion: string;
  readonly Architecture: string;
  readonly OSType: string;
  readonly OperatingSystem: string;
  readonly KernelVersion: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly Labels: Maybe<readonly string[]>;
  readonly Runtimes: Maybe<Readonly<Record<string, object>>>;
  readonly DockerRootDir: string;
  readonly Driver: string;
  readonly DriverStatus: Maybe<readonly (readonly [string, string])[]>;
}

export interface StatsAnswer {
  readonly cpu_stats?: {
    readonly cpu_usage?: { readonly total_usage?: number };
    readonly system_cpu_usage?: number;
  };
  readonly memory_stats?: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Maybe<Readonly<Record<string, number>>>;
  };
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?: Maybe<readonly { readonly op: string; readonly value: number }[]>;
  };
  readonly networks?: Maybe<
    Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>
  >;
}

/** The Engine's "never" is the year 1. */
function timeOrNothing(text: string): string | undefined {
  return text === '' || text.startsWith('0001-') ? undefined : text;
}

function toState(text: string): EngineState {
  const state = engineStates.find((known) => known === text);
  if (!state) throw new Error(`the Engine reports a state we do not know: ${text}`);
  return state;
}

export function toContainer(answer: ContainerAnswer): EngineContainer {
  const { State, Config } = answer;
  const startedAt = timeOrNothing(State.StartedAt);
  const finishedAt = timeOrNothing(State.FinishedAt);
  return {
    id: answer.Id,
    name: answer.Name.replace(/^\//, ''),
    labels: Config.Labels ?? {},
    state: toState(State.Status),
    exitCode: State.ExitCode,
    startError: State.Error,
    killedForMemory: State.OOMKilled,
    createdAt: answer.Created,
    ...(startedAt && { startedAt }),
    ...(finishedAt && { finishedAt }),
    restartCount: answer.RestartCount,
    ...healthOf(State),
    command: Config.Cmd ?? [],
    entrypoint: Config.Entrypoint ?? [],
    workdir: Config.WorkingDir,
    hostname: Config.Hostname,
    runtime: answer.HostConfig.Runtime,
    tty: Config.Tty,
    ports: [...new Set(Object.keys(Config.ExposedPorts ?? {}).map((port) => Number.parseInt(port, 10)))],
    endpoints: Object.entries(answer.NetworkSettings.Networks ?? {}).map(([network, { DriverOpts }]) => ({
      network,
      options: DriverOpts ?? {},
    })),
    pid: State.Pid,
  };
}

const healthStatuses = ['starting', 'healthy', 'unhealthy'] as const;
const longestOutput = 500;

function healthOf({ Health, Status }: ContainerAnswer['State']): { health?: EngineHealth } {
  const status = healthStatuses.find((known) => known === Health?.Status);
  if (!Health || !status || Status !== 'running') return {};
  const output = (Health.Log?.at(-1)?.Output ?? '').slice(0, longestOutput);
  return { health: { status, failingStreak: Health.FailingStreak, output } };
}

export function toSummary(answer: ContainerSummaryAnswer): EngineContainerSummary {
  return {
    id: answer.Id,
    name: (answer.Names[0] ?? '').replace(/^\//, ''),
    labels: answer.Labels ?? {},
    state: toState(answer.State),
  };
}

export function toNetwork(answer: NetworkAnswer): EngineNetwork {
  return {
    id: answer.Id,
    name: answer.Name,
    driver: answer.Driver,
    ipamDriver: answer.IPAM?.Driver ?? '',
    labels: answer.Labels ?? {},
  };
}

export function toEndpoints({ Containers }: NetworkAnswer): EngineNetworkEndpoint[] {
  return Object.entries(Containers ?? {}).map(([key, { Name, EndpointID, MacAddress }]) => ({
    id: EndpointID,
    name: Name,
    macAddress: MacAddress.toLowerCase(),
    containerId: key === `ep-${EndpointID}` ? undefined : key,
  }));
}

export function toInfo(answer: InfoAnswer): EngineInfo {
  const driver = Object.fromEntries(answer.DriverStatus ?? []);
  const labels = (answer.Labels ?? []).map((label): [string, string] => {
    const at = label.indexOf('=');
    return at < 0 ? [label, ''] : [label.slice(0, at), label.slice(at + 1)];
  });
  return {
    version: answer.ServerVersion,
    architecture: answer.Architecture,
    osType: answer.OSType,
    os: answer.OperatingSystem,
    kernelVersion: answer.KernelVersion,
    cpus: answer.NCPU,
    memoryBytes: answer.MemTotal,
    labels: Object.fromEntries(labels),
    runtimes: Object.keys(answer.Runtimes ?? {}),
    rootDir: answer.DockerRootDir,
    storageDriver: answer.Driver,
    backingFilesystem: driver['Backing Filesystem'] ?? '',
  };
}

/** Memory without the file cache that the kernel would give back: `inactive_file`, by its two names. */
export function toStats(answer: StatsAnswer): EngineStats {
  const memory = answer.memory_stats ?? {};
  const cache = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0;
  const blocks = answer.blkio_stats?.io_service_bytes_recursive ?? [];
  const bytesOf = (op: string) =>
    blocks.filter((entry) => entry.op.toLowerCase() === op).reduce((sum, { value }) => sum + value, 0);
  const nets = Object.values(answer.networks ?? {});
  return {
    cpuNanoseconds: answer.cpu_stats?.cpu_usage?.total_usage ?? 0,
    systemCpuNanoseconds: answer.cpu_stats?.system_cpu_usage ?? 0,
    memoryUsedBytes: Math.max(0, (memory.usage ?? 0) - cache),
    memoryLimitBytes: memory.limit ?? 0,
    blockReadBytes: bytesOf('read'),
    blockWriteBytes: bytesOf('write'),
    netRxBytes: nets.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    netTxBytes: nets.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
  };
}
