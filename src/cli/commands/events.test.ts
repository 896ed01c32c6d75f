import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCloud } from '../../../test/helpers/command-line.ts';
import { parseEvents } from '../../client/events.ts';

const container = { uuid: 'u', name: 'web', status: 'Running', task_state: null };
const data = { id: 8, type: 'container.changed', at: '2030-01-01T00:00:00.000Z', container };
const sent = `retry: 2000\nid: 7\n\n: still here\n\nid: 8\nevent: container.changed\ndata: ${JSON.stringify(data)}\n\n`;

test('events are read with the id to go on from', () => {
  assert.deepEqual(parseEvents(sent), { events: [{ event: 'container.changed', data }], last: '8' });
  assert.deepEqual(parseEvents('retry: 2000\nid: 7\n\n'), { events: [], last: '7' });
  assert.deepEqual(parseEvents(''), { events: [], last: undefined });
});

test('past events are printed, plain or as JSON', async () => {
  await using world = await withCloud();
  world.fake.events = sent;
  const plain = await world.berth('events', '--past', '--after', '0');
  assert.deepEqual(plain, {
    code: 0,
    stdout: '2030-01-01T00:00:00.000Z  changed  web  Running\n',
    stderr: '',
  });
  assert.ok(world.fake.requests.includes('GET /v1/events?after=0&seconds=0'));
  const json = await world.berth('events', '--past', '-f', 'json', '--all-projects');
  assert.deepEqual(JSON.parse(json.stdout), data);
  assert.ok(world.fake.requests.includes('GET /v1/events?all_projects=true&seconds=0'));
});

test('a format that there is not is a usage error', async () => {
  await using world = await withCloud();
  assert.equal((await world.berth('events', '-f', 'xml')).code, 2);
});
