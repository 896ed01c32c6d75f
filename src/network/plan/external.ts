/**
 * The host's own share in the way out: the external bridge, and rules in the root namespace.
 *
 * Routers on the bridge reach the machine's uplinks (links of its default routes), masqueraded, and each other's
 * external addresses; nothing else: neither other links of this machine nor its own services. Our table decides
 * before other firewalls (priority −10), and can only refuse: an accept does not overrule a later chain. Where
 * somebody's iptables FORWARD chain drops by default, as dockerd's does, two accepting rules go into the chain
 * meant for that, marked by a comment, written so that iptables can read them.
 */
import type { KernelRoute, KernelStep } from '../../host/kernel.ts';
import { externalBridge, linkOwner } from '../../model/host-names.ts';
import type { WantedRouter } from '../../wire/host-network.ts';
import { chainOf, type Ruleset, setOf } from './ruleset.ts';

/** The part of an nft listing that we read. */
export interface ListedRule {
  readonly chain: string;
  readonly handle: number;
  readonly comment: string;
}

export interface HostFirewall {
  readonly chains: readonly { readonly name: string; readonly policy: string }[];
  readonly rules: readonly ListedRule[];
}

export const hostFilterTable = 'table ip filter';

export function externalTable(instance: string): string {
  return `berth-${instance}`;
}

export function uplinksOf(routes: readonly KernelRoute[]): string[] {
  const links = routes
    .filter(({ to }) => to === '0.0.0.0/0' || to === '::/0')
    .flatMap(({ link }) => link ?? []);
  return [...new Set(links)].sort();
}

/** The bridge, holding the next hop of each external subnet that a router uses. */
export function bridgeSteps(instance: string, routers: readonly WantedRouter[]): KernelStep[] {
  const name = externalBridge(instance);
  const addresses = routers.flatMap(({ gateway }) => (gateway ? nexthopsOf(gateway) : []));
  return [
    { do: 'ensure-bridge', name, mtu: 1500, alias: linkOwner(instance, 'external', 'bridge') },
    { do: 'set-link', name, up: true },
    ...[...new Set(addresses)].map((address): KernelStep => ({ do: 'ensure-address', link: name, address })),
  ];
}

/** Each next hop with the prefix length of the router's address in the same family. */
function nexthopsOf({ nexthops, addresses }: NonNullable<WantedRouter['gateway']>): string[] {
  return nexthops.flatMap((nexthop) => {
    const own = addresses.find((address) => address.includes(':') === nexthop.includes(':'));
    return own === undefined ? [] : `${nexthop}/${own.split('/')[1] ?? ''}`;
  });
}

export function externalRuleset(instance: string, uplinks: readonly string[]): Ruleset {
  const bridge = externalBridge(instance);
  const reply = 'ct state vmap { established : accept, related : accept, invalid : drop }';
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
      ]),
      chains: new Map([
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
            [`meta nfproto ipv4 iifname ${bridge} oifname @uplinks masquerade fully-random`],
            'type nat hook postrouting priority 90; policy accept',
          ),
        ],
      ]),
    },
  ];
}

/** Lets forwarded packets of ours pass a FORWARD chain that drops by default; nothing when they do already. */
export function admitScript(instance: string, firewall: HostFirewall): string {
  const forward = firewall.chains.find(({ name }) => name === 'FORWARD');
  if (forward?.policy !== 'drop') return '';
  const chain = firewall.chains.some(({ name }) => name === 'DOCKER-USER') ? 'DOCKER-USER' : 'FORWARD';
  const bridge = externalBridge(instance);
  return (['iifname', 'oifname'] as const)
    .map((side) => ({ side, comment: `${mark(instance)} ${side}` }))
    .filter(({ comment }) => !firewall.rules.some((rule) => rule.chain === chain && rule.comment === comment))
    .map(
      ({ side, comment }) => `insert rule ip filter ${chain} ${side} ${bridge} accept comment "${comment}"\n`,
    )
    .join('');
}

/** Takes out again what `admitScript` put in. */
export function expelScript(instance: string, firewall: HostFirewall): string {
  return firewall.rules
    .filter(({ comment }) => comment.startsWith(`${mark(instance)} `))
    .map(({ chain, handle }) => `delete rule ip filter ${chain} handle ${handle}\n`)
    .join('');
}

const mark = (instance: string) => `berth ${instance}`;

/** Reads `nft -j list table ip filter`; of no such table (undefined) nothing. */
export function parseHostFirewall(listing: unknown): HostFirewall {
  const entries = (listing as { nftables?: readonly Entry[] } | undefined)?.nftables ?? [];
  return {
    chains: entries.flatMap(({ chain }) => (chain ? { name: chain.name, policy: chain.policy ?? '' } : [])),
    rules: entries.flatMap(({ rule }) =>
      rule ? { chain: rule.chain, handle: rule.handle, comment: rule.comment ?? '' } : [],
    ),
  };
}

interface Entry {
  readonly chain?: { readonly name: string; readonly policy?: string };
  readonly rule?: { readonly chain: string; readonly handle: number; readonly comment?: string };
}
