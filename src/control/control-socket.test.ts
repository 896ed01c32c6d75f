import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { askStatus, stopServer } from '../client/control.ts';
import type { ServerStatus } from '../wire/control.ts';
import { type ControlSocketOptions, openControlSocket } from './control-socket.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-control-'));
after(() => rmSync(folder, { recursive: true }));
let sockets = 0;

const status: ServerStatus = {
  pid: 1,
  version: '0',
  startedAt: '2026-01-01T00:00:00Z',
  phase: 'ready',
  url: 'http://127.0.0.1:1',
  stateDir: folder,
  host: 'h',
  docker: { ok: true, error: null },
  counts: { containers: 3 },
};

function newPath(): string {
  sockets += 1;
  return join(folder, `${sockets}.sock`);
}

async function open(path: string, over: Partial<ControlSocketOptions> = {}) {
  return await openControlSocket({
    path,
    log: silentLog(),
    status: async () => status,
    stop: () => undefined,
    ...over,
  });
}

async function say(path: string, line: string): Promise<unknown> {
  const socket = createConnection(path).setEncoding('utf8');
  socket.write(line);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return JSON.parse(text);
}

test('nobody answers on a missing socket or on a file left by a dead process', async () => {
  const path = newPath();
  assert.equal(await askStatus(path), undefined);
  writeFileSync(path, '');
  assert.equal(await askStatus(path), undefined);
  const control = await open(path);
  assert.deepEqual(await askStatus(path), status);
  control.close();
});

test('stop is passed on, and the asker waits for the end of the process', { timeout: 30_000 }, async () => {
  const path = newPath();
  const server = spawn(process.execPath, [join(import.meta.dirname, 'control-socket.fixture.ts'), path]);
  let ended = false;
  server.once('exit', () => {
    ended = true;
  });
  await once(server.stdout, 'data');
  const last = await stopServer(path);
  assert.equal(last?.pid, server.pid);
  if (!ended) await once(server, 'exit');
  assert.equal(server.exitCode, 7);
  assert.equal(await stopServer(path), undefined);
});

test('what is not a request is refused with a sentence', async () => {
  const path = newPath();
  const control = await open(path);
  assert.deepEqual(await say(path, '{"do":"dance"}\n'), {
    error: 'unknown request "dance"; known are "status" and "stop"',
  });
  assert.match(JSON.stringify(await say(path, 'x'.repeat(5000))), /"error"/);
  control.close();
});

test('a folder whose socket path the kernel cannot take is refused before anything is made', async () => {
  await assert.rejects(open(join(folder, 'x'.repeat(120))), /setting stateDir/);
});
