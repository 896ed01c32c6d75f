import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCloud } from '../../../test/helpers/command-line.ts';
import { EventReader, type ToldEvent } from '../../client/events.ts';

const container = { uuid: 'u', name: 'web', status: 'Running', task_state: null };
const dataOf = (id: number) => ({ id, type: 'container.changed', at: '2030-01-01T00:00:00.000Z', container });
const line = '2030-01-01T00:00:00.000Z  changed  web  Running\n';
const told = (id: number) => `id: ${id}\nevent: container.changed\ndata: ${JSON.stringify(dataOf(id))}\n\n`;
const sent = `retry: 2000\nid: 7\n\n: still here\n\n${told(8)}`;
const forbidden = JSON.stringify({ errors: [{ code: 'container.policy-not-authorized', title: 'enough' }] });

test('events are read with the id to go on from, however they are cut', () => {
  for (let size = 1; size <= sent.length; size += 1) {
    const heard: ToldEvent[] = [];
    const reader = new EventReader((each) => heard.push(each));
    assert.equal(reader.last, undefined);
    for (let at = 0; at < sent.length; at += size) reader.push(sent.slice(at, at + size));
    assert.deepEqual(heard, [{ event: 'container.changed', data: dataOf(8) }]);
    assert.equal(reader.last, '8');
  }
});

test('an event that was cut off is not told, and is gone on from before it', () => {
  const heard: ToldEvent[] = [];
  const reader = new EventReader((each) => heard.push(each));
  reader.push(sent.slice(0, -1));
  assert.deepEqual([heard, reader.last], [[], '7']);
});

test('past events are printed, plain or as JSON', async () => {
  await using world = await withCloud();
  world.fake.watch = (response) => response.end(sent);
  const plain = await world.berth('events', '--past', '--after', '0');
  assert.deepEqual(plain, { code: 0, stdout: line, stderr: '' });
  assert.ok(world.fake.requests.includes('GET /v1/events?after=0&seconds=0'));
  const json = await world.berth('events', '--past', '-f', 'json', '--all-projects');
  assert.deepEqual(JSON.parse(json.stdout), dataOf(8));
  assert.ok(world.fake.requests.includes('GET /v1/events?all_projects=true&seconds=0'));
});

test('events are printed while the stream goes on; it is gone on from when it ends or breaks', async () => {
  await using world = await withCloud();
  const printed = Promise.withResolvers<void>();
  world.reader.onWrite = (text) => {
    if (text === line) printed.resolve();
  };
  const turns: (typeof world.fake.watch)[] = [
    async (response) => {
      response.write(sent);
      // It ends only when what it has sent is printed.
      await printed.promise;
      response.end();
    },
    (response) => {
      response.write(told(9).slice(0, 20));
      response.socket?.resetAndDestroy();
    },
    (response) => response.end(told(9) + told(10)),
    (response) => response.writeHead(403).end(forbidden),
  ];
  world.fake.watch = (...args) => turns.shift()?.(...args);
  const { code, stdout, stderr } = await world.berth('events', '--after', '7');
  assert.equal(code, 1);
  assert.equal(stdout, line.repeat(3));
  assert.match(stderr, /the connection was closed; trying again\n.*enough/s);
  const asked = world.fake.requests.filter((request) => request.includes('/v1/events'));
  assert.deepEqual(
    asked,
    [7, 8, 8, 10].map((after) => `GET /v1/events?after=${after}&seconds=45`),
  );
});

test('a server that cannot be reached at first is an error', async () => {
  await using world = await withCloud();
  world.fake.watch = (response) => response.socket?.resetAndDestroy();
  const { code, stderr } = await world.berth('events');
  assert.equal(code, 1);
  assert.match(stderr, /cannot reach/);
});

test('a format that there is not is a usage error', async () => {
  await using world = await withCloud();
  assert.equal((await world.berth('events', '-f', 'xml')).code, 2);
});
