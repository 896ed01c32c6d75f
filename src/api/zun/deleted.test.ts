/** Logs of deleted containers, and the list of them: for whom, from which version, how long. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';
import { keptLogs } from '../../wire/agent.ts';

let api: ZunApi;
beforeEach(async () => {
  api = await createZunApi({ containers: { keptLogs: { days: 3 } } });
});
afterEach(() => api.close());

async function deleted(name: string, token = 'alice'): Promise<string> {
  const { uuid } = (await api.ask('POST', '/v1/containers', { token, body: { name, image: 'busybox' } }))
    .body;
  await api.world.until('made', async () => (await api.world.row(uuid))?.status === 'Created');
  const { status } = await api.ask('DELETE', `/v1/containers/${uuid}`, { token });
  assert.equal(status, 204);
  await api.world.until('gone', async () => (await api.world.row(uuid)) === undefined);
  return uuid;
}

const ask = (method: string, url: string, token = 'alice', version = '1.41') =>
  api.ask(method, `/v1${url}`, { token, version });
const list = async (query = '', token = 'alice') =>
  (await ask('GET', `/deleted_containers${query}`, token)).body;
const names = (body: { deleted_containers: readonly { name: string }[] }) =>
  body.deleted_containers.map(({ name }) => name);

test('by its uuid, with the usual parameters, followed or not', async () => {
  const uuid = await deleted('web');
  const answer = await ask('GET', `/containers/${uuid}/logs?tail=7`);
  assert.deepEqual([answer.status, answer.body], [200, `kept log of ${uuid} tail 7\n`]);
  const followed = await ask('GET', `/containers/${uuid}/logs?follow=true`);
  assert.deepEqual([followed.status, followed.body], [200, `kept log of ${uuid} tail null\n`]);
  assert.match(String(followed.headers['content-type']), /^text\/plain/);
});

test('below 1.41, by its name, and for everything else it is as gone as ever', async () => {
  const uuid = await deleted('web');
  for (const [method, url, version] of [
    ['GET', `/containers/${uuid}/logs`, '1.40'],
    ['GET', '/containers/web/logs', '1.41'],
    ['GET', `/containers/${uuid}`, '1.41'],
    ['GET', `/containers/${uuid}/container_actions`, '1.41'],
    ['DELETE', `/containers/${uuid}`, '1.41'],
  ] as const) {
    const { status, body } = await ask(method, url, 'alice', version);
    assert.equal(status, 404, `${method} ${url}`);
    assert.match(body.errors[0].title, /^Container .* could not be found\.$/);
  }
});

test('its project and administrators may read; a stranger finds nothing; a reader reads and forgets nothing', async () => {
  const uuid = await deleted('web');
  const logs = `/containers/${uuid}/logs`;
  const statuses = async (method: string, url: string) =>
    Promise.all(['bob', 'reader-of-alice', 'admin'].map(async (who) => (await ask(method, url, who)).status));
  assert.deepEqual(await statuses('GET', logs), [404, 200, 200]);
  assert.equal((await ask('DELETE', `/deleted_containers/${uuid}`, 'bob')).status, 404);
  assert.equal((await ask('DELETE', `/deleted_containers/${uuid}`, 'reader-of-alice')).status, 403);
  assert.deepEqual([names(await list()), names(await list('', 'bob'))], [['web'], []]);
  assert.deepEqual(names(await list('?all_projects=true', 'admin')), ['web']);
  assert.equal((await ask('GET', '/deleted_containers?all_projects=true')).status, 403);
});

test('the list says who it was, who deleted it, and until when', async () => {
  const uuid = await deleted('web');
  const [one] = (await list()).deleted_containers;
  assert.deepEqual(Object.keys(one).includes('host'), false);
  const { created_at, deleted_at, kept_until, request_id, ...rest } = one;
  assert.deepEqual(rest, {
    uuid,
    name: 'web',
    project_id: 'alice',
    user_id: 'user-of-alice',
    image: 'busybox',
    deleted_by: 'user-of-alice',
    logs_bytes: 55,
    logs_reason: null,
  });
  assert.match(request_id, /^req-/);
  assert.equal(Date.parse(kept_until) - Date.parse(deleted_at), 3 * 86_400_000);
  assert.ok(created_at <= deleted_at);
  assert.equal((await list('?all_projects=true', 'admin')).deleted_containers[0].host, 'host-1');
});

test('newest first, page by page, by name', async () => {
  for (const name of ['one', 'two', 'three']) await deleted(name);
  const first = await list('?limit=2');
  assert.deepEqual(names(first), ['three', 'two']);
  const next = new URL(first.next);
  assert.deepEqual(names(await list(next.search)), ['one']);
  assert.equal((await list('?limit=4')).next, null);
  assert.deepEqual(names(await list('?name=two')), ['two']);
  assert.equal((await ask('GET', '/deleted_containers?marker=none')).status, 404);
});

test('why there are none is told', async () => {
  api.world.agent.keepsNone = 'The logs could not be kept: disk full';
  const uuid = await deleted('web');
  assert.equal((await list()).deleted_containers[0].logs_reason, api.world.agent.keepsNone);
  const { status, body } = await ask('GET', `/containers/${uuid}/logs`);
  assert.equal(status, 404);
  assert.match(
    body.errors[0].title,
    /was deleted, and its logs are not there: The logs could not be kept: disk full$/,
  );
});

test('after their time, and when they are forgotten, they never were', async () => {
  const [old, young] = [await deleted('old'), await deleted('young')];
  assert.equal((await ask('DELETE', `/deleted_containers/${young}`)).status, 204);
  assert.equal((await ask('DELETE', `/deleted_containers/${young}`)).status, 404);
  assert.equal((await ask('GET', `/containers/${young}/logs`)).status, 404);
  assert.deepEqual(names(await list()), ['old']);
  api.world.clock.advance(3 * 86_400);
  assert.deepEqual([(await ask('GET', `/containers/${old}/logs`)).status, names(await list())], [404, []]);
});

test('host and server come to agree: what one has lost or the other forgotten', async () => {
  const { agent, clock } = api.world;
  const tell = (uuids: string[]) => agent.bus.call({ kind: 'server' }, keptLogs, { uuids });
  const [lost, kept, forgotten] = [await deleted('lost'), await deleted('kept'), await deleted('forgotten')];
  await ask('DELETE', `/deleted_containers/${forgotten}`);
  const made = await api.world.make({ name: 'there' });
  // Said before the deletes were: it proves nothing about them.
  assert.deepEqual(await tell([]), { unwanted: [] });
  assert.deepEqual(
    (await list()).deleted_containers.map(({ logs_bytes }: { logs_bytes: number }) => logs_bytes),
    [55, 55],
  );
  clock.advance(61);
  assert.deepEqual(await tell([kept, forgotten, made.uuid]), { unwanted: [forgotten] });
  const reasons = (await list()).deleted_containers.map(
    ({ logs_reason: reason }: { logs_reason: string }) => reason,
  );
  assert.deepEqual(reasons, [null, 'Its host no longer keeps them.']);
  assert.equal((await ask('GET', `/containers/${lost}/logs`)).status, 404);
  agent.keptLogs.delete(kept);
  await agent.beat();
  assert.equal((await ask('GET', `/containers/${kept}/logs`)).status, 404);
  assert.equal((await list()).deleted_containers[0].logs_reason, 'Its host no longer keeps them.');
});

test('another host cannot say anything about them', async () => {
  const uuid = await deleted('web');
  const other = await api.world.connect('host-2');
  api.world.clock.advance(61);
  assert.deepEqual(await other.bus.call({ kind: 'server' }, keptLogs, { uuids: [] }), { unwanted: [] });
  await api.world.agent.beat();
  assert.equal((await ask('GET', `/containers/${uuid}/logs`)).status, 200);
  assert.deepEqual(await other.bus.call({ kind: 'server' }, keptLogs, { uuids: [uuid] }), {
    unwanted: [uuid],
  });
});

test('a host that is down is said to be', async () => {
  const uuid = await deleted('web');
  await ask('PUT', '/services/force_down?host=host-1&binary=zun-compute&forced_down=true', 'admin');
  const { status, body } = await ask('GET', `/containers/${uuid}/logs`);
  assert.equal(status, 500);
  assert.match(body.errors[0].detail, /host-1 is/);
});

test('without keeping there is nothing to tell', async () => {
  await api.close();
  api = await createZunApi({ containers: { keptLogs: { days: 0 } } });
  const uuid = await deleted('web');
  assert.deepEqual((await list()).deleted_containers, []);
  assert.equal((await ask('GET', `/containers/${uuid}/logs`)).status, 404);
});
