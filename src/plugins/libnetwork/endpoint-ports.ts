/**
 * The port of a new endpoint: one that it names, the one whose address RequestAddress held, or, where another IPAM driver
 * gave the address, one that is made here.
 */
import type { Undo } from '../../base/undo.ts';
import { Failure } from '../../model/failure.ts';
import { kuryrPortOwner } from '../../model/network.ts';
import type { NetworkService, PortView } from '../../wire/network-service.ts';
import type { Addresses, Held } from './addresses.ts';
import type { KuryrBackend } from './backend.ts';
import { contains, parseAddress, parseCidr } from './cidr.ts';
import { adoptedPortTag, boundPortName, endpointPortTag } from './names.ts';
import { findGroups, settingKeys } from './network-settings.ts';
import type { Networks } from './networks.ts';
import { refuseUnknown } from './options.ts';
import { type CreateEndpoint, optionKey } from './protocol.ts';
import type { Subnets } from './subnets.ts';

const endpointOptions = [settingKeys.groups, optionKey.port];

export interface FixedIp {
  readonly subnetId: string;
  readonly address: string;
}

/** What the port is used for: known from RequestAddress, or found in the service. */
export interface UsablePort {
  readonly id: string;
  readonly networkId: string;
  readonly fixedIps: readonly FixedIp[];
  readonly macAddress: string;
}

export interface Interface {
  readonly addresses: readonly string[];
  readonly macAddress: string;
}

interface Binding {
  readonly request: CreateEndpoint;
  readonly wanted: Interface;
  readonly groups: readonly string[] | undefined;
  readonly undo: Undo;
}

interface Rooms {
  readonly backend: KuryrBackend;
  readonly subnets: Subnets;
  readonly addresses: Addresses;
  readonly networks: Networks;
}

export class EndpointPorts {
  readonly #backend: KuryrBackend;
  readonly #subnets: Subnets;
  readonly #addresses: Addresses;
  readonly #networks: Networks;

  constructor({ backend, subnets, addresses, networks }: Rooms) {
    this.#backend = backend;
    this.#subnets = subnets;
    this.#addresses = addresses;
    this.#networks = networks;
  }

  /** The port of a new endpoint, in use by it when this resolves. */
  async take(request: CreateEndpoint, wanted: Interface, undo: Undo): Promise<UsablePort> {
    const named = await this.#namedPort(request, wanted);
    if (named) return named;
    const held = this.#held(request, wanted);
    const [first] = held;
    if (!first) return this.#portOfOtherIpam(request, wanted, undo);
    this.#networks.learn(request.NetworkID, first.networkId);
    if (first.use !== 'host') {
      const groups = await this.#groups(request, first.use);
      await this.#bind(first, { request, wanted, groups, undo });
    }
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
    const port = await this.#backend.findPort({ portId });
    if (!port) throw new Failure('port-not-found', `port ${portId} is not bound to this host`);
    const has = (address: string) => port.fixedIps.some((ip) => ip.address === address);
    if (!wanted.addresses.every(has) || !['', port.macAddress].includes(wanted.macAddress)) {
      const asked = [...wanted.addresses, wanted.macAddress].filter(Boolean).join(', ');
      throw new Failure('port-not-usable', `port ${portId} has not all of what was asked for: ${asked}`);
    }
    this.#networks.learn(request.NetworkID, port.networkId);
    const fixedIps = port.fixedIps.filter((ip) => wanted.addresses.includes(ip.address));
    return { id: port.id, networkId: port.networkId, fixedIps, macAddress: port.macAddress };
  }

  /** The addresses of one port. Two tenants may have the same address and MAC: then the network decides. */
  #held(request: CreateEndpoint, { addresses, macAddress }: Interface): Held[] {
    const found = this.#addresses.heldBy(macAddress, addresses);
    const networkId = this.#networks.recall(request.NetworkID);
    const fitting = networkId ? found.filter((held) => held.networkId === networkId) : found;
    if (new Set(fitting.map((held) => held.portId)).size > 1) {
      throw new Failure(
        'conflict',
        `${addresses.join(', ')} with MAC address ${macAddress} is held twice: try again`,
      );
    }
    return fitting;
  }

  /** The security groups asked for; undefined = none are. */
  async #groups(
    { NetworkID, Options }: CreateEndpoint,
    use: 'adopted' | 'made',
  ): Promise<readonly string[] | undefined> {
    refuseUnknown(Options ?? {}, endpointOptions);
    const own = await findGroups(this.#service, Options ?? {});
    if (own.length > 0 && use === 'adopted') {
      throw new Failure(
        'port-not-usable',
        `option ${settingKeys.groups}: a port that is there keeps its groups`,
      );
    }
    if (own.length > 0 || use === 'adopted') return own.length > 0 ? own : undefined;
    const { groups } = await this.#networks.settings(NetworkID);
    return groups.length > 0 ? groups : undefined;
  }

  async #bind({ portId, use }: Pick<Held, 'portId' | 'use'>, binding: Binding): Promise<void> {
    const { request, wanted, groups, undo } = binding;
    undo.add(`unbind port ${portId}`, async () => {
      await this.#service.update('ports', portId, { device_id: '' });
    });
    await this.#service.update('ports', portId, {
      device_id: request.EndpointID,
      device_owner: kuryrPortOwner,
      ...(use === 'made' ? { name: boundPortName(request.EndpointID) } : {}),
      ...(wanted.macAddress ? { mac_address: wanted.macAddress } : {}),
      ...(groups ? { security_groups: groups } : {}),
    });
  }

  /** The address came from another IPAM driver, or from this one before it was restarted. */
  async #portOfOtherIpam(request: CreateEndpoint, wanted: Interface, undo: Undo): Promise<UsablePort> {
    const networkId = await this.#networks.find(request.NetworkID);
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
      const groups = await this.#groups(request, use);
      await this.#bind({ portId: present.id, use }, { request, wanted, groups, undo });
      return usable(present);
    }
    const groups = await this.#groups(request, 'made');
    const port = await this.#service.create('ports', {
      name: boundPortName(request.EndpointID),
      admin_state_up: true,
      network_id: networkId,
      device_owner: kuryrPortOwner,
      device_id: request.EndpointID,
      fixed_ips: fixedIps,
      ...(wanted.macAddress ? { mac_address: wanted.macAddress } : {}),
      ...(groups ? { security_groups: groups } : {}),
    });
    undo.add(`remove port ${port.id}`, () => this.#service.remove('ports', port.id));
    await this.#service.addTag('ports', port.id, endpointPortTag);
    return usable(port);
  }

  /** A port that this driver held for the address before it was restarted. */
  async #reserved(networkId: string, { macAddress, addresses }: Interface): Promise<PortView | undefined> {
    if (!macAddress) return undefined;
    const isFree = (port: PortView) =>
      !port.device_id && port.fixed_ips.some((ip) => addresses.includes(ip.ip_address));
    const ports = await this.#service.list('ports', { network_id: networkId, mac_address: macAddress });
    const made = ports.find(isFree);
    if (made) return made;
    // An adopted one has a MAC of its own.
    const adopted = await this.#service.list('ports', { network_id: networkId, tags: adoptedPortTag });
    return adopted.find(isFree);
  }

  async #fixedIps(
    networkId: string,
    addresses: readonly string[],
  ): Promise<{ subnet_id: string; ip_address: string }[]> {
    const subnets = await this.#subnets.list({ network_id: networkId });
    return addresses.map((address) => {
      const subnet = subnets.find(({ cidr }) => contains(parseCidr(cidr), address));
      if (!subnet) {
        throw new Failure('invalid-ip-for-network', `no subnet of network ${networkId} contains ${address}`);
      }
      return { subnet_id: subnet.id, ip_address: address };
    });
  }

  get #service(): NetworkService {
    return this.#backend.service;
  }
}

/** What dockerd asks for, with canonical addresses. */
export function interfaceOf({ Interface: asked }: CreateEndpoint): Interface {
  const addresses = [asked?.Address, asked?.AddressIPv6]
    .filter((text) => typeof text === 'string' && text !== '')
    .map((text) => parseAddress(text as string))
    .filter((address) => address !== '0.0.0.0');
  if (addresses.length === 0) throw new Failure('invalid', 'Interface address v4 or v6 not provided.');
  return { addresses, macAddress: (asked?.MacAddress ?? '').toLowerCase() };
}

export function usable(port: PortView): UsablePort {
  return {
    id: port.id,
    networkId: port.network_id,
    fixedIps: port.fixed_ips.map((ip) => ({ subnetId: ip.subnet_id, address: ip.ip_address })),
    macAddress: port.mac_address,
  };
}
