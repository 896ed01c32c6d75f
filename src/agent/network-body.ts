/**
 * A port's network and subnets → the Docker network that stands for them on this host. Pure.
 *
 * Docker cannot change a network that exists, but a network of ours may get subnets at any time. So a Docker network
 * stands for a network and the subnets that a port has addresses of, one of each family, and its name says which: it
 * follows from the port alone and is the same for every start of a container.
 *
 * Kuryr is told twice which network and subnets are meant, because dockerd shows the options of the network to the
 * network driver only, and those of IPAM to the IPAM driver only. Pools are always named: without one, dockerd compares
 * what it is given with the host's routes, and two tenants could not have the same addresses.
 */
import type { NetworkBody } from '../docker/engine.ts';
import type { Nic } from '../model/container.ts';
import { Failure } from '../model/failure.ts';
import { dockerLabels, dockerNetworkName, portIpamDriver } from '../model/host-names.ts';
import type { WantedNetwork, WantedSubnet } from '../wire/host-network.ts';

export interface NetworkBodyContext {
  readonly instance: string;
  /** Name of the network driver. */
  readonly driver: string;
}

/** Name of the Docker network that a port joins. */
export function nicNetworkName(instance: string, nic: Nic): string {
  return dockerNetworkName(instance, nic.networkId, subnetIdsOf(nic));
}

/** Throws `subnet-not-found` when the port has an address of a subnet that the network has not. */
export function toNetworkBody(
  network: WantedNetwork,
  nic: Nic,
  { instance, driver }: NetworkBodyContext,
): NetworkBody {
  const subnets = subnetIdsOf(nic).map((id) => subnetOf(network, id));
  const idOf = (version: 4 | 6) => subnets.find(({ ipVersion }) => ipVersion === version)?.id;
  const [v4, v6] = [idOf(4), idOf(6)];
  const options = {
    'neutron.net.uuid': network.id,
    ...(v4 && { 'neutron.subnet.uuid': v4 }),
    ...(v6 && { 'neutron.subnet.v6.uuid': v6 }),
  };
  return {
    Name: nicNetworkName(instance, nic),
    Driver: driver,
    EnableIPv6: v6 !== undefined,
    Options: options,
    Labels: {
      [dockerLabels.instance]: instance,
      [dockerLabels.network]: network.id,
      [dockerLabels.project]: network.projectId,
    },
    IPAM: {
      Driver: portIpamDriver(driver),
      Options: options,
      Config: subnets.map(({ cidr, gatewayIp }) => ({
        Subnet: cidr,
        ...(gatewayIp && { Gateway: gatewayIp }),
      })),
    },
  };
}

/** The first of each family, IPv4 before IPv6: those whose addresses Docker is asked for. */
function subnetIdsOf({ fixedIps }: Nic): string[] {
  return ([4, 6] as const).flatMap(
    (family) => fixedIps.find(({ version }) => version === family)?.subnetId ?? [],
  );
}

function subnetOf(network: WantedNetwork, id: string): WantedSubnet {
  const subnet = network.subnets.find((one) => one.id === id);
  if (subnet) return subnet;
  throw new Failure('subnet-not-found', `network ${network.id} has no subnet ${id} any more`);
}
