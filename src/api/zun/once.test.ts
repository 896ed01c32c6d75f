/** `Idempotency-Key`: a create that is sent again is the same container. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

let api: ZunApi;
before(async () => {
  api = await createZunApi({ quotas: { containers: 8 } });
});
after(() => api.close());

const usual = { image: 'busybox', environment: { A: '1' } };
interface Sent {
  readonly body?: object;
  readonly token?: string;
  readonly version?: string;
  readonly query?: string;
}
const create = (key: string, { body = usual, token = 'alice', version = '1.41', query = '' }: Sent = {}) =>
  api.ask('POST', `/v1/containers${query}`, { token, version, body, headers: { 'idempotency-key': key } });
const count = async () => (await api.world.db.selectFrom('containers').select('uuid').execute()).length;

test('the same key and request make one container, also when they come at once', async () => {
  const before = await count();
  const answers = await Promise.all(Array.from({ length: 20 }, () => create('k-1')));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
  assert.equal(new Set(answers.map(({ body }) => body.uuid)).size, 1);
  assert.equal(await count(), before + 1);
  const again = await create('k-1');
  assert.equal(again.body.uuid, answers[0]?.body.uuid);
  assert.equal(again.headers.location, answers[0]?.headers.location);
});

test('another request with the key is refused and makes nothing', async () => {
  await create('k-2');
  const before = await count();
  for (const sent of [{ body: { ...usual, image: 'nginx' } }, { query: '?run=true' }]) {
    const { status, body } = await create('k-2', sent);
    assert.equal(status, 409);
    assert.match(body.errors[0].title, /^The Idempotency-Key k-2 was used for another request\.$/);
  }
  assert.equal(await count(), before);
});

test('keys are a project’s own, count for a day, and not before 1.41', async () => {
  const mine = await create('k-3');
  const theirs = await create('k-3', { token: 'bob' });
  assert.notEqual(theirs.body.uuid, mine.body.uuid);
  assert.notEqual((await create('k-3', { version: '1.40' })).body.uuid, mine.body.uuid);
  api.world.clock.advance(24 * 3_600_000 + 1);
  await api.world.agent.beat();
  assert.notEqual((await create('k-3')).body.uuid, mine.body.uuid);
  assert.equal((await api.world.db.selectFrom('container_create_keys').selectAll().execute()).length, 1);
});

test('a refused create uses up no key; a container that has gone is not made again', async () => {
  const refused = await create('k-4', { body: { ...usual, nets: [{ network: 'missing' }] } });
  assert.equal(refused.status, 404);
  const made = await create('k-4');
  assert.equal(made.status, 202);
  await api.world.until('made', async () => (await api.world.row(made.body.uuid))?.status === 'Created');
  await api.ask('DELETE', `/v1/containers/${made.body.uuid}`);
  await api.world.until('gone', async () => (await api.world.row(made.body.uuid)) === undefined);
  const again = await create('k-4');
  assert.equal(again.status, 409);
  assert.match(again.body.errors[0].title, /is gone\.$/);
});

test('what is no key is refused', async () => {
  for (const key of ['', 'a b', 'x'.repeat(256)]) assert.equal((await create(key)).status, 400, key);
});
