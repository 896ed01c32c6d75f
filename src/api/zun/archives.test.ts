import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import tar from 'tar-stream';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';
import { archiveIn } from './archive-json.ts';

let api: ZunApi;
let at: string;
before(async () => {
  api = await createZunApi({ containers: { maxArchiveMiB: 1 } });
  const { body } = await api.ask('POST', '/v1/containers?run=true', {
    body: { image: 'busybox', tty: true },
  });
  at = `/v1/containers/${body.uuid}`;
  await api.world.until('it runs', async () => (await api.ask('GET', at)).body.status === 'Running');
});
after(() => api.close());

async function archive(name: string, content: string): Promise<Buffer> {
  const pack = tar.pack();
  pack.entry({ name }, content);
  pack.finalize();
  return buffer(pack as unknown as Readable);
}

test('an archive goes in and comes out: base64 from 1.25 on, text before', async () => {
  const content = 'hello\n'.repeat(20_000);
  const bytes = await archive('hello.txt', content);
  const put = await api.ask('POST', `${at}/put_archive?path=/tmp`, {
    body: { more: [1, { a: '"' }], data: bytes.toString('base64') },
  });
  assert.deepEqual([put.status, put.body], [200, null]);
  const got = await api.ask('GET', `${at}/get_archive?path=/tmp`);
  assert.equal(got.status, 200);
  assert.deepEqual(Object.keys(got.body).sort(), ['data', 'stat']);
  assert.deepEqual(Object.keys(got.body.stat), ['name', 'size', 'mode', 'mtime', 'linkTarget']);
  assert.ok(Buffer.from(got.body.data, 'base64').includes(content));

  const old = { version: '1.24' };
  const text = await api.ask('POST', `${at}/put_archive?path=/old`, {
    ...old,
    body: { data: bytes.toString() },
  });
  assert.equal(text.status, 200);
  assert.ok((await api.ask('GET', `${at}/get_archive?path=/old`, old)).body.data.includes(content));
});

const refused: readonly (readonly [string, string, unknown, number, string, RegExp])[] = [
  ['POST', '/put_archive', { data: '' }, 400, 'schema-validation-error', /'path' is a required property/],
  [
    'POST',
    '/put_archive?path=/x',
    undefined,
    400,
    'schema-validation-error',
    /'data' is a required property/,
  ],
  ['POST', '/put_archive?path=/x', '[1]', 400, 'schema-validation-error', /'data' is a required property/],
  [
    'POST',
    '/put_archive?path=/x',
    '{"data":',
    400,
    'schema-validation-error',
    /'data' is a required property/,
  ],
  [
    'POST',
    '/put_archive?path=/x',
    '{"data":7}',
    400,
    'schema-validation-error',
    /'data' is a required property/,
  ],
  [
    'POST',
    '/put_archive?path=/x',
    { dada: 'x' },
    400,
    'schema-validation-error',
    /'data' is a required property/,
  ],
  ['POST', '/put_archive?path=/x', { data: '%%%%' }, 400, 'invalid', /^Invalid Base 64 file data$/],
  ['POST', '/put_archive?path=/x', { data: 'QUI' }, 400, 'invalid', /^Invalid Base 64 file data$/],
  ['POST', '/put_archive?path=/x', { data: 'aGVsbG8=' }, 400, 'invalid-value-remote', /not a tar archive/],
  [
    'POST',
    '/put_archive?path=/x',
    { data: Buffer.alloc(1_200_000).toString('base64') },
    413,
    'payload-too-large',
    /larger than/,
  ],
  [
    'POST',
    '/put_archive?path=/x',
    { other: 'x'.repeat(70_000), data: '' },
    413,
    'payload-too-large',
    /more than an archive/,
  ],
  ['GET', '/get_archive', undefined, 400, 'schema-validation-error', /'path' is a required property/],
  ['GET', '/get_archive?path=/none', undefined, 400, 'invalid-value-remote', /no such file/],
];
for (const [method, url, body, status, code, message] of refused) {
  test(`${method} ${url} with ${JSON.stringify(body)?.slice(0, 40)} is ${status} ${code}, and nothing is written`, async () => {
    const before = [...api.world.agent.files.keys()];
    const raw = typeof body === 'string' ? { raw: body } : body === undefined ? {} : { body };
    const answer = await api.ask(method, at + url, raw);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.equal(answer.body.errors[0].code, `container.${code}`);
    assert.match(answer.body.errors[0].title, message);
    assert.deepEqual([...api.world.agent.files.keys()], before);
  });
}

test('an archive that is too large on the way out breaks the connection: half an answer is no answer', async () => {
  const uuid = at.split('/').at(-1);
  api.world.agent.files.set(`${uuid} /large`, Buffer.alloc(2_000_000));
  await assert.rejects(api.ask('GET', `${at}/get_archive?path=/large`));
});

test('somebody else’s container is not found; a reader may not read files', async () => {
  assert.equal((await api.ask('GET', `${at}/get_archive?path=/tmp`, { token: 'bob' })).status, 404);
  assert.equal(
    (await api.ask('POST', `${at}/put_archive?path=/x`, { token: 'bob', body: { data: '' } })).status,
    404,
  );
  assert.equal(
    (await api.ask('GET', `${at}/get_archive?path=/tmp`, { token: 'reader-of-alice' })).status,
    403,
  );
});

test('resize, execute_resize and attach', async () => {
  const ask = (url: string, method = 'POST') => api.ask(method, at + url);
  assert.deepEqual(
    [(await ask('/resize?h=24&w=80')).status, (await ask('/resize?h=24&w=80')).body],
    [200, null],
  );
  for (const query of ['', '?h=0&w=1', '?h=x&w=1', '?h=1'])
    assert.equal((await ask(`/resize${query}`)).status, 400);
  const none = await ask(`/execute_resize?exec_id=${'a'.repeat(64)}&h=1&w=1`);
  assert.equal(none.status, 400);
  assert.match(none.body.errors[0].title, /^no such exec instance/);
  assert.equal((await ask('/execute_resize?exec_id=zz&h=1&w=1')).status, 400);
  const attach = await ask('/attach', 'GET');
  assert.equal(attach.status, 400);
  assert.equal(attach.body.errors[0].code, 'container.no-interactive-flag');
});

test('however a body is cut into pieces and escaped, the same archive comes out', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      async (bytes, piece, isEscaped) => {
        const data = Buffer.from(bytes).toString('base64');
        const text = isEscaped ? data.replaceAll('/', '\\/').replaceAll('=', '\\u003d') : data;
        const json = Buffer.from(` {"a" : {"b":[1,"}"]}, "data" :"${text}" ,"c":null } `);
        const chunks = Array.from({ length: Math.ceil(json.length / piece) }, (_, index) =>
          json.subarray(index * piece, (index + 1) * piece),
        );
        assert.deepEqual(await buffer(archiveIn(Readable.from(chunks), 'base64')), Buffer.from(bytes));
      },
    ),
  );
});
