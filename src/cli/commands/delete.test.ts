import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCloud } from '../../../test/helpers/command-line.ts';

async function withContainers() {
  const world = await withCloud();
  for (const [name, app, verb] of [
    ['web-1', 'web', 'create'],
    ['web-2', 'web', 'create'],
    ['busy', 'web', 'run'],
    ['db', 'db', 'create'],
  ] as const)
    await world.berth(verb, '-n', name, '--label', `app=${app}`, 'busybox');
  const names = () => world.fake.containers.map(({ name }) => name);
  return { ...world, names };
}

test('chosen by a label: those that can go do, the others are told, and the exit code says so', async () => {
  await using world = await withContainers();
  world.fake.pageSize = 1;
  const { code, stderr } = await world.berth('delete', '--label', 'app=web', '--yes');
  assert.equal(code, 1);
  assert.match(stderr, /web-1: deleted/);
  assert.match(stderr, /web-2: deleted/);
  assert.match(
    stderr,
    /berth: busy: Cannot delete container in Running state\nwhile it is Running: berth stop, .*, berth delete --stop\n/,
  );
  assert.deepEqual(world.names(), ['busy', 'db']);
  const stopped = await world.berth('delete', '--label', 'app=web', '--stop', '-y');
  assert.deepEqual([stopped.code, world.names()], [0, ['db']]);
});

test('who sits there is shown them and asked; any answer but yes leaves everything', async () => {
  await using world = await withContainers();
  const asked: string[] = [];
  const answering = (answer: string) => async (question: string) => {
    asked.push(question);
    return answer;
  };
  const no = await world.run(['delete', '--all', '--stop'], answering(''));
  assert.equal(no.code, 1);
  assert.match(no.stderr, / web-1 \(Created\)\n.* busy \(Running\)\n.*nothing was deleted\n$/s);
  assert.equal(world.names().length, 4);
  const yes = await world.run(['delete', '--all', '--stop'], answering('Yes'));
  assert.deepEqual([yes.code, world.names()], [0, []]);
  assert.deepEqual(asked, ['Delete these 4? [y/N] ', 'Delete these 4? [y/N] ']);
  const none = await world.berth('delete', '--all', '--yes');
  assert.deepEqual([none.code, none.stderr], [0, 'no container is chosen by that\n']);
});

test('nothing is asked for by mistake', async () => {
  await using world = await withContainers();
  for (const argv of [
    ['delete'],
    ['delete', '--all-projects', '--yes'],
    ['delete', 'web-1', '--label', 'app=web', '--yes'],
    ['delete', '--all', '--label', 'app=web', '--yes'],
    ['delete', 'web-1', '--all'],
  ])
    assert.equal((await world.berth(...argv)).code, 2, argv.join(' '));
  const silent = await world.berth('delete', '--all');
  assert.equal(silent.code, 2);
  assert.match(silent.stderr, /nobody is there to be asked whether they are to go; say --yes/);
  assert.equal(world.names().length, 4);
});
