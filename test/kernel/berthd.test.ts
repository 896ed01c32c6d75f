/** The server process by itself: its settings, its lock, its signals. Docker does not answer here, and need not. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { statePaths } from '../../src/base/state-paths.ts';
import { askStatus, stopServer } from '../../src/client/control.ts';
import type { ServerStatus } from '../../src/wire/control.ts';
import { until } from '../helpers/until.ts';

const entry = resolve(import.meta.dirname, '../../bin/berthd.ts');
const running = new Set<ChildProcess>();
let folder: string;
let stateDir: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berthd-'));
  stateDir = join(folder, 'state');
});

afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
});

interface Started {
  readonly child: ChildProcess;
  /** Exit code and everything on stderr. */
  readonly end: Promise<{ readonly code: number | null; readonly said: string }>;
}

function start(args: readonly string[] = [], wrapper: readonly string[] = []): Started {
  const [file = '', ...rest] = [...wrapper, process.execPath, entry, '--state-dir', stateDir, ...args];
  const child = spawn(file, rest, {
    env: {
      PATH: process.env.PATH,
      BERTH_LISTEN_PORT: '0',
      BERTH_KURYR_PLUGIN_DIR: join(folder, 'plugins'),
      DOCKER_HOST: `unix://${join(folder, 'docker.sock')}`,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const end = once(child, 'close').then(([code]) => {
    running.delete(child);
    return { code: code as number | null, said };
  });
  return { child, end };
}

async function untilReady(): Promise<ServerStatus> {
  return until('the server is ready', async () => {
    const status = await askStatus(statePaths(stateDir).controlSocket);
    return status?.phase === 'ready' ? status : undefined;
  });
}

test('it answers while Docker does not, says so, and stops in good order', async () => {
  const { child, end } = start();
  const status = await untilReady();
  assert.equal(status.pid, child.pid);
  assert.equal(status.docker.ok, false);
  assert.match(status.docker.error ?? '', /docker\.sock/);
  assert.equal((await fetch(`${status.url}/identity/v3`)).status, 200);
  assert.equal(status.counts.networks, 2);
  child.kill('SIGTERM');
  assert.equal((await end).code, 0);
  assert.equal(await askStatus(statePaths(stateDir).controlSocket), undefined);
});

test('a second one on the same folder says who holds it and changes nothing', async () => {
  const first = start();
  const holder = await untilReady();
  const { code, said } = await start().end;
  assert.equal(code, 1);
  assert.match(
    said,
    new RegExp(`already runs on ${stateDir}: pid ${holder.pid}, since .+, at ${holder.url}`),
  );
  assert.deepEqual((await askStatus(statePaths(stateDir).controlSocket))?.pid, holder.pid);
  assert.equal((await stopServer(statePaths(stateDir).controlSocket))?.pid, holder.pid);
  assert.equal((await first.end).code, 0);
});

test('after SIGKILL the next start takes the folder over', async () => {
  const first = start();
  await untilReady();
  first.child.kill('SIGKILL');
  await first.end;
  const second = start();
  assert.equal((await untilReady()).pid, second.child.pid);
});

test('a port that another program has is named', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  try {
    const { code, said } = await start(['--port', String(port)]).end;
    assert.equal(code, 1);
    assert.match(
      said,
      new RegExp(`cannot listen on 127\\.0\\.0\\.1 port ${port}: another program listens there`),
    );
  } finally {
    other.close();
  }
});

test('wrong settings and options are refused before anything is made', async () => {
  for (const [args, code, what] of [
    [['--port', 'x'], 1, /setting listen\.port: "x" must be integer/],
    [['--prot', '1'], 64, /--prot/],
    [['--config', join(folder, 'nothing.yaml')], 1, /cannot read configuration .*nothing\.yaml/],
  ] as const) {
    const end = await start(args).end;
    assert.equal(end.code, code);
    assert.match(end.said, what);
  }
  assert.equal(existsSync(stateDir), false);
});

test('without root it says so', async () => {
  // A user namespace: another user who may still read the checkout, wherever it is.
  const { code, said } = await start([], ['unshare', '--user', '--map-user=1000']).end;
  assert.equal(code, 2);
  assert.match(said, /needs root/);
});
