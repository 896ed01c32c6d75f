/** Options of a container → the Engine's own words for them. Pure. */
import type { ContainerBody } from '../docker/engine.ts';
import type { WantedContainer } from '../wire/agent.ts';

type Options = NonNullable<WantedContainer['spec']['options']>;

const mebibyte = 2 ** 20;
/** Microseconds. A quota, and not `NanoCpus`: a host may have fewer CPUs than the limit allows. */
const cpuPeriod = 100_000;

/** Beside `HostConfig`. */
export function toProcessBody({ user, stopSignal, stopGraceSeconds }: Options): Partial<ContainerBody> {
  return {
    ...(user !== undefined && { User: user }),
    ...(stopSignal !== undefined && { StopSignal: stopSignal }),
    ...(stopGraceSeconds !== undefined && { StopTimeout: stopGraceSeconds }),
  };
}

export function toOptionBody(options: Options): Partial<ContainerBody['HostConfig']> {
  const { cpuLimit, ulimits, tmpfs, extraHosts } = options;
  return {
    ...(cpuLimit !== undefined && { CpuPeriod: cpuPeriod, CpuQuota: Math.round(cpuLimit * cpuPeriod) }),
    ...(options.pidsLimit !== undefined && { PidsLimit: options.pidsLimit }),
    ...(ulimits && {
      Ulimits: ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    }),
    ...(options.shmSizeMiB !== undefined && { ShmSize: options.shmSizeMiB * mebibyte }),
    ...(tmpfs && { Tmpfs: toTmpfs(tmpfs) }),
    ...(options.readOnly && { ReadonlyRootfs: true }),
    ...(options.capAdd && { CapAdd: options.capAdd }),
    ...(options.capDrop && { CapDrop: options.capDrop }),
    ...(options.sysctls && { Sysctls: options.sysctls }),
    ...(extraHosts && {
      ExtraHosts: Object.entries(extraHosts).map(([name, address]) => `${name}:${address}`),
    }),
    ...(options.dns && { Dns: options.dns }),
    ...(options.dnsSearch && { DnsSearch: options.dnsSearch }),
    ...(options.init && { Init: true }),
  };
}

function toTmpfs(tmpfs: NonNullable<Options['tmpfs']>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tmpfs).map(([path, sizeMiB]) => [path, sizeMiB === null ? '' : `size=${sizeMiB}m`]),
  );
}
