/**
 * A router on this host: a namespace with a leg on the bridge of each of its networks and, with a gateway, one on
 * the external bridge.
 *
 * It forwards between its networks, and from them to the outside under its own external address (source NAT).
 * From the outside come replies only, unless source NAT is off: then addresses are routed as they are, both ways.
 * Of the router itself nothing can be reached but echo and neighbour discovery.
 */
import type { KernelAddress, KernelLink, KernelStep } from '../../host/kernel.ts';
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
import type { WantedNetwork, WantedRouter } from '../../wire/host-network.ts';
import { printRuleset } from './changes.ts';
import { chainOf, type NftChain, type Ruleset } from './ruleset.ts';
import { idWord, macWord, readAddresses } from './words.ts';

/** What a router's namespace holds now; absent = there is no such namespace. */
export interface RouterState {
  readonly links: readonly KernelLink[];
  readonly addresses: readonly KernelAddress[];
}

type Interface = WantedRouter['interfaces'][number];
type Gateway = NonNullable<WantedRouter['gateway']>;

/** IPv6 legs are ready at once (no duplicate detection: addresses are ours); peers are told of a new leg by ARP. */
const settings = {
  'net/ipv6/conf/default/accept_dad': '0',
  'net/ipv6/conf/default/accept_ra': '0',
  'net/ipv4/conf/default/arp_notify': '1',
  'net/ipv4/conf/all/accept_redirects': '0',
  'net/ipv4/conf/all/send_redirects': '0',
  'net/ipv4/ip_forward': '1',
  'net/ipv6/conf/all/forwarding': '1',
} as const;

const trackState = 'ct state vmap { established : accept, related : accept, invalid : drop }';

/** The router itself and its legs on this network (others belong to their networks' turns), and its gateway. */
export function routerSteps(
  instance: string,
  { router, network }: { readonly router: WantedRouter; readonly network: WantedNetwork },
  state: RouterState | undefined,
): KernelStep[] {
  const netns = routerNamespace(instance, idWord(router.id));
  const legs = router.interfaces.filter((one) => one.networkId === network.id);
  return [
    { do: 'ensure-netns', name: netns },
    ...Object.entries(settings).map(([key, value]): KernelStep => ({ do: 'sysctl', netns, key, value })),
    { do: 'nft', netns, script: printRuleset(routerRuleset(router)) },
    ...staleSteps(netns, router, state),
    ...legs.flatMap((leg) => legSteps(instance, { router, network }, leg)),
    ...(router.gateway ? gatewaySteps(instance, router, router.gateway) : []),
  ];
}

/** Whether the link is a router's leg, at either end. */
export function isRouterLeg(instance: string, link: KernelLink): boolean {
  return link.alias.startsWith(linkOwner(instance, 'leg', ''));
}

function legSteps(
  instance: string,
  { router, network }: { readonly router: WantedRouter; readonly network: WantedNetwork },
  leg: Interface,
): KernelStep[] {
  const [inside, outside] = [routerNamespace(instance, router.id), networkNamespace(instance, network.id)];
  const [near, far] = [portLink(idWord(leg.portId)), routerLink(leg.portId)];
  const alias = linkOwner(instance, 'leg', leg.portId);
  const peer = { netns: inside, name: far, mac: macWord(leg.macAddress), alias };
  return [
    { do: 'ensure-veth', netns: outside, name: near, mtu: network.mtu, alias, peer },
    { do: 'set-link', netns: outside, name: near, bridge: networkBridge, up: true },
    { do: 'set-link', netns: inside, name: far, up: true },
    ...leg.addresses.map(
      (address): KernelStep => ({ do: 'ensure-address', netns: inside, link: far, address }),
    ),
  ];
}

function gatewaySteps(instance: string, router: WantedRouter, gateway: Gateway): KernelStep[] {
  const [netns, name] = [routerNamespace(instance, router.id), gatewayLink(router.id)];
  const alias = linkOwner(instance, 'gateway', router.id);
  return [
    {
      do: 'ensure-veth',
      name,
      mtu: gateway.mtu,
      alias,
      peer: { netns, name, mac: macWord(gateway.macAddress), alias },
    },
    { do: 'set-link', name, bridge: externalBridge(instance), up: true },
    { do: 'set-link', netns, name, up: true },
    ...gateway.addresses.map((address): KernelStep => ({ do: 'ensure-address', netns, link: name, address })),
    ...gateway.nexthops.map(
      (via): KernelStep => ({
        do: 'ensure-route',
        netns,
        to: via.includes(':') ? '::/0' : '0.0.0.0/0',
        via,
        link: name,
      }),
    ),
  ];
}

/** Addresses and links inside the router that are no longer wanted. */
function staleSteps(netns: string, router: WantedRouter, state: RouterState | undefined): KernelStep[] {
  if (!state) return [];
  const wanted = new Map(router.interfaces.map((leg) => [routerLink(leg.portId), leg.addresses]));
  if (router.gateway) wanted.set(gatewayLink(router.id), router.gateway.addresses);
  const links = state.links.filter((link) => link.alias !== '' && !wanted.has(link.name));
  const addresses = state.addresses.filter(
    ({ link, address }) => wanted.has(link) && !isAutomatic(address) && !wanted.get(link)?.includes(address),
  );
  return [
    ...links.map(({ name }): KernelStep => ({ do: 'delete-link', netns, name })),
    ...addresses.map(({ link, address }): KernelStep => ({ do: 'delete-address', netns, link, address })),
  ];
}

function isAutomatic(address: string): boolean {
  return address.startsWith('fe80:');
}

export function routerRuleset(router: WantedRouter): Ruleset {
  const gateway = router.gateway ? gatewayLink(router.id) : undefined;
  const fromInside = gateway && router.enableSnat ? `iifname != ${gateway} accept` : 'accept';
  const chains = new Map<string, NftChain>([
    [
      'input',
      chainOf(
        [trackState, 'icmp type 8 accept', 'icmpv6 type { 128, 133, 135, 136 } accept', 'counter drop'],
        'type filter hook input priority 0; policy drop',
      ),
    ],
    [
      'forward',
      chainOf(
        router.adminStateUp ? [trackState, fromInside, 'counter drop'] : ['counter drop'],
        'type filter hook forward priority 0; policy drop',
      ),
    ],
  ]);
  if (router.gateway && router.enableSnat) {
    const rules = router.gateway.addresses.map((address) => {
      const own = readAddresses(address.replace(/\/.*/, ''));
      const family = own.version === 4 ? 'ip' : 'ip6';
      return `meta nfproto ipv${own.version} oifname ${gateway} snat ${family} to ${own.text} fully-random`;
    });
    chains.set('postrouting', chainOf(rules, 'type nat hook postrouting priority 100; policy accept'));
  }
  return [{ family: 'inet', name: 'berth', sets: new Map(), chains }];
}
