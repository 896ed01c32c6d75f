import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceOf } from './attempts.ts';

const table: [address: string, source: string][] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:aaaa::1', '2001:0db8:0001:0002'],
  ['2001:db8:1:2::9', '2001:0db8:0001:0002'],
  ['2001:db8:1:3::9', '2001:0db8:0001:0003'],
  ['fe80::1%eth0', 'fe80:0000:0000:0000'],
];

for (const [address, source] of table) {
  test(`attempts from ${address} count for ${source}`, () => {
    assert.equal(sourceOf(address), source);
  });
}
