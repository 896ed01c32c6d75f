/**
 * The commands of `zun` and `openstack appcontainer` that no other file here looks at, each with what it has to change; and that none of
 * all their commands is forgotten.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { allPendingOperations, operationsOf } from '../../src/store/container/operations.ts';
import { until } from '../helpers/until.ts';
import { openZunCloud, type ZunCloud } from '../helpers/zun-cloud.ts';

let cloud: ZunCloud;
let uuid: string;
let folder: string;

before(async () => {
  cloud = await openZunCloud();
  folder = mkdtempSync(join(tmpdir(), 'berth-clients-'));
  await cloud.demo.with('zun').ok('run', '--name', 'box', 'busybox', 'sleep', '1000');
  uuid = (await until('box is there', async () => (await containers())[0])) ?? '';
  await reaches('Running');
});
after(async () => {
  await cloud.close();
  rmSync(folder, { recursive: true });
});

async function containers(): Promise<string[]> {
  const rows = await cloud.world.db
    .selectFrom('containers')
    .select('uuid')
    .where('name', '=', 'box')
    .execute();
  return rows.map(({ uuid: each }) => each);
}
const row = async () => {
  const found = await cloud.world.row(uuid);
  assert.ok(found);
  return found;
};
const settled = () =>
  until('nothing is open', async () => (await allPendingOperations(cloud.world.db)).length === 0);
const reaches = (status: string) => until(`box ${status}`, async () => (await row()).status === status);
const lastVerb = async () => {
  await settled();
  return (await operationsOf(cloud.world.db, uuid))[0];
};

interface Command {
  /** As a user types it. */
  readonly words: string;
  readonly by?: 'admin';
  /** Looks whether it did what it says; gets what was printed. */
  readonly check: (printed: string) => Promise<unknown>;
}

const power = (words: string, status: string): Command => ({ words, check: () => reaches(status) });
const prints = (words: string, pattern: RegExp, by?: 'admin'): Command => ({
  words,
  check: async (printed) => assert.match(printed, pattern),
  ...(by ? { by } : {}),
});

const restarted = async () => {
  assert.deepEqual([(await lastVerb())?.verb, (await lastVerb())?.result], ['reboot', 'Success']);
};
const rebuiltFrom = (image: string) => async () => {
  assert.deepEqual([(await lastVerb())?.verb, (await lastVerb())?.result], ['rebuild', 'Success']);
  assert.equal((await row()).spec.image, image);
};
const isNamed = (name: string) => async () => assert.equal((await row()).name, name);
const host = async () => {
  const [found] = await cloud.world.db.selectFrom('hosts').selectAll().execute();
  return found;
};

const commands: readonly Command[] = [
  power('zun pause box', 'Paused'),
  power('zun unpause box', 'Running'),
  power('zun kill --signal KILL box', 'Stopped'),
  power('zun start box', 'Running'),
  { words: 'zun restart --timeout 1 box', check: restarted },
  { words: 'zun rebuild --image nginx box', check: rebuiltFrom('nginx') },
  { words: 'zun --zun-api-version 1.13 rename box crate', check: isNamed('crate') },
  { words: 'zun update --name box crate', check: isNamed('box') },
  prints('zun rename box crate', /406|not supported/),
  prints('zun commit box team/app:1', /does not offer committing yet/),
  prints('zun help list', /usage: zun list/),
  prints('zun bash-completion', /--all-projects/),
  power('openstack appcontainer pause box', 'Paused'),
  power('openstack appcontainer unpause box', 'Running'),
  power('openstack appcontainer stop --time 1 box', 'Stopped'),
  power('openstack appcontainer start box', 'Running'),
  { words: 'openstack appcontainer restart --time 1 box', check: restarted },
  { words: 'openstack appcontainer rebuild --wait --image busybox box', check: rebuiltFrom('busybox') },
  prints('openstack appcontainer logs box', /^log of /),
  prints('openstack appcontainer stats box', /MEM LIMIT\(MiB\)/),
  prints('openstack appcontainer action list box', /rebuild/),
  prints('openstack appcontainer commit box team/app:1', /does not offer committing yet/),
  {
    words: 'openstack appcontainer create --wait --name second --cpu 0.5 busybox',
    check: async (printed) => assert.match(printed, /\| status +\| Created/),
  },
  prints('openstack appcontainer host list', /host-1/, 'admin'),
  {
    words: 'openstack appcontainer service forcedown host-1 zun-compute',
    by: 'admin',
    check: async () => assert.equal((await host())?.forced_down, 1),
  },
  {
    words: 'openstack appcontainer service delete host-1 zun-compute',
    by: 'admin',
    check: async () => {
      assert.equal(await host(), undefined);
      await cloud.world.agent.beat();
    },
  },
  prints('openstack appcontainer quota update --containers 9 {project}', /9/, 'admin'),
  prints('openstack appcontainer quota get {project}', /containers +\| 9/, 'admin'),
  {
    words: 'openstack appcontainer quota delete {project}',
    by: 'admin',
    check: async () =>
      assert.deepEqual(await cloud.world.db.selectFrom('container_quotas').selectAll().execute(), []),
  },
  prints('openstack appcontainer quota class get default', /containers/, 'admin'),
];

for (const { words, by, check } of commands) {
  test(words, async () => {
    const [program = '', ...args] = words.replace('{project}', cloud.demoProject).split(' ');
    // `zun` exits with 0 whatever happened: it may have been several containers.
    const { stdout, stderr } = await cloud[by ?? 'demo'].with(program).run(...args);
    await check(`${stdout}${stderr}`).catch((error: Error) => {
      throw new Error(`${error.message}\n${stdout}${stderr}`, { cause: error });
    });
  });
}

test('openstack appcontainer action show', async () => {
  const [operation] = await operationsOf(cloud.world.db, uuid);
  assert.ok(operation);
  const printed = await cloud.demo.ok('appcontainer', 'action', 'show', 'box', operation.requestId);
  assert.match(printed, new RegExp(`compute__do_container_${operation.verb}`));
});

test('openstack appcontainer cp, in and out', async () => {
  writeFileSync(join(folder, 'crate'), 'tea');
  await cloud.demo.ok('appcontainer', 'cp', join(folder, 'crate'), 'box:/tmp');
  assert.ok(cloud.world.agent.files.get(`${uuid} /tmp`)?.includes('tea'));
  mkdirSync(join(folder, 'back'));
  await cloud.demo.ok('appcontainer', 'cp', 'box:/tmp', join(folder, 'back'));
  assert.equal(readFileSync(join(folder, 'back', 'crate'), 'utf8'), 'tea');
});

/** Not looked at, and why. */
const leftOut: Readonly<Record<string, string>> = {
  top: 'fails in the client itself, whatever the server answers',
};

/** All that is typed in the files of this folder, one blank between words. */
function typed(): string {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'));
  return (
    files
      .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
      .join('\n')
      .replaceAll(/['",`\s]+/g, ' ')
      // An array of words that ends in the group's name.
      .replaceAll('...old', 'appcontainer')
  );
}

test('every command of both clients is looked at somewhere in this folder', async () => {
  const text = typed();
  const zunHelp = await cloud.demo.with('zun').ok('help');
  const ofZun = [...zunHelp.matchAll(/^ {4}([a-z][a-z-]+) {2,}/gm)].map(([, name]) => name ?? '');
  const ofOpenstack = [
    ...(await cloud.demo.ok('appcontainer', '--help')).matchAll(/^ {2}appcontainer (.+)$/gm),
  ].map(([, name]) => name ?? '');
  assert.ok(ofZun.length > 50 && ofOpenstack.length > 45, `${ofZun.length} ${ofOpenstack.length}`);
  const isLeftOut = (name: string) => name in leftOut || name.startsWith('capsule');
  const missing = [
    ...ofZun.filter((name) => !isLeftOut(name) && !new RegExp(`\\b${name}\\b`).test(text)),
    ...ofOpenstack.filter(
      (name) =>
        !isLeftOut(name) &&
        !text.includes(`appcontainer ${name}`) &&
        !text.includes(`words(${name}`) &&
        !text.includes(`words( ${name}`),
    ),
  ];
  assert.deepEqual(missing, []);
});
