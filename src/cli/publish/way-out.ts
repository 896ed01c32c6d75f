/** The way between a container's port and the outside: the router of its network, and that router's external network. */
import type { Cloud } from '../../client/cloud.ts';
import type { ContainerView } from '../../client/container-types.ts';
import type { NetworkApi, PortObject, RouterObject } from '../../client/networks.ts';
import { AdvisedFailure } from '../advised-failure.ts';
import { externalNetwork, portIdsOf } from '../find.ts';

export interface WayOut {
  readonly port: PortObject;
  /** IPv4: floating IPs have no other. */
  readonly fixedAddress: string;
  readonly externalNetworkId: string;
}

/** The container's first port with a way out. Throws what is wrong with the first of them when none has one. */
export async function wayOutOf(cloud: Cloud, container: ContainerView): Promise<WayOut> {
  let problem: unknown;
  for (const id of portIdsOf(container)) {
    try {
      const port = await cloud.networks.get<PortObject>('ports', id);
      const fixed = port.fixed_ips.find(({ ip_address: address }) => !address.includes(':'));
      if (!fixed) continue;
      const externalNetworkId = await externalNetworkOf(cloud.networks, port.network_id);
      return { port, fixedAddress: fixed.ip_address, externalNetworkId };
    } catch (error) {
      if (!(error instanceof AdvisedFailure)) throw error;
      problem ??= error;
    }
  }
  throw problem ?? noAddress(container);
}

/** Throws, with the command that would help, when there is no router or it has no gateway. */
export async function externalNetworkOf(networks: NetworkApi, networkId: string): Promise<string> {
  const legs = await networks.list<PortObject>('ports', {
    network_id: networkId,
    device_owner: 'network:router_interface',
  });
  const ids = [...new Set(legs.map((leg) => leg.device_id))];
  const routers = await Promise.all(ids.map((id) => networks.get<RouterObject>('routers', id)));
  const outward = routers.find(({ external_gateway_info: gateway }) => gateway?.network_id);
  if (outward?.external_gateway_info) return outward.external_gateway_info.network_id;
  const network = await networks.get('networks', networkId);
  const [router] = routers;
  if (router) throw noGateway(network.name || network.id, router);
  // The router of a shared network may be its owner's: the service knows.
  if (network.shared === true) return (await externalNetwork(networks, undefined)).id;
  throw noRouter(network.name || network.id, (network.subnets as readonly string[] | undefined)?.[0]);
}

function noGateway(network: string, { name, id }: RouterObject): AdvisedFailure {
  return new AdvisedFailure(
    'conflict',
    `router ${name || id} of network ${network} has no way out`,
    `give it one: berth router gateway set ${name || id}`,
  );
}

function noRouter(network: string, subnet = 'SUBNET'): AdvisedFailure {
  return new AdvisedFailure(
    'conflict',
    `network ${network} has no router, so nothing outside can reach it`,
    `make one: berth router create --gateway ROUTER && berth router add-subnet ROUTER ${subnet}`,
  );
}

function noAddress({ name }: ContainerView): AdvisedFailure {
  return new AdvisedFailure(
    'conflict',
    `${name} has no IPv4 address that could be published`,
    `see its networks: berth show ${name}`,
  );
}
