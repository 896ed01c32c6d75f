/** What the CNI service on this host works with: ports of the network service, the dataplane, and sandboxes by path. */
import type { Kernel, KernelStep } from '../host/kernel.ts';
import { isFailure } from '../model/failure.ts';
import type { NetworkService } from '../wire/network-service.ts';
import type { Networks, Plug } from './networks.ts';

interface Interface {
  readonly name: string;
  readonly macAddress: string;
  readonly addresses: readonly string[];
  readonly routes: readonly { readonly to: string; readonly via?: string }[];
}

export interface AgentCniBackend {
  readonly service: NetworkService;
  plug(what: Plug): Promise<{ readonly linkName: string }>;
  unplug(what: Omit<Plug, 'networkId'>): Promise<void>;
  attach(netns: string, linkName: string, wanted: Interface): Promise<void>;
  inspect(netns: string, name: string): Promise<Interface | undefined>;
}

export interface CniBackendOptions {
  readonly service: NetworkService;
  readonly networks: Pick<Networks, 'plug' | 'unplug'>;
  readonly kernel: Kernel;
}

export function createCniBackend({ service, networks, kernel }: CniBackendOptions): AgentCniBackend {
  return {
    service,
    plug: (what) => networks.plug(what),
    unplug: (what) => networks.unplug(what),
    attach: (netns, linkName, wanted) => kernel.apply(attachSteps(netns, linkName, wanted)),
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

/** IPv6 addresses are ready at once: they are the network service's, nobody else has them. */
function attachSteps(netns: string, linkName: string, wanted: Interface): KernelStep[] {
  const { name, addresses, routes } = wanted;
  const setting = (key: string, value: string): KernelStep => ({
    do: 'sysctl',
    netns,
    key: `net/ipv6/conf/${name}/${key}`,
    value,
  });
  const hasIpv6 = addresses.some((address) => address.includes(':'));
  const direct = routes.filter(({ via }) => via === undefined);
  const indirect = routes.filter(({ via }) => via !== undefined);
  return [
    { do: 'move-link', name: linkName, to: { netns, name } },
    ...(hasIpv6 ? [setting('disable_ipv6', '0'), setting('accept_dad', '0')] : []),
    { do: 'set-link', netns, name: 'lo', up: true },
    { do: 'set-link', netns, name, up: true },
    ...addresses.map((address): KernelStep => ({ do: 'ensure-address', netns, link: name, address })),
    ...[...direct, ...indirect].map(
      (route): KernelStep => ({ do: 'ensure-route', netns, link: name, ...route }),
    ),
  ];
}
