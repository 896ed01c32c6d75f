import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aRule } from '../../../test/helpers/wanted-network.ts';
import type { WantedRule } from '../../wire/host-network.ts';
import { matchesOf } from './security-rule.ts';

const group = 'aaaaaaaa-0000-4000-8000-000000000001';
const tcp = { protocol: 6, portMin: 80, portMax: 80 };

const cases: readonly [what: string, version: 4 | 6, rule: Partial<WantedRule>, ...matches: string[]][] = [
  ['anything', 4, {}, ''],
  ['a protocol by number', 4, { protocol: 47 }, 'meta l4proto 47'],
  ['one port', 4, tcp, 'meta l4proto 6 th dport 80'],
  ['a range of ports', 4, { protocol: 132, portMin: 80, portMax: 90 }, 'meta l4proto 132 th dport 80-90'],
  ['all ports', 4, { protocol: 17 }, 'meta l4proto 17'],
  ['ports of a protocol without ports', 4, { protocol: 47, portMin: 1, portMax: 2 }, 'meta l4proto 47'],
  ['an ICMP type', 4, { protocol: 1, portMin: 8 }, 'icmp type 8'],
  ['an ICMP type and code', 4, { protocol: 1, portMin: 3, portMax: 0 }, 'icmp type 3 icmp code 0'],
  ['"icmp" in an IPv6 rule', 6, { protocol: 1, portMin: 128 }, 'icmpv6 type 128'],
  [
    'a remote prefix',
    4,
    { ...tcp, remotePrefix: '10.1.0.0/16' },
    'ip saddr 10.1.0.0/16 meta l4proto 6 th dport 80',
  ],
  ['a remote prefix with host bits', 4, { remotePrefix: '10.1.2.3/16' }, 'ip saddr 10.1.0.0/16'],
  ['a remote address', 6, { remotePrefix: 'fd00::1/128' }, 'ip6 saddr fd00::1'],
  ['the whole world', 6, { remotePrefix: '::/0' }, ''],
  ['a prefix of the other family', 4, { remotePrefix: 'fd00::/64' }],
  ['egress', 4, { direction: 'egress', remotePrefix: '10.1.0.0/16' }, 'ip daddr 10.1.0.0/16'],
  ['ports that cannot be', 4, { protocol: 6, portMin: 90, portMax: 80 }],
  ['a protocol that cannot be', 4, { protocol: 256 }],
  ['an ICMP type that cannot be', 4, { protocol: 1, portMin: 256 }],
  [
    'a remote group with prefixes',
    4,
    { remoteGroupId: group },
    `ip saddr @members-${group}`,
    `ip saddr @prefixes-${group}`,
  ],
];

for (const [what, version, rule, ...matches] of cases) {
  test(`${what} (IPv${version})`, () => {
    const whole = aRule('ingress', version, rule);
    assert.deepEqual(matchesOf(whole, { version, hasPrefixes: () => true }), matches);
    assert.deepEqual(matchesOf(whole, { version: version === 4 ? 6 : 4, hasPrefixes: () => true }), []);
  });
}
