/**
 * The host's own share in the way out: the external bridge, and rules in the root namespace.
 *
 * One bridge holds the next hops of all external networks: the host routes between them, as a provider's router does.
 * Routers on the bridge reach the machine's uplinks (links of its default routes), masqueraded but for prefixes that
 * the outside knows, and each other's external addresses; nothing else: neither other links of this machine nor its
 * own services. Our table decides before other firewalls (priority −10), and can only refuse: an accept does not
 * overrule a later chain. What it takes to pass those is in src/host/forward-chain.ts.
 *
 * With an external interface, a link of the host is on the bridge and the next hops are real, beyond it.
 */
import type { KernelRoute, KernelStep } from '../../host/kernel.ts';
import { externalBridge, linkOwner } from '../../model/host-names.ts';
import type { WantedHostPort, WantedRouter } from '../../wire/host-network.ts';
import { fingerprint } from './fingerprint.ts';
import {
  hostPortChains,
  hostPortMasquerade,
  hostPortSets,
  hostPortSteps,
  hostPortsOf,
} from './host-ports.ts';
import { chainOf, type NftSet, type Ruleset, setOf } from './ruleset.ts';
import { hostOf, versionOf } from './translations.ts';
import { type Addresses, covers, readAddresses, withLength, withoutCovered } from './words.ts';

/** What is planned around: the host's own ways, which are never touched. */
export interface HostView {
  readonly uplinks: readonly string[];
  /** Destinations of the host's own routes, without its default routes. */
  readonly taken: readonly string[];
  /** A link of the host that leads to the external network itself; the next hops are beyond it. */
  readonly externalInterface?: string;
}

export interface ExternalPlan {
  readonly ruleset: Ruleset;
  /** The bridge, its addresses and the routes to prefixes behind routers. */
  readonly steps: readonly KernelStep[];
  readonly hostPorts: readonly WantedHostPort[];
  /** Prefixes that are not routed, because the host has a way of its own there, or another router was first. */
  readonly refused: readonly string[];
}

export function externalTable(instance: string): string {
  return `berth-${instance}`;
}

export function readHost(
  instance: string,
  routes: readonly KernelRoute[],
  externalInterface?: string,
): HostView {
  const isDefault = ({ to }: KernelRoute) => to === '0.0.0.0/0' || to === '::/0';
  const isOurs = ({ link, via }: KernelRoute) => link === externalBridge(instance) && via !== undefined;
  const uplinks = routes.filter(isDefault).flatMap(({ link }) => link ?? []);
  const taken = routes.filter((route) => !isDefault(route) && !isOurs(route)).map(({ to }) => to);
  const own = externalInterface ? { externalInterface } : {};
  return { uplinks: [...new Set(uplinks)].sort(), taken, ...own };
}

/** `routers` are those with a gateway. */
export function planExternal(
  instance: string,
  routers: readonly WantedRouter[],
  host: HostView,
): ExternalPlan {
  const sorted = [...routers].sort((a, b) => (a.id < b.id ? -1 : 1));
  const { routes, refused } = routesTo(sorted, host);
  const name = externalBridge(instance);
  // The host is not on the external network itself then, and cannot reach its routers.
  const hostPorts = host.externalInterface ? [] : hostPortsOf(sorted);
  return {
    ruleset: externalRuleset(instance, { routers: sorted, hostPorts, host }),
    steps: [
      ...bridgeSteps(instance, sorted, host),
      ...hostPortSteps(hostPorts, name),
      ...[...routes].map(([to, via]): KernelStep => ({ do: 'ensure-route', to, via, link: name })),
    ],
    hostPorts,
    refused,
  };
}

/** The bridge takes the smallest MTU of its networks, so that the host tells senders of what would not fit. */
function bridgeSteps(
  instance: string,
  routers: readonly WantedRouter[],
  { externalInterface }: HostView,
): KernelStep[] {
  const name = externalBridge(instance);
  const gateways = routers.flatMap(({ gateway }) => gateway ?? []);
  const addresses = externalInterface ? [] : [...new Set(gateways.flatMap(nexthopsOf))];
  return [
    {
      do: 'ensure-bridge',
      name,
      mtu: Math.min(...gateways.map(({ mtu }) => mtu)),
      mac: bridgeMac(instance),
      alias: linkOwner(instance, 'external', 'bridge'),
    },
    { do: 'set-link', name, up: true },
    ...(externalInterface
      ? [{ do: 'set-link', name: externalInterface, bridge: name, up: true } as const]
      : []),
    ...addresses.map((address): KernelStep => ({ do: 'ensure-address', link: name, address })),
  ];
}

/** Of its own: a bridge would take the lowest of its links', and change it when a router comes or goes. */
function bridgeMac(instance: string): string {
  const digits = fingerprint(instance).toString(16).padStart(8, '0');
  return `02:62:${digits.match(/../g)?.join(':')}`;
}

/** Each next hop with the prefix length of the router's address in the same family. */
function nexthopsOf({ nexthops, addresses }: NonNullable<WantedRouter['gateway']>): string[] {
  return nexthops.flatMap((nexthop) => {
    const own = addresses.find((address) => versionOf(address) === versionOf(nexthop));
    return own === undefined ? [] : `${nexthop}/${own.split('/')[1] ?? ''}`;
  });
}

/** A way to each routed prefix through its router; never over a way that the host has itself. */
function routesTo(routers: readonly WantedRouter[], { taken, externalInterface }: HostView) {
  const routes = new Map<string, string>();
  const refused: string[] = [];
  // The host is not on the external network itself then.
  if (externalInterface) return { routes, refused };
  const present: Addresses[] = taken.map(readAddresses);
  for (const { gateway, routedPrefixes } of routers) {
    for (const prefix of routedPrefixes.map(readAddresses)) {
      const via = gateway?.addresses.find((address) => versionOf(address) === prefix.version);
      if (via === undefined) continue;
      if (present.some((other) => covers(other, prefix) || covers(prefix, other))) refused.push(prefix.text);
      else routes.set(withLength(prefix), hostOf(via));
      present.push(prefix);
    }
  }
  return { routes, refused };
}

function routedSet(routers: readonly WantedRouter[], version: 4 | 6): [string, NftSet] {
  const ranges = routers.flatMap(({ routedPrefixes }) => routedPrefixes).map(readAddresses);
  const keys = withoutCovered(ranges.filter((range) => range.version === version)).map(({ text }) => text);
  const type = version === 4 ? 'ipv4_addr' : 'ipv6_addr';
  return [`routed${version}`, setOf(`type ${type}; flags interval; auto-merge`, keys.sort())];
}

interface Outwards {
  readonly routers: readonly WantedRouter[];
  readonly hostPorts: readonly WantedHostPort[];
  readonly host: HostView;
}

function externalRuleset(instance: string, { routers, hostPorts, host: { uplinks } }: Outwards): Ruleset {
  const bridge = externalBridge(instance);
  const reply = 'ct state vmap { established : accept, related : accept, invalid : drop }';
  const outwards = `iifname ${bridge} oifname @uplinks`;
  return [
    {
      family: 'inet',
      name: externalTable(instance),
      sets: new Map([
        [
          'uplinks',
          setOf(
            'type ifname',
            uplinks.map((link) => `"${link}"`),
          ),
        ],
        routedSet(routers, 4),
        routedSet(routers, 6),
        ...hostPortSets(hostPorts),
      ]),
      chains: new Map([
        ...hostPortChains(hostPorts),
        [
          'from-routers',
          chainOf([reply, `oifname ${bridge} accept`, 'oifname @uplinks accept', 'counter drop']),
        ],
        [
          'to-host',
          chainOf([reply, 'icmp type 8 accept', 'icmpv6 type { 128, 133, 135, 136 } accept', 'counter drop']),
        ],
        [
          'forward',
          chainOf(
            [`iifname ${bridge} goto from-routers`],
            'type filter hook forward priority -10; policy accept',
          ),
        ],
        [
          'input',
          chainOf([`iifname ${bridge} goto to-host`], 'type filter hook input priority -10; policy accept'),
        ],
        [
          'postrouting',
          chainOf(
            [
              `${outwards} ip saddr @routed4 accept`,
              `${outwards} ip6 saddr @routed6 accept`,
              `meta nfproto ipv4 ${outwards} masquerade fully-random`,
              `meta nfproto ipv6 ${outwards} masquerade fully-random`,
              ...(hostPorts.length === 0 ? [] : hostPortMasquerade(routers, bridge)),
            ],
            'type nat hook postrouting priority 90; policy accept',
          ),
        ],
      ]),
    },
  ];
}
