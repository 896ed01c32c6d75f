import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import tar from 'tar-stream';
import { Failure } from '../model/failure.ts';
import { checkedTar } from './tar-check.ts';

type Entry = Parameters<tar.Pack['entry']>[0] & { readonly content?: string };

async function archive(...entries: readonly Entry[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const { content = '', ...header } of entries) {
    if (header.type === undefined || header.type === 'file') pack.entry(header, content);
    else pack.entry(header);
  }
  pack.finalize();
  return buffer(pack as unknown as Readable);
}

const check = (bytes: Buffer, limit = 1_000_000, piece = 700) =>
  buffer(Readable.from(checkedTar(Readable.from(pieces(bytes, piece)), limit)));

function* pieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function entriesOf(bytes: Buffer) {
  const extract = tar.extract();
  Readable.from([bytes]).pipe(extract);
  const found = [];
  for await (const entry of extract) {
    found.push({
      name: entry.header.name,
      type: entry.header.type,
      linkname: entry.header.linkname,
      mode: entry.header.mode,
      pax: entry.header.pax,
      content: (await buffer(entry as unknown as Readable)).toString(),
    });
  }
  return found;
}

test('what is harmless arrives as it was: files, folders, links within', async () => {
  const long = `${'d/'.repeat(120)}file`;
  const bytes = await archive(
    { name: 'a/', type: 'directory', mode: 0o750 },
    { name: 'a/b.txt', mode: 0o640, content: 'x'.repeat(2000) },
    { name: 'a/link', type: 'symlink', linkname: '../c' },
    { name: 'c', type: 'link', linkname: 'a/b.txt' },
    { name: 'a/here', type: 'symlink', linkname: './b.txt' },
    { name: long, content: 'deep' },
    { name: 'ünï', content: '' },
  );
  for (const piece of [1, 511, 512, 100_000]) {
    const found = await entriesOf(await check(bytes, 1_000_000, piece));
    assert.deepEqual(
      found.map(({ name, type }) => `${type} ${name}`),
      [
        'directory a/',
        'file a/b.txt',
        'symlink a/link',
        'link c',
        'symlink a/here',
        `file ${long}`,
        'file ünï',
      ],
    );
    assert.equal(found[1]?.content, 'x'.repeat(2000));
    assert.equal(found[1]?.mode, 0o640);
    assert.equal(found[2]?.linkname, '../c');
  }
});

test('extended attributes do not get through', async () => {
  const [entry] = await entriesOf(
    await check(
      await archive({ name: 'f', content: 'x', pax: { 'SCHILY.xattr.security.capability': 'all' } }),
    ),
  );
  assert.equal(entry?.pax, null);
});

const hostile: readonly (readonly [string, Entry, RegExp])[] = [
  ['an absolute path', { name: '/etc/passwd' }, /entry "\/etc\/passwd": an absolute path/],
  ['a way upwards', { name: 'a/../../b' }, /leads upwards/],
  ['only upwards', { name: '..' }, /leads upwards/],
  [
    'a link to the root',
    { name: 'a', type: 'symlink', linkname: '/etc' },
    /a link out of the archive, to "\/etc"/,
  ],
  ['a link upwards', { name: 'd/a', type: 'symlink', linkname: '../../x' }, /a link out of the archive/],
  ['a link down and up', { name: 'a', type: 'symlink', linkname: 'b/../../x' }, /a link out of the archive/],
  ['a hard link upwards', { name: 'd/a', type: 'link', linkname: '../x' }, /a link out of the archive/],
  [
    'a hard link to a host file',
    { name: 'a', type: 'link', linkname: '/etc/shadow' },
    /a link out of the archive/,
  ],
  ['a link to nothing', { name: 'a', type: 'symlink', linkname: '' }, /a link to nothing/],
  [
    'a block device',
    { name: 'sda', type: 'block-device', devmajor: 8, devminor: 0 },
    /block-device is not allowed/,
  ],
  [
    'a character device',
    { name: 'mem', type: 'character-device', devmajor: 1, devminor: 1 },
    /is not allowed/,
  ],
  ['a fifo', { name: 'f', type: 'fifo' }, /fifo is not allowed/],
  ['a path hidden in pax', { name: 'a', pax: { path: '../x' } }, /leads upwards/],
  ['a sparse file', { name: 'a', content: 'x', pax: { 'GNU.sparse.realsize': '1099511627776' } }, /sparse/],
];
for (const [what, entry, message] of hostile) {
  test(`${what} is refused`, async () => {
    const bytes = await archive({ name: 'fine', content: 'x' }, entry);
    await assert.rejects(check(bytes), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, 'invalid-value');
      assert.match(error.message, message);
      return true;
    });
  });
}

test('too many bytes, compressed ones, half an archive, nonsense: each is refused as what it is', async () => {
  const bytes = await archive({ name: 'a', content: 'x'.repeat(10_000) });
  await assert.rejects(check(bytes, 5_000), { code: 'payload-too-large' });
  await assert.rejects(check(gzipSync(bytes)), { code: 'invalid-value', message: /not a tar archive/ });
  await assert.rejects(check(bytes.subarray(0, 3_000)), { code: 'invalid-value' });
  await assert.rejects(check(Buffer.from('hello')), { code: 'invalid-value' });
  const failing = Readable.from(
    (async function* () {
      yield bytes.subarray(0, 600);
      throw new Failure('invalid', 'the sender gave up');
    })(),
  );
  await assert.rejects(buffer(Readable.from(checkedTar(failing, 1e6))), { message: 'the sender gave up' });
});

test('an archive of nothing is one', async () => {
  assert.deepEqual(await entriesOf(await check(await archive())), []);
});

test('any bytes are an archive or are refused with a Failure', async () => {
  const sample = await archive(
    { name: 'a/', type: 'directory' },
    { name: 'a/b', content: 'hello' },
    { name: 'c', type: 'symlink', linkname: 'a' },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { maxLength: 20 }),
      async (changes) => {
        const bytes = Buffer.from(sample);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          for (const { name } of await entriesOf(await check(bytes)))
            assert.ok(!name.startsWith('/') && !name.split('/').includes('..'));
        } catch (error) {
          assert.ok(error instanceof Failure, String(error));
        }
      },
    ),
    { numRuns: 300 },
  );
});
