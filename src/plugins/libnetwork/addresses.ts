/**
 * Addresses of containers: each is the address of a port, which is found or made here and taken into use later, by
 * CreateEndpoint. A container of two families has one port: the second request adds to the first's, by its MAC.
 *
 * Ports of others are never taken: Berth's own (bound to this host, found in its memory) only by whoever asks for
 * exactly their address and MAC, and adopted ones only while nobody uses them.
 *
 * Docker forgets an address when it could not release it (this driver was away, the machine lost power), so a port made
 * here can be *abandoned*: nothing on this host is plugged for it and nobody holds it. It gives way to whoever wants
 * its address, and the sweep of orphans removes the others.
 */
import { Failure } from '../../model/failure.ts';
import { kuryrPortOwner } from '../../model/network.ts';
import type { NetworkService, PortView } from '../../wire/network-service.ts';
import { gatewayOf, withoutIpv4 } from './address-answers.ts';
import type { HostPort, HostSubnet, KuryrBackend } from './backend.ts';
import { contains, parseAddress, parseCidr, withPrefix } from './cidr.ts';
import type { Claim } from './claims.ts';
import { adoptedPortTag, auxiliaryPortTag, reservedPortName } from './names.ts';
import type { Pools } from './pools.ts';
import { optionKey, type ReleaseAddress, type RequestAddress } from './protocol.ts';

/** An address that Docker holds, and whose port it is. */
export interface Held {
  readonly portId: string;
  readonly networkId: string;
  readonly subnetId: string;
  readonly address: string;
  /** The MAC that Docker will give the container. */
  readonly macAddress: string;
  /**
   * `host`: the port is Berth's own, and the network service is not told anything about it. `adopted`: it was there
   * and is given back. `made`: it is made, and deleted, here.
   */
  readonly use: 'host' | 'adopted' | 'made';
}

export interface AddressAnswer {
  /** With the subnet's prefix length. */
  readonly Address: string;
  readonly Data: object;
}

interface Wanted {
  readonly subnet: HostSubnet;
  /** Empty = any. */
  readonly address: string;
  readonly macAddress: string;
}

export class Addresses {
  readonly #backend: KuryrBackend;
  readonly #pools: Pools;
  readonly #held = new Map<string, Held>();

  constructor(backend: KuryrBackend, pools: Pools) {
    this.#backend = backend;
    this.#pools = pools;
  }

  async request({ PoolID, Address, Options }: RequestAddress): Promise<AddressAnswer> {
    const pool = await this.#pools.get(PoolID);
    const address = Address ? parseAddress(Address) : '';
    const isGateway = Options?.[optionKey.addressType] === optionKey.gateway;
    const macAddress = (Options?.[optionKey.macAddress] ?? '').toLowerCase();
    if (pool.kind === 'none') return { Address: withoutIpv4(address, isGateway), Data: {} };
    if (pool.kind === 'claim') return { Address: this.#ofClaim(pool.claim, address, isGateway), Data: {} };
    const { subnet } = pool;
    if (address && !contains(parseCidr(subnet.cidr), address)) {
      throw new Failure(
        'invalid-ip-for-subnet',
        `${address} is not within subnet ${subnet.id} (${subnet.cidr})`,
      );
    }
    if (isGateway) return { Address: gatewayOf(subnet, address), Data: {} };
    const held = await this.#hold({ subnet, address, macAddress });
    this.#held.set(keyOf(subnet.id, held.address), held);
    return { Address: withPrefix(held.address, subnet.cidr), Data: {} };
  }

  /**
   * For those who say which port they mean (Berth's own containers): its address, and no other. Nothing is held, and
   * there is nothing to release.
   */
  async requestOfPort({ PoolID, Address, Options }: RequestAddress): Promise<AddressAnswer> {
    const pool = await this.#pools.get(PoolID);
    const address = Address ? parseAddress(Address) : '';
    const isGateway = Options?.[optionKey.addressType] === optionKey.gateway;
    if (pool.kind === 'none') return { Address: withoutIpv4(address, isGateway), Data: {} };
    if (pool.kind === 'claim') return { Address: this.#ofClaim(pool.claim, address, isGateway), Data: {} };
    const { subnet } = pool;
    if (isGateway) return { Address: gatewayOf(subnet, address), Data: {} };
    const port = address ? await this.#backend.findPort({ subnetId: subnet.id, address }) : undefined;
    if (port) return { Address: withPrefix(address, subnet.cidr), Data: {} };
    throw new Failure(
      'port-not-found',
      `no port of this host has address ${address || '(none was asked for)'} on subnet ${subnet.id}`,
    );
  }

  async release({ PoolID, Address }: ReleaseAddress): Promise<void> {
    const pool = await this.#pools.find(PoolID);
    if (pool?.kind !== 'subnet') return;
    const { subnet } = pool;
    const address = parseAddress(Address);
    this.#held.delete(keyOf(subnet.id, address));
    if (address === subnet.gatewayIp) return;
    const here = await this.#backend.findPort({ subnetId: subnet.id, address });
    if (here && here.deviceOwner !== kuryrPortOwner) return;
    for (const port of await this.#portsAt(subnet, address)) await this.free(port);
  }

  /** Whoever held them is gone: an endpoint that comes all the same finds its port in the service. */
  forgetHeld(): void {
    this.#held.clear();
  }

  /** The addresses that Docker holds for this container: of one port, but for equal ones in other networks. */
  heldBy(macAddress: string, addresses: readonly string[]): Held[] {
    return [...this.#held.values()].filter(
      (held) => held.macAddress === macAddress && addresses.includes(held.address),
    );
  }

  /** Whoever held it: one made here goes, an adopted one is given back, others are left alone. */
  async free(port: PortView): Promise<void> {
    for (const [key, { portId }] of this.#held) if (portId === port.id) this.#held.delete(key);
    if (isAdopted(port)) {
      await this.#service.update('ports', port.id, {
        device_owner: '',
        device_id: '',
        'binding:host_id': '',
      });
      for (const tag of [auxiliaryPortTag, adoptedPortTag]) {
        if (port.tags.includes(tag)) await this.#service.removeTag('ports', port.id, tag);
      }
    } else if (port.device_owner === kuryrPortOwner) {
      await this.#service.remove('ports', port.id);
    }
  }

  get #service(): NetworkService {
    return this.#backend.service;
  }

  #ofClaim(claim: Claim, address: string, isGateway: boolean): string {
    if (isGateway) return this.#pools.gateway(claim, address);
    // An auxiliary address, before its network is there: CreateNetwork brings it again and makes the port.
    if (address && contains(claim.cidr, address)) return withPrefix(address, claim.cidr.text);
    throw new Failure('invalid-ip-for-subnet', `"${address}" is not an address within ${claim.cidr.text}`);
  }

  async #hold(wanted: Wanted): Promise<Held> {
    const { subnet, address, macAddress } = wanted;
    const here = await this.#backend.findPort({
      subnetId: subnet.id,
      ...(address ? { address } : { macAddress }),
    });
    if (here && here.deviceOwner !== kuryrPortOwner) return hostPort(here, wanted);
    const port = await this.#present(wanted);
    const used = port ? await this.#take(port, wanted) : await this.#create(wanted);
    return {
      portId: used.id,
      networkId: used.network_id,
      subnetId: subnet.id,
      address: addressOn(used, subnet.id) ?? address,
      macAddress,
      use: isAdopted(used) ? 'adopted' : 'made',
    };
  }

  /** The port that has the address, or else the MAC. */
  async #present({ subnet, address, macAddress }: Wanted): Promise<PortView | undefined> {
    const [taken] = address ? await this.#portsAt(subnet, address) : [];
    const port = taken ?? (await this.#portWithMac(subnet, macAddress));
    // One without a device and with the same MAC is this container's own, made for its other family.
    if (!port || (port.mac_address === macAddress && !port.device_id)) return port;
    if (this.#isHeld(port) || !(await this.#isAbandoned(port))) return port;
    await this.free(port);
    return isAdopted(port) ? { ...port, device_id: '', device_owner: '', tags: [] } : undefined;
  }

  async #isAbandoned(port: PortView): Promise<boolean> {
    if (port.device_owner !== kuryrPortOwner) return false;
    if (!(await this.#backend.findPort({ portId: port.id }))) return false;
    if (!port.device_id) return port.name === reservedPortName;
    if (port.tags.includes(auxiliaryPortTag)) return false;
    return (await this.#backend.portOfEndpoint(port.device_id)) === undefined;
  }

  #isHeld(port: PortView): boolean {
    return [...this.#held.values()].some((held) => held.portId === port.id);
  }

  #create({ subnet, address, macAddress }: Wanted): Promise<PortView> {
    return this.#service.create('ports', {
      name: reservedPortName,
      admin_state_up: true,
      network_id: subnet.networkId,
      device_owner: kuryrPortOwner,
      fixed_ips: [{ subnet_id: subnet.id, ...(address ? { ip_address: address } : {}) }],
      ...(macAddress ? { mac_address: macAddress } : {}),
    });
  }

  /** A port that is there: our own of a moment ago (for the other family), or one to adopt. */
  async #take(port: PortView, { subnet, address, macAddress }: Wanted): Promise<PortView> {
    const isOurs = port.device_owner === kuryrPortOwner && !isAdopted(port);
    const there = addressOn(port, subnet.id);
    if (port.device_id || (isOurs && port.mac_address !== macAddress)) {
      const what = address ? `address ${address} of subnet ${subnet.id}` : `MAC address ${macAddress}`;
      throw new Failure('service-port-in-use', `${what} is in use by port ${port.id}`);
    }
    if (isOurs) return there && (!address || there === address) ? port : this.#extend(port, subnet, address);
    if (!there || (address && there !== address)) {
      throw new Failure('port-not-usable', `port ${port.id} has no such address on subnet ${subnet.id}`);
    }
    await this.#service.addTag('ports', port.id, adoptedPortTag);
    return { ...port, tags: [...port.tags, adoptedPortTag] };
  }

  #extend(port: PortView, subnet: HostSubnet, address: string): Promise<PortView> {
    const more = { subnet_id: subnet.id, ...(address ? { ip_address: address } : {}) };
    const fixedIps = [
      ...port.fixed_ips.map(({ subnet_id, ip_address }) => ({ subnet_id, ip_address })),
      more,
    ];
    return this.#service.update('ports', port.id, { fixed_ips: fixedIps });
  }

  async #portsAt(subnet: HostSubnet, address: string): Promise<PortView[]> {
    const ports = await this.#service.list('ports', {
      network_id: subnet.networkId,
      fixed_ips: [`subnet_id=${subnet.id}`, `ip_address=${address}`],
    });
    // Neutron counts a port that fits one of the two.
    return ports.filter((port) =>
      port.fixed_ips.some((ip) => ip.subnet_id === subnet.id && ip.ip_address === address),
    );
  }

  async #portWithMac(subnet: HostSubnet, macAddress: string): Promise<PortView | undefined> {
    if (!macAddress) return undefined;
    const [port] = await this.#service.list('ports', {
      network_id: subnet.networkId,
      mac_address: macAddress,
    });
    return port;
  }
}

function hostPort(port: HostPort, { subnet, address, macAddress }: Wanted): Held {
  const there = port.fixedIps.find((ip) => ip.subnetId === subnet.id && (!address || ip.address === address));
  if (port.macAddress.toLowerCase() !== macAddress || !there) {
    throw new Failure(
      'port-not-usable',
      `address ${address || 'asked for'} of subnet ${subnet.id} belongs to port ${port.id}, whose MAC address is ` +
        `${port.macAddress}, not ${macAddress || 'none'}`,
    );
  }
  return {
    portId: port.id,
    networkId: port.networkId,
    subnetId: subnet.id,
    address: there.address,
    macAddress,
    use: 'host',
  };
}

function isAdopted(port: PortView): boolean {
  return port.tags.includes(adoptedPortTag);
}

function addressOn(port: PortView, subnetId: string): string | undefined {
  return port.fixed_ips.find((ip) => ip.subnet_id === subnetId)?.ip_address;
}

function keyOf(subnetId: string, address: string): string {
  return `${subnetId} ${address}`;
}
