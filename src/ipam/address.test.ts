import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { isFailure } from '../model/failure.ts';
import {
  blockOf,
  canonicalAddress,
  canonicalValue,
  contains,
  findAddress,
  findCidr,
  formatAddress,
  formatCidr,
  overlaps,
  parseCidr,
} from './address.ts';

const v4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ version: 4 as const, value }));
/** Also such with runs of zeros, which text leaves out. */
const value6 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  fc
    .tuple(fc.bigInt({ min: 0n, max: 0xffffn }), fc.nat(7), fc.bigInt({ min: 0n, max: 0xffffn }), fc.nat(7))
    .map(([a, i, b, j]) => (a << BigInt(16 * i)) | (b << BigInt(16 * j))),
);
const v6 = value6.map((value) => ({ version: 6 as const, value }));
const address = fc.oneof(v4, v6);
const block = fc.oneof(
  fc.tuple(v4, fc.integer({ min: 0, max: 32 })),
  fc.tuple(v6, fc.integer({ min: 0, max: 128 })),
);

test('text and number are the same address, and Node agrees that it is one', () => {
  fc.assert(
    fc.property(address, (one) => {
      const text = formatAddress(one);
      assert.equal(isIP(text), one.version);
      assert.deepEqual(findAddress(text), one);
      assert.deepEqual(findAddress(text.toUpperCase()), one);
      assert.equal(canonicalAddress(text), text);
      assert.equal(canonicalValue(text), one.value);
    }),
  );
});

test('a block holds its first and last address and nothing beside them', () => {
  fc.assert(
    fc.property(block, ([one, prefix]) => {
      const cidr = blockOf(one, prefix);
      const at = (value: bigint) => ({ version: one.version, value });
      assert.ok(contains(cidr, one));
      assert.ok(contains(cidr, at(cidr.first)) && contains(cidr, at(cidr.last)));
      assert.ok(!contains(cidr, at(cidr.first - 1n)) && !contains(cidr, at(cidr.last + 1n)));
      assert.deepEqual(findCidr(formatCidr(cidr)), cidr);
    }),
  );
});

test('two blocks overlap when one holds the other’s first address', () => {
  fc.assert(
    fc.property(block, block, ([a, m], [b, n]) => {
      const [left, right] = [blockOf(a, m), blockOf(b, n)];
      const holds = (outer: typeof left, inner: typeof left) =>
        contains(outer, { version: inner.version, value: inner.first });
      assert.equal(overlaps(left, right), holds(left, right) || holds(right, left));
    }),
  );
});

test('one address has one spelling', () => {
  for (const [given, canonical] of [
    ['FD00:0:0:0:0:0:0:1', 'fd00::1'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['10.0.0.1', '10.0.0.1'],
  ] as const) {
    assert.equal(canonicalAddress(given), canonical);
  }
});

const noAddresses = [
  '',
  'x',
  '10.1',
  '010.0.0.1',
  '10.0.0.256',
  '1.2.3.4/32',
  'fe80::1%eth0',
  '[::1]',
  ' ::1',
  '1:2',
];

for (const text of [...noAddresses, '1'.repeat(100_000)]) {
  test(`${JSON.stringify(text.slice(0, 20))} is no address`, () => {
    assert.equal(findAddress(text), undefined);
    assert.equal(findCidr(`${text}/24`), undefined);
    assert.throws(
      () => parseCidr(`${text}/24`),
      (error) => isFailure(error, 'invalid-value'),
    );
  });
}

for (const text of [
  '10.0.0.0/33',
  '::/129',
  '10.0.0.0',
  '10.0.0.0/',
  '10.0.0.0/a',
  '10.0.0.0/8/8',
  '10.0.0.0/-1',
]) {
  test(`${text} is no block`, () => assert.equal(findCidr(text), undefined));
}
