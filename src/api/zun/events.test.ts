/** GET /v1/events over HTTP: who is told what, in which order, after which absence. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';
import { keepNewestEvents } from '../../store/container/events.ts';

let api: ZunApi;
let url: string;
before(async () => {
  api = await createZunApi({ quotas: { containers: -1, cpu: -1, memory: -1 } });
  url = await api.app.listen({ host: '127.0.0.1', port: 0 });
});
after(() => api.close());

interface Told {
  readonly id: number;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever was sent
  readonly data: any;
}

function parse(text: string): Told[] {
  return text.split('\n\n').flatMap((block) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
    const event = field('event');
    return event === undefined
      ? []
      : [{ id: Number(field('id')), event, data: JSON.parse(field('data') ?? '') }];
  });
}

interface Watching {
  readonly told: () => Told[];
  readonly close: () => void;
}

async function watch(token: string, query = '', headers: Record<string, string> = {}): Promise<Watching> {
  const abort = new AbortController();
  const answer = await fetch(`${url}/v1/events${query}`, {
    headers: { 'x-auth-token': token, 'openstack-api-version': 'container 1.41', ...headers },
    signal: abort.signal,
  });
  assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'text/event-stream']);
  let text = '';
  void (async () => {
    for await (const chunk of answer.body ?? []) text += Buffer.from(chunk).toString();
  })().catch(() => undefined);
  // The first lines come when it counts.
  await api.world.until('it listens', async () => text.includes('id: '));
  return { told: () => parse(text), close: () => abort.abort() };
}

/** What there is, at once. */
async function past(token: string, query: string, headers: Record<string, string> = {}): Promise<Told[]> {
  const options = { token, version: '1.41', headers };
  return parse((await api.ask('GET', `/v1/events?seconds=0${query}`, options)).body);
}

async function create(token: string): Promise<string> {
  const { body } = await api.ask('POST', '/v1/containers?run=true', { token, body: { image: 'busybox' } });
  await api.world.until('it runs', async () => (await api.world.row(body.uuid))?.status === 'Running');
  return body.uuid;
}

const summary = (told: readonly Told[], uuid: string) =>
  told
    .filter(({ data }) => data.container?.uuid === uuid)
    .map(({ event, data }) => `${event} ${data.container.status}`);

test('a life is told as it happens, in order, with ids that grow', async () => {
  const watching = await watch('alice');
  const uuid = await create('alice');
  await api.ask('POST', `/v1/containers/${uuid}/stop`);
  await api.world.until('it stopped', async () => (await api.world.row(uuid))?.status === 'Stopped');
  await api.ask('DELETE', `/v1/containers/${uuid}`);
  const ended = () => summary(watching.told(), uuid).at(-1)?.startsWith('container.deleted');
  await api.world.until('its end is told', async () => ended());
  const told = watching.told();
  watching.close();
  const lines = summary(told, uuid);
  assert.equal(lines[0], 'container.created Creating');
  for (const status of ['Running', 'Stopped', 'Deleting']) {
    assert.ok(lines.includes(`container.changed ${status}`), lines.join());
  }
  const ids = told.map(({ id }) => id);
  assert.deepEqual(
    ids,
    [...new Set(ids)].sort((a, b) => a - b),
  );
  assert.deepEqual(Object.keys(told[0]?.data.container ?? {}).sort(), [
    'exit_code',
    'image',
    'name',
    'project_id',
    'status',
    'status_reason',
    'task_state',
    'user_id',
    'uuid',
  ]);
  await api.world.until('nobody watches', async () => api.world.control.watchers() === 0);
});

test('nobody is told of another tenant, whatever they ask', async () => {
  const bob = await watch('bob');
  const admin = await watch('admin', '?all_projects=true');
  const [of, foreign] = [await create('bob'), await create('alice')];
  await api.world.until('the administrator knows', async () => summary(admin.told(), foreign).length > 2);
  await api.world.until('bob knows of his own', async () => summary(bob.told(), of).length > 2);
  for (const { data } of [...bob.told(), ...(await past('bob', '&after=0'))]) {
    assert.equal(data.container.project_id, 'bob');
  }
  assert.ok(summary(admin.told(), of).length > 2);
  bob.close();
  admin.close();
  const { status } = await api.ask('GET', '/v1/events?all_projects=true', { version: '1.41' });
  assert.equal(status, 403);
});

test('whoever comes back is told what was missed, once, and goes on', async () => {
  const all = await past('alice', '&after=0');
  const middle = all[2]?.id ?? 0;
  assert.deepEqual(await past('alice', '', { 'last-event-id': String(middle) }), all.slice(3));
  assert.deepEqual(await past('alice', `&after=${all.at(-1)?.id}`), []);
  const back = await watch('alice', '?after=0', { 'last-event-id': String(middle) });
  const uuid = await create('alice');
  await api.world.until('it goes on', async () => summary(back.told(), uuid).length > 2);
  const told = back.told();
  back.close();
  assert.deepEqual(
    told,
    (await past('alice', '&after=0')).filter(({ id }) => id > middle).slice(0, told.length),
  );
});

test('what was cut off from the log is said to be missing', async () => {
  const all = await past('alice', '&after=0');
  await keepNewestEvents(api.world.db, 3);
  const [gap, ...rest] = await past('alice', '&after=1');
  assert.equal(gap?.event, 'gap');
  assert.equal(gap?.data.after, 1);
  assert.ok(gap?.data.oldest > 1);
  assert.deepEqual(
    rest,
    all.filter(({ id }) => id >= gap?.data.oldest),
  );
  const [future] = await past('alice', '&after=999999');
  assert.equal(future?.event, 'gap');
});

test('more than a page is caught up with, without loss', async () => {
  const first = (await past('alice', '&after=0')).at(-1)?.id ?? 0;
  const uuid = await create('alice');
  const name = (n: number) => `web-${n}`;
  for (let n = 0; n < 1200; n += 1) {
    await api.world.db
      .updateTable('containers')
      .set({ name: name(n) })
      .where('uuid', '=', uuid)
      .execute();
  }
  const told = (await past('alice', `&after=${first}`)).filter(({ data }) =>
    /^web-/.test(data.container?.name),
  );
  assert.deepEqual(
    told.map(({ data }) => data.container.name),
    Array.from({ length: 1200 }, (_, n) => name(n)),
  );
});

test('bad input is refused, and an older version has nothing of it', async () => {
  for (const query of ['?after=x', '?seconds=-1', '?seconds=9999', '?all_projects=maybe', '?else=1']) {
    assert.equal((await api.ask('GET', `/v1/events${query}`, { version: '1.41' })).status, 400, query);
  }
  const headers = { 'last-event-id': "1' OR 1=1" };
  assert.equal((await api.ask('GET', '/v1/events', { version: '1.41', headers })).status, 400);
  assert.equal((await api.ask('GET', '/v1/events', { version: '1.41', token: null })).status, 401);
  assert.equal((await api.ask('GET', '/v1/events', { version: '1.40' })).status, 406);
});

test('a server that stops ends its streams', async () => {
  const stopping = await createZunApi();
  const base = await stopping.app.listen({ host: '127.0.0.1', port: 0 });
  const answer = await fetch(`${base}/v1/events`, {
    headers: { 'x-auth-token': 'alice', 'openstack-api-version': 'container 1.41' },
  });
  const rest = answer.text();
  await stopping.close();
  assert.match(await rest, /^retry: 2000\nid: \d+/);
});
