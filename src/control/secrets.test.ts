import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Secrets } from './secrets.ts';

test('what was sealed is opened by the same key for the same owner, and by nothing else', () => {
  const secrets = new Secrets(randomBytes(32));
  const sealed = secrets.seal('pässword', 'owner');
  assert.equal(secrets.open(sealed, 'owner'), 'pässword');
  assert.ok(!sealed.includes('word'));
  assert.notEqual(secrets.seal('pässword', 'owner'), sealed);
  const isRefused = { code: 'internal' };
  assert.throws(() => secrets.open(sealed, 'another'), isRefused);
  assert.throws(() => new Secrets(randomBytes(32)).open(sealed, 'owner'), isRefused);
  const [mark, nonce, text = '', tag] = sealed.split('.');
  const changed = text.startsWith('A') ? `B${text.slice(1)}` : `A${text.slice(1)}`;
  assert.throws(() => secrets.open([mark, nonce, changed, tag].join('.'), 'owner'), isRefused);
  assert.throws(() => secrets.open([mark, nonce, text, 'AAAA'].join('.'), 'owner'), isRefused);
  assert.throws(() => secrets.open('', 'owner'), isRefused);
});

test('the key is made once, for its owner only', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-secrets-'));
  try {
    const file = join(folder, 'key');
    const sealed = Secrets.open(file).seal('x', 'o');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(Secrets.open(file).open(sealed, 'o'), 'x');
    writeFileSync(file, 'short');
    assert.throws(() => Secrets.open(file), {
      code: 'invalid-value',
      message: /key file .*a key has 32 bytes/,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
