/**
 * Docker's endpoints: a port in use by a container.
 *
 * CreateEndpoint takes the port that RequestAddress held into use and has it plugged; Join tells dockerd the name of
 * the container's end, which it moves. DeleteEndpoint unplugs; the port itself goes with its address (ReleaseAddress),
 * except where another IPAM driver gave the address and the port was made here.
 * Endpoints are remembered only for speed: after a restart the links tell whose they are.
 */
import type { Log } from '../../base/log.ts';
import { type Undo, undoable } from '../../base/undo.ts';
import { Failure } from '../../model/failure.ts';
import { kuryrPortOwner } from '../../model/network.ts';
import type { NetworkService } from '../../wire/network-service.ts';
import type { Addresses } from './addresses.ts';
import type { HostSubnet, KuryrBackend } from './backend.ts';
import { contains, parseCidr } from './cidr.ts';
import {
  EndpointPorts,
  type FixedIp,
  type Interface,
  interfaceOf,
  type UsablePort,
  usable,
} from './endpoint-ports.ts';
import type { Exposure } from './exposure.ts';
import { endpointPortTag } from './names.ts';
import type { Networks } from './networks.ts';
import type { CreateEndpoint, EndpointRequest, JoinRequest, ProgramRequest } from './protocol.ts';
import { ResolverRoutes } from './resolver-routes.ts';
import type { Subnets } from './subnets.ts';

interface Endpoint {
  readonly portId: string;
  readonly networkId: string;
  readonly fixedIps: readonly FixedIp[];
  readonly macAddress: string;
  readonly linkName: string;
}

interface Rooms {
  readonly backend: KuryrBackend;
  readonly subnets: Subnets;
  readonly addresses: Addresses;
  readonly networks: Networks;
  readonly exposure: Exposure;
  readonly log: Log;
}

export class Endpoints {
  readonly #rooms: Rooms;
  readonly #resolverRoutes: ResolverRoutes;
  readonly #ports: EndpointPorts;
  readonly #known = new Map<string, Endpoint>();

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#ports = new EndpointPorts(rooms);
    this.#resolverRoutes = new ResolverRoutes(rooms.backend);
  }

  async create(request: CreateEndpoint): Promise<object> {
    const wanted = interfaceOf(request);
    const endpoint =
      this.#known.get(request.EndpointID) ??
      (await undoable(this.#rooms.log, (undo) => this.#create(request, wanted, undo)));
    this.#known.set(request.EndpointID, endpoint);
    // dockerd refuses an answer that repeats what it asked for.
    return { Interface: wanted.macAddress ? {} : { MacAddress: endpoint.macAddress } };
  }

  async delete({ EndpointID }: EndpointRequest): Promise<void> {
    await this.clear(EndpointID, await this.#portIdOf(EndpointID));
  }

  /** Takes back all that the endpoint has, but the address's port. Idempotent. */
  async clear(endpointId: string, portId: string | undefined): Promise<void> {
    if (portId) await this.#rooms.backend.unplug({ portId, endpointId });
    this.#known.delete(endpointId);
    if (portId && (await this.#isKuryrs(portId))) await this.#rooms.exposure.close(portId);
    this.#resolverRoutes.leave(endpointId);
    await this.#removePortOf(endpointId, portId);
  }

  async join({ EndpointID, SandboxKey }: JoinRequest): Promise<object> {
    const endpoint = this.#known.get(EndpointID) ?? (await this.#recover(EndpointID));
    const subnets = await Promise.all(
      endpoint.fixedIps.map(({ subnetId }) => this.#rooms.subnets.get(subnetId)),
    );
    // Who has the gateway's address is the gateway, and has none.
    const own = new Set(endpoint.fixedIps.map(({ address }) => address));
    const { backend } = this.#rooms;
    const gateway = (version: 4 | 6) => {
      if (!backend.isDefaultGateway(endpoint.portId, version)) return '';
      const address = subnets.find((each) => each.ipVersion === version)?.gatewayIp ?? '';
      return own.has(address) ? '' : address;
    };
    return {
      InterfaceName: { SrcName: endpoint.linkName, DstPrefix: 'eth' },
      Gateway: gateway(4),
      GatewayIPv6: gateway(6),
      StaticRoutes: [
        ...subnets.flatMap(routesOf),
        ...(await this.#resolverRoutes.join(
          SandboxKey ?? '',
          EndpointID,
          subnets.map(({ ipVersion }) => ipVersion),
        )),
      ],
      DisableGatewayService: true,
    };
  }

  async leave({ EndpointID }: EndpointRequest): Promise<void> {
    this.#resolverRoutes.leave(EndpointID);
  }

  /** What lets in what the container exposes. Docker asks this of the endpoint that is its way out. */
  async program({ NetworkID, EndpointID, Options }: ProgramRequest): Promise<void> {
    const portId = await this.#portIdOf(EndpointID);
    if (portId === undefined || !(await this.#isKuryrs(portId))) return;
    const settings = await this.#rooms.networks.settings(NetworkID);
    await this.#rooms.exposure.open({ portId, settings, labels: Options });
  }

  async revoke({ EndpointID }: EndpointRequest): Promise<void> {
    const portId = await this.#portIdOf(EndpointID);
    if (portId !== undefined && (await this.#isKuryrs(portId))) await this.#rooms.exposure.close(portId);
  }

  /** The port's status, for Kuryr's own: dockerd shows it to nobody, other programs ask. */
  async info({ EndpointID }: EndpointRequest): Promise<object> {
    const portId = await this.#portIdOf(EndpointID);
    if (portId === undefined || !(await this.#isKuryrs(portId))) return { Value: {} };
    const [port] = await this.#service.list('ports', { id: portId });
    return { Value: port ? { status: port.status } : {} };
  }

  async #portIdOf(endpointId: string): Promise<string | undefined> {
    return this.#known.get(endpointId)?.portId ?? this.#rooms.backend.portOfEndpoint(endpointId);
  }

  /** Not one of Berth's own containers, about which the network service is not told anything from here. */
  async #isKuryrs(portId: string): Promise<boolean> {
    const here = await this.#rooms.backend.findPort({ portId });
    return here === undefined || here.deviceOwner === kuryrPortOwner;
  }

  get #service(): NetworkService {
    return this.#rooms.backend.service;
  }

  async #create(request: CreateEndpoint, wanted: Interface, undo: Undo): Promise<Endpoint> {
    const { backend } = this.#rooms;
    const endpointId = request.EndpointID;
    const port = await this.#ports.take(request, wanted, undo);
    const plugged = { networkId: port.networkId, portId: port.id, endpointId };
    undo.add(`unplug port ${port.id}`, () => backend.unplug(plugged));
    const { linkName } = await backend.plug(plugged);
    return { ...port, portId: port.id, linkName };
  }

  /** After a restart between CreateEndpoint and Join. */
  async #recover(endpointId: string): Promise<Endpoint> {
    const { backend } = this.#rooms;
    const portId = await backend.portOfEndpoint(endpointId);
    const port = portId === undefined ? undefined : await this.#portById(portId);
    if (!port) throw new Failure('port-not-found', `The port doesn't exist for the identifier ${endpointId}`);
    const { linkName } = await backend.plug({ networkId: port.networkId, portId: port.id, endpointId });
    const endpoint = { ...port, portId: port.id, linkName };
    this.#known.set(endpointId, endpoint);
    return endpoint;
  }

  async #portById(portId: string): Promise<UsablePort> {
    const here = await this.#rooms.backend.findPort({ portId });
    if (!here) return usable(await this.#service.get('ports', portId));
    return here;
  }

  async #removePortOf(endpointId: string, portId: string | undefined): Promise<void> {
    const here = portId === undefined ? undefined : await this.#rooms.backend.findPort({ portId });
    if (here && here.deviceOwner !== kuryrPortOwner) return;
    const ports = await this.#service.list('ports', { device_id: endpointId });
    for (const port of ports) {
      if (port.tags.includes(endpointPortTag)) await this.#service.remove('ports', port.id);
    }
  }
}

function routesOf(subnet: HostSubnet): object[] {
  const routes = subnet.hostRoutes.map(({ destination, nexthop }) => ({
    Destination: destination,
    RouteType: 0,
    NextHop: nexthop,
  }));
  const { gatewayIp, cidr } = subnet;
  if (gatewayIp === null || contains(parseCidr(cidr), gatewayIp)) return routes;
  // A gateway outside the subnet needs a way to itself first.
  const host = `${gatewayIp}/${subnet.ipVersion === 4 ? 32 : 128}`;
  return [{ Destination: host, RouteType: 1 }, ...routes];
}
