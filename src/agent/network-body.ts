/**
 * Wanted network → the Docker network that stands for it on this host. Pure.
 *
 * Kuryr is told twice which network and subnets are meant, because dockerd shows the options of the network to the
 * network driver only, and those of IPAM to the IPAM driver only. Pools are always named: without one, dockerd compares
 * what it is given with the host's routes, and two tenants could not have the same addresses.
 */
import type { NetworkBody } from '../docker/engine.ts';
import { Failure } from '../model/failure.ts';
import { dockerLabels, dockerNetworkName } from '../model/host-names.ts';
import type { WantedNetwork } from '../wire/host-network.ts';

export interface NetworkBodyContext {
  readonly instance: string;
  /** Name of the network and IPAM driver. */
  readonly driver: string;
}

/** Throws `invalid` for a network without a subnet: it has no address to give. */
export function toNetworkBody(network: WantedNetwork, { instance, driver }: NetworkBodyContext): NetworkBody {
  if (network.subnets.length === 0) {
    throw new Failure('invalid', `network ${network.id} has no subnet, so no address for a container`);
  }
  const of = (version: 4 | 6) => network.subnets.filter(({ ipVersion }) => ipVersion === version);
  const [v4, v6] = [of(4), of(6)];
  // With several subnets of one family the driver tells them apart by their CIDR.
  const options = {
    'neutron.net.uuid': network.id,
    ...(v4.length === 1 && v4[0] && { 'neutron.subnet.uuid': v4[0].id }),
    ...(v6.length === 1 && v6[0] && { 'neutron.subnet.v6.uuid': v6[0].id }),
  };
  return {
    Name: dockerNetworkName(instance, network.id),
    Driver: driver,
    EnableIPv6: v6.length > 0,
    Options: options,
    Labels: {
      [dockerLabels.instance]: instance,
      [dockerLabels.network]: network.id,
      [dockerLabels.project]: network.projectId,
    },
    IPAM: {
      Driver: driver,
      Options: options,
      Config: [...v4, ...v6].map(({ cidr, gatewayIp }) => ({
        Subnet: cidr,
        ...(gatewayIp && { Gateway: gatewayIp }),
      })),
    },
  };
}
