/**
 * The subnets of a network of Docker's, found or made, with the ports that keep auxiliary addresses free.
 *
 * A subnet settles the claim that its pool was (./claims.ts), and carries the pool's id as a tag.
 */
import type { Undo } from '../../base/undo.ts';
import { Failure } from '../../model/failure.ts';
import { kuryrPortOwner } from '../../model/network.ts';
import type { JsonObject, NetworkService, PortView, SubnetView } from '../../wire/network-service.ts';
import { rangesWithout } from './cidr.ts';
import type { Claim } from './claims.ts';
import {
  adoptedPortTag,
  auxiliaryPortName,
  auxiliaryPortTag,
  isReservedPort,
  poolName,
  subnetName,
} from './names.ts';
import type { Pools } from './pools.ts';
import { fittingSubnet, isPoolPossible, type WantedSubnet } from './wanted-subnets.ts';

interface Context {
  /** Of the network. */
  readonly dockerId: string;
  readonly isInternal: boolean;
  readonly undo: Undo;
}

interface NewSubnet {
  readonly wanted: WantedSubnet;
  readonly claim: Claim | undefined;
  readonly isInternal: boolean;
  /** All of the network. */
  readonly present: readonly SubnetView[];
}

/** `--aux-address` */
interface Auxiliary {
  readonly dockerId: string;
  readonly name: string;
  readonly address: string;
  readonly subnet: SubnetView;
}

export class NetworkSubnets {
  readonly #service: NetworkService;
  readonly #pools: Pools;

  constructor(service: NetworkService, pools: Pools) {
    this.#service = service;
    this.#pools = pools;
  }

  /** With its auxiliary addresses. Idempotent. */
  async ensure(
    networkId: string,
    wanted: WantedSubnet,
    { dockerId, isInternal, undo }: Context,
  ): Promise<void> {
    const present = await this.#service.list('subnets', { network_id: networkId });
    const there = fittingSubnet(present, wanted);
    const claim = await this.#claimOf(wanted, there !== undefined);
    const subnet = there ?? (await this.#makeSubnet(networkId, { wanted, claim, isInternal, present }, undo));
    this.#pools.existing.accepted(subnet.id);
    if (claim) {
      const { subnetPoolId } = claim;
      if (!subnet.tags.includes(subnetPoolId)) {
        await this.#service.addTag('subnets', subnet.id, subnetPoolId);
      }
      this.#pools.settle(claim, subnet.id);
    }
    for (const [name, address] of wanted.auxiliary) {
      await this.#keepFree({ dockerId, name, address, subnet }, undo);
    }
  }

  /** By a port; on a subnet that was there RequestAddress has made or adopted one. */
  async #keepFree({ dockerId, name, address, subnet }: Auxiliary, undo: Undo): Promise<void> {
    const use = { device_owner: kuryrPortOwner, device_id: dockerId };
    const there = await this.#portAt(subnet, address);
    if (there?.device_id === dockerId) return;
    if (there && isReservedPort(there)) {
      const isAdopted = there.tags.includes(adoptedPortTag);
      await this.#service.update('ports', there.id, {
        ...use,
        ...(isAdopted ? {} : { name: auxiliaryPortName(name) }),
      });
      await this.#service.addTag('ports', there.id, auxiliaryPortTag);
      return;
    }
    const port = await this.#service.create('ports', {
      ...use,
      name: auxiliaryPortName(name),
      admin_state_up: true,
      network_id: subnet.network_id,
      fixed_ips: [{ subnet_id: subnet.id, ip_address: address }],
    });
    undo.add(`remove port ${port.id}`, () => this.#service.remove('ports', port.id));
    await this.#service.addTag('ports', port.id, auxiliaryPortTag);
  }

  async #portAt({ id, network_id }: SubnetView, address: string): Promise<PortView | undefined> {
    const ports = await this.#service.list('ports', {
      network_id,
      fixed_ips: [`subnet_id=${id}`, `ip_address=${address}`],
    });
    // Neutron counts a port that fits one of the two.
    return ports.find(({ fixed_ips }) =>
      fixed_ips.some((ip) => ip.subnet_id === id && ip.ip_address === address),
    );
  }

  async #makeSubnet(
    networkId: string,
    { wanted, claim, isInternal, present }: NewSubnet,
    undo: Undo,
  ): Promise<SubnetView> {
    const { cidr, gateway } = wanted;
    const range = claim?.range;
    const body: JsonObject = {
      name: subnetName(cidr.text),
      network_id: networkId,
      ip_version: cidr.version,
      cidr: cidr.text,
      enable_dhcp: true,
      ...(claim && isPoolPossible(claim, wanted, present) ? { subnetpool_id: claim.subnetPoolId } : {}),
      ...(isInternal ? { gateway_ip: null } : {}),
      ...(!isInternal && gateway ? { gateway_ip: gateway } : {}),
      ...(range ? { allocation_pools: rangesWithout(range, gateway) } : {}),
    };
    const subnet = await this.#service.create('subnets', body);
    undo.add(`remove subnet ${subnet.id}`, () => this.#service.remove('subnets', subnet.id));
    return subnet;
  }

  /** Undefined = the pool is another IPAM driver's, a subnet that is there, or settled already. */
  async #claimOf(
    { cidr, reference, pool, isOurPool }: WantedSubnet,
    isThere: boolean,
  ): Promise<Claim | undefined> {
    if (!isOurPool || reference) return undefined;
    const claim = await this.#pools.claimOf(cidr, { pool, isThere });
    if (claim || isThere) return claim;
    throw new Failure(
      'subnet-pool-not-found',
      `Specified pool name(${poolName(cidr.text)}) does not exist. A subnet named by --ipam-opt has to be named by -o, ` +
        'too, and its network.',
    );
  }
}
