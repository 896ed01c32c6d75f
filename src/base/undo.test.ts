import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from './log.ts';
import { settleAll, undoable } from './undo.ts';

test('what was done is undone in reverse order, and the first error is the one thrown', async () => {
  const undone: string[] = [];
  const work = undoable(silentLog(), async (undo) => {
    undo.add('first', async () => {
      undone.push('first');
    });
    undo.add('second', async () => {
      undone.push('second');
      throw new Error('undo failed');
    });
    throw new Error('the work failed');
  });
  await assert.rejects(work, /the work failed/);
  assert.deepEqual(undone, ['second', 'first']);
});

test('nothing is undone when the work succeeds', async () => {
  let undone = 0;
  const result = await undoable(silentLog(), async (undo) => {
    undo.add('never', async () => {
      undone += 1;
    });
    return 7;
  });
  assert.deepEqual([result, undone], [7, 0]);
});

test('settleAll runs every step and names all that failed', async () => {
  const ran: string[] = [];
  const step = (name: string, fails: boolean) =>
    [
      name,
      async () => {
        ran.push(name);
        if (fails) throw new Error(`no ${name}`);
      },
    ] as const;
  const work = settleAll('detach', [step('rules', true), step('link', false), step('address', true)]);
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof AggregateError);
    assert.equal(error.message, 'detach: rules: no rules; address: no address');
    assert.equal(error.errors.length, 2);
    return true;
  });
  assert.deepEqual(ran, ['rules', 'link', 'address']);
  await settleAll('detach', [step('link', false)]);
});
