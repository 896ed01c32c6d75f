import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../../base/log.ts';
import { FakeKernel } from '../../../host/fake.ts';
import { isFailure } from '../../../model/failure.ts';
import { Controller } from '../../controller.ts';
import { DefaultIpam } from '../../ipam/default.ts';
import { MemoryStore } from '../../store.ts';
import { MacvlanDriver } from './driver.ts';

async function openWorld() {
  const kernel = new FakeKernel();
  await kernel.apply([{ do: 'ensure-bridge', name: 'eth0', mtu: 1500 }]);
  const controller = await Controller.open({
    store: new MemoryStore(),
    kernel,
    log: silentLog(),
    drivers: (records) => [new MacvlanDriver(kernel, records)],
    ipams: [new DefaultIpam()],
  });
  const create = (name: string, options: Record<string, string>) =>
    controller.createNetwork({ name, driver: 'macvlan', options });
  return { kernel, controller, create };
}

test('a VLAN is made when its parent is there, and goes with the network; a link of the host stays', async () => {
  const { kernel, controller, create } = await openWorld();
  const before = kernel.leftovers();
  const network = await create('n', { parent: 'eth0.10' });
  const vlan = (await kernel.links()).find(({ name }) => name === 'eth0.10');
  assert.deepEqual([vlan?.kind, vlan?.up], ['vlan', true]);
  assert.deepEqual(
    kernel.applied.find((step) => step.do === 'ensure-vlan'),
    { do: 'ensure-vlan', name: 'eth0.10', parent: 'eth0', id: 10, alias: `berth cnm network ${network.id}` },
  );
  const own = await create('m', { parent: 'eth0' });
  await controller.deleteNetwork(network.id);
  await controller.deleteNetwork(own.id);
  assert.deepEqual(kernel.leftovers(), before);
});

test('what cannot be a parent or a mode is refused, and so is a parent that another network has', async () => {
  const { kernel, create } = await openWorld();
  const before = kernel.leftovers();
  for (const options of [
    { parent: 'lo' },
    { parent: 'eth1' },
    { parent: 'eth1.10' },
    { parent: 'eth0.4095' },
    { parent: 'eth0.0' },
    { parent: '../../eth0' },
    { parent: 'eth0', macvlan_mode: 'l2' },
  ]) {
    await assert.rejects(
      create('wrong', options),
      (error) => isFailure(error, 'invalid-value'),
      JSON.stringify(options),
    );
    assert.deepEqual(kernel.leftovers(), before);
  }
  await create('first', { parent: 'eth0', macvlan_mode: 'private' });
  await assert.rejects(create('second', { parent: 'eth0' }), (error) => {
    assert.ok(isFailure(error, 'driver-forbids'));
    assert.match(error.message, /network first is already using parent interface eth0/);
    return true;
  });
});
