import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedQueue } from './keyed-queue.ts';

test('works of one key run in turn, also after a failure; other keys do not wait', async () => {
  const queue = new KeyedQueue();
  const events: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queue.run('a', async () => {
    events.push('a1 begins');
    await gate.promise;
    events.push('a1 fails');
    throw new Error('a1');
  });
  const second = queue.run('a', async () => {
    events.push('a2');
    return 2;
  });
  await queue.run('b', async () => {
    events.push('b');
  });
  assert.deepEqual(events, ['a1 begins', 'b']);
  assert.equal(queue.isBusy('a'), true);
  gate.resolve();
  await assert.rejects(first, /a1/);
  assert.equal(await second, 2);
  assert.deepEqual(events, ['a1 begins', 'b', 'a1 fails', 'a2']);
});

test('idle waits for everything that is queued, also what comes meanwhile, and keeps nothing', async () => {
  const queue = new KeyedQueue();
  let done = 0;
  const failed = queue.run('a', async () => {
    const later = queue.run('a', async () => {
      done += 1;
    });
    later.catch(() => assert.fail('the later work does not fail'));
    throw new Error('first');
  });
  failed.catch(() => {
    done += 1;
  });
  await queue.idle();
  assert.equal(done, 2);
  assert.equal(queue.isBusy('a'), false);
});
