/**
 * Static routes of a router: destinations that are reached through a neighbour on one of its networks.
 *
 * Several next hops for one destination and overlapping destinations are the tenant's choice. A next hop is checked
 * when it is set; `reachableRoutes` leaves out what a later change of the gateway has made pointless.
 */
import {
  type Cidr,
  canonicalAddress,
  contains,
  findAddress,
  findCidr,
  formatCidr,
  parseAddress,
  parseCidr,
} from '../../../ipam/address.ts';
import { Failure } from '../../../model/failure.ts';
import type { HostRoute, Port, Router, Subnet } from '../../../model/network.ts';
import type { Trx } from '../../../store/database.ts';
import { gatewayPortOf, interfacesOf, subnetsOf } from './router-ports.ts';

const mostRoutes = 30;

/** Canonical text, as it will be read back; throws for what is no route, and for doubles. */
export function compileRoutes(routes: readonly HostRoute[]): HostRoute[] {
  const compiled = routes.map(compileRoute);
  const twice = compiled.find((route, index) => indexOf(compiled, route) !== index);
  if (!twice) return compiled;
  throw invalidRoute(`Duplicate hostroute '${print(twice)}'`);
}

export function compileRoute({ destination, nexthop }: HostRoute): HostRoute {
  const [block, address] = [findCidr(destination), findAddress(nexthop)];
  if (!block || !destination.includes('/')) {
    throw invalidRoute(`'${destination.slice(0, 80)}' is not a valid IP subnet`);
  }
  if (!address) throw invalidRoute(`'${nexthop.slice(0, 80)}' is not a valid IP address`);
  const canonical = formatCidr(block);
  if (canonicalAddress(destination.split('/', 1)[0] ?? '') !== canonical.split('/', 1)[0]) {
    throw invalidRoute(`'${destination}' isn't a recognized IP subnet cidr, '${canonical}' is recommended`);
  }
  return { destination: canonical, nexthop: canonicalAddress(nexthop) };
}

/** Those that are there, then the new ones. */
export function withRoutes(present: readonly HostRoute[], added: readonly HostRoute[]): HostRoute[] {
  const all = [...present, ...added];
  return all.filter((route, index) => indexOf(all, route) === index);
}

/** What is not there need not be removed. */
export function withoutRoutes(present: readonly HostRoute[], removed: readonly HostRoute[]): HostRoute[] {
  return present.filter((route) => indexOf(removed, route) === -1);
}

export function isVia({ nexthop }: HostRoute, cidr: Cidr): boolean {
  return contains(cidr, parseAddress(nexthop));
}

/** Throws `invalid-routes` for a next hop that is no neighbour of the router. */
export async function checkRoutes(trx: Trx, router: Router, routes: readonly HostRoute[]): Promise<void> {
  if (routes.length > mostRoutes) {
    throw new Failure(
      'too-many-routes',
      `Unable to complete operation for ${router.id}. The number of routes exceeds the maximum ${mostRoutes}.`,
    );
  }
  const gateway = await gatewayPortOf(trx, router.id);
  const ports = [...(await interfacesOf(trx, router.id)), ...(gateway ? [gateway] : [])];
  const cidrs = (await subnetsOf(trx, ports)).map(({ cidr }) => parseCidr(cidr));
  const own = new Set(ports.flatMap((port) => port.fixedIps.map(({ ipAddress }) => ipAddress)));
  for (const route of routes) {
    const reason = problemOf(route, cidrs, own);
    if (!reason) continue;
    throw new Failure(
      'invalid-routes',
      `Invalid format for routes: [${routes.map(print).join(', ')}], ${reason}`,
    );
  }
}

function problemOf(route: HostRoute, cidrs: readonly Cidr[], own: ReadonlySet<string>): string | undefined {
  if (!cidrs.some((cidr) => isVia(route, cidr))) return 'the nexthop is not connected with router';
  if (own.has(route.nexthop)) return 'the nexthop is used by router';
  if (parseCidr(route.destination).version !== parseAddress(route.nexthop).version) {
    return 'the nexthop is of another IP version than the destination';
  }
  return undefined;
}

/** The routes whose next hop is still on a network of the router. */
export function reachableRoutes(
  routes: readonly HostRoute[],
  ports: readonly Port[],
  subnets: ReadonlyMap<string, Subnet>,
): HostRoute[] {
  const cidrs = ports.flatMap((port) =>
    port.fixedIps.flatMap(({ subnetId }) => {
      const subnet = subnets.get(subnetId);
      return subnet ? [parseCidr(subnet.cidr)] : [];
    }),
  );
  return routes.filter((route) => cidrs.some((cidr) => isVia(route, cidr)));
}

function indexOf(routes: readonly HostRoute[], { destination, nexthop }: HostRoute): number {
  return routes.findIndex((route) => route.destination === destination && route.nexthop === nexthop);
}

function print({ destination, nexthop }: HostRoute): string {
  return `{'destination': '${destination}', 'nexthop': '${nexthop}'}`;
}

function invalidRoute(reason: string): Failure {
  return new Failure('invalid-value', `Invalid input for routes. Reason: ${reason}.`);
}
