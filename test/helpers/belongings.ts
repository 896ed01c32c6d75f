/**
 * All that a machine and its Berth have, to compare with what they had before: Docker's objects, the network service's,
 * rows of the store, namespaces with their links, routes and rules, files.
 */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { statePaths } from '../../src/base/state-paths.ts';
import type { Answer, Berth } from './berth.ts';
import type { Machine } from './machine.ts';

export type Belongings = Readonly<Record<string, readonly string[]>>;

const collections = [
  'networks',
  'subnets',
  'subnetpools',
  'ports',
  'security-groups',
  'security-group-rules',
  'floatingips',
  'routers',
] as const;

/** By which an object that stays would differ if something were left on it. */
const traits = ['id', 'name', 'tags', 'device_owner', 'device_id', 'security_groups', 'description'] as const;

/** One line per thing: `<kind> <what>`. */
const listAll = String.raw`
docker -H "$1" ps -a --no-trunc --format 'container {{.Names}} {{.Status}}'
docker -H "$1" network ls --no-trunc --format 'docker-network {{.Name}}'
find "$2" /run/docker /run/netns -not -type d -not -name '*.log' -not -name '*.db-*' | sed 's/^/file /'
# dockerd unmounts a sandbox up to a minute later, and never when it was killed meanwhile: what matters is what is inside.
for sandbox in /run/docker-exec/netns/*; do
  nsenter --net="$sandbox" ip -o link 2>/dev/null | sed -E "s#^[0-9]+: ([^:@]+).*#\1#" | grep -v '^lo$' | sed "s#^#sandbox $sandbox #"
done
for netns in / $(ip netns list | cut -d' ' -f1); do
  echo "namespace $netns"
  enter=
  [ "$netns" = / ] || enter="ip netns exec $netns"
  $enter ip -o link | sed -E "s#^[0-9]+: ([^:@]+).*#link $netns \1#"
  { $enter ip rule; $enter ip route show table all; $enter ip -6 route show table all; } | sed "s#^#route $netns #"
  $enter nft -s list ruleset | sed "s#^[ \\t]*#rule $netns #"
done
`;

export async function belongingsOf(machine: Machine, berth: Berth): Promise<Belongings> {
  const found: Record<string, string[]> = {};
  const add = (kind: string, what: string) => {
    found[kind] ??= [];
    found[kind].push(what);
  };
  const text = await machine.must('sh', ['-c', listAll, 'sh', machine.dockerHost, berth.stateDir]);
  for (const line of text.split('\n').filter(Boolean)) {
    const [kind = '', ...rest] = line.split(' ');
    add(kind, rest.join(' ').trim());
  }
  for (const collection of collections) {
    const { body } = await berth.network('GET', `/${collection}`);
    const [objects = []] = Object.values(body) as Answer[][];
    for (const object of objects) add(collection, traits.map((trait) => object[trait] ?? '').join(' '));
  }
  for (const line of countRows(statePaths(berth.stateDir).database)) add('rows', line);
  for (const lines of Object.values(found)) lines.sort();
  return found;
}

function countRows(database: string): string[] {
  using db = new DatabaseSync(database, { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  return tables
    .map(({ name }) => String(name))
    .filter((name) => !name.startsWith('sqlite_'))
    .map((name) => `${name} ${db.prepare(`SELECT count(*) AS count FROM "${name}"`).get()?.count}`);
}

/** Waits until all is as before; what is missing or too much is in the error. */
export async function untilSame(
  before: Belongings,
  look: () => Promise<Belongings>,
  patienceMs: number,
): Promise<void> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const differences = compare(before, await look());
    if (differences.length === 0) return;
    if (Date.now() > end) assert.deepEqual(differences, [], `what is left (+) or lost (-)`);
    await delay(500);
  }
}

export function compare(before: Belongings, after: Belongings): string[] {
  const kinds = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...kinds].flatMap((kind) => {
    const [was, is] = [before[kind] ?? [], after[kind] ?? []];
    return [
      ...minus(is, was).map((what) => `+ ${kind} ${what}`),
      ...minus(was, is).map((what) => `- ${kind} ${what}`),
    ];
  });
}

/** As often as it is more often there. */
function minus(these: readonly string[], those: readonly string[]): string[] {
  const left = [...those];
  return these.filter((one) => {
    const at = left.indexOf(one);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
