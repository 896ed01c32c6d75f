import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFailure } from '../model/failure.ts';
import { toPools } from './pools.ts';

const none = { subnets: [], gateways: [], ranges: [], auxiliary: {} };

test('each gateway, range and reserved address goes to the subnet that it is in', () => {
  assert.deepEqual(toPools(none), []);
  assert.deepEqual(
    toPools({
      subnets: ['10.0.0.0/24', 'fd00::/64', '10.0.1.0/24'],
      gateways: ['fd00::fe', '10.0.1.254'],
      ranges: ['10.0.1.128/25'],
      auxiliary: { router: '10.0.0.9', other: '10.0.0.10' },
    }),
    [
      { cidr: '10.0.0.0/24', auxiliary: { router: '10.0.0.9', other: '10.0.0.10' } },
      { cidr: 'fd00::/64', gateway: 'fd00::fe' },
      { cidr: '10.0.1.0/24', gateway: '10.0.1.254', subPool: '10.0.1.128/25' },
    ],
  );
});

test('what is in no subnet, or twice in one, is refused by name', () => {
  const subnets = ['10.0.0.0/24'];
  for (const [lists, words] of [
    [{ gateways: ['10.0.1.1'] }, 'no matching subnet for gateway 10.0.1.1'],
    [{ ranges: ['10.0.1.0/25'] }, 'no matching subnet for range 10.0.1.0/25'],
    [{ auxiliary: { a: 'nowhere' } }, 'no matching subnet for aux-address nowhere'],
    [{ gateways: ['10.0.0.1', '10.0.0.2'] }, 'subnet 10.0.0.0/24 has more than one gateway'],
    [{ subnets: [], ranges: ['10.0.0.0/25'] }, 'no matching subnet for range'],
  ] as const) {
    assert.throws(
      () => toPools({ ...none, subnets, ...lists }),
      (error) => isFailure(error, 'invalid-value') && error.message.includes(words),
      words,
    );
  }
});
