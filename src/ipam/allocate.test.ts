import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, parseCidr } from './address.ts';
import { chooseAddress, eui64Address, isEui64, type Random } from './allocate.ts';
import { Bitmap } from './bitmap.ts';
import { canonicalMac, randomMac } from './mac.ts';

const random: Random = (count) => crypto.getRandomValues(new Uint8Array(count));
const zeros: Random = (count) => new Uint8Array(count);

test('a bitmap finds the first bit that is not set, like a scan would', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.array(fc.nat(199)), (size, bits) => {
      const bitmap = new Bitmap(size);
      const used = new Set(bits.filter((bit) => bit < size));
      for (const bit of used) bitmap.set(bit);
      const free = Array.from({ length: size }, (_, index) => index).find((index) => !used.has(index));
      assert.equal(bitmap.firstFree(), free);
      for (const bit of bits) assert.equal(bitmap.has(bit), used.has(bit));
    }),
  );
  assert.throws(() => new Bitmap(8).set(8), RangeError);
});

test('addresses are given from the pools, each once, until none is left', () => {
  const pools = fc.array(fc.tuple(fc.nat(40), fc.nat(20)), { maxLength: 3 }).map((pairs) =>
    pairs.map(([start, length], index) => {
      const first = BigInt(index * 1000 + start);
      return { first, last: first + BigInt(length) };
    }),
  );
  fc.assert(
    fc.property(pools, fc.array(fc.bigInt({ min: 0n, max: 3000n })), (ranges, taken) => {
      const used = new Set(taken);
      const free = ranges.flatMap(({ first, last }) =>
        Array.from({ length: Number(last - first) + 1 }, (_, index) => first + BigInt(index)),
      );
      const expected = free.filter((value) => !used.has(value));
      const given: bigint[] = [];
      for (;;) {
        const value = chooseAddress(ranges, used, random);
        if (value === undefined) break;
        given.push(value);
        used.add(value);
      }
      assert.deepEqual(given, expected);
    }),
  );
});

test('a huge pool is drawn from at random and never scanned', () => {
  const cidr = parseCidr('fd00::/64');
  const pool = { first: cidr.first + 2n, last: cidr.last };
  const used = new Set<bigint>();
  for (let count = 0; count < 200; count += 1) {
    const value = chooseAddress([pool], used, random) ?? -1n;
    assert.ok(value >= pool.first && value <= pool.last && !used.has(value));
    used.add(value);
  }
  assert.equal(chooseAddress([pool], new Set([pool.first]), zeros), undefined);
});

test('the address that a host computes for itself', () => {
  const cidr = parseCidr('fd00:80::/64');
  const address = eui64Address(cidr, 'fa:16:3e:11:22:33');
  assert.equal(formatAddress(address), 'fd00:80::f816:3eff:fe11:2233');
  assert.ok(isEui64(cidr, 'fa:16:3e:11:22:33', address));
  assert.ok(!isEui64(cidr, 'fa:16:3e:11:22:34', address));
});

test('MAC addresses: ours begin with the prefix, foreign ones get one spelling', () => {
  assert.match(randomMac('fa:16:3e', random), /^fa:16:3e(:[0-9a-f]{2}){3}$/);
  assert.equal(canonicalMac('FA-16-3E-00-00-01'), 'fa:16:3e:00:00:01');
  for (const wrong of [
    '',
    'fa:16:3e:00:00',
    'fa:16-3e:00:00:01',
    '00:00:00:00:00:00',
    '01:00:5e:00:00:01',
    'zz:16:3e:00:00:01',
  ]) {
    assert.throws(() => canonicalMac(wrong), /is not a valid MAC address/, wrong);
  }
});
