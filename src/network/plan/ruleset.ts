/**
 * An nftables ruleset as data: tables of sets, maps and chains.
 *
 * The planner builds it, ./changes prints it (whole, or what differs from an earlier one). Names and rule texts
 * are finished nft words; whoever builds them has them checked in ./words. Order of rules matters, order of
 * everything else does not: printing sorts nothing and keeps insertion order, so equal input gives equal text.
 */
export interface NftSet {
  readonly kind: 'set' | 'map';
  /** As after `set x {`: `type ifname : mark`, `type ipv4_addr; flags interval; auto-merge`. */
  readonly definition: string;
  /**
   * In bundles that come and go together, such as those of one port; no key is in two. A bundle that is the same
   * object as before has not changed: so a change costs what changes, not what there is.
   */
  readonly bundles: readonly Elements[];
}

/** Key → value of a map; the value is empty for a set. */
export type Elements = ReadonlyMap<string, string>;

export interface NftChain {
  /** As after `chain x {`: `type filter hook forward priority 0; policy accept`. Absent = reached by a jump only. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

export interface NftTable {
  readonly family: 'bridge' | 'ip' | 'ip6' | 'inet';
  readonly name: string;
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly chains: ReadonlyMap<string, NftChain>;
}

export type Ruleset = readonly NftTable[];

export const setOf = (definition: string, keys: Iterable<string>): NftSet => ({
  kind: 'set',
  definition,
  bundles: [new Map([...keys].map((key) => [key, '']))],
});

export const mapOf = (definition: string, elements: Iterable<readonly [string, string]>): NftSet => ({
  kind: 'map',
  definition,
  bundles: [new Map(elements)],
});

/** All elements of the set. */
export function elementsOf({ bundles }: Pick<NftSet, 'bundles'>): [string, string][] {
  return bundles.flatMap((bundle) => [...bundle]);
}

export const chainOf = (rules: readonly string[], hook?: string): NftChain =>
  hook === undefined ? { rules } : { hook, rules };

/**
 * A filter that drops what its rules do not decide. By a rule, never by the chain's policy: while a table is replaced
 * the new chain is hooked before its rules count and the old one a moment longer than its own, and without rules a
 * policy decides: packets of everybody would be lost.
 */
export const closedChain = (rules: readonly string[], hook: string): NftChain =>
  chainOf([...rules, 'counter drop'], `type filter hook ${hook}; policy accept`);
