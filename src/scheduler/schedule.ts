/**
 * Which host takes a container: filters remove hosts, the weigher ranks what is left.
 *
 *   hosts ─► filters, in order (the first refusal counts) ─► weigh ─► the best host, or the reasons by number of hosts
 *
 * Pure and without state: the caller passes what each host has and what is claimed there, and must claim in the
 * same transaction. A placement never exceeds capacity × ratio. Quick on purpose (every create runs it over all
 * hosts): nothing is allocated for a host that fits.
 */
import { type Ask, filters, type HostState, type Ratios } from './filters.ts';
import { freeShare } from './weighers.ts';

export type Decision =
  | { readonly host: string }
  /** A sentence for people: `3 hosts: 2 without runtime kata, 1 with too little memory`. */
  | { readonly refusal: string };

export function schedule(hosts: readonly HostState[], ask: Ask, ratios: Ratios): Decision {
  let best: HostState | undefined;
  let bestWeight = Number.NEGATIVE_INFINITY;
  const refusals = new Map<string, number>();
  for (const host of hosts) {
    const refusal = refusalOf(host, ask, ratios);
    if (refusal !== undefined) {
      refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
      continue;
    }
    const weight = freeShare(host, ask, ratios);
    if (best === undefined || weight > bestWeight || (weight === bestWeight && host.name < best.name)) {
      best = host;
      bestWeight = weight;
    }
  }
  return best ? { host: best.name } : { refusal: explain(hosts.length, refusals) };
}

function refusalOf(host: HostState, ask: Ask, ratios: Ratios): string | undefined {
  for (const filter of filters) {
    const refusal = filter(host, ask, ratios);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function explain(total: number, refusals: ReadonlyMap<string, number>): string {
  if (total === 0) return 'no host is known';
  const reasons = [...refusals]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ');
  return `${total} ${total === 1 ? 'host' : 'hosts'}: ${reasons}`;
}
