/** Against recorded expectations: what upstream's scripts run for the same port. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKernel } from '../../host/fake.ts';
import { isFailure } from '../../model/failure.ts';
import { bindingOf } from './binding.ts';
import { openVswitch } from './open-vswitch.ts';

const portId = '33333333-3333-4333-8333-333333333333';
const port = {
  id: portId,
  networkId: '11111111-1111-4111-8111-111111111111',
  macAddress: 'fa:16:3e:01:02:03',
  mtu: 1450,
  endpointId: 'e'.repeat(64),
};

async function world() {
  const kernel = new FakeKernel();
  await kernel.apply([
    { do: 'ensure-veth', name: 'tap33333333-33', mtu: 1450, peer: { name: 't_c33333333-33' } },
  ]);
  const commands: string[][] = [];
  const run = async (command: string, args: readonly string[]) => {
    commands.push([command, ...args]);
    return '';
  };
  return { kernel, commands, tools: { kernel, run } };
}

const interfaceOf = (link: string) => [
  ...['ovs-vsctl', '--', '--may-exist', 'add-port', 'br-int', link, '--', 'set', 'interface', link],
  'external_ids:attached-mac="fa:16:3e:01:02:03"',
  `external_ids:iface-id=${portId}`,
  `external_ids:vm-uuid=${'e'.repeat(64)}`,
  'external_ids:iface-status=active',
  'external_ids:owner=kuryr',
];

test('plain: the link itself becomes an interface of the integration bridge', async () => {
  const { commands, tools, kernel } = await world();
  await openVswitch.bind({ ...port, details: {} }, tools);
  assert.deepEqual(commands, [interfaceOf('tap33333333-33')]);
  assert.equal(
    (await kernel.links()).some(({ name }) => name.startsWith('q')),
    false,
  );
});

test('hybrid: a bridge of its own stands between, twice is as good as once, and all goes', async () => {
  const { commands, tools, kernel } = await world();
  const hybrid = { ...port, details: { ovs_hybrid_plug: true } };
  await openVswitch.bind(hybrid, tools);
  await openVswitch.bind(hybrid, tools);
  assert.deepEqual(commands, [interfaceOf('qvo33333333-33'), interfaceOf('qvo33333333-33')]);
  const links = await kernel.links();
  const bridgeOf = (name: string) => links.find((link) => link.name === name)?.bridge;
  assert.deepEqual(
    [bridgeOf('tap33333333-33'), bridgeOf('qvb33333333-33'), bridgeOf('qvo33333333-33')],
    ['qbr33333333-33', 'qbr33333333-33', undefined],
  );
  commands.length = 0;
  await openVswitch.unbind(portId, tools);
  await openVswitch.unbind(portId, tools);
  assert.deepEqual(commands[0], ['ovs-vsctl', '--', '--if-exists', 'del-port', 'br-int', 'tap33333333-33']);
  assert.deepEqual(commands[1], ['ovs-vsctl', '--', '--if-exists', 'del-port', 'br-int', 'qvo33333333-33']);
  assert.equal(
    (await kernel.links()).some(({ name }) => name.startsWith('q')),
    false,
  );
});

for (const [type, advice] of [
  ['berth', /`berth up`/],
  ['unbound', /administrator or service/],
  ['binding_failed', /no agent of Neutron is alive/],
  ['hw_veb', /SR-IOV/],
  ['vhostuser', /socket/],
  ['midonet', /knows bridge, tap, ovs, macvtap/],
  ['', /"none"/],
] as const) {
  test(`binding "${type}" is refused, and what to do is said`, () => {
    assert.throws(
      () => bindingOf(type, portId),
      (error) => isFailure(error, 'port-not-usable') && advice.test(error.message),
    );
  });
}
