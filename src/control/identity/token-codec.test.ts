import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuthMethod } from '../../model/identity.ts';
import { type Claims, TokenCodec } from './token-codec.ts';

const hexId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const auditId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'));
const time = fc.integer({ min: 0, max: 2 ** 47 });

const plain = { noNullPrototype: true };

const anyClaims: fc.Arbitrary<Claims> = fc.record(
  {
    userId: hexId,
    scope: fc.oneof(
      fc.constantFrom({ kind: 'unscoped' } as const, { kind: 'system' } as const),
      fc.record(
        { kind: fc.constantFrom('project', 'domain'), id: fc.oneof(hexId, fc.constant('default')) },
        plain,
      ),
    ),
    methods: fc.subarray<AuthMethod>(['password', 'token', 'application_credential'], { minLength: 1 }),
    auditId,
    parentAuditId: fc.option(auditId),
    applicationCredentialId: fc.option(hexId),
    generation: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    issuedAtMs: time,
    expiresAtMs: time,
  },
  plain,
);

test('claims come back as they went in, in fewer than 255 characters', async () => {
  const codec = new TokenCodec(randomBytes(32));
  await fc.assert(
    fc.asyncProperty(anyClaims, async (claims) => {
      const token = await codec.sign(claims);
      assert.ok(token.length < 255, `${token.length} characters`);
      assert.deepEqual(await codec.verify(token), claims);
    }),
  );
});

test('a token of another installation is nothing here', async () => {
  const [claims] = fc.sample(anyClaims, 1);
  assert.ok(claims);
  const token = await new TokenCodec(randomBytes(32)).sign(claims);
  assert.equal(await new TokenCodec(randomBytes(32)).verify(token), undefined);
});

test('a token has one spelling', async () => {
  const codec = new TokenCodec(randomBytes(32));
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (const claims of fc.sample(anyClaims, 20)) {
    const token = await codec.sign(claims);
    const end = alphabet.indexOf(token.at(-1) ?? '');
    for (const bits of [1, 2, 3]) {
      // The signature's last character holds two bits that its 32 bytes do not use.
      assert.equal(await codec.verify(token.slice(0, -1) + alphabet[end ^ bits]), undefined);
    }
    for (const other of [`${token}=`, `${token}A`, `${token} `, ` ${token}`, token.replaceAll('.', '..')]) {
      assert.equal(await codec.verify(other), undefined, other);
    }
  }
});

test('whatever text is sent, it is refused without an error', async () => {
  const codec = new TokenCodec(randomBytes(32));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.base64String()), async (text) => {
      assert.equal(await codec.verify(`${text}.${text}.${text}`), undefined);
      assert.equal(await codec.verify(text), undefined);
    }),
  );
});
