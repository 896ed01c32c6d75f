import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCidr } from '../../ipam/address.ts';
import { isAllowed, ownAddresses, parseAllowed } from './allowed-addresses.ts';

const refused: Readonly<Record<string, string>> = {
  '0.0.0.0': 'unspecified',
  '0.1.2.3': 'this network',
  '10.0.0.1': 'private',
  '100.64.0.1': 'of carriers',
  '100.127.255.255': 'of carriers, the last',
  '127.0.0.1': 'loopback',
  '127.255.255.254': 'loopback, too',
  '169.254.169.254': 'metadata of clouds',
  '172.16.0.1': 'private',
  '172.31.255.255': 'private, the last',
  '192.0.0.8': 'protocol assignments',
  '192.0.2.1': 'documentation',
  '192.88.99.1': 'relay of 6to4',
  '192.168.1.1': 'private',
  '198.18.0.1': 'benchmarks',
  '198.19.255.255': 'benchmarks, the last',
  '198.51.100.1': 'documentation',
  '203.0.113.9': 'documentation',
  '224.0.0.1': 'multicast',
  '239.255.255.250': 'multicast',
  '240.0.0.1': 'reserved',
  '255.255.255.255': 'broadcast',
  '::': 'unspecified',
  '::1': 'loopback',
  '::127.0.0.1': 'IPv4-compatible',
  '::ffff:127.0.0.1': 'mapped loopback',
  '::ffff:7f00:1': 'mapped loopback in hexadecimal',
  '::ffff:169.254.169.254': 'mapped metadata',
  '::ffff:0:127.0.0.1': 'translated',
  '64:ff9b::a9fe:a9fe': 'metadata through NAT64',
  '64:ff9b::10.0.0.1': 'private through NAT64',
  '64:ff9b:1::808:808': 'a local NAT64',
  '100::1': 'discard-only',
  '2001::1': 'Teredo',
  '2001:10::1': 'ORCHID',
  '2001:db8::1': 'documentation',
  '2002:7f00:1::': '6to4 of loopback',
  '2002:808:808::1': '6to4',
  '3fff::1': 'documentation',
  '4000::1': 'not assigned',
  'fc00::1': 'private',
  'fd00:ec2::254': 'metadata over IPv6',
  'fe80::1': 'link-local',
  'fec0::1': 'site-local',
  'ff02::1': 'multicast',
  'fe80::1%eth0': 'with a zone',
  'hooks.example': 'a name',
  '': 'nothing',
};
for (const [address, why] of Object.entries(refused))
  test(`refuses ${address || 'nothing'}: ${why}`, () => assert.equal(isAllowed(address, [], []), false));

const taken = [
  '8.8.8.8',
  '1.1.1.1',
  '11.0.0.1',
  '100.63.255.255',
  '172.32.0.1',
  '192.0.1.1',
  '223.255.255.255',
  '2606:4700::1111',
  '2a00:1450::1',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
];
for (const address of taken)
  test(`delivers to ${address}`, () => assert.equal(isAllowed(address, [], []), true));

test('what the operator allows is delivered to, and nothing beside it', () => {
  const allowed = parseAllowed(['10.1.0.0/16', 'fd00:1::/32', '::1/128']);
  for (const address of ['10.1.2.3', 'fd00:1::9', '::1', '::ffff:10.1.2.3'])
    assert.ok(isAllowed(address, allowed, []), address);
  for (const address of ['10.2.0.1', 'fd00:2::1', '127.0.0.1', '169.254.169.254'])
    assert.ok(!isAllowed(address, allowed, []), address);
  assert.throws(() => parseAllowed(['10.1.0.0']), /setting webhooks\.allowedAddresses: '10\.1\.0\.0'/);
});

test('this machine’s own public addresses are refused unless they are allowed', () => {
  const own = [parseCidr('8.8.8.8/32'), parseCidr('2606:4700::1111/128')];
  for (const address of ['8.8.8.8', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2606:4700::1111'])
    assert.ok(!isAllowed(address, [], own), address);
  assert.ok(isAllowed('8.8.4.4', [], own));
  assert.ok(isAllowed('8.8.8.8', [parseCidr('8.8.8.8/32')], own));
  assert.ok(ownAddresses().some(({ first, version }) => version === 4 && first === 0x7f000001n));
});
