import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFailure } from '../../model/failure.ts';
import { macvtap } from './macvtap.ts';

const port = {
  id: '33333333-3333-4333-8333-333333333333',
  networkId: '11111111-1111-4111-8111-111111111111',
  macAddress: 'fa:16:3e:01:02:03',
  mtu: 1500,
  endpointId: 'e'.repeat(64),
};

test('the container’s interface is a card on the wire that the agent named', async () => {
  const details = {
    port_filter: false,
    physical_interface: 'eth1',
    macvtap_source: 'eth1.100',
    macvtap_mode: 'bridge',
  };
  assert.deepEqual(await macvtap.single?.({ ...port, details }, 'whose'), [
    {
      do: 'ensure-macvlan',
      name: 't_c33333333-33',
      parent: 'eth1.100',
      mode: 'bridge',
      mtu: 1500,
      mac: 'fa:16:3e:01:02:03',
      alias: 'whose',
    },
  ]);
});

for (const details of [{}, { macvtap_source: '' }, { macvtap_source: 'eth1', macvtap_mode: 'best' }]) {
  test(`a binding that says ${JSON.stringify(details)} is refused`, async () => {
    await assert.rejects(
      async () => macvtap.single?.({ ...port, details }, 'whose'),
      (error) =>
        isFailure(error, 'port-not-usable') && /expected an interface and one of/.test(error.message),
    );
  });
}
