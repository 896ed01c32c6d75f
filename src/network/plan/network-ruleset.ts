/**
 * The complete ruleset of a network's namespace. Equal input gives equal output.
 *
 * A generation stands for all rulesets that only grew from one another: what was accepted under one of them is
 * still right under the next. When anything is taken away or replaced, the generation must be one that no
 * connection can carry (./filter); `fresh` is such a number, new each time.
 */
import type { WantedNetwork } from '../../wire/host-network.ts';
import { isGrowth, printChanges } from './changes.ts';
import { filterTable, withGeneration } from './filter.ts';
import { guardTable } from './guard.ts';
import { membersOf } from './members.ts';
import type { Ruleset } from './ruleset.ts';

export interface NetworkRuleset {
  readonly generation: number;
  readonly ruleset: Ruleset;
}

export function planNetworkRuleset(network: WantedNetwork, generation: number): Ruleset {
  return planRulesets(network)(generation);
}

/** The ruleset that follows what was applied `before` (unknown = all anew), and the script that leads to it. */
export function planChange(
  before: NetworkRuleset | undefined,
  network: WantedNetwork,
  fresh: number,
): NetworkRuleset & { readonly script: string } {
  const rulesetOf = planRulesets(network);
  if (before) {
    const ruleset = rulesetOf(before.generation);
    const script = printChanges(before.ruleset, ruleset);
    if (isGrowth(script)) return { generation: before.generation, ruleset, script };
  }
  const ruleset = rulesetOf(fresh);
  return { generation: fresh, ruleset, script: printChanges(before?.ruleset, ruleset) };
}

/** All that the generation does not matter to, once. */
function planRulesets(network: WantedNetwork): (generation: number) => Ruleset {
  const { members, classes } = membersOf(network);
  const guard = guardTable(members);
  const filters = [filterTable(network, 4, classes), filterTable(network, 6, classes)];
  return (generation) => [guard, ...filters.map((table) => withGeneration(table, generation, classes))];
}
