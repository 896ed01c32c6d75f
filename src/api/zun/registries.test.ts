import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';
import { wantedContainers } from '../../wire/agent.ts';

let api: ZunApi;
before(async () => {
  api = await createZunApi();
});
after(() => api.close());

const whole = { name: 'reg', domain: 'registry.example:5000', username: 'ann', password: 'pass word' };
const create = (registry: object = whole, token = 'alice') =>
  api.ask('POST', '/v1/registries', { token, body: { registry } });

test('a registry’s life: create, show, list, change, delete; the password is masked throughout', async () => {
  const made = await create();
  assert.equal(made.status, 201);
  const { uuid, links, ...rest } = made.body.registry;
  assert.equal(made.headers.location, `http://localhost:80/v1/registries/${uuid}`);
  assert.equal(links[0].href, `http://localhost:80/v1/registries/${uuid}`);
  const shown = { name: 'reg', domain: whole.domain, username: 'ann', password: '***' };
  assert.deepEqual(rest, { ...shown, project_id: 'alice', user_id: 'user-of-alice' });
  assert.equal((await api.ask('GET', '/v1/registries/reg')).body.registry.uuid, uuid);
  const list = await api.ask('GET', '/v1/registries?domain=registry.example:5000&limit=5');
  assert.deepEqual(list.body, { registries: [{ uuid, ...rest }], next: null });
  assert.deepEqual((await api.ask('GET', '/v1/registries?name=other')).body.registries, []);
  const changed = await api.ask('PATCH', `/v1/registries/${uuid}`, {
    body: { registry: { username: 'bob', password: 'x' } },
  });
  assert.equal(changed.body.registry.username, 'bob');
  assert.equal(changed.body.registry.password, '***');
  const stored = await api.world.db.selectFrom('container_registries').selectAll().execute();
  assert.ok(!JSON.stringify(stored).includes('pass word'));
  assert.equal((await api.ask('DELETE', `/v1/registries/${uuid}`)).status, 204);
  assert.equal((await api.ask('GET', '/v1/registries/reg')).status, 404);
});

const refused: readonly (readonly [object, RegExp])[] = [
  [{}, /'domain' is a required property/],
  [{ domain: '' }, /field 'domain'/],
  [{ domain: 'a/b' }, /field 'domain'/],
  [{ domain: 'http://x' }, /field 'domain'/],
  [{ domain: 'x', name: 'a' }, /field 'name'/],
  [{ domain: 'x', password: '' }, /field 'password'/],
  [{ domain: 'x', token: 'y' }, /'token' was unexpected/],
];
for (const [registry, message] of refused) {
  test(`refuses ${JSON.stringify(registry)}`, async () => {
    const { status, body } = await create(registry);
    assert.equal(status, 400);
    assert.match(body.errors[0].title, message);
    assert.deepEqual((await api.ask('GET', '/v1/registries')).body.registries, []);
  });
}

test('a registry is its project’s; a name twice is ambiguous; readers look', async () => {
  const { uuid } = (await create(whole, 'carol')).body.registry;
  for (const [method, body] of [['GET'], ['PATCH', { registry: {} }], ['DELETE']] as const) {
    const answer = await api.ask(method, `/v1/registries/${uuid}`, {
      token: 'bob',
      ...(body ? { body } : {}),
    });
    assert.equal(answer.status, 404, method);
    assert.equal(answer.body.errors[0].code, 'container.registry-not-found');
  }
  assert.equal((await api.ask('GET', '/v1/registries?all_projects=1', { token: 'bob' })).status, 403);
  assert.equal(
    (await api.ask('GET', '/v1/registries?all_projects=1', { token: 'admin' })).body.registries.length,
    1,
  );
  assert.equal((await api.ask('GET', '/v1/registries?colour=red')).status, 400);
  await create(whole, 'carol');
  assert.equal((await api.ask('GET', '/v1/registries/reg', { token: 'carol' })).status, 409);
  const reader = { token: 'reader-of-carol' };
  assert.equal((await api.ask('GET', `/v1/registries/${uuid}`, reader)).status, 200);
  assert.equal((await api.ask('DELETE', `/v1/registries/${uuid}`, reader)).status, 403);
});

test('a container pulls from its registry with its log-in, and keeps it from being forgotten', async () => {
  const { uuid } = (await create(whole, 'dave')).body.registry;
  const ask = (method: string, url: string, body?: object) =>
    api.ask(method, `/v1${url}`, { token: 'dave', body });
  const wanted = async (container: string) => {
    const { containers } = await api.world.agent.bus.call({ kind: 'server' }, wantedContainers, {
      uuids: [container],
    });
    return containers[0];
  };
  const make = async (image: string) => {
    const { status, body } = await ask('POST', '/containers', { image, registry: 'reg' });
    assert.equal(status, 202, JSON.stringify(body));
    assert.equal(body.registry_id, uuid);
    assert.equal(body.image, image);
    return api.world.until('it is wanted', () => wanted(body.uuid));
  };
  const logIn = { domain: whole.domain, username: 'ann', password: 'pass word' };
  const short = await make('team/app:1');
  assert.equal(short.spec.image, 'registry.example:5000/team/app:1');
  assert.deepEqual(short.logIn, logIn);
  assert.deepEqual((await make('registry.example:5000/app')).logIn, logIn);
  const elsewhere = await make('evil.example/app');
  assert.deepEqual([elsewhere.spec.image, elsewhere.logIn], ['evil.example/app', undefined]);
  const busy = await ask('DELETE', `/registries/${uuid}`);
  assert.equal(busy.status, 409);
  assert.match(busy.body.errors[0].title, /^Registry .* is in use by container /);
  const foreign = await api.ask('POST', '/v1/containers', { body: { image: 'busybox', registry: 'reg' } });
  assert.equal(foreign.status, 404);
});
