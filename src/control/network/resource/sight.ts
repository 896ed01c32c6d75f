/**
 * What of what a caller can find they see, by the rules `get_<resource>` and `get_<resource>:<attribute>`. The rules take away: an object
 * that may not be seen is not found, an attribute is left out.
 */
import type { Caller } from '../../../model/caller.ts';
import { isNetworkRule } from '../../policy/network-defaults.ts';
import type { Policy } from '../../policy.ts';
import { allows } from '../policy.ts';
import type { AnyAttribute, Table } from './attribute.ts';
import type { ResourceKind } from './kinds.ts';

interface Looking {
  readonly caller: Caller;
  /** A host, or the service itself. */
  readonly showAll?: boolean;
}

export interface Sight {
  /** Every object that can be found is seen. */
  readonly isWhole: boolean;
  maySee(looking: Looking, object: unknown): boolean;
  mayShow(caller: Caller, attribute: AnyAttribute, object: Seen): boolean;
  /** What of a table is shown of the object. */
  shownOf(looking: Looking, table: Table, object: unknown): Table;
}

interface Seen {
  readonly projectId: string;
}

export function sightOf({ singular, ruleName = singular }: ResourceKind, policy: Policy): Sight {
  const context = { policy };
  const rule = `get_${ruleName}`;
  const attributeRules = new Map<string, string>();
  const isWhole = isNetworkRule(rule) && policy.isDefault(rule);

  function mayShow(caller: Caller, { name, adminView }: AnyAttribute, object: Seen): boolean {
    if (!adminView) return true;
    const attributeRule = attributeRules.get(name) ?? `${rule}:${name}`;
    attributeRules.set(name, attributeRule);
    return allows(context, caller, attributeRule, object);
  }

  return {
    isWhole,
    mayShow,
    maySee: ({ caller, showAll }, object) =>
      isWhole || showAll === true || allows(context, caller, rule, object as Seen),
    shownOf({ caller, showAll }, table, object) {
      if (showAll || caller.isAdmin || table.every(({ adminView }) => !adminView)) return table;
      const hidden = table.filter((attribute) => !mayShow(caller, attribute, object as Seen));
      return hidden.length === 0 ? table : table.filter((attribute) => !hidden.includes(attribute));
    },
  };
}
