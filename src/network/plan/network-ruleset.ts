/** The complete ruleset of a network's namespace. Equal input gives equal output. */
import type { WantedNetwork } from '../../wire/host-network.ts';
import { printRuleset } from './changes.ts';
import { filterTable, withFingerprint } from './filter.ts';
import { guardTable } from './guard.ts';
import { membersOf } from './members.ts';
import type { Ruleset } from './ruleset.ts';

export function planNetworkRuleset(network: WantedNetwork): Ruleset {
  const { members, classes } = membersOf(network);
  const guard = guardTable(members);
  const filters = [filterTable(network, 4, classes), filterTable(network, 6, classes)];
  const text = printRuleset([guard, ...filters]);
  return [guard, ...filters.map((table) => withFingerprint(table, text))];
}
