/**
 * The records that the server keeps about containers and hosts, in domain words.
 *
 * They are what the store hands out and the API shows. Rows and wire shapes are other things
 * (src/store/container/codec.ts, src/api/zun/container-view.ts).
 */
import type {
  ContainerSpec,
  ContainerStatus,
  EngineState,
  Nic,
  OperationVerb,
  Power,
  ServerVerb,
  WantedNet,
} from './container.ts';
import type { Hardware } from './hardware.ts';
import type { Uuid } from './ids.ts';
import type { LogsLeft } from './kept-logs.ts';

/**
 * Where the container's ports are in their life. `wanted`: to be made. `ready`: made, and the agent may see the
 * container. `changing`: as `ready`, but `nets` or groups have changed, and the ports are to follow. `releasing`: the
 * agent has nothing of it (any more); ports and groups are to be removed. `none`: there are no ports and no claim.
 */
export type PortsPhase = 'wanted' | 'ready' | 'changing' | 'releasing' | 'none';

/** Phases in which the container's agent may see it. */
export const visiblePhases = ['ready', 'changing'] as const satisfies readonly PortsPhase[];

export function isVisible({ portsPhase }: Pick<Container, 'portsPhase'>): boolean {
  return (visiblePhases as readonly string[]).includes(portsPhase);
}

/** Injected files are read only when the agent asks: they can be large. */
export type StoredSpec = Omit<ContainerSpec, 'files'>;

/** The image's values where the specification has none; known once the Engine has the container. */
export interface Resolved {
  readonly command: readonly string[];
  readonly entrypoint: readonly string[];
  readonly workdir: string | null;
  readonly hostname: string;
  readonly runtime: string;
  readonly ports: readonly number[];
}

/** How the container is doing, as the Engine says. */
export interface Vitals {
  /** Restarts by the Engine since the last start that somebody asked for. */
  readonly restartCount: number;
  /** Null = it has no health check, or does not run. */
  readonly health: Health | null;
}

export interface Health {
  readonly status: 'starting' | 'healthy' | 'unhealthy';
  readonly failingStreak: number;
  /** What the last check wrote, cut. */
  readonly output: string;
}

/** What was done to an unhealthy container with `auto_heal`. */
export interface Heals {
  readonly restarts: number;
  readonly rebuilds: number;
  /** Since it was last healthy. */
  readonly attempts: number;
  readonly lastAt: string;
}

export interface Container {
  /** Order of creation. */
  readonly id: number;
  readonly uuid: Uuid;
  readonly name: string;
  readonly projectId: string;
  readonly userId: string;
  readonly spec: StoredSpec;
  /** What it is to be on, in the order in which it was asked for. */
  readonly nets: readonly WantedNet[];
  /** Those of `nets` whose port is there, in their order. */
  readonly nics: readonly Nic[];
  /** Ids; null = the project's default group. */
  readonly securityGroupIds: readonly Uuid[] | null;
  /** The group made for `exposedPorts`. */
  readonly exposedGroupId: Uuid | null;
  /** Holds the claim: what the container asks for counts on this host. Null = nowhere. */
  readonly host: string | null;
  readonly portsPhase: PortsPhase;
  readonly status: ContainerStatus;
  readonly statusReason: string | null;
  readonly taskState: string | null;
  readonly power: Power;
  /** Grows with every change of `spec` or `nics`. */
  readonly revision: number;
  /** The Engine has had it at least once. */
  readonly wasCreated: boolean;
  /** Null = never reported. */
  readonly engineState: EngineState | null;
  readonly runtimeId: string | null;
  readonly exitCode: number | null;
  readonly resolved: Resolved | null;
  /** Null = never reported. */
  readonly vitals: Vitals | null;
  /** Null = it never had to be healed. */
  readonly heals: Heals | null;
  /** ISO 8601, UTC. */
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** When the agent last looked, by its own clock. */
  readonly observedAt: string | null;
  readonly createdAt: string;
  readonly updatedAt: string | null;
}

export interface OperationArgs {
  readonly timeoutSeconds?: number;
  readonly signal?: string;
  /** update: what to go back to when the Engine refuses. */
  readonly previous?: { readonly cpu: number; readonly memoryMiB: number };
  /** network_attach, network_detach: which of the container's networks. */
  readonly nicIndex?: number;
  /** default_gateway: the networks whose gateway was asked for before. */
  readonly gatewaysBefore?: readonly number[];
  /** network_detach: what to go back to when the Engine refuses. */
  readonly detached?: { readonly net: WantedNet; readonly nic: Nic | null; readonly position: number };
  /** add_security_group, remove_security_group. */
  readonly securityGroupId?: Uuid;
  /** delete: what became of its logs, once its host has nothing else of it. */
  readonly logs?: LogsLeft;
}

/** A row of the action log; while it has no `finishedAt` it waits for the agent. */
export interface ContainerOperation {
  readonly id: Uuid;
  readonly containerUuid: Uuid;
  readonly projectId: string;
  readonly userId: string;
  readonly requestId: string;
  readonly verb: OperationVerb | ServerVerb;
  readonly args: OperationArgs;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly result: 'Success' | 'Error' | null;
  /** For people, when it failed. */
  readonly message: string | null;
}

export interface HostRecord {
  readonly id: number;
  readonly uuid: Uuid;
  readonly name: string;
  readonly availabilityZone: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskGiB: number;
  readonly diskQuotaSupported: boolean;
  readonly architecture: string;
  readonly osType: string;
  readonly os: string;
  readonly kernelVersion: string;
  readonly engineVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly runtimes: readonly string[];
  readonly hardware: Hardware;
  readonly engineOk: boolean;
  readonly engineError: string | null;
  readonly lastSeenAt: string;
  readonly reportCount: number;
  readonly disabled: boolean;
  readonly disabledReason: string | null;
  readonly forcedDown: boolean;
  readonly createdAt: string;
  readonly updatedAt: string | null;
}

/** What containers on a host, or of a project, ask for together. */
export interface Usage {
  readonly containers: number;
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly diskGiB: number;
}

export const noUsage: Usage = { containers: 0, cpu: 0, memoryMiB: 0, diskGiB: 0 };

export const quotaResources = ['containers', 'memory', 'cpu', 'disk'] as const;
export type QuotaResource = (typeof quotaResources)[number];
/** -1 = unlimited. Memory in MiB, disk in GiB. */
export type Quota = Readonly<Record<QuotaResource, number>>;
