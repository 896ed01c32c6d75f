import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, aNetwork, aPort, aRule } from '../../../test/helpers/wanted-network.ts';
import { portLink } from '../../model/host-names.ts';
import type { WantedRule } from '../../wire/host-network.ts';
import { printRuleset } from './changes.ts';
import { planChange, planNetworkRuleset } from './network-ruleset.ts';

const id = 'aaaaaaaa-0000-4000-8000-000000000001';
const ports = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) =>
  aPort(address, { securityGroupIds: [id] }),
);
const wanted = (count: number, rules: readonly WantedRule[] = []) =>
  aNetwork({
    ports: ports.slice(0, count),
    securityGroups: [aGroup([aRule('ingress', 4, { remoteGroupId: id }), ...rules], id)],
  });

test('a new port only adds: elements of its own, and its address to the members', () => {
  const before = planChange(undefined, wanted(2), 1);
  const { script, generation } = planChange(before, wanted(3), 2);
  const own = ['links', 'egress', 'ingress', 'macs', 'sources4', 'sources6', 'targets6'];
  const named = script.matchAll(/^add element \w+ berth (\S+)/gm);
  assert.deepEqual(
    [...named].map(([, set]) => set),
    // One for each family.
    [...own, `members-${id}`, `members-${id}`],
  );
  assert.equal(script.trim().split('\n').length, own.length + 2);
  assert.equal(generation, 1, 'accepted connections stay accepted');
});

test('what takes away or replaces begins a new generation', () => {
  const before = planChange(undefined, wanted(2), 1);
  for (const after of [wanted(1), wanted(2, [aRule('ingress', 4, { protocol: 6 })])]) {
    const change = planChange(before, after, 2);
    assert.equal(change.generation, 2);
    assert.match(change.script, /flush chain ip berth known-ingress/);
  }
});

test('what does not change has no script, and order of the input does not matter', () => {
  const before = planChange(undefined, wanted(3), 1);
  assert.equal(planChange(before, wanted(3), 2).script, '');
  const network = wanted(3);
  const turned = {
    ...network,
    ports: [...network.ports].reverse(),
    remoteGroups: network.remoteGroups.map((group) => ({ ...group, v4: [...group.v4].reverse() })),
    securityGroups: network.securityGroups.map((group) => ({ ...group, rules: [...group.rules].reverse() })),
  };
  assert.equal(printRuleset(planNetworkRuleset(turned, 1)), printRuleset(planNetworkRuleset(network, 1)));
});

test('ports with the same groups share their chains', () => {
  const chains = (count: number) =>
    planNetworkRuleset(wanted(count), 1).map((table) => [...table.chains.keys()]);
  assert.deepEqual(chains(1), chains(3));
});

test('a port that is down has no part in the ruleset', () => {
  const [first, second] = ports;
  assert.ok(first && second);
  const network = aNetwork({
    ports: [first, { ...second, adminStateUp: false }],
    securityGroups: [aGroup([], id)],
  });
  const text = printRuleset(planNetworkRuleset(network, 1));
  assert.match(text, new RegExp(portLink(first.id)));
  assert.doesNotMatch(text, new RegExp(portLink(second.id)));
});

const hostile = 'x } ; flush ruleset; #';
const [port] = ports;
assert.ok(port);
const broken: readonly [string, Parameters<typeof aNetwork>[0]][] = [
  ['an address', { ports: [{ ...port, fixedIps: [{ address: hostile, subnetId: 's', version: 4 }] }] }],
  ['a MAC', { ports: [{ ...port, macAddress: hostile }] }],
  ['a port id', { ports: [{ ...port, id: hostile }] }],
  [
    'an address pair',
    { ports: [{ ...port, allowedAddressPairs: [{ macAddress: '', ipAddress: hostile }] }] },
  ],
  [
    'a group id',
    { ports: [{ ...port, securityGroupIds: [hostile] }], securityGroups: [aGroup([], hostile)] },
  ],
  [
    'a remote prefix',
    { ports: [port], securityGroups: [aGroup([aRule('ingress', 4, { remotePrefix: hostile })], id)] },
  ],
  [
    'a remote group',
    { ports: [port], securityGroups: [aGroup([aRule('ingress', 4, { remoteGroupId: hostile })], id)] },
  ],
];

for (const [what, parts] of broken) {
  test(`${what} that is not one is refused, not printed`, () => {
    const network = aNetwork({ ...parts, remoteGroups: [] });
    let text = '';
    try {
      text = printRuleset(planNetworkRuleset(network, 1));
    } catch (error) {
      assert.match(String(error), /is not an? /);
    }
    assert.doesNotMatch(text, /flush ruleset/);
  });
}
