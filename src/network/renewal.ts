/**
 * Makes a whole ruleset anew without losing a packet of what goes on: fills the tables that are there, and replaces
 * them only where that does not work. What is there is remembered, or asked of the kernel.
 */
import type { Log } from '../base/log.ts';
import type { Kernel } from '../host/kernel.ts';
import { printRefill, printRuleset, type Skeleton, type Skeletons, skeletonsOf } from './plan/changes.ts';
import type { NftSet, Ruleset } from './plan/ruleset.ts';

export interface Renewal {
  readonly netns?: string;
  /** What was applied before; undefined = unknown. */
  readonly before: Ruleset | undefined;
  readonly after: Ruleset;
}

export async function renewRuleset(kernel: Kernel, log: Log, renewal: Renewal): Promise<void> {
  const { before, after } = renewal;
  const at = renewal.netns === undefined ? {} : { netns: renewal.netns };
  const present = before ? skeletonsOf(before) : await readSkeletons(kernel, renewal.netns);
  const apply = (script: string) => kernel.apply([{ ...at, do: 'nft', script }]);
  try {
    await apply(printRefill(present, after));
  } catch (error) {
    log.warn({ ...at, error }, 'rules cannot be filled anew: replacing them');
    await apply(printRuleset(after));
  }
}

interface Listed {
  readonly family: string;
  readonly table: string;
  readonly name: string;
}

async function readSkeletons(kernel: Kernel, netns: string | undefined): Promise<Skeletons> {
  const list = async (what: 'chain' | NftSet['kind']): Promise<Listed[]> => {
    const answer = (await kernel.nftables(`${what}s`, netns)) as { nftables?: Record<string, Listed>[] };
    return (answer?.nftables ?? []).flatMap((entry) => entry[what] ?? []);
  };
  const [chains, sets, maps] = [await list('chain'), await list('set'), await list('map')];
  const keyOf = ({ family, table }: Listed) => `${family} ${table}`;
  const tables = new Set([...chains, ...sets, ...maps].map(keyOf));
  return new Map(
    [...tables].map((table): [string, Skeleton] => {
      const within = (listed: readonly Listed[]) =>
        listed.filter((one) => keyOf(one) === table).map(({ name }) => name);
      const kinds = [
        ...within(sets).map((name) => [name, 'set'] as const),
        ...within(maps).map((name) => [name, 'map'] as const),
      ];
      return [table, { chains: within(chains), sets: new Map(kinds) }];
    }),
  );
}
