/** Longest-prefix choices: where a container and a router send a packet next. */
import type { WantedNetwork, WantedPort, WantedRouter } from '../../../wire/host-network.ts';
import { type Addresses, covers, readAddresses } from '../words.ts';

export interface Route {
  /** Destination as it is written in the plan. */
  readonly to: string;
  /** Next hop; absent = the destination itself is on the link. */
  readonly via?: string;
  /** Network of the link; null = the external one. */
  readonly networkId: string | null;
}

/** The route with the longest prefix that covers the address. */
export function bestRoute(routes: readonly Route[], address: string): Route | undefined {
  const wanted = readAddresses(address);
  const size = ({ first, last }: Addresses) => last - first;
  return routes
    .map((route) => ({ route, range: readAddresses(route.to) }))
    .filter(({ range }) => covers(range, wanted))
    .reduce<{ route: Route; range: Addresses } | undefined>(
      (best, one) => (best && size(best.range) <= size(one.range) ? best : one),
      undefined,
    )?.route;
}

const everywhere = (address: string) => (address.includes(':') ? '::/0' : '0.0.0.0/0');

/** What the owner of a port is told when it is plugged: its subnets, their host routes and gateways. */
export function routesOfPort(network: WantedNetwork, port: WantedPort): Route[] {
  const subnets = network.subnets.filter(({ id }) => port.fixedIps.some(({ subnetId }) => subnetId === id));
  const own = new Set(port.fixedIps.map(({ address }) => address));
  const on = { networkId: network.id };
  return [
    ...subnets.map(({ cidr }) => ({ to: cidr, ...on })),
    ...subnets.flatMap(({ hostRoutes }) =>
      hostRoutes.map(({ destination, nexthop }) => ({ to: destination, via: nexthop, ...on })),
    ),
    ...subnets.flatMap(({ gatewayIp }) =>
      gatewayIp === null || own.has(gatewayIp) ? [] : [{ to: everywhere(gatewayIp), via: gatewayIp, ...on }],
    ),
  ];
}

/** Legs, then static routes, then the gateway: of equal prefixes the first wins. */
export function routesOfRouter(router: WantedRouter): Route[] {
  const { gateway } = router;
  const onLink: Route[] = [
    ...router.interfaces.flatMap(({ networkId, addresses }) => addresses.map((to) => ({ to, networkId }))),
    ...(gateway?.addresses ?? []).map((to) => ({ to, networkId: null })),
  ];
  const fixed = router.routes.flatMap(({ destination, nexthop }) => {
    // A next hop that no link reaches waits for its network.
    const link = bestRoute(onLink, nexthop);
    return link ? [{ to: destination, via: nexthop, networkId: link.networkId }] : [];
  });
  const out = (gateway?.nexthops ?? []).map((via) => ({ to: everywhere(via), via, networkId: null }));
  return [...onLink, ...fixed, ...out];
}
