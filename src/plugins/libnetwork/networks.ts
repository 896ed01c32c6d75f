/**
 * Docker's networks: made in the network service, or standing for one that is there (adopted).
 *
 * A network is found again by the tags that carry Docker's id of it. A network of Berth's own containers carries none:
 * its ports are found by their address and MAC, and nothing of a tenant's is changed.
 * What was made for a call that fails is removed again. Deleting the unknown is success.
 */
import type { Log } from '../../base/log.ts';
import { type Undo, undoable } from '../../base/undo.ts';
import { Failure } from '../../model/failure.ts';
import { kuryrPortOwner } from '../../model/network.ts';
import type { JsonObject, NetworkService, NetworkView, SubnetView } from '../../wire/network-service.ts';
import type { KuryrBackend } from './backend.ts';
import { parseAddress, parseCidr, rangesWithout } from './cidr.ts';
import {
  addressSpace,
  adoptedNetworkTag,
  auxiliaryPortName,
  isOwnSubnet,
  networkName,
  networkTags,
  subnetName,
} from './names.ts';
import { mtuOption, networkReference, type Reference, sharedOption, subnetReference } from './options.ts';
import { type Claim, noIpv4, type Pools } from './pools.ts';
import { type CreateNetwork, type IpamPool, optionKey } from './protocol.ts';

type Options = Readonly<Record<string, unknown>>;

interface WantedSubnet {
  readonly cidr: string;
  readonly version: 4 | 6;
  readonly gateway: string | null;
  readonly auxiliary: readonly (readonly [name: string, address: string])[];
  readonly reference: Reference | undefined;
  /** The pool came from our own IPAM driver. */
  readonly isOurPool: boolean;
}

export class Networks {
  readonly #backend: KuryrBackend;
  readonly #pools: Pools;
  readonly #log: Log;
  readonly #idOfDocker = new Map<string, string>();

  constructor(backend: KuryrBackend, pools: Pools, log: Log) {
    this.#backend = backend;
    this.#pools = pools;
    this.#log = log;
  }

  async create(request: CreateNetwork): Promise<void> {
    const dockerId = request.NetworkID;
    const options = (request.Options?.[optionKey.generic] ?? {}) as Options;
    const subnets = wantedSubnets(request, options);
    const ownId = await this.#ownNetwork(options, subnets);
    const id = ownId ?? (await this.#createInService(request, options, subnets));
    this.#idOfDocker.set(dockerId, id);
    for (const { reference } of subnets) if (reference?.by === 'id') this.#pools.accepted(reference.value);
  }

  async delete(dockerId: string): Promise<void> {
    this.#idOfDocker.delete(dockerId);
    for (const network of await this.#tagged(dockerId)) {
      if (network.tags.includes(adoptedNetworkTag(dockerId))) await this.#leave(network, dockerId);
      else await this.#remove(network);
    }
  }

  /** The network that Docker's stands for; undefined when nothing tells. */
  async find(dockerId: string): Promise<string | undefined> {
    const known = this.#idOfDocker.get(dockerId);
    if (known) return known;
    const [network] = await this.#tagged(dockerId);
    if (network) this.#idOfDocker.set(dockerId, network.id);
    return network?.id;
  }

  /** Without a question to the service. */
  recall(dockerId: string): string | undefined {
    return this.#idOfDocker.get(dockerId);
  }

  learn(dockerId: string, networkId: string): void {
    this.#idOfDocker.set(dockerId, networkId);
  }

  get #service(): NetworkService {
    return this.#backend.service;
  }

  #tagged(dockerId: string): Promise<NetworkView[]> {
    return this.#service.list('networks', { tags: networkTags(dockerId).join(',') });
  }

  /** The named network when all of its named subnets are served by this host: nothing is to be made. */
  async #ownNetwork(options: Options, subnets: readonly WantedSubnet[]): Promise<string | undefined> {
    const network = networkReference(options);
    if (network?.by !== 'id') return undefined;
    if (subnets.length === 0 || subnets.some(({ isOurPool }) => !isOurPool)) return undefined;
    for (const { cidr, reference } of subnets) {
      const subnet = reference?.by === 'id' ? await this.#backend.findSubnet(reference.value) : undefined;
      if (subnet?.networkId !== network.value || subnet.cidr !== cidr) return undefined;
    }
    return network.value;
  }

  #createInService(
    request: CreateNetwork,
    options: Options,
    subnets: readonly WantedSubnet[],
  ): Promise<string> {
    return undoable(this.#log, async (undo) => {
      const network = await this.#ensureNetwork(request.NetworkID, options, undo);
      const isInternal = request.Options?.[optionKey.internal] === true;
      for (const subnet of subnets) await this.#ensureSubnet(network.id, subnet, isInternal, undo);
      return network.id;
    });
  }

  async #ensureNetwork(dockerId: string, options: Options, undo: Undo): Promise<NetworkView> {
    const [known] = await this.#tagged(dockerId);
    if (known) return known;
    const reference = networkReference(options);
    const shared = sharedOption(options);
    const network = reference
      ? await this.#adopt(reference, shared)
      : await this.#make(dockerId, { shared: shared ?? false, mtu: mtuOption(options, optionKey.mtu) }, undo);
    const tags = [...networkTags(dockerId), ...(reference ? [adoptedNetworkTag(dockerId)] : [])];
    for (const tag of tags) {
      if (reference) undo.add(`untag network ${network.id}`, () => this.#untag(network.id, tag));
      await this.#service.addTag('networks', network.id, tag);
    }
    return network;
  }

  async #make(
    dockerId: string,
    { shared, mtu }: { shared: boolean; mtu: number | undefined },
    undo: Undo,
  ): Promise<NetworkView> {
    const network = await this.#service.create('networks', {
      name: networkName(dockerId),
      admin_state_up: true,
      ...(shared ? { shared } : {}),
      ...(mtu === undefined ? {} : { mtu }),
    });
    undo.add(`remove network ${network.id}`, () => this.#service.remove('networks', network.id));
    return network;
  }

  async #adopt(reference: Reference, shared: boolean | undefined): Promise<NetworkView> {
    const query = reference.by === 'id' ? { id: reference.value } : { name: reference.value };
    const [network, ...others] = await this.#service.list('networks', query);
    if (!network) {
      throw new Failure('network-not-found', `Specified network id/name(${reference.value}) does not exist.`);
    }
    if (others.length > 0) {
      throw new Failure('conflict', `Multiple Neutron networks exist for the params name=${reference.value}`);
    }
    if (shared !== undefined && shared !== network.shared) {
      throw new Failure(
        'conflict',
        `option neutron.net.shared=${shared}: network ${network.id} is ${network.shared ? '' : 'not '}shared`,
      );
    }
    return network;
  }

  async #ensureSubnet(
    networkId: string,
    wanted: WantedSubnet,
    isInternal: boolean,
    undo: Undo,
  ): Promise<void> {
    const subnet =
      (await this.#presentSubnet(networkId, wanted)) ??
      (await this.#makeSubnet(networkId, wanted, isInternal, undo));
    const claim = this.#claimOf(wanted);
    if (claim) {
      if (!subnet.tags.includes(claim.poolId)) await this.#service.addTag('subnets', subnet.id, claim.poolId);
      this.#pools.settle(claim, subnet.id);
    }
    for (const [name, address] of wanted.auxiliary) {
      const port = await this.#service.create('ports', {
        name: auxiliaryPortName(name),
        admin_state_up: true,
        network_id: networkId,
        device_owner: kuryrPortOwner,
        fixed_ips: [{ subnet_id: subnet.id, ip_address: address }],
      });
      undo.add(`remove port ${port.id}`, () => this.#service.remove('ports', port.id));
    }
  }

  async #presentSubnet(networkId: string, wanted: WantedSubnet): Promise<SubnetView | undefined> {
    const [subnet, ...others] = await this.#service.list('subnets', {
      network_id: networkId,
      cidr: wanted.cidr,
    });
    if (others.length > 0) {
      throw new Failure('conflict', `Multiple Neutron subnets exist for the params cidr=${wanted.cidr}`);
    }
    if (subnet && wanted.gateway && subnet.gateway_ip !== wanted.gateway) {
      throw new Failure(
        'gateway-conflict',
        `Requested gateway ${wanted.gateway} does not match with gateway ${subnet.gateway_ip} in existed network.`,
      );
    }
    return subnet;
  }

  async #makeSubnet(
    networkId: string,
    wanted: WantedSubnet,
    isInternal: boolean,
    undo: Undo,
  ): Promise<SubnetView> {
    const range = this.#claimOf(wanted)?.range;
    const body: JsonObject = {
      name: subnetName(wanted.cidr),
      network_id: networkId,
      ip_version: wanted.version,
      cidr: wanted.cidr,
      enable_dhcp: true,
      ...(isInternal ? { gateway_ip: null } : {}),
      ...(!isInternal && wanted.gateway ? { gateway_ip: wanted.gateway } : {}),
      ...(range ? { allocation_pools: rangesWithout(range, wanted.gateway) } : {}),
    };
    const subnet = await this.#service.create('subnets', body);
    undo.add(`remove subnet ${subnet.id}`, () => this.#service.remove('subnets', subnet.id));
    return subnet;
  }

  #claimOf({ cidr, reference, isOurPool }: WantedSubnet): Claim | undefined {
    return isOurPool && !reference ? this.#pools.claimOf(cidr) : undefined;
  }

  /** An adopted network: only what was made in it for Docker goes. */
  async #leave(network: NetworkView, dockerId: string): Promise<void> {
    for (const subnet of await this.#service.list('subnets', { network_id: network.id })) {
      if (isOwnSubnet(subnet.name) && subnet.tags.length === 0) {
        await this.#service.remove('subnets', subnet.id).catch((error: unknown) => {
          this.#log.warn({ subnet: subnet.id, error }, 'a subnet made for Docker stays');
        });
      }
    }
    for (const tag of [...networkTags(dockerId), adoptedNetworkTag(dockerId)]) {
      await this.#untag(network.id, tag);
    }
  }

  async #remove(network: NetworkView): Promise<void> {
    const ports = await this.#service.list('ports', { network_id: network.id, device_owner: kuryrPortOwner });
    for (const port of ports) await this.#service.remove('ports', port.id);
    for (const subnet of await this.#service.list('subnets', { network_id: network.id })) {
      await this.#service.remove('subnets', subnet.id);
    }
    await this.#service.remove('networks', network.id);
  }

  #untag(networkId: string, tag: string): Promise<void> {
    return this.#service.removeTag('networks', networkId, tag);
  }
}

function allPools(request: CreateNetwork): IpamPool[] {
  const pools = [...(request.IPv4Data ?? []), ...(request.IPv6Data ?? [])];
  return pools.filter(({ Pool }) => Pool !== noIpv4.cidr);
}

/** The subnet options speak of the first pool of their family. */
function wantedSubnets(request: CreateNetwork, options: Options): WantedSubnet[] {
  const seen = new Set<number>();
  return allPools(request).map((pool) => {
    const { version, text } = parseCidr(pool.Pool);
    const reference = seen.has(version) ? undefined : subnetReference(options, version);
    seen.add(version);
    const gateway = pool.Gateway ? parseAddress(pool.Gateway) : null;
    return {
      cidr: text,
      version,
      gateway: gateway === '0.0.0.0' || gateway === '::' ? null : gateway,
      auxiliary: Object.entries(pool.AuxAddresses ?? {}).map(([name, address]) => [
        name,
        parseAddress(address),
      ]),
      reference,
      isOurPool: pool.AddressSpace === addressSpace,
    };
  });
}
