/**
 * Names → addresses by DNS, without the system's resolver: that one holds a thread of the process for as long as a dead server lets it
 * wait, and there are few of them. So `/etc/hosts` does not count.
 */
import { Resolver } from 'node:dns/promises';

export interface Resolved {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Resolve = (name: string) => Promise<readonly Resolved[]>;

/** No server that answers, or one that says that it cannot: not the same as a name that has no address. */
export class NoAnswer extends Error {}

const saysNothingThere: readonly string[] = ['ENOTFOUND', 'ENODATA'];

/** Throws NoAnswer; empty = there is no such name, or it has no address. */
export function dnsResolve({
  servers,
  timeoutMs = 2_000,
}: {
  readonly servers?: readonly string[];
  readonly timeoutMs?: number;
} = {}): Resolve {
  return async (name) => {
    const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
    if (servers) resolver.setServers(servers);
    const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const found = [
      ...(four.status === 'fulfilled' ? four.value : []).map((address) => ({ address, family: 4 as const })),
      ...(six.status === 'fulfilled' ? six.value : []).map((address) => ({ address, family: 6 as const })),
    ];
    const failed = [four, six].flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    const silent = failed.find(({ code }) => !saysNothingThere.includes(code));
    if (found.length === 0 && silent) throw new NoAnswer(`${name}: ${silent.code}`, { cause: silent });
    return found;
  };
}
