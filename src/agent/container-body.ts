/**
 * Wanted container → what the Engine is asked to make. Pure.
 *
 * CPU is a relative weight (1024 shares per CPU), not a cap, as users of Zun know it. The first network is named at
 * creation, the others are connected before the start; each endpoint names its port, so that Kuryr need not search.
 * Our labels win over the user's: a container cannot pretend to be another's.
 */

import type { ContainerBody, EndpointBody, ResourcesBody } from '../docker/engine.ts';
import { formatImageReference, parseImageReference } from '../docker/image-reference.ts';
import type { Nic } from '../model/container.ts';
import { Failure } from '../model/failure.ts';
import { dockerLabels, portOption } from '../model/host-names.ts';
import type { WantedContainer } from '../wire/agent.ts';
import { toOptionBody, toProcessBody } from './option-bodies.ts';

const mebibyte = 2 ** 20;
const sharesPerCpu = 1024;
/** What the kernel accepts. */
const fewestShares = 2;

/** Empty = the Engine's own choice. */
export interface DnsSettings {
  readonly servers: readonly string[];
  readonly search: readonly string[];
}

export interface BodyContext {
  readonly instance: string;
  readonly defaultRuntime: string;
  /** Name of the Docker network that a port joins. */
  readonly networkName: (nic: Nic) => string;
  readonly dns: DnsSettings;
}

export function toContainerBody(wanted: WantedContainer, context: BodyContext): ContainerBody {
  const { spec, nics } = wanted;
  const [first] = nics;
  const network = first ? context.networkName(first) : 'none';
  const runtime = spec.runtime ?? context.defaultRuntime;
  return {
    Image: formatImageReference(parseImageReference(spec.image)),
    ...(spec.command.length > 0 && { Cmd: spec.command }),
    ...(spec.entrypoint.length > 0 && { Entrypoint: spec.entrypoint }),
    Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
    Labels: { ...spec.labels, ...ourLabels(wanted, context.instance) },
    ...(spec.hostname && { Hostname: spec.hostname }),
    ...(spec.workdir && { WorkingDir: spec.workdir }),
    Tty: spec.tty,
    OpenStdin: spec.interactive,
    ...(spec.exposedPorts.length > 0 && {
      ExposedPorts: Object.fromEntries(
        spec.exposedPorts.map(({ port, protocol }) => [`${port}/${protocol}`, {}]),
      ),
    }),
    ...(spec.healthcheck && { Healthcheck: toHealthcheck(spec.healthcheck) }),
    ...(spec.options && toProcessBody(spec.options)),
    HostConfig: {
      NetworkMode: network,
      Privileged: spec.privileged,
      AutoRemove: spec.autoRemove,
      ...(spec.restartPolicy && {
        RestartPolicy: {
          Name: spec.restartPolicy.name,
          MaximumRetryCount: spec.restartPolicy.maximumRetryCount,
        },
      }),
      ...(runtime && { Runtime: runtime }),
      ...(spec.diskGiB > 0 && { StorageOpt: { size: `${spec.diskGiB}G` } }),
      ...(context.dns.servers.length > 0 && { Dns: context.dns.servers }),
      ...(context.dns.search.length > 0 && { DnsSearch: context.dns.search }),
      ...toResources(wanted),
      ...(spec.options && toOptionBody(spec.options)),
    },
    ...(first && { NetworkingConfig: { EndpointsConfig: { [network]: toEndpoint(first) } } }),
  };
}

/** Memory and swap together are twice the memory: the Engine's own default, kept when the limit changes. */
export function toResources({ spec }: WantedContainer): ResourcesBody {
  return {
    ...(spec.cpu > 0 && { CpuShares: Math.max(fewestShares, Math.floor(spec.cpu * sharesPerCpu)) }),
    ...(spec.memoryMiB > 0 && {
      Memory: spec.memoryMiB * mebibyte,
      MemorySwap: 2 * spec.memoryMiB * mebibyte,
    }),
  };
}

export function toEndpoint({ fixedIps, macAddress, portId }: Nic): EndpointBody {
  const v4 = fixedIps.find(({ version }) => version === 4);
  const v6 = fixedIps.find(({ version }) => version === 6);
  return {
    IPAMConfig: { ...(v4 && { IPv4Address: v4.address }), ...(v6 && { IPv6Address: v6.address }) },
    MacAddress: macAddress,
    DriverOpts: { [portOption]: portId },
  };
}

/** Throws `invalid` for what the Engine cannot do, before anything is made. */
export function assertPossible({ nics }: WantedContainer): void {
  const seen = new Set<string>();
  for (const { networkId, portId, fixedIps } of nics) {
    if (fixedIps.length === 0) {
      throw new Failure('invalid', `port ${portId} has no address: Docker joins a network with one only`);
    }
    if (seen.has(networkId)) {
      throw new Failure(
        'invalid',
        `two ports on network ${networkId}: Docker connects a container to a network once`,
      );
    }
    seen.add(networkId);
  }
}

function ourLabels(wanted: WantedContainer, instance: string): Record<string, string> {
  return {
    [dockerLabels.instance]: instance,
    [dockerLabels.container]: wanted.uuid,
    [dockerLabels.project]: wanted.projectId,
    [dockerLabels.revision]: String(wanted.revision),
  };
}

function toHealthcheck(check: NonNullable<WantedContainer['spec']['healthcheck']>) {
  const nanoseconds = 1e9;
  return {
    Test: ['CMD-SHELL', check.test],
    Interval: check.intervalSeconds * nanoseconds,
    Timeout: check.timeoutSeconds * nanoseconds,
    Retries: check.retries,
  };
}
