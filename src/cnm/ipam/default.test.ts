import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isFailure } from '../../model/failure.ts';
import { DefaultIpam, serialOption } from './default.ts';

const pool = (cidr: string, subPool = '', scope: 'local' | 'global' = 'local') =>
  ({ version: cidr.includes(':') ? 6 : 4, scope, cidr, subPool, options: {} }) as const;
const address = (poolId: string, asked = '', more: object = {}) =>
  ({ poolId, address: asked, purpose: 'endpoint', options: {}, ...more }) as const;
const fails = (code: Parameters<typeof isFailure>[1]) => (error: unknown) => isFailure(error, code);

test('predefined pools come in turn, not lowest first, and keep away from the host’s routes', async () => {
  const ipam = new DefaultIpam({ avoid: async () => ['172.18.0.0/24', '0.0.0.0/0'] });
  const given = [];
  for (let count = 0; count < 3; count += 1) given.push(await ipam.requestPool(pool('')));
  assert.deepEqual(
    given.map(({ cidr }) => cidr),
    ['172.17.0.0/16', '172.19.0.0/16', '172.20.0.0/16'],
  );
  await ipam.releasePool(given[0]?.id ?? '');
  assert.equal((await ipam.requestPool(pool(''))).cidr, '172.21.0.0/16');
  assert.equal((await ipam.requestPool(pool('', '', 'global'))).cidr, '10.0.0.0/24');
  const rest = [];
  await assert.rejects(async () => {
    for (;;) rest.push(await ipam.requestPool(pool('')));
  }, fails('pool-exhausted'));
  assert.equal(rest.length, 31 - 1 - 3, 'all but the one that the host routes');
});

test('pools do not overlap within a space; sub-pools share one', async () => {
  const ipam = new DefaultIpam();
  const first = await ipam.requestPool(pool('10.1.0.0/16'));
  assert.equal(first.id, 'LocalDefault/10.1.0.0/16');
  for (const cidr of ['10.1.0.0/16', '10.1.2.0/24', '10.0.0.0/8']) {
    await assert.rejects(ipam.requestPool(pool(cidr)), fails('pool-overlaps'));
  }
  await ipam.requestPool(pool('10.1.0.0/16', '', 'global'));
  await ipam.releasePool(first.id);
  const left = await ipam.requestPool(pool('10.1.0.0/16', '10.1.1.0/24'));
  const right = await ipam.requestPool(pool('10.1.0.0/16', '10.1.2.0/24'));
  await assert.rejects(ipam.requestPool(pool('10.1.0.0/16', '10.1.1.0/24')), fails('pool-overlaps'));
  await assert.rejects(ipam.requestPool(pool('10.1.0.0/16', '10.2.0.0/24')), fails('invalid-value'));
  assert.equal(await ipam.requestAddress(address(left.id)), '10.1.1.0/16');
  assert.equal(await ipam.requestAddress(address(right.id)), '10.1.2.0/16');
  assert.equal(
    await ipam.requestAddress(address(right.id, '10.1.9.9')),
    '10.1.9.9/16',
    'anywhere in the pool when asked',
  );
  await assert.rejects(ipam.requestAddress(address(left.id, '10.1.9.9')), fails('ip-address-in-use'));
  await ipam.releasePool(left.id);
  await assert.rejects(ipam.requestAddress(address(left.id)), fails('pool-not-found'));
});

test('addresses: lowest first, or in turn when asked for; what is released is free', async () => {
  const ipam = new DefaultIpam();
  const { id } = await ipam.requestPool(pool('10.1.0.0/29'));
  const take = (options: Record<string, string> = {}) => ipam.requestAddress(address(id, '', { options }));
  assert.deepEqual([await take(), await take(), await take()], ['10.1.0.1/29', '10.1.0.2/29', '10.1.0.3/29']);
  await ipam.releaseAddress(id, '10.1.0.1/29');
  const serial = { [serialOption]: 'true' };
  assert.equal(await take(serial), '10.1.0.4/29');
  assert.equal(await take(), '10.1.0.1/29');
  assert.deepEqual([await take(), await take()], ['10.1.0.5/29', '10.1.0.6/29']);
  await assert.rejects(take(), fails('ip-address-exhausted'));
  await assert.rejects(ipam.requestAddress(address(id, '10.2.0.1')), fails('invalid-ip-for-subnet'));
  const six = await ipam.requestPool(pool('fd00::/64'));
  assert.equal(await ipam.requestAddress(address(six.id)), 'fd00::1/64');
});

test('whatever is asked for and released, nothing is given twice', async () => {
  const steps = fc.array(fc.record({ release: fc.boolean(), which: fc.nat(20), asked: fc.nat(16) }), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const ipam = new DefaultIpam();
      const { id } = await ipam.requestPool(pool('10.0.0.0/28'));
      const held: string[] = [];
      for (const { release, which, asked } of all) {
        if (release && held.length > 0) {
          const [gone = ''] = held.splice(which % held.length, 1);
          await ipam.releaseAddress(id, gone);
          continue;
        }
        const wanted = asked === 16 ? '' : `10.0.0.${asked}`;
        const got = await ipam.requestAddress(address(id, wanted)).catch(() => undefined);
        if (got === undefined) continue;
        assert.ok(!held.includes(got), got);
        held.push(got);
      }
    }),
  );
});
