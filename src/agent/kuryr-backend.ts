/**
 * What the libnetwork plugin on this host works with: the network service, the ports that are wanted here, and the
 * dataplane that plugs them.
 *
 * dockerd waits for the plugin, so look-ups are answered from memory and go to the server only for what is not known
 * yet. Which endpoint has which port is in memory as well: dockerd tells it anew at every start of a container, and
 * what it forgets to say after a restart is found by the sweep.
 */

import type { WantedNetwork, WantedPort } from '../wire/host-network.ts';
import type { NetworkService } from '../wire/network-service.ts';
import type { Networks } from './networks.ts';

/** Exactly one way to name the network, and at least one of the other two. */
export interface PortQuery {
  readonly networkId?: string;
  readonly subnetId?: string;
  readonly address?: string;
  readonly macAddress?: string;
}

export interface FoundPort {
  readonly networkId: string;
  readonly port: WantedPort;
}

export interface EndpointPort {
  readonly networkId: string;
  readonly portId: string;
  readonly endpointId: string;
}

export class AgentKuryrBackend {
  readonly service: NetworkService;
  readonly #networks: Networks;
  readonly #endpoints = new Map<string, EndpointPort>();

  constructor(service: NetworkService, networks: Networks) {
    this.service = service;
    this.#networks = networks;
  }

  /** A port bound to this host. Undefined = the server knows of none either. */
  async findPort(query: PortQuery): Promise<FoundPort | undefined> {
    const known = this.#networks.all().filter((network) => isMeant(network, query));
    const found = known.map((network) => portOf(network, query)).find((port) => port !== undefined);
    if (found) return found;
    for (const id of await this.#networkIdsOf(query, known)) {
      const network = await this.#networks.refresh(id);
      const port = network && portOf(network, query);
      if (port) return port;
    }
    return undefined;
  }

  /** Repeating it is harmless. Throws `port-not-found` for a port that is not wanted on this host. */
  async plug(endpoint: EndpointPort): Promise<{ readonly linkName: string }> {
    const plugged = await this.#networks.plug(endpoint.networkId, endpoint);
    this.#endpoints.set(endpoint.endpointId, endpoint);
    return plugged;
  }

  async unplug(request: { readonly portId: string; readonly endpointId: string }): Promise<void> {
    await this.#networks.unplug(this.#endpoints.get(request.endpointId)?.networkId, request);
    this.#endpoints.delete(request.endpointId);
  }

  portOfEndpoint(endpointId: string): EndpointPort | undefined {
    return this.#endpoints.get(endpointId);
  }

  async #networkIdsOf(query: PortQuery, known: readonly WantedNetwork[]): Promise<string[]> {
    if (query.networkId !== undefined) return [query.networkId];
    if (known.length > 0) return known.map(({ id }) => id);
    if (query.subnetId === undefined) return [];
    const subnet = await this.service.get('subnets', query.subnetId);
    return [subnet.network_id];
  }
}

function isMeant({ id, subnets }: WantedNetwork, { networkId, subnetId }: PortQuery): boolean {
  if (networkId !== undefined) return id === networkId;
  return subnets.some((subnet) => subnet.id === subnetId);
}

function portOf(network: WantedNetwork, { subnetId, address, macAddress }: PortQuery): FoundPort | undefined {
  const port = network.ports.find(
    (one) =>
      (address !== undefined || macAddress !== undefined) &&
      (macAddress === undefined || one.macAddress === macAddress.toLowerCase()) &&
      (address === undefined ||
        one.fixedIps.some(
          (ip) => ip.address === address && (subnetId === undefined || ip.subnetId === subnetId),
        )),
  );
  return port && { networkId: network.id, port };
}
