/**
 * Which of a container's ports gives its default route, for each IP version by itself: the one that was asked for last as
 * such, else the first one whose subnet has a gateway.
 *
 * At a start Kuryr tells dockerd. A container that joins or leaves a network while it runs keeps or changes its routes
 * afterwards, by `settle`: dockerd would refuse a second default route, and knows only what it was told at the start.
 */
import type { Nic } from '../model/container.ts';
import type { WantedNetwork } from '../wire/host-network.ts';
import type { HostDataplane } from './dataplane.ts';

type IpVersion = 4 | 6;
const versions = [4, 6] as const;

export interface DefaultGatewaysOptions {
  readonly dataplane: Pick<HostDataplane, 'setDefaultRoutes' | 'setResolverWays'>;
  readonly findNetwork: (id: string) => WantedNetwork | undefined;
  /** All ports of the container that has this port; undefined = it is no container's of ours. */
  readonly nicsAround: (portId: string) => readonly Nic[] | undefined;
}

interface Gateway {
  readonly nic: Nic;
  readonly address: string;
}

export class DefaultGateways {
  readonly #options: DefaultGatewaysOptions;
  /** Ports that are joining a container that runs. */
  readonly #joining = new Set<string>();

  constructor(options: DefaultGatewaysOptions) {
    this.#options = options;
  }

  /** Whether dockerd is to take the port's gateway as the container's default one. */
  isDefault(portId: string, version: IpVersion): boolean {
    if (this.#joining.has(portId)) return false;
    const nics = this.#options.nicsAround(portId);
    return nics === undefined || this.#choose(nics, version)?.nic.portId === portId;
  }

  /** Connects a port to a container that runs. */
  async joinRunning(portId: string, work: () => Promise<void>): Promise<void> {
    this.#joining.add(portId);
    try {
      await work();
    } finally {
      this.#joining.delete(portId);
    }
  }

  /** dockerd takes a version 6 gateway only together with one of version 4, and both from one port. */
  isDocker(nics: readonly Nic[]): boolean {
    return nics.length < 2 && (this.#choose(nics, 4) !== undefined || this.#choose(nics, 6) === undefined);
  }

  /**
   * Sets the default routes of the running container with this process, and its way to the resolver: that of its first
   * network, which may be another one now.
   */
  async settle(pid: number, nics: readonly Nic[]): Promise<void> {
    const routes = versions.flatMap((version) => {
      const gateway = this.#choose(nics, version);
      return gateway ? [{ version, macAddress: gateway.nic.macAddress, via: gateway.address }] : [];
    });
    const { dataplane } = this.#options;
    await dataplane.setDefaultRoutes(pid, routes);
    await dataplane.setResolverWays(pid, waysOf(nics));
  }

  #choose(nics: readonly Nic[], version: IpVersion): Gateway | undefined {
    const able = nics.flatMap((nic) => {
      const address = this.#gatewayOf(nic, version);
      return address === undefined ? [] : [{ nic, address }];
    });
    return able.findLast(({ nic }) => nic.defaultGateway) ?? able[0];
  }

  /** Who has the gateway's address is the gateway, and has none. */
  #gatewayOf({ networkId, fixedIps }: Nic, version: IpVersion): string | undefined {
    const subnetId = fixedIps.find((ip) => ip.version === version)?.subnetId;
    const subnets = this.#options.findNetwork(networkId)?.subnets ?? [];
    const gateway = subnets.find(({ id }) => id === subnetId)?.gatewayIp ?? undefined;
    return fixedIps.some(({ address }) => address === gateway) ? undefined : gateway;
  }
}

function waysOf(nics: readonly Nic[]) {
  return versions.flatMap((version) => {
    const nic = nics.find(({ fixedIps }) => fixedIps.some((ip) => ip.version === version));
    return nic ? [{ version, macAddress: nic.macAddress }] : [];
  });
}
