/** DELETE /containers: who is chosen, what becomes of each, and that nobody else is touched. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

let api: ZunApi;
beforeEach(async () => {
  api = await createZunApi({ quotas: { containers: -1, cpu: -1, memory: -1 } });
});
afterEach(() => api.close());

interface Made {
  readonly token?: string;
  readonly labels?: Record<string, string>;
  readonly run?: boolean;
}

async function make(name: string, { token = 'alice', labels = {}, run = false }: Made = {}): Promise<string> {
  const body = { name, image: 'busybox', labels, memory: 4 };
  const { uuid } = (await api.ask('POST', `/v1/containers?run=${run}`, { token, body })).body;
  const status = run ? 'Running' : 'Created';
  await api.world.until(`${name} ${status}`, async () => (await api.world.row(uuid))?.status === status);
  return uuid;
}

const remove = (query: string, token = 'alice') =>
  api.ask('DELETE', `/v1/containers?${query}`, { token, version: '1.41' });
const gone = (uuid: string) =>
  api.world.until(`${uuid} gone`, async () => (await api.world.row(uuid)) === undefined);
const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).sort();

async function rest(): Promise<string[]> {
  const { body } = await api.ask('GET', '/v1/containers?all_projects=true', { token: 'admin' });
  return names(body.containers);
}

test('those with a label go, the others stay, and so does what is somebody else’s', async () => {
  const chosen = [
    await make('web-1', { labels: { app: 'web' } }),
    await make('web-2', { labels: { app: 'web' } }),
  ];
  await make('db', { labels: { app: 'db' } });
  await make('theirs', { token: 'bob', labels: { app: 'web' } });
  const { status, body } = await remove('label=app%3Dweb');
  assert.equal(status, 202);
  assert.deepEqual(names(body.accepted), ['web-1', 'web-2']);
  assert.deepEqual([body.refused, body.next], [[], null]);
  for (const uuid of chosen) await gone(uuid);
  assert.deepEqual(await rest(), ['db', 'theirs']);
});

test('what cannot go is told with its status and the error of an ordinary delete, and keeps nothing else', async () => {
  const stopped = await make('stopped');
  const running = await make('running', { run: true });
  const { body } = await remove('all=true');
  assert.deepEqual(names(body.accepted), ['stopped']);
  const alone = await api.ask('DELETE', `/v1/containers/${running}`);
  assert.deepEqual(body.refused, [
    {
      uuid: running,
      name: 'running',
      project_id: 'alice',
      status: 'Running',
      error: alone.body.errors[0],
    },
  ]);
  await gone(stopped);
  assert.deepEqual(await rest(), ['running']);
});

test('stop stops what runs; one request is the action of each container', async () => {
  const uuids = [await make('one', { run: true }), await make('two', { run: true })];
  api.world.agent.isDeaf = true;
  const { body, headers } = await remove('status=Running&stop=true');
  assert.deepEqual(names(body.accepted), ['one', 'two']);
  for (const uuid of uuids) {
    const { body: log } = await api.ask('GET', `/v1/containers/${uuid}/container_actions`);
    const own = log.containerActions.filter(
      (each: { request_id: string }) => each.request_id === headers['x-openstack-request-id'],
    );
    assert.deepEqual(
      own.map(({ action }: { action: string }) => action),
      ['delete', 'stop'],
    );
  }
  await api.world.agent.converge();
  for (const uuid of uuids) await gone(uuid);
});

test('asking again finds what is under way already, and starts nothing anew', async () => {
  const uuid = await make('slow');
  api.world.agent.isDeaf = true;
  assert.deepEqual(names((await remove('all=true')).body.accepted), ['slow']);
  const before = await api.world.control.actions(api.world.admin, uuid);
  const again = await remove('all=true');
  assert.deepEqual([again.status, names(again.body.accepted), again.body.refused], [202, ['slow'], []]);
  assert.deepEqual(await api.world.control.actions(api.world.admin, uuid), before);
  await api.world.agent.converge();
  await gone(uuid);
  assert.deepEqual((await remove('all=true')).body, { accepted: [], refused: [], next: null });
});

test('a bounded number at a time, and next goes on after what stays and what goes', async () => {
  for (const name of ['one', 'two', 'three']) await make(name, { labels: { a: 'b' } });
  for (const name of ['four', 'five']) await make(name, { labels: { a: 'b' }, run: true });
  const seen: string[] = [];
  let query: string | null = 'label=a&limit=2';
  let pages = 0;
  while (query !== null) {
    const { body }: { body: { accepted: []; refused: []; next: string | null } } = await remove(query);
    seen.push(...names(body.accepted), ...names(body.refused));
    query = body.next === null ? null : new URL(body.next).search.slice(1);
    pages += 1;
  }
  assert.deepEqual(seen.sort(), ['five', 'four', 'one', 'three', 'two']);
  assert.equal(pages, 3);
  await api.world.until('the stopped ones are gone', async () => (await rest()).length === 2);
});

test('administrators: their own project, all of them with all_projects, and by force whatever it does', async () => {
  const mine = await make('mine', { token: 'admin' });
  const hers = await make('hers', { run: true });
  assert.deepEqual(names((await remove('all=true&force=true', 'admin')).body.accepted), ['mine']);
  await gone(mine);
  assert.deepEqual(await rest(), ['hers']);
  const { body } = await remove('name=hers&force=true&all_projects=true', 'admin');
  assert.deepEqual(names(body.accepted), ['hers']);
  await gone(hers);
});

test('a host that is down is told of each container there', async () => {
  const uuid = await make('far');
  await api.ask('PUT', '/v1/services/force_down?host=host-1&binary=zun-compute&forced_down=true', {
    token: 'admin',
  });
  const { body } = await remove('all=true');
  assert.deepEqual(body.accepted, []);
  assert.equal(body.refused[0].error.status, 500);
  assert.match(body.refused[0].error.detail, /host-1/);
  assert.equal((await api.world.row(uuid))?.status, 'Created');
});
