/** How many addresses networks have and how many are in use. For administrators, as in Neutron. */
import { parseRange } from '../../ipam/pools.ts';
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import type { Network, Subnet } from '../../model/network.ts';
import { countAddresses } from '../../store/network/address-use.ts';
import { everything, groupBy } from '../../store/network/common.ts';
import { findNetworks } from '../../store/network/networks.ts';
import { findSubnets } from '../../store/network/subnets.ts';
import type { NetworkContext } from './context.ts';
import { allows, nobodys } from './policy.ts';

/** IPv6 pools hold more addresses than a number counts exactly. */
export interface AddressUse {
  readonly total: bigint;
  readonly used: number;
}

export interface SubnetAvailability extends AddressUse {
  readonly subnet: Subnet;
}

export interface NetworkAvailability {
  readonly network: Network;
  readonly subnets: readonly SubnetAvailability[];
  readonly updatedAt: string;
}

export type Availability = ReturnType<typeof createAvailability>;

export function createAvailability(context: NetworkContext) {
  const { db } = context;
  /** With a version: its subnets only, and the networks that have some. */
  const list = async (caller: Caller, version?: 4 | 6): Promise<NetworkAvailability[]> => {
    if (!allows(context, caller, 'get_network_ip_availability', nobodys)) return [];
    const used = await countAddresses(db);
    const subnets = groupBy(
      await findSubnets(db, everything, version ? { ip_version: [version] } : {}),
      (subnet) => subnet.networkId,
      (subnet) => ({ subnet, total: sizeOf(subnet), used: used.get(subnet.id) ?? 0 }),
    );
    const networks = await findNetworks(db, everything);
    return networks
      .filter(({ id }) => version === undefined || subnets.has(id))
      .map((network) => ({
        network,
        subnets: subnets.get(network.id) ?? [],
        updatedAt: network.updatedAt,
      }));
  };
  return {
    list,
    async get(caller: Caller, networkId: Uuid): Promise<NetworkAvailability> {
      const found = (await list(caller)).find(({ network }) => network.id === networkId);
      if (found) return found;
      throw new Failure('network-not-found', `Network ${networkId} could not be found.`);
    },
  };
}

function sizeOf({ allocationPools }: Subnet): bigint {
  return allocationPools.map(parseRange).reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
}

export function sumOf(subnets: readonly AddressUse[]): AddressUse {
  return {
    total: subnets.reduce((sum, { total }) => sum + total, 0n),
    used: subnets.reduce((sum, { used }) => sum + used, 0),
  };
}
