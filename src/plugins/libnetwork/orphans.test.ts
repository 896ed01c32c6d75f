/** What Docker does not release is found and freed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNetwork, removeNetwork, startContainer } from '../../../test/helpers/docker-flows.ts';
import { KuryrWorld } from '../../../test/helpers/kuryr-world.ts';

const id = (digit: string) => digit.repeat(64);
const plain = { id: id('a'), subnets: [{ pool: '10.77.0.0/16' }] };
const mac = '02:42:00:00:00:01';
const container = { endpointId: id('e'), mac };

/** Nothing is left, of whatever there ever was. */
function assertNothing(world: KuryrWorld, why?: string): void {
  assert.deepEqual(Object.values(world.service.inventory()).flat(), [], why);
}

test('what Docker removed while the driver was away is found by the tags, shown, and freed after the grace', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, { ...plain, v6: [{ pool: 'fd00:77::/64' }] });
    const blue = await world.service.create('networks', { name: 'blue' });
    const adopted = await createNetwork(world, {
      id: id('b'),
      subnets: [{ pool: '10.5.0.0/24' }],
      options: { 'neutron.net.name': 'blue' },
    });
    const other = await createNetwork(world, { ...plain, id: id('c') });
    await startContainer(world, network, container);
    // Docker 20.10: the driver did not answer, and Docker forgot all the same.
    world.host.networks.delete(network.id);
    world.host.networks.delete(adopted.id);
    world.host.plugged.clear();
    world.options = { isDryRun: true };
    await world.restart();
    const kinds = ['network', 'network', 'port'];
    assert.deepEqual((await world.look()).map(({ kind }) => kind).toSorted(), kinds);
    assert.deepEqual(await world.sweep(), [], 'a dry run');
    world.options = { graceMs: 3_600_000 };
    await world.restart();
    const { networks, subnets, subnetpools, ports } = world.service.inventory();
    assert.deepEqual(
      [networks, subnets, subnetpools, ports].map((all) => all?.length),
      [3, 4, 4, 1],
    );
    assert.deepEqual(
      (await world.sweep()).map(({ kind }) => kind),
      ['port', 'network', 'network', 'subnet'],
    );
    const left = world.service.inventory();
    assert.deepEqual(
      left.networks?.map(({ name, tags }) => [name, tags.length]),
      [
        ['blue', 0],
        ['kuryr-net-cccccccc', 3],
      ],
    );
    await removeNetwork(world, other);
    await world.service.remove('networks', blue.id);
    await world.sweep();
    assertNothing(world);
  }));
