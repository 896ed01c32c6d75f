import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { takeStateLock } from './state-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-lock-'));
after(() => rmSync(folder, { recursive: true }));

const holder = `
  const { takeStateLock } = await import(process.argv[1]);
  const lock = takeStateLock(process.argv[2]);
  process.stdout.write(lock ? 'held' : 'refused');
  if (lock) setTimeout(() => {}, 60_000);
`;

function hold(file: string) {
  const module = join(import.meta.dirname, 'state-lock.ts');
  return spawn(process.execPath, ['--input-type=module', '-e', holder, module, file]);
}

test('a second process is refused until the first has let go', async () => {
  const file = join(folder, 'a.lock');
  const lock = takeStateLock(file);
  assert.ok(lock);
  const refused = hold(file);
  assert.equal(String((await once(refused.stdout, 'data'))[0]), 'refused');
  lock.release();
  const again = takeStateLock(file);
  assert.ok(again);
  again.release();
});

test('a holder that is killed holds nothing', async () => {
  const file = join(folder, 'b.lock');
  const child = hold(file);
  assert.equal(String((await once(child.stdout, 'data'))[0]), 'held');
  assert.equal(takeStateLock(file), undefined);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = takeStateLock(file);
  assert.ok(lock);
  lock.release();
});
