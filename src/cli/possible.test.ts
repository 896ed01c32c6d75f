import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCloud } from '../../test/helpers/command-line.ts';
import { containerStatuses } from '../model/container.ts';
import { commandsIn } from './possible.ts';

test('what a status allows, and the mildest way to delete in it', () => {
  assert.deepEqual(commandsIn('Stopped'), ['start', 'restart', 'logs', 'update', 'delete']);
  assert.deepEqual(commandsIn('Paused'), ['unpause', 'logs', 'update']);
  assert.equal(commandsIn('Running').at(-1), 'delete --stop');
  assert.deepEqual(commandsIn('Deleting'), ['delete --force']);
  const none = containerStatuses.filter((status) => commandsIn(status).length === 0);
  assert.deepEqual(none, []);
});

test('show tells it', async () => {
  await using world = await withCloud();
  await world.berth('create', '-n', 'web', 'busybox');
  const { stdout } = await world.berth('show', 'web');
  assert.match(stdout, /possible +│ start, restart, logs, update, delete/);
});
