/** What lists and shows take from 1.41 on: fields, labels, times, and a status to wait for. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

let api: ZunApi;
const uuids: Record<string, string> = {};

before(async () => {
  api = await createZunApi();
  const made: readonly (readonly [string, object])[] = [
    ['web-1', { app: 'web', tier: 'a"b%' }],
    ['web-2', { app: 'web' }],
    ['other', { application: 'web' }],
    ['hidden', {}],
  ];
  for (const [name, labels] of made) {
    const environment = { app: 'web' };
    const body = { name, image: 'busybox', labels, environment };
    uuids[name] = (await api.ask('POST', '/v1/containers', { body })).body.uuid;
    await api.world.until('made', async () => (await api.world.row(uuids[name] ?? ''))?.status === 'Created');
    api.world.clock.advance(60_000);
    await api.world.agent.beat();
  }
});
after(() => api.close());

const list = (query: string, version = '1.41') => api.ask('GET', `/v1/containers?${query}`, { version });
const names = async (query: string) =>
  (await list(query)).body.containers.map(({ name }: { name: string }) => name);

test('labels: by name, by name and value, several of them; what an environment says is no label', async () => {
  assert.deepEqual(await names('label=app'), ['web-1', 'web-2']);
  assert.deepEqual(await names('label=app=web&label=tier'), ['web-1']);
  assert.deepEqual(await names(`label=${encodeURIComponent('tier=a"b%')}`), ['web-1']);
  assert.deepEqual(await names('label=app=we'), []);
  assert.deepEqual(await names('label=toString'), []);
});

test('pages of a filtered list are full, and the next one goes on', async () => {
  const first = (await list('label=app&limit=1')).body;
  assert.deepEqual(
    first.containers.map(({ name }: { name: string }) => name),
    ['web-1'],
  );
  const next = new URL(first.next).searchParams;
  assert.equal(next.get('label'), 'app');
  assert.deepEqual(await names(String(next)), ['web-2']);
  const both = (await list('label=app&label=app=web&limit=1')).body;
  assert.deepEqual(new URL(both.next).searchParams.getAll('label'), ['app', 'app=web']);
});

test('times: when made and when changed, in any zone', async () => {
  const { createdAt = '' } = (await api.world.row(uuids.other ?? '')) ?? {};
  const at = encodeURIComponent(createdAt);
  assert.deepEqual(await names(`created_since=${at}`), ['other', 'hidden']);
  assert.deepEqual(await names(`created_before=${at}`), ['web-1', 'web-2']);
  const shifted = new Date(Date.parse(createdAt) + 7_200_000).toISOString().replace('Z', '+02:00');
  assert.deepEqual(await names(`created_since=${shifted}`), ['other', 'hidden']);
  assert.deepEqual(await names('created_before=2000-01-01'), []);
  await api.ask('PATCH', `/v1/containers/${uuids['web-1']}`, { body: { name: 'web-1' } });
  const now = encodeURIComponent(api.world.clock.now().toISOString());
  assert.deepEqual(await names(`changed_since=${now}`), ['web-1']);
  assert.equal((await names(`changed_before=${now}`)).length, 3);
  for (const bad of ['yesterday', '2026-13-01', '']) {
    const { status, body } = await list(`created_since=${bad}`);
    assert.deepEqual([status, body.errors[0].code], [400, 'container.invalid-value'], bad);
  }
});

test('fields leave out the rest, in lists and of one', async () => {
  assert.deepEqual((await list('fields=name,uuid&name=other')).body.containers, [
    { uuid: uuids.other, name: 'other' },
  ]);
  const one = await api.ask('GET', '/v1/containers/other?fields=status&fields=shoe', { version: '1.41' });
  assert.deepEqual(one.body, { status: 'Created' });
});

test('before 1.41 lists do not know of them, and shows do not care', async () => {
  for (const query of ['fields=name', 'label=app', 'created_since=2026-01-01']) {
    const { status, body } = await list(query, '1.40');
    assert.deepEqual([status, body.errors[0].code], [400, 'container.invalid-parameter-value']);
  }
  const { body } = await api.ask('GET', '/v1/containers/other?fields=status&wait_for=Running');
  assert.equal(body.name, 'other');
});

const wait = (query: string, ident = 'other', token = 'alice') =>
  api.ask('GET', `/v1/containers/${ident}?${query}`, { version: '1.41', token });

test('a status is waited for; when the time is over, the container is shown as it stands', async () => {
  const waiting = wait('wait_for=Stopped,Running&timeout=60');
  await api.ask('POST', '/v1/containers/other/start');
  assert.equal((await waiting).body.status, 'Running');
  assert.equal((await wait('wait_for=Stopped&timeout=0')).body.status, 'Running');
  api.world.agent.refusals.set('broken', 'no such image');
  const body = { name: 'broken', image: 'broken' };
  const failing = (await api.ask('POST', '/v1/containers?run=true', { body })).body;
  assert.equal((await wait('wait_for=Running&timeout=60', failing.uuid)).body.status, 'Error');
});

test('waiting ends when the container is gone; strangers and bad words are refused at once', async () => {
  const waiting = wait('wait_for=Running&timeout=60', 'hidden');
  await api.ask('DELETE', '/v1/containers/hidden');
  assert.equal((await waiting).status, 404);
  assert.equal((await wait('wait_for=Running', 'other', 'bob')).status, 404);
  for (const query of ['wait_for=Flying', 'wait_for=Running&timeout=301', 'wait_for=Running&timeout=x'])
    assert.equal((await wait(query)).status, 400, query);
});
