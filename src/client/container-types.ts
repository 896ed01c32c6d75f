/** What the container API takes and shows (Zun v1 and our own fields from 1.41 on), as JSON has it. */
import type { ContainerStatus } from '../model/container.ts';

export interface AddressView {
  readonly addr: string;
  /** Absent in microversions without floating ones. */
  readonly 'OS-EXT-IPS:type'?: 'fixed' | 'floating';
  readonly version: 4 | 6;
  readonly port: string;
  readonly subnet_id: string;
  readonly preserve_on_delete: boolean;
}

/** A container as the service shows it. The last four fields are for administrators only. */
export interface ContainerView {
  readonly uuid: string;
  readonly name: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly image: string;
  readonly image_driver: string;
  readonly command: readonly string[];
  readonly entrypoint: readonly string[];
  readonly status: ContainerStatus;
  readonly status_reason: string | null;
  readonly status_detail: string | null;
  readonly task_state: string | null;
  readonly cpu: number;
  readonly cpu_policy: string;
  /** MiB, as text. */
  readonly memory: string;
  /** GiB; 0 = no limit. */
  readonly disk: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly workdir: string | null;
  readonly ports: readonly number[];
  readonly hostname: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** By network id. */
  readonly addresses: Readonly<Record<string, readonly AddressView[]>>;
  readonly restart_policy: { readonly Name?: string; readonly MaximumRetryCount?: string };
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly security_groups: readonly string[];
  readonly auto_remove: boolean;
  readonly auto_heal: boolean;
  readonly healthcheck: Readonly<Record<string, unknown>>;
  readonly registry_id: string | null;
  readonly created_at: string | null;
  readonly updated_at: string | null;
  readonly host?: string | null;
  readonly runtime?: string | null;
  readonly privileged?: boolean;
  readonly image_pull_policy?: string | null;
}

export interface NetRequest {
  readonly network?: string;
  readonly port?: string;
  readonly 'v4-fixed-ip'?: string;
  readonly 'v6-fixed-ip'?: string;
}

export interface MountRequest {
  readonly type?: 'volume' | 'bind';
  /** `volume`: its name or id. `bind`: the file's content in base64. */
  readonly source?: string;
  readonly destination: string;
  readonly size?: string;
}

/** What can be asked for; every field but the image has a default on the server. */
export interface ContainerRequest {
  readonly image: string;
  readonly name?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly cpu?: number;
  /** MiB. */
  readonly memory?: string;
  /** GiB. */
  readonly disk?: number;
  readonly workdir?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly hostname?: string;
  readonly image_driver?: string;
  readonly image_pull_policy?: string;
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly auto_remove?: boolean;
  readonly auto_heal?: boolean;
  readonly restart_policy?: { readonly Name: string; readonly MaximumRetryCount?: string };
  readonly security_groups?: readonly string[];
  readonly exposed_ports?: Readonly<Record<string, object>>;
  readonly nets?: readonly NetRequest[];
  readonly mounts?: readonly MountRequest[];
  readonly hints?: Readonly<Record<string, string>>;
  readonly availability_zone?: string;
  readonly host?: string;
  readonly runtime?: string;
  readonly privileged?: boolean;
  readonly healthcheck?: {
    readonly cmd: string;
    readonly interval?: number;
    readonly retries?: number;
    readonly timeout?: number;
  };
  readonly registry?: string;
  // From here on: microversion 1.41.
  readonly cpu_limit?: number;
  readonly pids_limit?: number;
  readonly ulimits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  /** MiB. */
  readonly shm_size?: number;
  readonly tmpfs?: Readonly<Record<string, { readonly size?: number }>>;
  readonly read_only?: boolean;
  readonly user?: string;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly extra_hosts?: Readonly<Record<string, string>>;
  readonly dns?: readonly string[];
  readonly dns_search?: readonly string[];
  readonly stop_signal?: string;
  /** Seconds. */
  readonly stop_grace?: number;
  readonly init?: boolean;
}

export const ownFields = [
  'cpu_limit',
  'pids_limit',
  'ulimits',
  'shm_size',
  'tmpfs',
  'read_only',
  'user',
  'cap_add',
  'cap_drop',
  'sysctls',
  'extra_hosts',
  'dns',
  'dns_search',
  'stop_signal',
  'stop_grace',
  'init',
] as const satisfies readonly (keyof ContainerRequest)[];
/** What no Zun knows. */
export type OwnField = (typeof ownFields)[number];

/** Microversion 1.41. */
export interface ExecutePlace {
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workdir?: string;
}

/** Microversion 1.41. */
export interface ExecuteMore extends ExecutePlace {
  readonly stdin?: string;
  /** Seconds. */
  readonly timeout?: number;
}

/** In characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface ContainerChanges {
  readonly name?: string;
  readonly cpu?: number;
  readonly memory?: string;
  readonly auto_heal?: boolean;
}

export interface ActionView {
  readonly action: string;
  readonly request_id: string;
  readonly user_id: string;
  readonly container_uuid: string;
  readonly start_time: string;
  readonly finish_time: string | null;
  readonly message: string | null;
  readonly events?: readonly {
    readonly event: string;
    readonly start_time: string;
    readonly finish_time: string | null;
    readonly result: string | null;
    readonly traceback: string | null;
  }[];
}

export interface StatsView {
  readonly CONTAINER: string;
  readonly 'CPU %': number;
  readonly 'MEM USAGE(MiB)': number;
  readonly 'MEM LIMIT(MiB)': number;
  readonly 'MEM %': number;
  readonly 'BLOCK I/O(B)': string;
  readonly 'NET I/O(B)': string;
}

export interface ServiceView {
  readonly id: number;
  readonly host: string;
  readonly binary: string;
  readonly state: 'up' | 'down';
  readonly disabled: boolean;
  readonly disabled_reason: string | null;
  readonly forced_down: boolean;
  readonly last_seen_up: string | null;
  readonly availability_zone: string;
  readonly updated_at: string | null;
}

export interface HostView {
  readonly uuid: string;
  readonly hostname: string;
  /** MiB. */
  readonly mem_total: number;
  readonly mem_used: number;
  readonly cpus: number;
  readonly cpu_used: number;
  /** GiB. */
  readonly disk_total: number;
  readonly disk_used: number;
  readonly total_containers: number;
  readonly architecture: string;
  readonly os: string;
  readonly kernel_version: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly runtimes: readonly string[];
}

export interface PolicyView {
  readonly rule: string;
  readonly text: string;
  readonly default: boolean;
}

export interface PolicyExplanation {
  readonly rule: string;
  readonly text: string;
  readonly allowed: boolean;
  readonly user_name: string;
  readonly project_name: string;
  readonly roles: readonly string[];
  readonly is_admin: boolean;
  readonly checks: readonly {
    readonly rule: string;
    readonly check: string;
    readonly holds: boolean;
    readonly has: string;
    readonly wants: string;
  }[];
}

export const quotaNames = ['containers', 'cpu', 'memory', 'disk'] as const;
export type QuotaName = (typeof quotaNames)[number];
export type QuotaUsage = Record<QuotaName, { readonly limit: number; readonly in_use: number }>;

/** Of several that were to be deleted: one that was not, and why. */
export interface RefusedRemoval extends NamedContainer {
  readonly status: ContainerStatus;
  readonly error: { readonly code: string; readonly status: number; readonly title: string };
}
export interface NamedContainer {
  readonly uuid: string;
  readonly name: string;
  readonly project_id: string;
}
export interface Removals {
  readonly accepted: readonly NamedContainer[];
  readonly refused: readonly RefusedRemoval[];
}

export interface DeletedContainerView extends NamedContainer {
  readonly user_id: string;
  readonly image: string;
  readonly host?: string;
  readonly created_at: string;
  readonly deleted_at: string;
  readonly deleted_by: string;
  readonly request_id: string;
  readonly kept_until: string;
  /** Null = none are kept; `logs_reason` says why. */
  readonly logs_bytes: number | null;
  readonly logs_reason: string | null;
}

/** Verbs without an answer of interest, carried out after the service has replied. */
export type Verb = 'start' | 'stop' | 'reboot' | 'pause' | 'unpause' | 'kill' | 'rebuild';

export type ServiceChange =
  | { readonly verb: 'enable' }
  | { readonly verb: 'disable'; readonly disabled_reason?: string }
  | { readonly verb: 'force_down'; readonly forced_down: boolean };
