import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newSecret, signatureOf } from './signature.ts';

test('time and body are signed with the secret', () => {
  const at = new Date('2030-01-01T00:00:00.900Z');
  const signature = signatureOf('{"id":1}', { secret: 'a-secret-of-mine-1', at });
  const digest = createHmac('sha256', 'a-secret-of-mine-1').update('1893456000.{"id":1}').digest('hex');
  assert.equal(signature, `t=1893456000,v1=${digest}`);
  assert.notEqual(signatureOf('{"id":2}', { secret: 'a-secret-of-mine-1', at }), signature);
  assert.notEqual(signatureOf('{"id":1}', { secret: 'another-secret-1', at }), signature);
});

test('a secret that is made is long, and new each time', () => {
  assert.match(newSecret(), /^[\w-]{43}$/);
  assert.notEqual(newSecret(), newSecret());
});

test('the check in docs/guide/events.md takes what is genuine and fresh, and nothing else', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/guide/events.md'), 'utf8');
  const [, code = ''] = /```js\n([\s\S]*?)\n```/.exec(page) ?? [];
  const { isGenuine } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  const [body, secret, at] = ['{"name":"ü"}', 'a-secret-of-mine-1', new Date('2030-01-01T00:00:00.000Z')];
  const header = signatureOf(body, { secret, at });
  const check = (given: string, text = body, key = secret, seconds = 0) =>
    isGenuine(given, Buffer.from(text), key, at.getTime() + seconds * 1000);
  assert.equal(check(header), true);
  assert.equal(check(header, '{"name":"u"}'), false);
  assert.equal(check(header, body, 'another-secret-12'), false);
  assert.equal(check(header, body, secret, 301), false);
  assert.equal(check(header.replace('t=1', 't=2')), false);
  assert.equal(check('t=1,v1='), false);
});
