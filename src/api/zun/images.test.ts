import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

let api: ZunApi;
before(async () => {
  api = await createZunApi();
});
after(() => api.close());

const ask = (method: string, url: string, body?: object, version = '1.40') =>
  api.ask(method, `/v1${url}`, { token: 'admin', version, ...(body ? { body } : {}) });

test('an image is pulled to a host, with progress, shown, listed and removed', async () => {
  const gate = Promise.withResolvers<void>();
  api.world.agent.pullGate = gate.promise;
  const { status, headers, body } = await ask('POST', '/images', { repo: 'nginx:1.25', host: 'host-1' });
  assert.equal(status, 202);
  const { uuid, links, ...rest } = body;
  assert.equal(headers.location, `http://localhost:80/v1/images/${uuid}`);
  assert.equal(links.length, 2);
  const place = { repo: 'nginx', tag: '1.25', project_id: 'project-admin', host: 'host-1' };
  assert.deepEqual(rest, { image_id: null, ...place, size: null, project_id: 'admin' });
  await api.world.until('progress is told', async () => {
    const now = (await ask('GET', `/images/${uuid}`, undefined, '1.41')).body;
    return now.status === 'Pulling' && now.progress === '1 of 2 layers';
  });
  gate.resolve();
  await api.world.until(
    'it is there',
    async () => (await ask('GET', `/images/${uuid}`)).body.image_id === 'sha256:1',
  );
  const list = await ask('GET', '/images/');
  assert.deepEqual(
    list.body.images.map(({ repo, tag, size }: { repo: string; tag: string; size: string }) => [
      repo,
      tag,
      size,
    ]),
    [['nginx', '1.25', '1234']],
  );
  assert.deepEqual((await api.ask('GET', '/v1/images', { token: 'admin' })).body.next, null);
  const gone = await ask('DELETE', `/images/${uuid}`);
  assert.deepEqual([gone.status, gone.body], [200, null]);
  await api.world.until('it is gone', async () => (await ask('GET', `/images/${uuid}`)).status === 400);
  assert.equal(api.world.agent.images.size, 0);
});

test('what goes wrong is said: no such image, in use, there already, no such host', async () => {
  api.world.agent.refusals.set('none:latest', 'image "none:latest" cannot be pulled');
  const { uuid } = (await ask('POST', '/images', { repo: 'none', host: 'host-1' })).body;
  await api.world.until('it failed', async () => {
    const now = (await ask('GET', `/images/${uuid}`, undefined, '1.41')).body;
    return now.status === 'Error' && now.status_reason === 'image "none:latest" cannot be pulled';
  });
  const twice = await ask('POST', '/images', { repo: 'none', tag: 'latest', host: 'host-1' });
  assert.deepEqual([twice.status, twice.body.errors[0].code], [409, 'container.image-already-exists']);
  const nowhere = await ask('POST', '/images', { repo: 'nginx', host: 'nowhere' });
  assert.deepEqual([nowhere.status, nowhere.body.errors[0].title], [400, 'The host nowhere does not exist.']);
  assert.equal((await ask('POST', '/images', { repo: 'nginx' })).status, 400);
  assert.equal((await ask('GET', '/images/nginx')).body.errors[0].code, 'container.image-not-found');
  api.world.agent.refusals.set('remove image', 'a container is using it');
  await ask('DELETE', `/images/${uuid}`);
  await api.world.until('it stays', async () => {
    const now = (await ask('GET', `/images/${uuid}`, undefined, '1.41')).body;
    return now.status_reason === 'a container is using it';
  });
  api.world.agent.refusals.clear();
});

test('a crash in the middle of a pull loses nothing', async () => {
  const gate = Promise.withResolvers<void>();
  api.world.agent.pullGate = gate.promise;
  const { uuid } = (await ask('POST', '/images', { repo: 'later', host: 'host-1' })).body;
  api.world.agent.pullGate = undefined;
  const crash = api.world.crash();
  gate.resolve();
  await crash;
  await api.world.until('it is pulled', async () => {
    const row = await api.world.db
      .selectFrom('container_images')
      .selectAll()
      .where('uuid', '=', uuid)
      .executeTakeFirst();
    return row?.phase === 'ready';
  });
});

test('images are for administrators; anybody may search', async () => {
  for (const [method, url] of [
    ['GET', '/images'],
    ['GET', '/images/x'],
    ['DELETE', '/images/x'],
  ] as const) {
    assert.equal((await api.ask(method, `/v1${url}`)).status, 403, url);
  }
  const found = await api.ask('GET', '/v1/images/library/nginx/search?exact_match=False', { raw: 'null' });
  assert.equal(found.status, 200);
  assert.deepEqual(found.body[0], {
    name: 'library/nginx',
    description: 'found',
    is_automated: false,
    metadata: { is_official: true, star_count: 7 },
  });
  assert.equal((await api.ask('GET', '/v1/images/nginx/search?exact_match=true')).body.length, 1);
  assert.equal((await api.ask('GET', '/v1/images/nginx/search?image_driver=glance')).status, 501);
  assert.equal((await api.ask('GET', '/v1/images/reg.example:5000/x/search')).status, 400);
  assert.equal((await api.ask('GET', '/v1/images/a/b/c')).status, 404);
});
