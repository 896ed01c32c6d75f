/** Whatever comes in, the answer is a refusal in Zun's shape that changes nothing, or a success; never an internal error. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';
import { zunEndpoints } from './endpoints.ts';

let api: ZunApi;
let uuid: string;

before(async () => {
  api = await createZunApi({ quotas: { containers: -1, cpu: -1, memory: -1, disk: -1 } });
  uuid = (await api.ask('POST', '/v1/containers', { body: { image: 'busybox', name: 'web' } })).body.uuid;
  await api.world.until('web is made', async () => (await show()).status === 'Created');
});
after(() => api.close());

async function show() {
  return (await api.ask('GET', `/v1/containers/${uuid}`, { token: 'admin' })).body;
}

const values: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e30,
  Number.MAX_VALUE,
  '',
  'a',
  '\u0000',
  'a\u0000b',
  'ü💥\u202e',
  '\ud800',
  'x'.repeat(300),
  'x'.repeat(200_000),
  'NaN',
  '1e3',
  "' OR 1=1 --",
  '../../etc/passwd',
  [],
  [null],
  [1],
  [[]],
  [{}],
  ['a\u0000'],
  {},
  { '': '' },
  { 'a\u0000': 'b' },
  { a: null },
  JSON.parse('{"__proto__": {"x": 1}}'),
  { constructor: 'x' },
  // No text can be made of it.
  { toString: [], valueOf: null },
  [{ toString: 1 }],
  JSON.parse('['.repeat(2000) + ']'.repeat(2000)),
];

/** A refusal of the client's making, in the one shape that Zun's clients read. */
function assertRefusal({ status, body }: { status: number; body: unknown }, what: string): void {
  assert.ok(status >= 400 && status < 500, `${what}: ${status} ${JSON.stringify(body)}`);
  const { errors } = body as { errors: readonly Record<string, unknown>[] };
  const [error] = errors;
  assert.deepEqual(Object.keys(error ?? {}), ['request_id', 'code', 'status', 'title', 'detail', 'links']);
  assert.equal(error?.status, status, what);
  assert.ok(error?.title && error.detail, `${what}: ${JSON.stringify(error)}`);
}

function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const isRefusal = (status: number) => status >= 400;

test('every field of every endpoint, with anything', async () => {
  for (const endpoint of zunEndpoints(api.world.control)) {
    if (endpoint.notYet) continue;
    const { method, path, since = 1, until: last = 40 } = endpoint;
    const url = `/v1${path.replace(':ident', uuid).replace(':project', 'bob').replace(':name', 'default')}`;
    for (const field of Object.keys({ ...endpoint.body, ...endpoint.merged })) {
      for (const value of values) {
        const what = `${method} ${path} ${field}=${JSON.stringify(value).slice(0, 60)}`;
        const before = await api.world.until('web is at rest', async () => {
          const now = await show();
          return now.task_state === null && now;
        });
        const body = path === '/containers' ? { image: 'busybox', [field]: value } : { [field]: value };
        const version = `1.${Math.max(since, last)}`;
        const answer = await api.ask(method, url, { token: 'admin', version, body });
        if (isRefusal(answer.status)) {
          assertRefusal(answer, what);
          assert.deepEqual(await show(), before, what);
        } else if (answer.status === 202 && path === '/containers') {
          await api.ask('DELETE', `/v1/containers/${answer.body.uuid}?force=true`, { token: 'admin' });
        }
      }
    }
    for (const field of [...(endpoint.parameters ?? []), ...Object.keys(endpoint.query ?? {}), 'zzz']) {
      for (const text of values.map(textOf).filter(({ length }) => length < 1000)) {
        const query = encodeURIComponent(text.toWellFormed());
        const answer = await api.ask(method, `${url}?${field}=${query}&${field}=`, { token: 'admin' });
        if (isRefusal(answer.status)) assertRefusal(answer, `${method} ${path}?${field}=${query}`);
      }
    }
  }
});

test('a refused create leaves nothing', async () => {
  const count = async () =>
    (await api.ask('GET', '/v1/containers?all_projects=1', { token: 'admin' })).body.containers.length;
  const before = await count();
  for (const body of [
    { image: 'busybox', command: ['a\u0000'] },
    { image: 'busybox', environment: { 'a\u0000': 'b' } },
    { image: 'busybox', environment: { a: '\u0000' } },
    { image: 'busybox', workdir: '\u0000' },
    { image: 'busy\u0000box' },
    { image: 'busybox', labels: { a: '\u0000' } },
    { image: 'busybox', labels: { 'a\u0000': 'b' } },
    { image: 'busybox', hints: { a: '\u0000' } },
    { image: 'busybox', availability_zone: 'a\u0000' },
    { image: 'busybox', healthcheck: { cmd: 'a\u0000' } },
    { image: 'busybox', healthcheck: { cmd: { toString: 1 } } },
    { image: 'busybox', healthcheck: { cmd: 'true', interval: { toString: 1 } } },
    { image: 'busybox', security_groups: ['a\u0000'] },
    { image: 'busybox', cpu: 1e30 },
    { image: 'busybox', nets: [{}] },
  ]) {
    assertRefusal(await api.ask('POST', '/v1/containers', { body }), JSON.stringify(body));
  }
  assert.equal(await count(), before);
});

test('bodies that are no JSON object, and content types of all kinds', async () => {
  for (const raw of ['', 'null', '[]', '"x"', '1', '{', '\u0000', 'x'.repeat(5_000_000)]) {
    assertRefusal(await api.ask('POST', '/v1/containers', { raw }), raw.slice(0, 10));
  }
  for (const type of ['text/plain', 'application/octet-stream', 'application/x-www-form-urlencoded']) {
    const headers = { 'content-type': type };
    const refused = await api.ask('POST', '/v1/containers', { raw: '{"image":"busybox"}', headers });
    assert.equal(refused.status, 415, type);
    assert.equal((await api.ask('PATCH', `/v1/containers/${uuid}`, { raw: '', headers })).status, 200, type);
  }
});

test('names that are no text, or longer than any', async () => {
  for (const ident of ['%ff', '%', '%zz', '%00', '..%2f..%2fetc', 'x'.repeat(9000), '%f0%9f']) {
    const answer = await api.ask('GET', `/v1/containers/${ident}`);
    assertRefusal(answer, ident.slice(0, 20));
    assert.equal(answer.body.errors[0].code, 'container.container-not-found');
  }
});

test('a form is part of the query', async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const url = `/v1/containers/${uuid}`;
  const renamed = await api.ask('PATCH', url, { raw: 'name=form', headers });
  assert.deepEqual([renamed.status, renamed.body.name], [200, 'form']);
  const refused = await api.ask('PATCH', `${url}?name=query`, { raw: 'nam=form', headers });
  assert.match(refused.body.errors[0].title, /'nam' was unexpected/);
});

test('a name is checked in the body of a rename, too', async () => {
  for (const name of ['x y', 'a\u0000b', '', 5, ['ab'], null]) {
    const url = `/v1/containers/${uuid}/rename`;
    assertRefusal(await api.ask('POST', url, { version: '1.13', body: { name } }), JSON.stringify(name));
  }
});

test('bodies nested deeper than anybody means', async () => {
  const nested = (depth: number) =>
    `{"image":"busybox","labels":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
  for (const depth of [150, 500_000]) {
    const answer = await api.ask('POST', '/v1/containers', { raw: nested(depth) });
    assertRefusal(answer, String(depth));
    assert.equal(answer.body.errors[0].title, 'The body is nested deeper than 100 levels.');
  }
  const text = `${'['.repeat(200)}\\"${'{'.repeat(200)}`;
  const made = await api.ask('POST', '/v1/containers', { body: { image: 'busybox', labels: { a: text } } });
  assert.deepEqual([made.status, made.body.labels.a], [202, text]);
});
