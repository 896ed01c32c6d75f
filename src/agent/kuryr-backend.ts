/**
 * What the libnetwork plugin on this host works with: the network service, the subnets and ports that are wanted here,
 * and the dataplane that plugs them. The plugin declares the shape; this is built to fit it.
 *
 * dockerd waits for the plugin, so look-ups are answered from memory and go to the server only for what is not known
 * yet. Which endpoint has which port is in memory, too, and after a restart in the kernel: links say whose they are.
 */
import { isAbsolute } from 'node:path';
import type { Kernel } from '../host/kernel.ts';
import { Failure, isFailure } from '../model/failure.ts';
import type { Holdings } from '../model/holdings.ts';
import type { WantedNetwork, WantedPort, WantedSubnet } from '../wire/host-network.ts';
import type { NetworkService, PortView } from '../wire/network-service.ts';
import type { HostDataplane } from './dataplane.ts';
import type { DefaultGateways } from './default-gateways.ts';
import type { Networks, Plug } from './networks.ts';

/** All given properties must match. A port is searched by its id, or within a subnet or a network by address or MAC. */
export interface PortQuery {
  readonly portId?: string;
  readonly networkId?: string;
  readonly subnetId?: string;
  readonly address?: string;
  readonly macAddress?: string;
}

export type FoundPort = WantedPort & { readonly networkId: string };
export type FoundSubnet = WantedSubnet & { readonly networkId: string };

export interface AgentKuryrBackend {
  readonly service: NetworkService;
  readonly host: string;
  holdings(): Promise<Holdings>;
  isHere(port: PortView): Promise<boolean>;
  findSubnet(subnetId: string): Promise<FoundSubnet | undefined>;
  findPort(query: PortQuery): Promise<FoundPort | undefined>;
  plug(what: Plug): Promise<{ readonly linkName: string }>;
  unplug(what: Omit<Plug, 'networkId'>): Promise<void>;
  portOfEndpoint(endpointId: string): Promise<string | undefined>;
  isDefaultGateway(portId: string, version: 4 | 6): boolean;
  hasRoute(sandbox: string, to: string): Promise<boolean>;
}

export interface KuryrBackendOptions {
  readonly service: NetworkService;
  readonly host: string;
  /** Of Docker, and of others whom this driver serves; throws when one of them cannot be asked. */
  readonly holdings: () => Promise<Holdings>;
  readonly networks: Networks;
  readonly dataplane: Pick<HostDataplane, 'activePorts'>;
  /** Absent = every port's gateway is its container's default one. */
  readonly gateways?: Pick<DefaultGateways, 'isDefault'>;
  readonly kernel: Pick<Kernel, 'routes'>;
}

export function createKuryrBackend({
  service,
  host,
  holdings,
  networks,
  dataplane,
  gateways,
  kernel,
}: KuryrBackendOptions): AgentKuryrBackend {
  /** Docker endpoint → port; grows and shrinks with what is plugged. */
  const portOf = new Map<string, string>();
  return {
    service,
    host,
    holdings,
    isHere: async (port) => port['binding:host_id'] === host,
    async findSubnet(subnetId) {
      for (const { id, subnets } of networks.all()) {
        const subnet = subnets.find((one) => one.id === subnetId);
        if (subnet) return { ...subnet, networkId: id };
      }
      return undefined;
    },
    async findPort(query) {
      const inMemory = networks.all().filter((network) => isMeant(network, query));
      for (const network of inMemory) {
        const port = portIn(network, query);
        if (port) return port;
      }
      if (query.portId !== undefined) return undefined;
      // A port made a moment ago may be new to this host; a subnet that is not known here has none.
      const ids = query.networkId === undefined ? inMemory.map(({ id }) => id) : [query.networkId];
      for (const id of ids) {
        const network = await networks.refresh(id);
        const port = network && portIn(network, query);
        if (port) return port;
      }
      return undefined;
    },
    async plug(what) {
      const plugged = await networks.plug(what);
      portOf.set(what.endpointId, what.portId);
      return plugged;
    },
    async unplug(what) {
      await networks.unplug(what);
      portOf.delete(what.endpointId);
    },
    async portOfEndpoint(endpointId) {
      const known = portOf.get(endpointId);
      if (known) return known;
      return (await dataplane.activePorts()).find((port) => port.endpointId === endpointId)?.portId;
    },
    isDefaultGateway: (portId, version) => gateways?.isDefault(portId, version) ?? true,
    async hasRoute(sandbox, to) {
      if (!isAbsolute(sandbox)) return false;
      const routes = await kernel.routes(sandbox).catch((error: unknown) => {
        // dockerd makes it after all networks were joined.
        if (isFailure(error, 'kernel-error')) return [];
        throw error;
      });
      return routes.some((route) => route.to === to);
    },
  };
}

function isMeant({ id, subnets }: WantedNetwork, { networkId, subnetId }: PortQuery): boolean {
  if (networkId !== undefined && networkId !== id) return false;
  return subnetId === undefined || subnets.some((subnet) => subnet.id === subnetId);
}

function portIn(network: WantedNetwork, query: PortQuery): FoundPort | undefined {
  const { portId, subnetId, address, macAddress } = query;
  if (portId === undefined && address === undefined && macAddress === undefined) {
    throw new Failure('invalid', 'a port is looked for by its id, its address or its MAC address');
  }
  const isIt = ({ id, fixedIps, macAddress: mac }: WantedPort) =>
    (portId === undefined || id === portId) &&
    (macAddress === undefined || mac === macAddress.toLowerCase()) &&
    (address === undefined ||
      fixedIps.some((ip) => ip.address === address && (subnetId === undefined || ip.subnetId === subnetId)));
  const port = network.ports.find(isIt);
  return port && { ...port, networkId: network.id };
}
