/** Filters: each answers why a host cannot take a container, in words that follow a number of hosts. */
import type { Usage } from '../model/container-record.ts';

/** A host as the scheduler sees it. */
export interface HostState {
  readonly name: string;
  /** Null = up; else why not, e.g. `down`, `whose Docker does not answer`. */
  readonly down: string | null;
  readonly disabled: boolean;
  readonly availabilityZone: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskGiB: number;
  readonly diskQuotaSupported: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly runtimes: readonly string[];
  readonly usage: Usage;
}

export interface Ask {
  readonly cpu: number;
  readonly cpuPolicy: 'shared' | 'dedicated';
  readonly memoryMiB: number;
  /** 0 = no limit, nothing to claim. */
  readonly diskGiB: number;
  readonly runtime: string | null;
  readonly availabilityZone: string | null;
  readonly host: string | null;
  /** Labels that the host must have, from the hints `label:<name>`. */
  readonly hostLabels: Readonly<Record<string, string>>;
}

/** How many times over each resource may be promised. */
export interface Ratios {
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
}

export type Filter = (host: HostState, ask: Ask, ratios: Ratios) => string | undefined;

/** Sums of fractions such as 0.1 + 0.2 must not refuse the last container that fits. */
const tolerance = 1e-6;

const requestedHost: Filter = (host, ask) =>
  ask.host === null || ask.host === host.name ? undefined : `not the requested host ${ask.host}`;

const isUp: Filter = (host) => host.down ?? undefined;

const isEnabled: Filter = (host) => (host.disabled ? 'disabled' : undefined);

const zone: Filter = (host, ask) =>
  ask.availabilityZone === null || ask.availabilityZone === host.availabilityZone
    ? undefined
    : `outside availability zone ${ask.availabilityZone}`;

const runtime: Filter = (host, ask) =>
  ask.runtime === null || host.runtimes.includes(ask.runtime) ? undefined : `without runtime ${ask.runtime}`;

const labels: Filter = (host, ask) => {
  for (const name in ask.hostLabels) {
    if (host.labels[name] !== ask.hostLabels[name]) {
      return `without label ${name}=${ask.hostLabels[name]}`;
    }
  }
  return undefined;
};

const pinning: Filter = (_host, ask) =>
  ask.cpuPolicy === 'dedicated' ? 'without CPU pinning, which cpu_policy dedicated needs' : undefined;

const cpu: Filter = (host, ask, ratios) =>
  host.usage.cpu + ask.cpu > host.cpus * ratios.cpu + tolerance ? 'with too few CPUs free' : undefined;

const memory: Filter = (host, ask, ratios) =>
  host.usage.memoryMiB + ask.memoryMiB > host.memoryMiB * ratios.memory + tolerance
    ? 'with too little memory'
    : undefined;

const disk: Filter = (host, ask, ratios) => {
  if (ask.diskGiB === 0) return undefined;
  if (!host.diskQuotaSupported) return 'without support for disk quotas';
  return host.usage.diskGiB + ask.diskGiB > host.diskGiB * ratios.disk + tolerance
    ? 'with too little disk'
    : undefined;
};

/** In the order of what an operator wants to read first. */
export const filters: readonly Filter[] = [
  requestedHost,
  isUp,
  isEnabled,
  zone,
  runtime,
  labels,
  pinning,
  cpu,
  memory,
  disk,
];

/** Filters of an update in place: the container stays where it is, only its resources grow. */
export const growthFilters: readonly Filter[] = [cpu, memory, disk];
