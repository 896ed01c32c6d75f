/**
 * The house rules, checked on the import graph: directions between rooms, no cycles (types included), fenced doors.
 *
 * The table below is the architecture. A room that is not in it does not exist; adding one is a decision.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');

/** Room → rooms it may import. Every room may import itself. */
const mayImport: Record<string, readonly string[]> = {
  model: [],
  base: ['model'],
  wire: ['model'],
  bus: ['model', 'base', 'wire'],
  scheduler: ['model'],
  ipam: ['model'],
  host: ['model', 'base'],
  docker: ['model', 'base'],
  store: ['model', 'base'],
  names: ['model', 'base', 'wire', 'host'],
  network: ['model', 'base', 'wire', 'host'],
  cnm: ['model', 'base', 'wire', 'ipam', 'host'],
  control: ['model', 'base', 'wire', 'bus', 'store', 'scheduler', 'ipam'],
  agent: ['model', 'base', 'wire', 'bus', 'docker', 'names', 'network', 'host'],
  plugins: ['model', 'base', 'wire'],
  api: ['model', 'base', 'wire', 'control'],
  client: ['model', 'base', 'wire'],
  openstack: ['model', 'base', 'wire', 'client', 'host'],
  cli: ['model', 'base', 'wire', 'client'],
};

/** Module → rooms (or files) that may import it. */
const fenced: Record<string, readonly string[]> = {
  // A CNI plugin delegates to others by running them.
  'node:child_process': ['src/host/', 'src/cli/', 'src/plugins/cni/client/ipam.ts', 'scripts/', 'test/'],
  'better-sqlite3': ['src/store/'],
  kysely: ['src/store/'],
  'dns-packet': ['src/names/', 'test/'],
  koffi: ['src/host/'],
  dockerode: ['test/'],
  '@nats-io': ['src/control/nats/', 'src/cnm/peers/nats.ts', 'test/'],
  pg: ['src/cnm/peers/postgres.ts', 'test/'],
  ws: ['src/api/websocket/', 'src/cli/', 'test/'],
};

/** Rooms of decisions and words: no I/O at all. */
const pure = ['model', 'wire', 'scheduler', 'ipam'];

interface Import {
  readonly from: string;
  readonly to: string;
}

function sources(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^'";]*?from\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g,
  );
  return [...found].map((match) => {
    const to = match[1] ?? match[2] ?? '';
    return { from: file, to: to.startsWith('.') ? relative(root, resolve(root, dirname(file), to)) : to };
  });
}

function roomOf(file: string): string | undefined {
  return /^src\/([^/]+)\//.exec(file)?.[1];
}

const isTest = (file: string) => file.endsWith('.test.ts');
const files = ['src', 'bin', 'scripts', 'test'].flatMap(sources);
const imports = files.flatMap(importsOf);

test('every room is in the table and has a README that says what it owns', () => {
  const rooms = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  for (const room of rooms) {
    assert.ok(room in mayImport, `src/${room} is not in the architecture table`);
    assert.ok(existsSync(join(root, 'src', room, 'README.md')), `src/${room} has no README.md`);
  }
});

test('rooms import only what lies below them', () => {
  const wrong = imports.filter(({ from, to }) => {
    const [room, target] = [roomOf(from), roomOf(to)];
    if (!room || isTest(from)) return false;
    if (!target) return to.startsWith('bin/') || to.startsWith('test/') || to.startsWith('scripts/');
    return target !== room && !mayImport[room]?.includes(target);
  });
  assert.deepEqual(wrong, []);
});

test('there is no import cycle, types included', () => {
  const next = new Map(files.map((file) => [file, importsOf(file).map(({ to }) => to)]));
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    assert.ok(at < 0, `import cycle: ${[...path.slice(at), file].join(' → ')}`);
    if (done.has(file)) return;
    for (const target of next.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

test('fenced modules are imported only behind their doors', () => {
  const wrong = imports.filter(
    ({ from, to }) =>
      !isTest(from) &&
      Object.entries(fenced).some(
        ([module, doors]) =>
          (to === module || to.startsWith(`${module}/`)) && !doors.some((door) => from.startsWith(door)),
      ),
  );
  assert.deepEqual(wrong, []);
});

test('rooms of decisions do no input or output', () => {
  const wrong = imports.filter(({ from, to }) => {
    const isPlan = /^src\/network\/plan\//.test(from);
    return !isTest(from) && (pure.includes(roomOf(from) ?? '') || isPlan) && to.startsWith('node:');
  });
  assert.deepEqual(wrong, []);
});

test('only base/environment.ts reads the environment', () => {
  const readers = files.filter(
    (file) =>
      file.startsWith('src/') &&
      !isTest(file) &&
      /\bprocess\.env\b/.test(readFileSync(join(root, file), 'utf8')),
  );
  assert.deepEqual(readers, ['src/base/environment.ts']);
});
