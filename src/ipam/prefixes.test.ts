import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blockOf, type Cidr, formatCidr, parseCidr } from './address.ts';
import {
  compactPrefixes,
  coversPrefixes,
  intersectPrefixes,
  nextBlock,
  subtractPrefixes,
} from './prefixes.ts';

/** Blocks in 10.0.0.0/24, small enough to list their addresses. */
const block = fc
  .tuple(fc.nat(255), fc.integer({ min: 24, max: 32 }))
  .map(([offset, prefix]) => blockOf({ version: 4, value: 0x0a000000n + BigInt(offset) }, prefix));
const blocks = fc.array(block, { maxLength: 6 });

function addressesOf(cidrs: readonly Cidr[]): Set<bigint> {
  const values = cidrs.flatMap(({ first, last }) =>
    Array.from({ length: Number(last - first) + 1 }, (_, index) => first + BigInt(index)),
  );
  return new Set(values);
}

const texts = (cidrs: readonly Cidr[]) => cidrs.map(formatCidr);
const of = (...cidrs: string[]) => cidrs.map(parseCidr);

test('sets of prefixes are sets of addresses', () => {
  fc.assert(
    fc.property(blocks, blocks, (a, b) => {
      const [left, right] = [addressesOf(a), addressesOf(b)];
      assert.deepEqual(addressesOf(compactPrefixes(a)), new Set([...left].sort()));
      const rest = new Set([...left].filter((value) => !right.has(value)).sort());
      assert.deepEqual(addressesOf(subtractPrefixes(a, b)), rest);
      assert.equal(coversPrefixes(b, a), rest.size === 0);
      assert.equal(intersectPrefixes(a, b), rest.size < left.size);
    }),
  );
});

test('a compact list cannot be shorter', () => {
  assert.deepEqual(texts(compactPrefixes(of('10.0.1.0/24', '10.0.0.0/24', '10.0.0.128/25'))), [
    '10.0.0.0/23',
  ]);
  assert.deepEqual(texts(compactPrefixes(of('10.0.1.0/24', '10.0.2.0/24'))), ['10.0.1.0/24', '10.0.2.0/24']);
  assert.deepEqual(texts(compactPrefixes(of('0.0.0.0/1', '128.0.0.0/1'))), ['0.0.0.0/0']);
  assert.deepEqual(texts(compactPrefixes(of('::/1', '8000::/1'))), ['::/0']);
});

test('the next block is free, of the size, and there until nothing is left', () => {
  fc.assert(
    fc.property(blocks, blocks, fc.integer({ min: 24, max: 32 }), (prefixes, used, prefixLength) => {
      const taken = [...used];
      for (;;) {
        const next = nextBlock(prefixes, taken, prefixLength);
        if (!next) break;
        assert.equal(next.prefix, prefixLength);
        assert.deepEqual(blockOf({ version: 4, value: next.first }, prefixLength), next);
        assert.ok(coversPrefixes(prefixes, [next]) && !intersectPrefixes(taken, [next]));
        taken.push(next);
      }
      assert.ok(subtractPrefixes(prefixes, taken).every(({ prefix }) => prefix > prefixLength));
    }),
    { numRuns: 60 },
  );
  assert.deepEqual(
    texts([nextBlock(of('10.0.0.0/8'), of('10.0.0.0/26', '10.0.1.0/24'), 25)].flatMap((one) => one ?? [])),
    ['10.0.0.128/25'],
  );
});
