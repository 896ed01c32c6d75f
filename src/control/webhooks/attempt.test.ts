import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Webhook } from '../../model/webhook.ts';
import { afterAttempt } from './attempt.ts';

const at = new Date('2030-01-01T00:00:00.000Z');
const later = (seconds: number) => new Date(at.getTime() + seconds * 1000);
const hook = {
  uuid: 'w',
  enabled: true,
  disabledReason: null,
  delivery: {
    cursor: 7,
    lastEventId: 5,
    lastStatus: null,
    lastError: null,
    lastAttemptAt: null,
    deliveredAt: null,
    failures: 0,
    failingSince: null,
    nextAttemptAt: null,
  },
} as unknown as Webhook;
const bad = { status: 500, error: 'answered 500' };
const attempt = { at, cursor: 9, eventId: 9, outcome: bad, jitter: 1, disableAfterSeconds: 3600 };

test('pauses grow from two seconds to a quarter of an hour, spread by half', () => {
  let now = hook;
  const pauses: number[] = [];
  for (let n = 0; n < 12; n += 1) {
    now = afterAttempt(now, attempt);
    pauses.push((Date.parse(now.delivery.nextAttemptAt ?? '') - at.getTime()) / 1000);
  }
  assert.deepEqual(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  const [early] = [afterAttempt(hook, { ...attempt, jitter: 0 })];
  assert.equal(early.delivery.nextAttemptAt, later(1).toISOString());
  assert.equal(now.delivery.cursor, 7, 'what was not taken is still to be told');
});

test('a hook that is taken after failures starts over', () => {
  const failing = afterAttempt(hook, attempt);
  assert.equal(failing.delivery.failingSince, at.toISOString());
  const outcome = { status: 200, error: null };
  const { delivery } = afterAttempt(failing, { ...attempt, at: later(2), outcome });
  assert.deepEqual(delivery, {
    cursor: 9,
    lastEventId: 9,
    lastStatus: 200,
    lastError: null,
    lastAttemptAt: later(2).toISOString(),
    deliveredAt: later(2).toISOString(),
    failures: 0,
    failingSince: null,
    nextAttemptAt: null,
  });
});

test('what has failed for too long is disabled, and what is gone at once', () => {
  const failing = afterAttempt(hook, attempt);
  assert.equal(afterAttempt(failing, { ...attempt, at: later(3599) }).enabled, true);
  const over = afterAttempt(failing, { ...attempt, at: later(3600) });
  assert.deepEqual([over.enabled, over.delivery.nextAttemptAt], [false, null]);
  assert.equal(over.disabledReason, `Nothing was delivered since ${at.toISOString()}: answered 500`);
  const gone = afterAttempt(hook, { ...attempt, outcome: { status: 410, error: 'answered 410' } });
  assert.equal(gone.enabled, false);
});
