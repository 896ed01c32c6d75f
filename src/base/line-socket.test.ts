import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exchangeLine, isAbsence, openLineSocket } from './line-socket.ts';
import { silentLog } from './log.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-lines-'));
after(() => rmSync(folder, { recursive: true }));
let sockets = 0;

function open(answer: (line: string) => Promise<unknown>) {
  sockets += 1;
  const path = join(folder, `${sockets}.sock`);
  // As a process leaves it that was killed.
  writeFileSync(path, '');
  const options = { path, mostBytes: 100, log: silentLog() };
  return openLineSocket({ ...options, answer: async (line) => ({ reply: await answer(line) }) }).then(
    (socket) => ({ path, socket }),
  );
}

async function ask(path: string, request: object, deadlineMs?: number): Promise<unknown> {
  const { line, socket } = await exchangeLine(path, request, deadlineMs);
  socket.destroy();
  return line === undefined ? undefined : JSON.parse(line);
}

test('only the owner can ask, and is answered in turn', async () => {
  const { path, socket } = await open(async (line) => ({ said: JSON.parse(line) }));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const all = await Promise.all([1, 2, 3].map((n) => ask(path, { n })));
  assert.deepEqual(
    all,
    [1, 2, 3].map((n) => ({ said: { n } })),
  );
  await socket.close();
});

test('a line that does not end is cut, an end without a line is let go', async () => {
  const lines: string[] = [];
  const { path, socket } = await open(async (line) => lines.push(line));
  const endless = createConnection(path);
  const answered = new Promise((resolve) => endless.once('data', resolve));
  endless.write('x'.repeat(200));
  await answered;
  endless.destroy();
  assert.deepEqual(lines, ['']);
  const silent = createConnection(path);
  const closed = new Promise((resolve) => silent.once('close', resolve));
  silent.resume().end('half');
  await closed;
  assert.equal(lines.length, 1);
  await socket.close();
});

test('closing waits for what is under way; who comes later, or waits too long, is told', async () => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const { path, socket } = await open(async (line) => {
    if (line.includes('second')) begun.resolve();
    await gate.promise;
    return 'done';
  });
  await assert.rejects(ask(path, {}, 1), { code: 'ETIMEDOUT' });
  const asked = ask(path, { second: true });
  await begun.promise;
  let isClosed = false;
  const closing = socket.close().then(() => {
    isClosed = true;
  });
  await assert.rejects(ask(path, {}));
  assert.equal(isClosed, false);
  gate.resolve();
  assert.equal(await asked, 'done');
  await closing;
  await assert.rejects(ask(path, {}), isAbsence);
});
