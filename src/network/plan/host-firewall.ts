/**
 * Other firewalls of the host that drop what routers forward.
 *
 * Where somebody's iptables FORWARD chain drops by default, as dockerd's does, two accepting rules go into the chain
 * meant for that, marked by a comment, written so that iptables can read them. IPv4 and IPv6 likewise.
 */
import { externalBridge } from '../../model/host-names.ts';

export type FirewallFamily = 'ip' | 'ip6';
export const firewallFamilies: readonly FirewallFamily[] = ['ip', 'ip6'];

/** The part of an nft listing that we read. */
export interface ListedRule {
  readonly chain: string;
  readonly handle: number;
  readonly comment: string;
}

export interface HostFirewall {
  readonly family: FirewallFamily;
  readonly chains: readonly { readonly name: string; readonly policy: string }[];
  readonly rules: readonly ListedRule[];
}

/** As iptables names its table in nftables. */
export function filterTableOf(family: FirewallFamily): string {
  return `table ${family} filter`;
}

/** Lets forwarded packets of ours pass a FORWARD chain that drops by default; nothing when they do already. */
export function admitScript(instance: string, firewall: HostFirewall): string {
  const forward = firewall.chains.find(({ name }) => name === 'FORWARD');
  if (forward?.policy !== 'drop') return '';
  const chain = firewall.chains.some(({ name }) => name === 'DOCKER-USER') ? 'DOCKER-USER' : 'FORWARD';
  const where = `${firewall.family} filter ${chain}`;
  return (['iifname', 'oifname'] as const)
    .map((side) => ({ side, comment: `${mark(instance)} ${side}` }))
    .filter(({ comment }) => !firewall.rules.some((rule) => rule.chain === chain && rule.comment === comment))
    .map(
      ({ side, comment }) =>
        `insert rule ${where} ${side} ${externalBridge(instance)} accept comment "${comment}"\n`,
    )
    .join('');
}

/** Takes out again what `admitScript` put in. */
export function expelScript(instance: string, firewall: HostFirewall): string {
  return firewall.rules
    .filter(({ comment }) => comment.startsWith(`${mark(instance)} `))
    .map(({ chain, handle }) => `delete rule ${firewall.family} filter ${chain} handle ${handle}\n`)
    .join('');
}

const mark = (instance: string) => `berth ${instance}`;

/** Reads `nft -j list table ip filter`; of no such table (undefined) nothing. */
export function parseHostFirewall(family: FirewallFamily, listing: unknown): HostFirewall {
  const entries = (listing as { nftables?: readonly Entry[] } | undefined)?.nftables ?? [];
  return {
    family,
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
