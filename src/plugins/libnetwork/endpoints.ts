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
import type { NetworkService, PortView } from '../../wire/network-service.ts';
import type { Addresses, Held } from './addresses.ts';
import type { HostSubnet, KuryrBackend } from './backend.ts';
import { contains, parseAddress, parseCidr } from './cidr.ts';
import { adoptedPortTag, boundPortName, endpointPortTag } from './names.ts';
import type { Networks } from './networks.ts';
import { type CreateEndpoint, type EndpointRequest, type JoinRequest, optionKey } from './protocol.ts';
import { ResolverRoutes } from './resolver-routes.ts';
import type { Subnets } from './subnets.ts';

interface FixedIp {
  readonly subnetId: string;
  readonly address: string;
}

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
  readonly log: Log;
}

/** What the port is used for: known from RequestAddress, or found in the service. */
interface UsablePort {
  readonly id: string;
  readonly networkId: string;
  readonly fixedIps: readonly FixedIp[];
  readonly macAddress: string;
}

interface Interface {
  readonly addresses: readonly string[];
  readonly macAddress: string;
}

export class Endpoints {
  readonly #rooms: Rooms;
  readonly #resolverRoutes: ResolverRoutes;
  readonly #known = new Map<string, Endpoint>();

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
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
    const { backend } = this.#rooms;
    const portId = this.#known.get(EndpointID)?.portId ?? (await backend.portOfEndpoint(EndpointID));
    if (portId) await backend.unplug({ portId, endpointId: EndpointID });
    this.#known.delete(EndpointID);
    this.#resolverRoutes.leave(EndpointID);
    await this.#removePortOf(EndpointID, portId);
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

  get #service(): NetworkService {
    return this.#rooms.backend.service;
  }

  async #create(request: CreateEndpoint, wanted: Interface, undo: Undo): Promise<Endpoint> {
    const { backend } = this.#rooms;
    const endpointId = request.EndpointID;
    const port = await this.#usablePort(request, wanted, undo);
    const plugged = { networkId: port.networkId, portId: port.id, endpointId };
    undo.add(`unplug port ${port.id}`, () => backend.unplug(plugged));
    const { linkName } = await backend.plug(plugged);
    return { ...port, portId: port.id, linkName };
  }

  async #usablePort(request: CreateEndpoint, wanted: Interface, undo: Undo): Promise<UsablePort> {
    const named = await this.#namedPort(request, wanted);
    if (named) return named;
    const held = this.#held(request, wanted);
    const [first] = held;
    if (!first) return this.#portOfOtherIpam(request, wanted, undo);
    this.#rooms.networks.learn(request.NetworkID, first.networkId);
    if (first.use !== 'host') await this.#bind(first, request.EndpointID, wanted.macAddress, undo);
    return {
      id: first.portId,
      networkId: first.networkId,
      fixedIps: held.map(({ subnetId, address }) => ({ subnetId, address })),
      macAddress: first.macAddress,
    };
  }

  /** The endpoint says which port of this host it is. Undefined = it does not say. */
  async #namedPort(request: CreateEndpoint, wanted: Interface): Promise<UsablePort | undefined> {
    const portId = request.Options?.[optionKey.port];
    if (typeof portId !== 'string') return undefined;
    const port = await this.#rooms.backend.findPort({ portId });
    if (!port) throw new Failure('port-not-found', `port ${portId} is not bound to this host`);
    const has = (address: string) => port.fixedIps.some((ip) => ip.address === address);
    if (!wanted.addresses.every(has) || !['', port.macAddress].includes(wanted.macAddress)) {
      const asked = [...wanted.addresses, wanted.macAddress].filter(Boolean).join(', ');
      throw new Failure('port-not-usable', `port ${portId} has not all of what was asked for: ${asked}`);
    }
    this.#rooms.networks.learn(request.NetworkID, port.networkId);
    const fixedIps = port.fixedIps.filter((ip) => wanted.addresses.includes(ip.address));
    return { id: port.id, networkId: port.networkId, fixedIps, macAddress: port.macAddress };
  }

  /** The addresses of one port. Two tenants may have the same address and MAC: then the network decides. */
  #held(request: CreateEndpoint, { addresses, macAddress }: Interface): Held[] {
    const found = this.#rooms.addresses.heldBy(macAddress, addresses);
    const networkId = this.#rooms.networks.recall(request.NetworkID);
    const fitting = networkId ? found.filter((held) => held.networkId === networkId) : found;
    if (new Set(fitting.map((held) => held.portId)).size > 1) {
      throw new Failure(
        'conflict',
        `${addresses.join(', ')} with MAC address ${macAddress} is held twice: try again`,
      );
    }
    return fitting;
  }

  async #bind(
    { portId, use }: Pick<Held, 'portId' | 'use'>,
    endpointId: string,
    macAddress: string,
    undo: Undo,
  ): Promise<void> {
    undo.add(`unbind port ${portId}`, async () => {
      await this.#service.update('ports', portId, { device_id: '' });
    });
    await this.#service.update('ports', portId, {
      device_id: endpointId,
      device_owner: kuryrPortOwner,
      ...(use === 'made' ? { name: boundPortName(endpointId) } : {}),
      ...(macAddress ? { mac_address: macAddress } : {}),
    });
  }

  /** The address came from another IPAM driver, or from this one before it was restarted. */
  async #portOfOtherIpam(request: CreateEndpoint, wanted: Interface, undo: Undo): Promise<UsablePort> {
    const networkId = await this.#rooms.networks.find(request.NetworkID);
    if (!networkId) {
      throw new Failure(
        'network-not-found',
        `Neutron net associated with identifier ${request.NetworkID} doesn't exist.`,
      );
    }
    const fixedIps = await this.#fixedIps(networkId, wanted.addresses);
    const present = await this.#reserved(networkId, wanted);
    if (present) {
      const use = present.tags.includes(adoptedPortTag) ? 'adopted' : 'made';
      await this.#bind({ portId: present.id, use }, request.EndpointID, wanted.macAddress, undo);
      return usable(present);
    }
    const port = await this.#service.create('ports', {
      name: boundPortName(request.EndpointID),
      admin_state_up: true,
      network_id: networkId,
      device_owner: kuryrPortOwner,
      device_id: request.EndpointID,
      fixed_ips: fixedIps,
      ...(wanted.macAddress ? { mac_address: wanted.macAddress } : {}),
    });
    undo.add(`remove port ${port.id}`, () => this.#service.remove('ports', port.id));
    await this.#service.addTag('ports', port.id, endpointPortTag);
    return usable(port);
  }

  /** A port that this driver held for the address before it was restarted. */
  async #reserved(networkId: string, { macAddress, addresses }: Interface): Promise<PortView | undefined> {
    if (!macAddress) return undefined;
    const ports = await this.#service.list('ports', { network_id: networkId, mac_address: macAddress });
    return ports.find(
      (port) => !port.device_id && port.fixed_ips.some((ip) => addresses.includes(ip.ip_address)),
    );
  }

  async #fixedIps(
    networkId: string,
    addresses: readonly string[],
  ): Promise<{ subnet_id: string; ip_address: string }[]> {
    const subnets = await this.#rooms.subnets.list({ network_id: networkId });
    return addresses.map((address) => {
      const subnet = subnets.find(({ cidr }) => contains(parseCidr(cidr), address));
      if (!subnet) {
        throw new Failure('invalid-ip-for-network', `no subnet of network ${networkId} contains ${address}`);
      }
      return { subnet_id: subnet.id, ip_address: address };
    });
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

function interfaceOf({ Interface: asked }: CreateEndpoint): Interface {
  const addresses = [asked?.Address, asked?.AddressIPv6]
    .filter((text) => typeof text === 'string' && text !== '')
    .map((text) => parseAddress(text as string))
    .filter((address) => address !== '0.0.0.0');
  if (addresses.length === 0) throw new Failure('invalid', 'Interface address v4 or v6 not provided.');
  return { addresses, macAddress: (asked?.MacAddress ?? '').toLowerCase() };
}

function usable(port: PortView): UsablePort {
  return {
    id: port.id,
    networkId: port.network_id,
    fixedIps: port.fixed_ips.map((ip) => ({ subnetId: ip.subnet_id, address: ip.ip_address })),
    macAddress: port.mac_address,
  };
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
