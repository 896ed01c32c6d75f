/**
 * From one ruleset to another as one nft transaction.
 *
 * Without a `before`, each table is deleted and made anew: also the repair, whatever the kernel holds. With one,
 * only what differs is touched: an element more, a chain rewritten. The order inside a table is what the kernel's
 * references need: new chains and sets exist before rules and elements name them, and old ones lose their last
 * reference before they go. A set or a hook that changes its type replaces its table. The result is empty when
 * nothing differs. Connection tracking is never touched.
 */
import {
  type Elements,
  elementsOf,
  type NftChain,
  type NftSet,
  type NftTable,
  type Ruleset,
} from './ruleset.ts';

export function printChanges(before: Ruleset | undefined, after: Ruleset): string {
  const key = (table: NftTable) => `${table.family} ${table.name}`;
  const had = new Map(before?.map((table) => [key(table), table]));
  const wanted = new Set(after.map(key));
  return [
    ...[...had.keys()].filter((name) => !wanted.has(name)).map((name) => `delete table ${name}`),
    ...after.flatMap((table) => tableChanges(key(table), had.get(key(table)), table)),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** The whole ruleset, replacing tables of the same names. */
export function printRuleset(ruleset: Ruleset): string {
  return printChanges(undefined, ruleset);
}

/** What a table holds, by name: kind of each set. */
export interface Skeleton {
  readonly chains: readonly string[];
  readonly sets: ReadonlyMap<string, NftSet['kind']>;
}

/** Keyed by family and name of the table: `inet berth`. */
export type Skeletons = ReadonlyMap<string, Skeleton>;

export function skeletonsOf(ruleset: Ruleset): Skeletons {
  return new Map(
    ruleset.map(({ family, name, chains, sets }) => [
      `${family} ${name}`,
      {
        chains: [...chains.keys()],
        sets: new Map([...sets].map(([set, { kind }]) => [set, kind])),
      },
    ]),
  );
}

/**
 * The whole ruleset again, into the tables that are there; those that are missing are made. Chains and sets stay and
 * are filled anew, because a packet that is under way in a table while it is replaced finds none of its sets any
 * more and is lost. Fails where something of the same name is of another kind: then only replacing helps.
 */
export function printRefill(present: Skeletons, after: Ruleset): string {
  return after
    .flatMap((table) => {
      const name = `${table.family} ${table.name}`;
      const skeleton = present.get(name);
      return skeleton ? refill(name, skeleton, table) : tableChanges(name, undefined, table);
    })
    .map((line) => `${line}\n`)
    .join('');
}

function refill(table: string, present: Skeleton, after: NftTable): string[] {
  const oldChains = present.chains.filter((name) => !after.chains.has(name));
  const oldSets = [...present.sets].filter(([name]) => !after.sets.has(name));
  return [
    `add table ${table}`,
    ...[...after.chains].map(([name, chain]) => addChain(table, name, chain)),
    ...[...after.sets].map(([name, set]) => `add ${set.kind} ${table} ${name} { ${set.definition}; }`),
    ...[...after.chains.keys(), ...oldChains].map((name) => `flush chain ${table} ${name}`),
    ...[...after.sets].map(([name, { kind }]) => `flush ${kind} ${table} ${name}`),
    ...oldSets.map(([name, kind]) => `flush ${kind} ${table} ${name}`),
    ...[...after.chains].flatMap(([name, { rules }]) =>
      rules.map((rule) => `add rule ${table} ${name} ${rule}`),
    ),
    ...[...after.sets].flatMap(([name, set]) => addElements(`${table} ${name}`, elementsOf(set))),
    ...oldChains.map((name) => `delete chain ${table} ${name}`),
    ...oldSets.map(([name, kind]) => `delete ${kind} ${table} ${name}`),
  ];
}

function addChain(table: string, name: string, { hook }: NftChain): string {
  return `add chain ${table} ${name}${hook ? ` { ${hook}; }` : ''}`;
}

/** Whether a script of `printChanges` only adds. Such a change also spares the kernel's wait for readers (10 ms). */
export function isGrowth(script: string): boolean {
  return !/^(?:flush|delete) /m.test(script);
}

function tableChanges(name: string, before: NftTable | undefined, after: NftTable): string[] {
  if (before && isChangeable(before, after)) return changesOf(name, before, after);
  // Deleting what may not be there is an error to nft; adding it first makes it sure to be there.
  const empty: NftTable = { ...after, sets: new Map(), chains: new Map() };
  return [`add table ${name}`, `delete table ${name}`, `add table ${name}`, ...changesOf(name, empty, after)];
}

function isChangeable(before: NftTable, after: NftTable): boolean {
  const sameSets = [...after.sets].every(([name, set]) => {
    const old = before.sets.get(name);
    return !old || (old.kind === set.kind && old.definition === set.definition);
  });
  return (
    sameSets &&
    [...after.chains].every(
      ([name, chain]) => before.chains.get(name)?.hook === chain.hook || !before.chains.has(name),
    )
  );
}

function changesOf(table: string, before: NftTable, after: NftTable): string[] {
  const newChains = missingIn(before.chains, after.chains);
  const oldChains = missingIn(after.chains, before.chains);
  const rewritten = [...after.chains].filter(([name, chain]) => !sameRules(before.chains.get(name), chain));
  const flushed = [...oldChains, ...rewritten].filter(
    ([name]) => (before.chains.get(name)?.rules.length ?? 0) > 0,
  );
  const oldSets = missingIn(after.sets, before.sets);
  const sets = [...after.sets].map(([name, set]) =>
    elementChanges(`${table} ${name}`, before.sets.get(name), set),
  );
  return [
    ...newChains.map(([name, chain]) => addChain(table, name, chain)),
    ...missingIn(before.sets, after.sets).map(
      ([name, set]) => `add ${set.kind} ${table} ${name} { ${set.definition}; }`,
    ),
    ...flushed.map(([name]) => `flush chain ${table} ${name}`),
    ...oldSets
      .filter(([, set]) => set.bundles.some(({ size }) => size > 0))
      .map(([name, set]) => `flush ${set.kind} ${table} ${name}`),
    ...sets.flatMap(({ remove }) => remove),
    ...rewritten.flatMap(([name, chain]) => chain.rules.map((rule) => `add rule ${table} ${name} ${rule}`)),
    ...sets.flatMap(({ add }) => add),
    ...oldChains.map(([name]) => `delete chain ${table} ${name}`),
    ...oldSets.map(([name, set]) => `delete ${set.kind} ${table} ${name}`),
  ];
}

function elementChanges(name: string, before: NftSet | undefined, after: NftSet) {
  const [old, now] = differing(before?.bundles ?? [], after.bundles);
  const gone = [...old].filter(([key, value]) => now.get(key) !== value);
  const fresh = [...now].filter(([key, value]) => old.get(key) !== value);
  // Intervals that touch each other are merged by nft, so a single one cannot be taken out again.
  if (after.definition.includes('auto-merge') && gone.length > 0) {
    return { remove: [`flush ${after.kind} ${name}`], add: addElements(name, elementsOf(after)) };
  }
  return {
    remove: gone.length > 0 ? [`delete element ${name} { ${gone.map(([key]) => key).join(', ')} }`] : [],
    add: addElements(name, fresh),
  };
}

/** The elements of those bundles that only one side has; what both begin and end with is most of it. */
function differing(before: readonly Elements[], after: readonly Elements[]): [Elements, Elements] {
  let [start, endBefore, endAfter] = [0, before.length, after.length];
  while (start < endBefore && before[start] === after[start]) start += 1;
  while (endBefore > start && endAfter > start && before[endBefore - 1] === after[endAfter - 1]) {
    endBefore -= 1;
    endAfter -= 1;
  }
  const [had, has] = [before.slice(start, endBefore), after.slice(start, endAfter)];
  const without = (bundles: readonly Elements[], other: ReadonlySet<Elements>) =>
    new Map(elementsOf({ bundles: bundles.filter((bundle) => !other.has(bundle)) }));
  return [without(had, new Set(has)), without(has, new Set(had))];
}

function addElements(name: string, elements: readonly (readonly [string, string])[]): string[] {
  if (elements.length === 0) return [];
  return [
    `add element ${name} { ${elements.map(([key, value]) => (value ? `${key} : ${value}` : key)).join(', ')} }`,
  ];
}

function missingIn<T>(where: ReadonlyMap<string, T>, of: ReadonlyMap<string, T>): [string, T][] {
  return [...of].filter(([name]) => !where.has(name));
}

function sameRules(before: NftChain | undefined, after: NftChain): boolean {
  const rules = before?.rules ?? [];
  return rules.length === after.rules.length && rules.every((rule, index) => rule === after.rules[index]);
}
