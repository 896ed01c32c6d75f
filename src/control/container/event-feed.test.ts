import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, test } from 'node:test';
import { createWorld, type World } from '../../../test/helpers/container-world.ts';
import { silentLog } from '../../base/log.ts';
import { updateContainer } from '../../store/container/containers.ts';
import { EventFeed } from './event-feed.ts';

let world: World;
let feed: EventFeed;
beforeEach(async () => {
  world = await createWorld();
  feed = new EventFeed({ db: world.db, log: silentLog(), lookEveryMs: 1, limitBytes: 20_000 });
});
afterEach(async () => {
  feed.stop();
  await world.close();
});

const mine = { projectId: 'project-a', after: null, seconds: 3600 };

async function rename(uuid: string, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await updateContainer(world.db, uuid, { name: `web-${n}-${'x'.repeat(200)}` });
  }
}

/** Everything that waits in it, as it was put there. */
function chunksOf(stream: Readable): Buffer[] {
  const chunks: Buffer[] = [];
  for (;;) {
    const first = stream.readableLength;
    const chunk = stream.read() as Buffer | null;
    if (chunk === null || first === 0) return chunks;
    chunks.push(chunk);
  }
}

test('an event is rendered once for all who see it', async () => {
  const { uuid } = await world.make();
  const streams: Readable[] = [];
  for (let n = 0; n < 500; n += 1) streams.push(await feed.subscribe(mine));
  assert.equal(feed.size, 500);
  for (const stream of streams) chunksOf(stream);
  await rename(uuid, 1);
  await world.until('all have it', async () => streams.every(({ readableLength }) => readableLength > 0));
  const [first, ...others] = streams.map((stream) => stream.read() as Buffer);
  assert.match(String(first), /event: container\.changed/);
  for (const other of others) assert.equal(other.buffer, first?.buffer, 'the same bytes, not a copy');
  for (const stream of streams) stream.destroy();
  await world.until('nobody is left', async () => feed.size === 0);
});

test('a slow reader is cut off with a reason, others are not, and it can resume where it was', async () => {
  const { uuid } = await world.make();
  const [slow, quick] = [await feed.subscribe(mine), await feed.subscribe(mine)];
  let heard = '';
  quick.on('data', (chunk) => {
    heard += chunk;
  });
  const cutOff = new Promise((resolve) => slow.once('end', resolve));
  await rename(uuid, 200);
  await world.until('the quick one has all', async () => heard.includes('"name":"web-199-'));
  assert.ok(slow.readableLength < 25_000, `${slow.readableLength} bytes wait`);
  let text = '';
  slow.on('data', (chunk) => {
    text += chunk;
  });
  await cutOff;
  assert.match(text, /event: cut-off\ndata: \{"reason":"More than 20000 bytes/);
  const last = Number([...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1]);
  const again = await feed.subscribe({ ...mine, after: last, seconds: 0 });
  let rest = '';
  for await (const chunk of again) rest += chunk;
  const names = (all: string) => [...all.matchAll(/"name":"(web-\d+)-/g)].map(([, name]) => name);
  assert.deepEqual([...names(text), ...names(rest)], names(heard));
});

test('a heartbeat keeps the connection known', async () => {
  const beating = new EventFeed({ db: world.db, log: silentLog(), heartbeatMs: 2 });
  const stream = await beating.subscribe(mine);
  let heard = '';
  stream.on('data', (chunk) => {
    heard += chunk;
  });
  await world.until('it beats', async () => heard.includes(': still here'));
  beating.stop();
});

test('joining while changes come in loses none and doubles none', async () => {
  const { uuid } = await world.make();
  const changing = rename(uuid, 300);
  const heard: string[] = [];
  for (let n = 0; n < 10; n += 1) {
    const stream = await feed.subscribe({ ...mine, after: 0 });
    stream.on('data', (chunk) => {
      heard[n] = (heard[n] ?? '') + chunk;
    });
  }
  await changing;
  const ids = (text = '') => [...text.matchAll(/^id: (\d+)\nevent/gm)].map(([, id]) => Number(id));
  await world.until('all have all', async () =>
    Array.from({ length: 10 }).every((_, n) => heard[n]?.includes('"name":"web-299-')),
  );
  for (const text of heard) assert.deepEqual(ids(text), ids(heard[0]));
  assert.equal(new Set(ids(heard[0])).size, ids(heard[0]).length);
  assert.ok(ids(heard[0]).length > 300);
});
