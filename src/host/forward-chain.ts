/**
 * Other firewalls of the host that drop what a bridge of ours forwards.
 *
 * Where somebody's iptables FORWARD chain drops by default, as dockerd's does, two accepting rules go into the chain
 * meant for that, marked by a comment, written so that iptables can read them. IPv4 and IPv6 likewise.
 */
import type { Kernel } from './kernel.ts';

type FirewallFamily = 'ip' | 'ip6';
const firewallFamilies: readonly FirewallFamily[] = ['ip', 'ip6'];

/** The part of an nft listing that we read. */
interface ListedRule {
  readonly chain: string;
  readonly handle: number;
  readonly comment: string;
}

export interface HostFirewall {
  readonly family: FirewallFamily;
  readonly chains: readonly { readonly name: string; readonly policy: string }[];
  readonly rules: readonly ListedRule[];
}

export interface Admission {
  /** The link whose packets are forwarded. */
  readonly link: string;
  /** What the rules' comments begin with; no other's mark begins with it and a space. */
  readonly mark: string;
}

/** Lets forwarded packets of the link pass a FORWARD chain that drops by default; nothing when they do already. */
export function admitScript({ link, mark }: Admission, firewall: HostFirewall): string {
  const forward = firewall.chains.find(({ name }) => name === 'FORWARD');
  if (forward?.policy !== 'drop') return '';
  const chain = firewall.chains.some(({ name }) => name === 'DOCKER-USER') ? 'DOCKER-USER' : 'FORWARD';
  const where = `${firewall.family} filter ${chain}`;
  return (['iifname', 'oifname'] as const)
    .map((side) => ({ side, comment: `${mark} ${side}` }))
    .filter(({ comment }) => !firewall.rules.some((rule) => rule.chain === chain && rule.comment === comment))
    .map(({ side, comment }) => `insert rule ${where} ${side} "${link}" accept comment "${comment}"\n`)
    .join('');
}

/** Takes out again what `admitScript` put in. */
export function expelScript(mark: string, firewall: HostFirewall): string {
  return firewall.rules
    .filter(({ comment }) => comment.startsWith(`${mark} `))
    .map(({ chain, handle }) => `delete rule ${firewall.family} filter ${chain} handle ${handle}\n`)
    .join('');
}

/** The tables as iptables names them in nftables; of one that is not there, nothing. */
export function readHostFirewalls(kernel: Kernel): Promise<HostFirewall[]> {
  return Promise.all(
    firewallFamilies.map(async (family) => parse(family, await kernel.nftables(`table ${family} filter`))),
  );
}

function parse(family: FirewallFamily, listing: unknown): HostFirewall {
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
