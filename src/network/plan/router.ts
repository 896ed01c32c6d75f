/**
 * A router on this host: a namespace with a leg on the bridge of each of its networks and, with a gateway, one on
 * the external bridge, which holds its floating addresses, too. What it lets pass is said in ./router-ruleset.
 */
import type { KernelLink, KernelStep, Translation } from '../../host/kernel.ts';
import {
  externalBridge,
  gatewayLink,
  linkOwner,
  networkBridge,
  networkNamespace,
  portLink,
  routerLink,
  routerNamespace,
} from '../../model/host-names.ts';
import type { WantedRouter } from '../../wire/host-network.ts';
import { advertisement, farewell } from './advertise.ts';
import { routerRuleset } from './router-ruleset.ts';
import type { Ruleset } from './ruleset.ts';
import { externalAddresses, hostOf, translationsOf, versionOf } from './translations.ts';
import { covers, idWord, macWord, readAddresses, withLength } from './words.ts';

type Interface = WantedRouter['interfaces'][number];
type Gateway = NonNullable<WantedRouter['gateway']>;
type Route = WantedRouter['routes'][number] & { readonly link?: string };

export interface RouterPlan {
  readonly netns: string;
  readonly ruleset: Ruleset;
  readonly translations: readonly Translation[];
  /** Everything that the namespace holds, as steps that ensure it: links before their addresses before routes. */
  readonly steps: readonly KernelStep[];
  /** Links and destinations that belong to the router, also those that wait for a network to be here. */
  readonly links: readonly string[];
  readonly destinations: readonly string[];
  /** Link on the external bridge, and the link-layer address under which external addresses are announced. */
  readonly gateway: { readonly link: string; readonly mac: string } | undefined;
  /** Router advertisements, one for each leg that makes them. */
  readonly advertisements: readonly Advertisement[];
}

export interface Advertisement {
  readonly networkId: string;
  readonly link: string;
  readonly frame: string;
  /** Takes it back. */
  readonly farewell: string;
}

/** The networks that are on this host, with their MTU: legs on others wait for those. */
export type NetworksHere = ReadonlyMap<string, { readonly mtu: number }>;

export function planRouter(instance: string, router: WantedRouter, here: NetworksHere): RouterPlan {
  const netns = routerNamespace(instance, idWord(router.id));
  const legs = router.interfaces.filter(({ networkId }) => here.has(networkId));
  const gateway = router.gateway
    ? { link: gatewayLink(router.id), mac: macWord(router.gateway.macAddress) }
    : undefined;
  const routes = routesOf(router);
  return {
    netns,
    ruleset: routerRuleset(router),
    translations: translationsOf(router),
    steps: [
      ...legs.flatMap((leg) => legSteps(instance, netns, { leg, mtu: here.get(leg.networkId)?.mtu ?? 0 })),
      ...(router.gateway ? gatewaySteps(instance, router, router.gateway) : []),
      ...routeSteps(netns, routes, [...legs, ...(router.gateway ? [router.gateway] : [])]),
    ],
    links: [
      ...router.interfaces.map(({ portId }) => routerLink(idWord(portId))),
      ...(gateway ? [gateway.link] : []),
    ],
    destinations: routes.map(({ destination }) => destination),
    gateway,
    advertisements: router.adminStateUp
      ? legs.flatMap((leg) => advertisementOf(leg, here.get(leg.networkId)?.mtu ?? 0))
      : [],
  };
}

function advertisementOf(leg: Interface, mtu: number): Advertisement[] {
  const frame = advertisement(leg, mtu);
  if (frame === undefined) return [];
  const { networkId, portId } = leg;
  return [{ networkId, link: routerLink(portId), frame, farewell: farewell(leg, mtu) }];
}

/** Whether the link is a router's leg, at either end. */
export function isRouterLeg(instance: string, link: KernelLink): boolean {
  return link.alias.startsWith(linkOwner(instance, 'leg', ''));
}

function legSteps(
  instance: string,
  netns: string,
  { leg, mtu }: { readonly leg: Interface; readonly mtu: number },
): KernelStep[] {
  const outside = networkNamespace(instance, leg.networkId);
  const [near, far] = [portLink(idWord(leg.portId)), routerLink(leg.portId)];
  const alias = linkOwner(instance, 'leg', leg.portId);
  const peer = { netns, name: far, mac: macWord(leg.macAddress), alias };
  return [
    { do: 'ensure-veth', netns: outside, name: near, mtu, alias, peer },
    { do: 'set-link', netns: outside, name: near, bridge: networkBridge, up: true },
    { do: 'set-link', netns, name: far, up: true },
    ...leg.addresses.map((address): KernelStep => ({ do: 'ensure-address', netns, link: far, address })),
  ];
}

function gatewaySteps(instance: string, router: WantedRouter, gateway: Gateway): KernelStep[] {
  const [netns, name] = [routerNamespace(instance, router.id), gatewayLink(router.id)];
  const alias = linkOwner(instance, 'gateway', router.id);
  const peer = { netns, name, mac: macWord(gateway.macAddress), alias };
  const others = externalAddresses(router).map(
    (address) => `${address}/${versionOf(address) === 4 ? 32 : 128}`,
  );
  return [
    { do: 'ensure-veth', name, mtu: gateway.mtu, alias, peer },
    {
      do: 'set-link',
      name,
      bridge: externalBridge(instance),
      // Where br_netfilter is on, the bridge translates, and passes on itself what the host's ports send back here.
      hairpin: router.hostPorts.length > 0,
      up: true,
    },
    { do: 'set-link', netns, name, up: true },
    ...[...gateway.addresses, ...others].map(
      (address): KernelStep => ({ do: 'ensure-address', netns, link: name, address }),
    ),
  ];
}

/** The gateway's next hops, and extra routes, which win. */
function routesOf(router: WantedRouter): Route[] {
  const link = gatewayLink(router.id);
  const defaults = (router.gateway?.nexthops ?? []).map(
    (nexthop): Route => ({ destination: versionOf(nexthop) === 4 ? '0.0.0.0/0' : '::/0', nexthop, link }),
  );
  const extra = router.routes.map(
    (route): Route => ({ ...route, destination: withLength(readAddresses(route.destination)) }),
  );
  return [...new Map([...defaults, ...extra].map((route) => [route.destination, route])).values()];
}

/**
 * A next hop that no link reaches has to wait for its network. Routes to the router itself, or instead of the way to a
 * subnet of its own, are none: the kernel would refuse them, or lose that subnet.
 */
function routeSteps(
  netns: string,
  routes: readonly Route[],
  links: readonly { readonly addresses: readonly string[] }[],
): KernelStep[] {
  const addresses = links.flatMap((link) => link.addresses);
  const near = addresses.map(readAddresses);
  const own = new Set(addresses.map(hostOf));
  const connected = new Set(near.map(withLength));
  return routes
    .filter(({ destination, nexthop }) => !own.has(hostOf(nexthop)) && !connected.has(destination))
    .filter(({ nexthop }) => near.some((range) => covers(range, readAddresses(nexthop))))
    .map(({ destination, nexthop, link }) => ({
      do: 'ensure-route',
      netns,
      to: destination,
      via: hostOf(nexthop),
      ...(link === undefined ? {} : { link }),
    }));
}
