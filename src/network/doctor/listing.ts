/**
 * Compares two listings of nftables (`nft --stateless list ruleset`): the kernel's own account of what was wanted, and
 * of what is there. Both come from the kernel, so equal rules are equal text, whatever spelling they were made with.
 */
export type Listing = ReadonlyMap<string, Table>;
/** `chain ingress`, `set macs` → its lines: rules in their order, elements in any. */
type Table = ReadonlyMap<string, readonly string[]>;

export function readListing(text: string): Listing {
  const tables = new Map<string, Map<string, string[]>>();
  let table = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of statements(text)) {
    if (/^table \S+ \S+ \{$/.test(line)) {
      table = new Map();
      tables.set(line.slice(0, -2), table);
    } else if (line.endsWith(' {') && /^(chain|set|map|flowtable|counter|quota|limit) /.test(line)) {
      lines = [];
      table.set(line.slice(0, -2), lines);
    } else if (line.startsWith('elements = {')) {
      // What packets add by themselves comes and goes.
      if (!lines.some((one) => /^flags .*\bdynamic\b/.test(one))) lines.push(...elementsOf(line));
    } else if (line !== '}') lines.push(line);
  }
  return tables;
}

/** Lines, with elements that go on over several of them put together. */
function statements(text: string): string[] {
  const found: string[] = [];
  let open = '';
  for (const raw of text.split('\n')) {
    const line = `${open}${open ? ' ' : ''}${raw.trim()}`;
    open = /^elements = \{[^}]*$/.test(line) ? line : '';
    if (!open && line !== '') found.push(line);
  }
  return found;
}

function elementsOf(line: string): string[] {
  const inner = line.slice(line.indexOf('{') + 1, line.lastIndexOf('}'));
  return inner
    .split(',')
    .map((element) => element.trim().replaceAll(/\s+/g, ' '))
    .filter(Boolean)
    .sort();
}

/** What differs between the wanted tables and those that are there, in words. */
export function differencesOf(wanted: Listing, found: Listing): string[] {
  return [...wanted].flatMap(([name, table]) => {
    const there = found.get(name);
    return there ? tableDifferences(name, table, there) : [`${name} is missing`];
  });
}

/** Tables that are there and not wanted. */
export function foreignTables(wanted: Listing, found: Listing): string[] {
  return [...found.keys()].filter((name) => !wanted.has(name));
}

function tableDifferences(table: string, wanted: Table, found: Table): string[] {
  return [
    ...[...wanted].flatMap(([name, lines]) => {
      const there = found.get(name);
      if (!there) return [`${table}: ${name} is missing`];
      return lineDifferences(`${table} ${name}`, lines, there);
    }),
    ...[...found.keys()].filter((name) => !wanted.has(name)).map((name) => `${table}: ${name} is not ours`),
  ];
}

function lineDifferences(where: string, wanted: readonly string[], found: readonly string[]): string[] {
  const [missing, foreign] = [without(wanted, found), without(found, wanted)];
  if (missing.length === 0 && foreign.length === 0) {
    const isSame = wanted.every((line, at) => line === found[at]);
    return isSame ? [] : [`${where}: the rules are in another order`];
  }
  const kind = where.includes(' chain ') ? 'rule' : 'element';
  return [
    ...some(missing).map((line) => `${where}: missing ${kind}: ${line}`),
    ...some(foreign).map((line) => `${where}: foreign ${kind}: ${line}`),
  ];
}

/** Each as often as it is there more often. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at < 0) return true;
    left.splice(at, 1);
    return false;
  });
}

const mostTold = 5;

function some(lines: readonly string[]): string[] {
  if (lines.length <= mostTold) return [...lines];
  return [...lines.slice(0, mostTold), `… and ${lines.length - mostTold} more`];
}
