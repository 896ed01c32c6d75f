import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isFailure } from '../model/failure.ts';
import { blockOf, contains, formatAddress, parseAddress, parseCidr } from './address.ts';
import { checkPools, defaultGateway, defaultPools, formatRange, usableRange } from './pools.ts';

const texts = (cidr: string, gateway: string | null) =>
  defaultPools(parseCidr(cidr), gateway === null ? null : parseAddress(gateway)).map((pool) => {
    const { start, end } = formatRange(parseCidr(cidr).version, pool);
    return `${start}-${end}`;
  });

test('default pools are all usable addresses around the gateway', () => {
  assert.deepEqual(texts('10.0.0.0/24', '10.0.0.1'), ['10.0.0.2-10.0.0.254']);
  assert.deepEqual(texts('10.0.0.0/24', '10.0.0.254'), ['10.0.0.1-10.0.0.253']);
  assert.deepEqual(texts('10.0.0.0/24', '10.0.0.9'), ['10.0.0.1-10.0.0.8', '10.0.0.10-10.0.0.254']);
  assert.deepEqual(texts('10.0.0.0/24', null), ['10.0.0.1-10.0.0.254']);
  assert.deepEqual(texts('10.0.0.0/31', '10.0.0.0'), ['10.0.0.1-10.0.0.1']);
  assert.deepEqual(texts('10.0.0.0/32', '10.0.0.0'), []);
  assert.deepEqual(texts('fd00::/64', 'fd00::1'), ['fd00::2-fd00::ffff:ffff:ffff:ffff']);
  assert.deepEqual(texts('fd00::/64', 'fe80::1'), ['fd00::1-fd00::ffff:ffff:ffff:ffff']);
});

test('every default pool passes the check for pools, for every block and gateway', () => {
  const blocks = fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.integer({ min: 1, max: 32 }));
  fc.assert(
    fc.property(blocks, fc.nat(), ([value, prefix], offset) => {
      const cidr = blockOf({ version: 4, value }, prefix);
      const usable = usableRange(cidr);
      const place = usable.first + (BigInt(offset) % (usable.last - usable.first + 1n));
      const gateway = { version: 4 as const, value: place };
      const pools = defaultPools(cidr, gateway);
      const size = pools.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
      assert.equal(size, usable.last - usable.first);
      assert.deepEqual(
        checkPools(
          cidr,
          pools.map((pool) => formatRange(4, pool)),
          gateway,
        ),
        pools,
      );
      assert.ok(contains(cidr, defaultGateway(cidr)));
    }),
  );
});

test('the default gateway is the first usable address', () => {
  assert.equal(formatAddress(defaultGateway(parseCidr('10.0.0.0/24'))), '10.0.0.1');
  assert.equal(formatAddress(defaultGateway(parseCidr('fd00::/64'))), 'fd00::1');
});

for (const [what, start, end, code] of [
  ['the network address', '10.0.0.0', '10.0.0.9', 'invalid-allocation-pool'],
  ['the broadcast address', '10.0.0.9', '10.0.0.255', 'invalid-allocation-pool'],
  ['its end before its start', '10.0.0.9', '10.0.0.8', 'invalid-allocation-pool'],
  ['another subnet', '10.1.0.9', '10.1.0.10', 'invalid-allocation-pool'],
  ['the other version', 'fd00::1', 'fd00::2', 'invalid-allocation-pool'],
  ['the gateway', '10.0.0.1', '10.0.0.9', 'gateway-conflict'],
  ['no address', 'x', '10.0.0.9', 'invalid-value'],
] as const) {
  test(`a pool with ${what} is refused`, () => {
    assert.throws(
      () => checkPools(parseCidr('10.0.0.0/24'), [{ start, end }], parseAddress('10.0.0.1')),
      (error) => isFailure(error, code),
    );
  });
}
