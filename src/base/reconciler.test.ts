import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/helpers/until.ts';
import { silentLog } from './log.ts';
import { Reconciler } from './reconciler.ts';

const never = 3_600_000;

test('wakes during a pass cause exactly one more', async () => {
  let passes = 0;
  let gate = Promise.withResolvers<void>();
  const pass = async () => {
    passes += 1;
    await gate.promise;
  };
  const loop = new Reconciler({ name: 'test', log: silentLog(), pass, everyMs: never });
  loop.wake();
  for (let i = 0; i < 5; i += 1) loop.wake();
  assert.equal(passes, 1);
  const open = gate;
  gate = Promise.withResolvers();
  open.resolve();
  await until('the second pass', async () => passes === 2);
  gate.resolve();
  await loop.stop();
  assert.equal(passes, 2);
});

test('a failed pass is tried again by itself', async () => {
  let passes = 0;
  const pass = async () => {
    passes += 1;
    if (passes < 3) throw new Error('not yet');
  };
  const loop = new Reconciler({ name: 'test', log: silentLog(), pass, everyMs: never, retryMs: 1 });
  loop.wake();
  await until('it worked', async () => passes === 3);
  await loop.stop();
});

test('stop waits for the pass under way, tells it, and lets no other begin', async () => {
  let passes = 0;
  let aborted = false;
  const pass = (signal: AbortSignal) => {
    passes += 1;
    return new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        aborted = true;
        resolve();
      });
    });
  };
  const loop = new Reconciler({ name: 'test', log: silentLog(), pass, everyMs: never });
  loop.wake();
  loop.wake();
  await loop.stop();
  loop.wake();
  assert.deepEqual([passes, aborted], [1, true]);
});
