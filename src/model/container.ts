/**
 * The container: its compiled specification, its statuses, and which action is allowed in which status.
 *
 * The tables are read by the API (to refuse), the agent (to decide), the command line and the dashboard (to
 * show). They are those of Zun's API, reference/zun-api.md sections 18.1 to 18.3.
 */
import type { ContainerOptions } from './container-options.ts';
import { Failure } from './failure.ts';

export const containerStatuses = [
  'Creating',
  'Created',
  'Running',
  'Stopped',
  'Paused',
  'Restarting',
  'Rebuilding',
  'Deleting',
  'Deleted',
  'Dead',
  'Error',
  'Unknown',
] as const;
export type ContainerStatus = (typeof containerStatuses)[number];

export const taskStates = [
  'image_pulling',
  'container_creating',
  'container_starting',
  'container_deleting',
  'container_stopping',
  'container_rebooting',
  'container_pausing',
  'container_unpausing',
  'container_killing',
  'sg_adding',
  'sg_removing',
  'network_attaching',
  'network_detaching',
  'container_rebuilding',
] as const;
export type TaskState = (typeof taskStates)[number];

/** Allowed statuses per action. `delete_force` and `delete_after_stop` are DELETE with those flags. */
export const allowedIn = {
  start: ['Created', 'Stopped', 'Error'],
  stop: ['Running'],
  pause: ['Running'],
  unpause: ['Paused'],
  kill: ['Running'],
  reboot: ['Created', 'Running', 'Stopped', 'Error'],
  rebuild: ['Created', 'Running', 'Stopped', 'Error'],
  execute: ['Running'],
  execute_resize: ['Running'],
  attach: ['Running'],
  resize: ['Running'],
  top: ['Running'],
  stats: ['Running'],
  update: ['Created', 'Running', 'Stopped', 'Paused'],
  resize_container: ['Created', 'Running', 'Stopped', 'Paused'],
  // Everything but what is going or gone: Zun has no rule here.
  network_attach: [
    'Creating',
    'Created',
    'Running',
    'Stopped',
    'Paused',
    'Restarting',
    'Rebuilding',
    'Dead',
    'Error',
    'Unknown',
  ],
  network_detach: [
    'Creating',
    'Created',
    'Running',
    'Stopped',
    'Paused',
    'Restarting',
    'Rebuilding',
    'Dead',
    'Error',
    'Unknown',
  ],
  default_gateway: ['Created', 'Running', 'Stopped', 'Paused'],
  add_security_group: ['Created', 'Running', 'Stopped', 'Paused'],
  remove_security_group: ['Created', 'Running', 'Stopped', 'Paused'],
  get_archive: ['Created', 'Running', 'Stopped', 'Paused'],
  put_archive: ['Created', 'Running', 'Stopped', 'Paused'],
  commit: ['Running', 'Stopped', 'Paused'],
  logs: ['Created', 'Error', 'Paused', 'Running', 'Stopped', 'Unknown'],
  delete: ['Created', 'Error', 'Stopped', 'Deleted', 'Dead'],
  delete_force: [
    'Created',
    'Creating',
    'Error',
    'Running',
    'Stopped',
    'Unknown',
    'Deleted',
    'Dead',
    'Restarting',
    'Rebuilding',
    'Deleting',
  ],
  delete_after_stop: ['Running', 'Created', 'Error', 'Stopped', 'Deleted', 'Dead'],
} as const satisfies Record<string, readonly ContainerStatus[]>;
export type ContainerAction = keyof typeof allowedIn;

export function isAllowed(action: ContainerAction, status: ContainerStatus): boolean {
  return (allowedIn[action] as readonly string[]).includes(status);
}

/** Throws `invalid-state-exception` (409) in Zun's words when the table does not allow the action. */
export function assertAllowed(action: ContainerAction, uuid: string, status: ContainerStatus): void {
  if (isAllowed(action, status)) return;
  throw new Failure('invalid-state-exception', `Cannot ${action} container ${uuid} in ${status} state`);
}

/** Verbs that wait in the store until the agent has carried them out. `create` covers create and first start. */
export const operationVerbs = [
  'create',
  'start',
  'stop',
  'reboot',
  'pause',
  'unpause',
  'kill',
  'rebuild',
  'update',
  'network_attach',
  'network_detach',
  'default_gateway',
  'delete',
] as const;
export type OperationVerb = (typeof operationVerbs)[number];

/** Verbs that the server carries out by itself: no agent hears of them. */
export const serverVerbs = ['add_security_group', 'remove_security_group'] as const;
export type ServerVerb = (typeof serverVerbs)[number];

export type RestartPolicyName = 'no' | 'always' | 'on-failure' | 'unless-stopped';

export interface RestartPolicy {
  readonly name: RestartPolicyName;
  /** 0 = without limit. */
  readonly maximumRetryCount: number;
}

export interface Healthcheck {
  /** A shell command line, run inside the container. */
  readonly test: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly retries: number;
}

/** A file written into the container before its first start (Zun's mounts of type `bind`). */
export interface InjectedFile {
  /** Absolute path inside the container. */
  readonly destination: string;
  readonly contentBase64: string;
}

export interface ExposedPort {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

/** What to run, fully compiled: defaults applied, units fixed, cross-field rules checked. */
export interface ContainerSpec {
  readonly image: string;
  readonly imageDriver: 'docker' | 'glance';
  readonly pullPolicy: 'always' | 'ifnotpresent' | 'never';
  /** Empty = the image's. */
  readonly command: readonly string[];
  /** Empty = the image's. */
  readonly entrypoint: readonly string[];
  /** CPUs, 1.0 = one core's share. */
  readonly cpu: number;
  readonly cpuPolicy: 'shared' | 'dedicated';
  readonly memoryMiB: number;
  /** 0 = no limit. */
  readonly diskGiB: number;
  readonly workdir: string | null;
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostname: string | null;
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly autoRemove: boolean;
  readonly autoHeal: boolean;
  /** Null = the configured default. */
  readonly runtime: string | null;
  readonly privileged: boolean;
  readonly restartPolicy: RestartPolicy | null;
  readonly healthcheck: Healthcheck | null;
  readonly files: readonly InjectedFile[];
  readonly exposedPorts: readonly ExposedPort[];
  /** Where the image comes from; null = what its name says. */
  readonly registryId: string | null;
  readonly options?: ContainerOptions;
}

export interface FixedIp {
  readonly address: string;
  readonly subnetId: string;
  readonly version: 4 | 6;
}

/** A container's place on a network: a port of the network service. */
export interface Nic {
  /** That of its entry in the container's list of networks. */
  readonly index: number;
  readonly networkId: string;
  readonly portId: string;
  readonly macAddress: string;
  readonly fixedIps: readonly FixedIp[];
  /** The port was the user's own: kept when the container goes. */
  readonly preserveOnDelete: boolean;
  /** Its gateway was asked for as the container's default one. */
  readonly defaultGateway?: boolean;
}

/** An entry of `nets` that was checked. */
export interface ResolvedNet {
  readonly networkId: string;
  /** The user's own port; absent = one is made. */
  readonly portId?: string;
  /** At most one of each family; absent = those that the network gives. */
  readonly fixedIps?: readonly string[];
  readonly defaultGateway?: boolean;
}

/** A network that the container is to be on. */
export interface WantedNet extends ResolvedNet {
  /** With the container's uuid the key of the port: never used twice in the container's life. */
  readonly index: number;
}

/** What the owner wants the container to be doing when nothing is in progress. */
export const powers = ['created', 'running', 'paused', 'stopped'] as const;
export type Power = (typeof powers)[number];

/** What the Engine says. `missing` = the Engine answered and has no such container. */
export const engineStates = [
  'missing',
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
] as const;
export type EngineState = (typeof engineStates)[number];

const statusOfEngineState = {
  missing: 'Error',
  created: 'Created',
  running: 'Running',
  paused: 'Paused',
  restarting: 'Restarting',
  removing: 'Deleting',
  exited: 'Stopped',
  dead: 'Dead',
} as const satisfies Record<EngineState, ContainerStatus>;

export function statusOf(state: EngineState): ContainerStatus {
  return statusOfEngineState[state];
}
