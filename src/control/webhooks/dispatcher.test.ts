import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { callerOf, createWorld, type World } from '../../../test/helpers/container-world.ts';
import { type Behaviour, behaviours, type Heard, HookReceiver } from '../../../test/helpers/hook-receiver.ts';
import type { Webhook } from '../../model/webhook.ts';
import { updateContainer } from '../../store/container/containers.ts';
import { keepNewestEvents } from '../../store/container/events.ts';
import { findWebhook } from '../../store/container/webhooks.ts';
import type { NewWebhook } from './webhooks.ts';

let world: World;
let receiver: HookReceiver;
const settings = {
  allowedAddresses: ['127.0.0.1/32'],
  attemptSeconds: 0.3,
  parallelDeliveries: 4,
  disableAfterSeconds: 3600,
  perProject: 100,
};

beforeEach(async () => {
  world = await createWorld({ webhooks: settings });
  receiver = await HookReceiver.start();
});
afterEach(async () => {
  await world.close();
  await receiver[Symbol.asyncDispose]();
});

const hook = async (fields: Partial<NewWebhook> = {}, caller = world.user): Promise<string> =>
  (await world.control.webhooks.create(caller, { url: receiver.url, ...fields })).webhook.uuid;

async function rename(uuid: string, ...names: string[]): Promise<void> {
  for (const name of names) await updateContainer(world.db, uuid, { name });
}

const names = (heard = receiver.heard) =>
  heard.filter(({ body }) => body.type === 'container.changed').map(({ body }) => body.container.name);
const hears = (name: string) => world.until(`${name} is told`, async () => names().includes(name));

function reaches(uuid: string, what: string, is: (webhook: Webhook) => boolean): Promise<Webhook> {
  return world.until(what, async () => {
    const webhook = await findWebhook(world.db, uuid);
    return webhook && is(webhook) && webhook;
  });
}
const fails = (uuid: string, times: number) =>
  reaches(uuid, `${times} failures`, ({ delivery }) => delivery.failures === times);

test('what happens after a hook is made is told, in order, once, signed', async () => {
  const { uuid: before } = await world.make();
  const uuid = await hook({ secret: 'a-secret-of-mine-1' });
  await rename(before, 'one', 'two', 'three');
  world.control.start();
  await hears('three');
  assert.deepEqual(names(), ['one', 'two', 'three']);
  const ids = receiver.heard.map(({ body }) => body.id);
  assert.deepEqual(
    receiver.heard.map(({ headers }) => headers['berth-event-id']),
    ids.map(String),
  );
  const { text, headers, body } = receiver.heard[0] ?? assert.fail();
  assert.equal(headers['berth-webhook-id'], uuid);
  assert.equal(headers['berth-event-type'], body.type);
  const { signatureOf } = await import('./signature.ts');
  const signing = { secret: 'a-secret-of-mine-1', at: world.clock.now() };
  assert.equal(headers['berth-signature'], signatureOf(text, signing));
  const { delivery } = await reaches(uuid, 'all is noted', (now) => now.delivery.lastEventId === ids.at(-1));
  assert.deepEqual(
    [delivery.cursor, delivery.lastStatus, delivery.lastError, delivery.failures],
    [ids.at(-1), 204, null, 0],
  );
  assert.equal(delivery.deliveredAt, world.clock.now().toISOString());
});

test('a hook hears its kinds of its project; one of all projects hears everybody', async () => {
  await hook({ types: ['deleted'] });
  const everything = await HookReceiver.start();
  await hook({ url: everything.url, allProjects: true }, world.admin);
  world.control.start();
  const { uuid } = await world.make();
  const { uuid: foreign } = await world.make();
  await world.db.updateTable('containers').set({ project_id: 'b' }).where('uuid', '=', foreign).execute();
  await rename(foreign, 'of-b');
  for (const each of [foreign, uuid])
    await world.db.deleteFrom('containers').where('uuid', '=', each).execute();
  await world.until('the end is told', async () => receiver.heard.length > 0);
  const ended =
    (id: string) =>
    ({ body }: Heard) =>
      body.type === 'container.deleted' && body.container.uuid === id;
  await world.until('all is told', async () => everything.heard.some(ended(uuid)));
  assert.deepEqual(
    receiver.heard.map(({ body }) => [body.type, body.container.uuid]),
    [['container.deleted', uuid]],
  );
  const told = everything.heard.map(({ body }) => body);
  assert.ok(told.some(({ container }) => container.name === 'of-b'));
  assert.ok(told.some(({ type }) => type === 'container.created'));
  await everything[Symbol.asyncDispose]();
});

const broken: readonly (readonly [keyof typeof behaviours, number | null, RegExp])[] = [
  ['fails', 500, /^answered 500$/],
  ['hangs', null, /^no answer within 0\.3 s$/],
  ['resets', null, /^the connection was closed before an answer came$/],
  ['redirects', 302, /redirects are not followed$/],
];
for (const [kind, status, reason] of broken) {
  test(`a receiver that ${kind} is tried again when its pause is over, with the same event first`, async () => {
    const { uuid: container } = await world.make();
    const uuid = await hook();
    receiver.behave = behaviours[kind];
    world.control.start();
    await rename(container, 'one', 'two');
    const { delivery } = await fails(uuid, 1);
    assert.equal(delivery.lastStatus, status);
    assert.match(delivery.lastError ?? '', reason);
    assert.equal(delivery.failingSince, world.clock.now().toISOString());
    const pause = Date.parse(delivery.nextAttemptAt ?? '') - world.clock.now().getTime();
    assert.ok(pause >= 1000 && pause <= 2000, `${pause} ms`);
    world.clock.advance(2);
    await fails(uuid, 2);
    receiver.behave = behaviours.takes;
    world.clock.advance(4);
    await hears('two');
    assert.deepEqual(names(), ['one', 'one', 'one', 'two']);
    assert.equal(new Set(receiver.heard.slice(0, 3).map(({ headers }) => headers['berth-event-id'])).size, 1);
    await reaches(
      uuid,
      'it is well',
      (now) => now.delivery.failures === 0 && now.delivery.lastError === null,
    );
  });
}

test('a hook that has failed for its time is disabled with a reason; enabled again it goes on where it was', async () => {
  const { uuid: container } = await world.make();
  const uuid = await hook();
  receiver.behave = behaviours.fails;
  world.control.start();
  await rename(container, 'one');
  await fails(uuid, 1);
  world.clock.advance(3600);
  const { enabled, disabledReason } = await reaches(uuid, 'it is disabled', (now) => !now.enabled);
  assert.equal(enabled, false);
  assert.equal(disabledReason, 'Nothing was delivered since 2030-01-01T00:00:00.000Z: answered 500');
  receiver.behave = behaviours.takes;
  const tried = receiver.heard.length;
  await rename(container, 'two');
  const other = await HookReceiver.start();
  await hook({ url: other.url });
  await rename(container, 'three');
  await world.until('others are told', async () => names(other.heard).includes('three'));
  assert.equal(receiver.heard.length, tried, 'a disabled hook is told nothing');
  await world.control.webhooks.update(world.user, uuid, { enabled: true });
  await hears('three');
  assert.deepEqual(names(receiver.heard.slice(tried)), ['one', 'two', 'three']);
  const { delivery, disabledReason: now } = await reaches(
    uuid,
    'noted',
    (each) => each.delivery.failures === 0,
  );
  assert.deepEqual([now, delivery.failingSince], [null, null]);
  await other[Symbol.asyncDispose]();
});

test('hooks that hang, new or known to, do not keep those of others from being told', async () => {
  const { uuid: container } = await world.make();
  const { uuid: foreign } = await world.make();
  await world.db.updateTable('containers').set({ project_id: 'b' }).where('uuid', '=', foreign).execute();
  const hanging = await HookReceiver.start();
  hanging.behave = behaviours.hangs;
  for (let n = 0; n < 12; n += 1) await hook({ url: hanging.url }, callerOf('b'));
  await hook();
  await rename(foreign, 'foreign');
  await rename(container, 'first');
  world.control.start();
  await hears('first');
  assert.ok(hanging.heard.length < 12, 'it did not wait until all had been tried');
  const failures = async () => {
    const all = await world.control.webhooks.list(callerOf('b'), false);
    return all.map(({ delivery }) => delivery.failures);
  };
  await world.until('they have failed', async () => (await failures()).every((times) => times === 1));
  world.clock.advance(60);
  await world.until('they are tried again', async () => hanging.heard.length > 12);
  await rename(container, 'second');
  await hears('second');
  assert.ok((await failures()).includes(1), 'it did not wait until all had been tried again');
  await hanging[Symbol.asyncDispose]();
});

test('a project has its share of the places', async () => {
  await world.close();
  world = await createWorld({ webhooks: { ...settings, attemptSeconds: 60 } });
  const { uuid: container } = await world.make();
  const { uuid: foreign } = await world.make();
  await world.db.updateTable('containers').set({ project_id: 'b' }).where('uuid', '=', foreign).execute();
  const other = await HookReceiver.start();
  receiver.behave = behaviours.hangs;
  for (let n = 0; n < 3; n += 1) await hook();
  await hook({ url: other.url }, callerOf('b'));
  world.control.start();
  await rename(container, 'one');
  await hears('one');
  // Others are looked at while there are places left, and the project's own are not begun.
  for (const name of ['two', 'three']) {
    await rename(foreign, name);
    await world.until(`${name} is told`, async () => names(other.heard).includes(name));
  }
  assert.equal(receiver.heard.length, 1);
  await other[Symbol.asyncDispose]();
});

test('a change of a hook that fails has it tried at once, in the place that it has', async () => {
  const { uuid: container } = await world.make();
  const uuid = await hook();
  receiver.behave = behaviours.fails;
  world.control.start();
  await rename(container, 'one');
  await fails(uuid, 1);
  const { webhook } = await world.control.webhooks.update(world.user, uuid, { enabled: true });
  assert.deepEqual([webhook.delivery.failures, webhook.delivery.failingSince], [1, null]);
  await fails(uuid, 2);
});

test('a crash loses nothing: what was being delivered is delivered again, then the rest', async () => {
  const { uuid: container } = await world.make();
  const uuid = await hook();
  world.control.start();
  await rename(container, 'one');
  await hears('one');
  await reaches(uuid, 'it is noted', ({ delivery }) => delivery.lastEventId !== null);
  const answers: (() => void)[] = [];
  const waits: Behaviour = (response) => answers.push(() => response.writeHead(204).end());
  receiver.behave = waits;
  await rename(container, 'two', 'three');
  await hears('two');
  await world.crash();
  receiver.behave = behaviours.takes;
  await hears('three');
  assert.deepEqual(names(), ['one', 'two', 'two', 'three']);
});

test('what was cut off from the log is told as a gap; what did not concern the hook is none', async () => {
  const { uuid: container } = await world.make();
  const uuid = await hook({ types: ['changed'] });
  const quiet = await HookReceiver.start();
  await hook({ url: quiet.url }, callerOf('nobody'));
  await rename(container, 'one', 'two', 'three', 'four');
  const start = (await findWebhook(world.db, uuid))?.delivery.cursor ?? 0;
  await keepNewestEvents(world.db, 2);
  world.control.start();
  await hears('four');
  const [gap] = receiver.heard;
  assert.deepEqual(gap?.body, {
    id: `gap-${start}-${start + 3}`,
    type: 'gap',
    after: start,
    oldest: start + 3,
  });
  assert.equal(gap?.headers['berth-event-id'], gap?.body.id);
  assert.deepEqual(names(), ['three', 'four']);
  assert.equal(receiver.heard.length, 3);
  assert.equal(quiet.heard.length, 0, 'others of the log were none of its business');
  await quiet[Symbol.asyncDispose]();
});

test('a gap is told also when nothing has happened since', async () => {
  const { uuid: container } = await world.make();
  const uuid = await hook();
  await rename(container, 'one', 'two');
  const { uuid: other } = await world.make();
  await world.db.updateTable('containers').set({ project_id: 'b' }).where('uuid', '=', other).execute();
  await rename(other, 'x', 'y', 'z');
  for (let n = 0; n < 2; n += 1) await keepNewestEvents(world.db, 1);
  world.control.start();
  await world.until('it is told', async () => receiver.heard.some(({ body }) => body.type === 'gap'));
  await reaches(uuid, 'and noted', ({ delivery }) => delivery.failures === 0 && delivery.lastStatus === 204);
  assert.equal(receiver.heard.length, 1);
});

test('going back to an event tells everything since once more', async () => {
  const { uuid: container } = await world.make();
  const uuid = await hook();
  world.control.start();
  await rename(container, 'one', 'two');
  await hears('two');
  const first = receiver.heard[0]?.body.id as number;
  await reaches(uuid, 'noted', ({ delivery }) => delivery.cursor === first + 1);
  await world.control.webhooks.update(world.user, uuid, { after: first });
  await world.until('it is told again', async () => names().length === 3);
  assert.deepEqual(names(), ['one', 'two', 'two']);
});

test('a change of the hook counts at once: an attempt that was under way says nothing about it', async () => {
  const { uuid: container } = await world.make();
  const uuid = await hook();
  receiver.behave = behaviours.hangs;
  world.control.start();
  await rename(container, 'one');
  await world.until('it is tried', async () => receiver.heard.length === 1);
  const other = await HookReceiver.start();
  await world.control.webhooks.update(world.user, uuid, { url: other.url });
  await world.until('the other is told', async () => names(other.heard).includes('one'));
  const { delivery } = await reaches(uuid, 'noted', (now) => now.delivery.lastEventId !== null);
  assert.deepEqual([delivery.failures, delivery.lastError], [0, null]);
  await world.control.webhooks.remove(world.user, uuid);
  await rename(container, 'two');
  await hook({ url: other.url });
  await rename(container, 'three');
  await world.until('the new one is told', async () => names(other.heard).includes('three'));
  assert.ok(!names(other.heard).includes('two'), 'a deleted hook is told nothing');
  await other[Symbol.asyncDispose]();
});

test('a hook whose secret the key does not open has failed, and says so', async () => {
  const { uuid: container } = await world.make();
  const uuid = await hook();
  await world.db.updateTable('webhooks').set({ secret: 'v1.sealed.with.another' }).execute();
  world.control.start();
  await rename(container, 'one');
  const { delivery } = await fails(uuid, 1);
  assert.equal(delivery.lastError, 'its secret cannot be read any more: give it a new one');
  assert.equal(receiver.heard.length, 0);
  await world.control.webhooks.update(world.user, uuid, { secret: null });
  await hears('one');
});

test('a reason without end is cut short', async () => {
  const { uuid: container } = await world.make();
  await hook();
  world.control.start();
  await updateContainer(world.db, container, { name: 'long', statusReason: 'x'.repeat(1_000_000) });
  await hears('long');
  const { text, body } = receiver.heard[0] ?? assert.fail();
  assert.ok(text.length < 10_000);
  assert.match(body.container.status_reason, /^x{4096}$/);
});
