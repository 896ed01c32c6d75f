import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createWorld, type World } from '../../../test/helpers/container-world.ts';
import { silentLog } from '../../base/log.ts';
import { updateContainer } from '../../store/container/containers.ts';
import { findEventCursor } from '../../store/container/event-cursors.ts';
import { eventBounds, keepNewestEvents } from '../../store/container/events.ts';
import { EventPublisher, type Outlet, type Publication } from './publisher.ts';

let world: World;
let container: string;
let published: Publication[];
/** What goes wrong with the n-th try to publish, counted from 1. */
let wrongAt: Map<number, 'before' | 'after'>;
let tries: number;
let opened: number;
let publisher: EventPublisher;

/** A small working outlet: it keeps what it is given, unless it is to fail before that or after. */
async function open(): Promise<Outlet> {
  opened += 1;
  let isOpen = true;
  return {
    get isOpen() {
      return isOpen;
    },
    async publish(publications) {
      assert.ok(isOpen, 'a closed one is not used');
      tries += 1;
      const wrong = wrongAt.get(tries);
      if (wrong === 'before') throw new Error('the connection broke');
      published.push(...publications);
      if (wrong === 'after') throw new Error('the acknowledgement was lost');
    },
    async close() {
      isOpen = false;
    },
  };
}

function publisherOf(): EventPublisher {
  const { db } = world;
  return new EventPublisher({ db, log: silentLog(), open, subjectPrefix: 'b.c', lookEveryMs: 1, retryMs: 1 });
}

beforeEach(async () => {
  world = await createWorld();
  [published, wrongAt, tries, opened] = [[], new Map(), 0, 0];
  container = (await world.make()).uuid;
  publisher = publisherOf();
});
afterEach(async () => {
  await publisher.stop();
  await world.close();
});

async function rename(...names: string[]): Promise<void> {
  for (const name of names) await updateContainer(world.db, container, { name });
}

async function begin(): Promise<void> {
  publisher.start();
  await world.until('it has begun', async () => (await findEventCursor(world.db, 'nats')) !== undefined);
}

const names = () => published.map(({ json }) => JSON.parse(json).container?.name);
const hears = (name: string) => world.until(`${name} is published`, async () => names().includes(name));

test('what comes after the first start is published, in order, by project, container and kind', async () => {
  await begin();
  await rename('one', 'two');
  await hears('two');
  await world.db.deleteFrom('containers').where('uuid', '=', container).execute();
  await world.until('the end is published', async () => published.length === 3);
  assert.deepEqual(names(), ['one', 'two', 'two']);
  assert.equal(published[0]?.subject, `b.c.project-a.${container}.changed`);
  assert.equal(published[2]?.subject, `b.c.project-a.${container}.deleted`);
  assert.equal(published[0]?.id, String(JSON.parse(published[0]?.json ?? '').id));
});

test('what is in a project’s id does not make another subject', async () => {
  await begin();
  await world.db.updateTable('containers').set({ project_id: 'a.b.>', name: 'one' }).execute();
  await hears('one');
  assert.equal(published[0]?.subject, `b.c.a_b__.${container}.changed`);
});

test('a failure publishes the same again on a new connection, and nothing is passed over', async () => {
  await begin();
  wrongAt = new Map([
    [1, 'before'],
    [2, 'after'],
    [3, 'after'],
  ]);
  await rename('one');
  await world.until('it is noted', async () => tries === 4);
  await rename('two');
  await hears('two');
  assert.deepEqual(names(), ['one', 'one', 'one', 'two']);
  assert.equal(new Set(published.slice(0, 3).map(({ id }) => id)).size, 1);
  assert.equal(opened, 4);
});

test('a new life goes on where the old one was', async () => {
  await begin();
  await rename('one');
  await hears('one');
  const { newest } = await eventBounds(world.db);
  await world.until('it is noted', async () => (await findEventCursor(world.db, 'nats')) === newest);
  await publisher.stop();
  await rename(...Array.from({ length: 450 }, (_, n) => `n${n}`));
  publisher = publisherOf();
  publisher.start();
  await hears('n449');
  assert.deepEqual(names(), ['one', ...Array.from({ length: 450 }, (_, n) => `n${n}`)]);
  assert.equal(tries, 4, 'page by page');
});

test('what was cut off from the log is published as a gap', async () => {
  await begin();
  await publisher.stop();
  const after = await findEventCursor(world.db, 'nats');
  await rename('one', 'two', 'three');
  await keepNewestEvents(world.db, 1);
  publisher = publisherOf();
  publisher.start();
  await hears('three');
  const { newest } = await eventBounds(world.db);
  assert.deepEqual(
    [published[0]?.subject, JSON.parse(published[0]?.json ?? '')],
    ['b.c.gap', { id: `gap-${after}-${newest}`, type: 'gap', after, oldest: newest }],
  );
  assert.equal(published.length, 2);
});
