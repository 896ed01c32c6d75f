import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { isFailure } from '../model/failure.ts';
import { openKernel } from './linux.ts';

/** A thread that answers every call with its arguments and dies of the setting `die`. */
const thread = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ id, method, args }) => {
      if (args[0] === 'die') throw new Error('out of luck');
      parentPort.postMessage({ id, value: method === 'namespaces' ? [] : args[0] });
    });
  `)}`,
);

test('when the thread ends its calls fail in words, and the next call has a new one', async () => {
  const kernel = await openKernel({ log: silentLog(), thread });
  const [dying, behind] = await Promise.allSettled([kernel.readSysctl('die'), kernel.readSysctl('x')]);
  for (const lost of [dying, behind]) {
    assert.ok(lost.status === 'rejected' && isFailure(lost.reason, 'kernel-error'));
    assert.match(lost.reason.message, /thread that talks to the kernel ended: out of luck/);
  }
  assert.equal(await kernel.readSysctl('again'), 'again');
  await kernel.close();
  await assert.rejects(kernel.readSysctl('closed'), /the kernel was closed/);
});
