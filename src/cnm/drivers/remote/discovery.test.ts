import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isFailure } from '../../../model/failure.ts';
import { findPlugin } from './discovery.ts';

const folder = mkdtempSync(join(tmpdir(), 'plugins-'));
after(() => rmSync(folder, { recursive: true }));

const folders = { sockets: join(folder, 'run'), specifications: [join(folder, 'etc'), join(folder, 'lib')] };
const put = (path: string, text: string) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const find = (name: string) => findPlugin(name, folders);

test('sockets count before specifications, text before JSON, /etc before /usr/lib', async () => {
  assert.equal(find('a'), undefined);
  put('lib/a.json', '{"Name":"else","Addr":"tcp://127.0.0.1:1"}');
  assert.deepEqual(find('a'), { name: 'a', url: 'http://127.0.0.1:1' });
  put('lib/a.spec', ' tcp://127.0.0.1:2 \n');
  assert.equal(find('a')?.url, 'http://127.0.0.1:2');
  put('etc/a/a.json', '{"Addr":"https://127.0.0.1:3","TLSConfig":{"CAFile":"/ca.pem","CertFile":"/c.pem"}}');
  assert.deepEqual(find('a'), {
    name: 'a',
    url: 'https://127.0.0.1:3',
    tls: { skipVerify: false, caFile: '/ca.pem', certFile: '/c.pem' },
  });
  put('etc/a.spec', 'unix:///run/a.sock');
  assert.deepEqual(find('a'), { name: 'a', socketPath: '/run/a.sock' });
  put('run/a.sock', 'a file is no socket');
  assert.equal(find('a')?.socketPath, '/run/a.sock');
  const server = createServer();
  mkdirSync(join(folder, 'run/a'));
  await new Promise<void>((resolve) => server.listen(join(folder, 'run/a/a.sock'), resolve));
  assert.equal(find('a')?.socketPath, join(folder, 'run/a/a.sock'));
  await new Promise((resolve) => server.close(resolve));
});

test('without an authority nothing is verified; what is no address is refused; names cannot lead elsewhere', () => {
  put('etc/b.json', '{"Addr":"https://127.0.0.1:3","TLSConfig":{"InsecureSkipVerify":false}}');
  assert.equal(find('b')?.tls?.skipVerify, true);
  for (const text of ['127.0.0.1:5', 'ftp://x', 'tcp://']) {
    put('etc/c.spec', text);
    assert.throws(
      () => find('c'),
      (error) => isFailure(error, 'invalid-value'),
    );
  }
  put('etc/d.json', 'nonsense');
  assert.throws(
    () => find('d'),
    (error) => isFailure(error, 'invalid-value'),
  );
  put('secret.spec', 'tcp://127.0.0.1:9');
  for (const name of ['../secret', 'x/../../secret', '', '.', '/etc/a']) assert.equal(find(name), undefined);
});
