import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { behaviours, HookReceiver } from '../../../test/helpers/hook-receiver.ts';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';
import { signatureOf } from '../../control/webhooks/signature.ts';

let api: ZunApi;
beforeEach(async () => {
  api = await createZunApi({ webhooks: { perProject: 3, allowedAddresses: ['127.0.0.1/32'] } });
});
afterEach(() => api.close());

const url = 'https://hooks.example/berth?key=1';
const own = { version: '1.41' };
const create = (body: object = { url }, token = 'alice') =>
  api.ask('POST', '/v1/webhooks', { ...own, token, body });
const ask = (method: string, path: string, more: object = {}) =>
  api.ask(method, `/v1/webhooks${path}`, { ...own, ...more });

test('a webhook’s life: create, show, list, change, delete', async () => {
  const made = await create({ url, name: 'bills', events: ['container.deleted', 'container.created'] });
  assert.equal(made.status, 201);
  const { uuid, links, secret, created_at: createdAt, ...rest } = made.body;
  assert.equal(made.headers.location, `http://localhost:80/v1/webhooks/${uuid}`);
  assert.equal(links[0].href, `http://localhost:80/v1/webhooks/${uuid}`);
  assert.match(secret, /^[\w-]{43}$/);
  assert.deepEqual(rest, {
    name: 'bills',
    url,
    events: ['container.deleted', 'container.created'],
    all_projects: false,
    enabled: true,
    disabled_reason: null,
    project_id: 'alice',
    user_id: 'user-of-alice',
    updated_at: null,
    delivery: {
      after: 0,
      last_event_id: null,
      last_status: null,
      last_error: null,
      last_attempt_at: null,
      delivered_at: null,
      failures: 0,
      failing_since: null,
      next_attempt_at: null,
    },
  });
  const shown = { uuid, ...rest, secret: '***', created_at: createdAt };
  assert.deepEqual((await ask('GET', '/bills')).body, { ...shown, links });
  assert.deepEqual((await ask('GET', '?name=bills&limit=5')).body, { webhooks: [shown], next: null });
  assert.deepEqual((await ask('GET', '?name=other')).body.webhooks, []);
  const next = { url: 'http://hooks.example:81/', enabled: false, name: null, events: ['container.changed'] };
  const changed = (await ask('PATCH', `/${uuid}`, { body: next })).body;
  assert.deepEqual({ ...shown, links, ...next, updated_at: changed.updated_at }, changed);
  assert.equal((await ask('DELETE', `/${uuid}`)).status, 204);
  assert.equal((await ask('GET', `/${uuid}`)).status, 404);
});

test('a secret is shown once, when Berth made it, and sealed at rest', async () => {
  const mine = 'a-secret-of-mine-1';
  const { body: given } = await create({ url, secret: mine });
  assert.equal(given.secret, '***');
  const { body: made } = await create();
  const renewed = await ask('PATCH', `/${made.uuid}`, { body: { secret: null } });
  assert.match(renewed.body.secret, /^[\w-]{43}$/);
  assert.notEqual(renewed.body.secret, made.secret);
  assert.equal((await ask('PATCH', `/${made.uuid}`, { body: { secret: mine } })).body.secret, '***');
  const seen = [await ask('GET', ''), await ask('GET', `/${made.uuid}`)].map(({ body }) => body);
  const stored = await api.world.db.selectFrom('webhooks').selectAll().execute();
  for (const secret of [mine, made.secret, renewed.body.secret])
    assert.ok(!JSON.stringify([seen, stored]).includes(secret));
});

const refused: readonly (readonly [object, RegExp])[] = [
  [{}, /'url' is a required property/],
  [{ url: '' }, /field 'url'/],
  [{ url: 7 }, /field 'url'/],
  [{ url: 'hooks.example' }, /field 'url'/],
  [{ url: 'ftp://hooks.example/' }, /field 'url'/],
  [{ url: 'file:///etc/passwd' }, /field 'url'/],
  [{ url: 'http://' }, /field 'url'/],
  [{ url: 'http://a b/' }, /field 'url'/],
  [{ url: 'http://hooks.example/\r\nx-evil: 1' }, /field 'url'/],
  [{ url: `http://hooks.example/${'x'.repeat(2048)}` }, /field 'url'/],
  [{ url: 'http://:80/' }, /^url: 'http:\/\/:80\/' is no URL/],
  [{ url: 'http://hooks.example:99999/' }, /is no URL/],
  [{ url: 'http://ann:pass@hooks.example/' }, /^url: a user or a password in it/],
  [{ url: 'http://hooks.example/#part' }, /^url: what follows # is never sent$/],
  [
    { url: 'http://10.0.0.1/' },
    /^url: 10\.0\.0\.1 is no address that this cloud delivers to: give a public one/,
  ],
  [{ url: 'http://0x7f.0.0.2/' }, /^url: 127\.0\.0\.2 is no address/],
  [{ url: 'http://[::ffff:169.254.169.254]/' }, /^url: \[::ffff:a9fe:a9fe\] is no address/],
  [{ url, events: [] }, /field 'events'/],
  [{ url, events: ['container.exploded'] }, /'container\.exploded' is not one of/],
  [{ url, secret: 'short' }, /field 'secret'/],
  [{ url, secret: 'with a blank in the middle' }, /field 'secret'/],
  [{ url, enabled: 'yes' }, /field 'enabled'/],
  [{ url, after: -1 }, /field 'after'/],
  [{ url, after: 1 }, /^after: 1 has not happened: the newest event is 0$/],
  [{ url, name: 'a' }, /field 'name'/],
  [{ url, headers: {} }, /'headers' was unexpected/],
];
for (const [body, message] of refused) {
  test(`refuses ${JSON.stringify(body).slice(0, 80)}`, async () => {
    const { status, body: answer } = await create(body);
    assert.equal(status, 400);
    assert.match(answer.errors[0].title, message);
    assert.deepEqual((await ask('GET', '')).body.webhooks, []);
    const { uuid } = (await create()).body;
    if ('url' in body) assert.equal((await ask('PATCH', `/${uuid}`, { body })).status, 400);
    assert.equal((await ask('GET', `/${uuid}`)).body.updated_at, null);
  });
}

test('a webhook is its project’s; readers look; a name twice is ambiguous; a project has so many', async () => {
  const { uuid } = (await create({ url, name: 'bills' })).body;
  for (const [method, path, body] of [
    ['GET', ''],
    ['PATCH', '', {}],
    ['DELETE', ''],
    ['POST', '/test'],
  ] as const) {
    const answer = await ask(method, `/${uuid}${path}`, { token: 'bob', ...(body ? { body } : {}) });
    assert.equal(answer.status, 404, method);
    assert.equal(answer.body.errors[0].code, 'container.webhook-not-found');
  }
  assert.equal((await ask('GET', '?all_projects=1', { token: 'bob' })).status, 403);
  assert.equal((await ask('GET', '?all_projects=1', { token: 'admin' })).body.webhooks.length, 1);
  assert.equal((await ask('GET', '?colour=red')).status, 400);
  const reader = { token: 'reader-of-alice' };
  assert.equal((await ask('GET', `/${uuid}`, reader)).status, 200);
  for (const method of ['DELETE', 'PATCH']) {
    const answer = await ask(method, `/${uuid}`, { ...reader, ...(method === 'PATCH' ? { body: {} } : {}) });
    assert.equal(answer.status, 403);
  }
  await create({ url, name: 'bills' });
  assert.equal((await ask('GET', '/bills')).status, 409);
  const statuses = await Promise.all(Array.from({ length: 5 }, async () => (await create()).status));
  assert.deepEqual(statuses.sort(), [201, 403, 403, 403, 403]);
  assert.match((await create()).body.errors[0].title, /^Quota exceeded for resources: \['webhooks'\]$/);
});

test('a webhook of all projects is found by administrators only, also in their own project', async () => {
  assert.equal((await create({ url, all_projects: true })).status, 403);
  const { uuid } = (await create({ url, all_projects: true }, 'admin')).body;
  await api.world.db.updateTable('webhooks').set({ project_id: 'alice' }).execute();
  for (const [method, more] of [
    ['GET', {}],
    ['PATCH', { body: { url: 'https://elsewhere.example/' } }],
    ['DELETE', {}],
  ] as const)
    assert.equal((await ask(method, `/${uuid}`, more)).status, 404, method);
  assert.deepEqual((await ask('GET', '')).body.webhooks, []);
  assert.equal((await ask('GET', `/${uuid}`, { token: 'admin' })).body.all_projects, true);
});

test('a test is sent at once and signed; what fails is told and changes nothing', async () => {
  await using receiver = await HookReceiver.start();
  const secret = 'a-secret-of-mine-1';
  const { uuid } = (await create({ url: receiver.url, secret, enabled: false })).body;
  const works = await ask('POST', `/${uuid}/test`);
  assert.deepEqual([works.status, works.body], [200, { works: true, status: 204, reason: null }]);
  const [heard] = receiver.heard;
  assert.deepEqual(heard?.body, {
    id: heard?.headers['berth-event-id'],
    type: 'webhook.test',
    at: api.world.clock.now().toISOString(),
    webhook: { uuid, project_id: 'alice' },
  });
  const signed = signatureOf(heard?.text ?? '', { secret, at: api.world.clock.now() });
  assert.equal(heard?.headers['berth-signature'], signed);
  receiver.behave = behaviours.fails;
  const before = (await ask('GET', `/${uuid}`)).body;
  const failed = await ask('POST', `/${uuid}/test`);
  assert.deepEqual(failed.body, { works: false, status: 500, reason: 'answered 500' });
  assert.ok(!JSON.stringify(failed.body).includes('inside'), 'nothing of the answer but its status');
  assert.deepEqual((await ask('GET', `/${uuid}`)).body, before);
  receiver.behave = behaviours.hangs;
  const hanging = Array.from({ length: 2 }, () => ask('POST', `/${uuid}/test`));
  await api.world.until('all wait', async () => receiver.heard.length === 4);
  assert.equal((await ask('POST', `/${uuid}/test`)).status, 429);
  const { uuid: foreign } = (await create({ url: 'http://127.0.0.1:1/' }, 'bob')).body;
  const other = await ask('POST', `/${foreign}/test`, { token: 'bob' });
  assert.equal(other.body.reason, 'connection refused');
  for (const { socket } of receiver.heard) socket.destroy();
  for (const answer of await Promise.all(hanging)) assert.equal(answer.body.works, false);
  assert.equal((await ask('POST', `/${uuid}/test`, { token: 'bob' })).status, 404);
});

test('an older version has nothing of it', async () => {
  for (const [method, path] of [
    ['GET', ''],
    ['POST', ''],
    ['GET', '/x'],
  ] as const)
    assert.equal(
      (await ask(method, path, { version: '1.40', ...(method === 'POST' ? { body: { url } } : {}) })).status,
      406,
    );
});
