/** What the CNI service on this host works with: ports of the network service, the dataplane, and sandboxes by path. */

import { HostPorts } from '../host/host-ports.ts';
import type { Kernel } from '../host/kernel.ts';
import { handOverSteps } from '../host/sandbox-interface.ts';
import type { CnmBinding, CnmPublish } from '../model/cnm.ts';
import { isFailure } from '../model/failure.ts';
import type { NetworkService } from '../wire/network-service.ts';
import type { HostDataplane } from './dataplane.ts';
import type { Networks, Plug } from './networks.ts';

interface Interface {
  readonly name: string;
  readonly macAddress: string;
  readonly addresses: readonly string[];
  readonly routes: readonly { readonly to: string; readonly via?: string }[];
}

interface HostPort {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** Empty = all addresses of the host. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

const anywhere = ['0.0.0.0', '::'] as const;

export interface AgentCniBackend {
  readonly service: NetworkService;
  readonly host: string;
  refuseTaken(asked: readonly HostPort[], taken: readonly HostPort[]): Promise<void>;
  extrasOf: HostDataplane['extrasOf'];
  plug(what: Plug): Promise<{ readonly linkName: string }>;
  unplug(what: Omit<Plug, 'networkId'>): Promise<void>;
  destinations(netns: string): Promise<ReadonlySet<string>>;
  attach(netns: string, linkName: string, wanted: Interface): Promise<void>;
  inspect(netns: string, name: string): Promise<Interface | undefined>;
}

export interface CniBackendOptions {
  readonly service: NetworkService;
  readonly host: string;
  readonly dataplane: Pick<HostDataplane, 'extrasOf'>;
  readonly networks: Pick<Networks, 'plug' | 'unplug'>;
  readonly kernel: Kernel;
}

export function createCniBackend({
  service,
  host,
  dataplane,
  networks,
  kernel,
}: CniBackendOptions): AgentCniBackend {
  return {
    service,
    host,
    async refuseTaken(asked, taken) {
      const ports = new HostPorts(() => taken.flatMap(toBindings));
      await ports.bind(asked.map(toPublish), anywhere);
    },
    extrasOf: (networkId, portId) => dataplane.extrasOf(networkId, portId),
    plug: (what) => networks.plug(what),
    unplug: (what) => networks.unplug(what),
    destinations: async (netns) => new Set((await kernel.routes(netns)).map(({ to }) => to)),
    attach: (netns, linkName, { name, addresses, routes }) =>
      kernel.apply([
        ...handOverSteps(netns, linkName, { name, addresses, routes }),
        { do: 'set-link', netns, name: 'lo', up: true },
      ]),
    async inspect(netns, name) {
      try {
        const link = (await kernel.links(netns)).find((one) => one.name === name);
        if (!link) return undefined;
        const [addresses, routes] = [await kernel.addresses(netns), await kernel.routes(netns)];
        return {
          name,
          macAddress: link.mac,
          addresses: addresses.filter((one) => one.link === name).map(({ address }) => address),
          routes: routes
            .filter((one) => one.link === name)
            .map(({ to, via }) => (via === undefined ? { to } : { to, via })),
        };
      } catch (error) {
        // The namespace may be gone, or never have been: then nothing is in it.
        if (isFailure(error, 'kernel-error')) return undefined;
        throw error;
      }
    },
  };
}

function toPublish({ hostIp, ...port }: HostPort): CnmPublish {
  return { ...port, hostAddress: hostIp === '' ? null : hostIp };
}

function toBindings({ hostIp, ...port }: HostPort): CnmBinding[] {
  return (hostIp === '' ? anywhere : [hostIp]).map((hostAddress) => ({ ...port, hostAddress }));
}
