/**
 * The networks that a caller may see as a tree: external networks, their routers, the routers' networks, and the ports
 * on those with what leads to them. Pure: from the lists of the API to plain data, which is also the JSON output.
 */
import type { ContainerView } from '../../client/container-types.ts';
import type { NetworkObject, PortObject, RouterObject } from '../../client/networks.ts';

export interface Lists {
  readonly networks: readonly NetworkObject[];
  readonly subnets: readonly NetworkObject[];
  readonly routers: readonly RouterObject[];
  readonly ports: readonly PortObject[];
  readonly groups: readonly NetworkObject[];
  readonly containers: readonly Pick<ContainerView, 'uuid' | 'name'>[];
  /** External addresses by port. */
  readonly floating: ReadonlyMap<string, readonly string[]>;
}

export interface Topology {
  readonly external: readonly (NetworkNode & { readonly routers: readonly RouterNode[] })[];
  /** Routers without a way out. */
  readonly routers: readonly RouterNode[];
  /** Networks without a router. */
  readonly networks: readonly NetworkNode[];
}

export interface RouterNode {
  readonly id: string;
  readonly name: string;
  readonly external_addresses: readonly string[];
  readonly enable_snat: boolean;
  readonly routes: RouterObject['routes'];
  readonly networks: readonly (NetworkNode & { readonly router_addresses: readonly string[] })[];
}

export interface NetworkNode {
  readonly id: string;
  readonly name: string;
  readonly subnets: readonly { readonly id: string; readonly name: string; readonly cidr: string }[];
  readonly ports: readonly PortNode[];
}

export interface PortNode {
  readonly id: string;
  /** Of the container, else of the port; may be empty. */
  readonly name: string;
  readonly container: string | null;
  readonly owner: string;
  readonly status: string;
  readonly addresses: readonly string[];
  readonly floating_addresses: readonly string[];
  readonly security_groups: readonly string[];
}

const interfaceOwner = 'network:router_interface';
const infrastructure = 'network:';

export function topologyOf(lists: Lists): Topology {
  const nodes = new Map(lists.networks.map((network) => [network.id, networkNode(lists, network)]));
  const routers = lists.routers.map((router) => ({ router, node: routerNode(lists, nodes, router) }));
  const external = lists.networks.filter((network) => network['router:external'] === true);
  const joined = new Set(routers.flatMap(({ node }) => node.networks.map(({ id }) => id)));
  const isOutside = new Set(external.map(({ id }) => id));
  const behind = (id: string) =>
    routers.filter(({ router }) => router.external_gateway_info?.network_id === id).map(({ node }) => node);
  return {
    external: external.flatMap(({ id }) => {
      const node = nodes.get(id);
      return node ? [{ ...node, routers: behind(id) }] : [];
    }),
    routers: routers
      .filter(({ router }) => !isOutside.has(router.external_gateway_info?.network_id ?? ''))
      .map(({ node }) => node),
    networks: [...nodes.values()].filter(({ id }) => !joined.has(id) && !isOutside.has(id)),
  };
}

function routerNode(
  { ports }: Lists,
  nodes: ReadonlyMap<string, NetworkNode>,
  router: RouterObject,
): RouterNode {
  const legs = ports.filter((port) => port.device_id === router.id && port.device_owner === interfaceOwner);
  const byNetwork = Map.groupBy(legs, (port) => port.network_id);
  const { external_gateway_info: gateway, routes = [] } = router;
  return {
    id: router.id,
    name: router.name ?? '',
    external_addresses: (gateway?.external_fixed_ips ?? []).map(({ ip_address: address }) => address),
    enable_snat: gateway?.enable_snat ?? false,
    routes,
    networks: [...byNetwork].flatMap(([id, own]) => {
      const node = nodes.get(id);
      return node ? [{ ...node, router_addresses: own.flatMap(addressesOf) }] : [];
    }),
  };
}

function networkNode(lists: Lists, { id, name = '' }: NetworkObject): NetworkNode {
  const ports = lists.ports.filter(
    (port) => port.network_id === id && !String(port.device_owner).startsWith(infrastructure),
  );
  return {
    id,
    name,
    subnets: lists.subnets
      .filter((subnet) => subnet.network_id === id)
      .map((subnet) => ({ id: subnet.id, name: subnet.name ?? '', cidr: String(subnet.cidr) })),
    ports: ports.map((port) => portNode(lists, port)).sort(byName),
  };
}

function portNode({ containers, groups, floating }: Lists, port: PortObject): PortNode {
  const container = containers.find(({ uuid }) => uuid === port.device_id);
  const names = ((port.security_groups as string[] | undefined) ?? []).map(
    (id) => groups.find((group) => group.id === id)?.name ?? id,
  );
  return {
    id: port.id,
    name: container?.name ?? port.name ?? '',
    container: container?.uuid ?? null,
    owner: String(port.device_owner ?? ''),
    status: String(port.status ?? ''),
    addresses: addressesOf(port),
    floating_addresses: floating.get(port.id) ?? [],
    security_groups: names.sort(),
  };
}

function addressesOf(port: PortObject): string[] {
  return port.fixed_ips.map(({ ip_address: address }) => address);
}

function byName(a: PortNode, b: PortNode): number {
  return a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1;
}
