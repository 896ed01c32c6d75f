/** What Docker does not release is found and freed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createNetwork,
  removeNetwork,
  startContainer,
  stopContainer,
} from '../../../test/helpers/docker-flows.ts';
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

test('the driver dies at any question of a call and comes back: nothing is left in the end', () =>
  KuryrWorld.with(async (world) => {
    const options = { 'berth.publish': 'floating-ip' };
    const life = async () => {
      const network = await createNetwork(world, { ...plain, v6: [{ pool: 'fd00:77::/64' }], options });
      try {
        const labels = { 'com.docker.network.portmap': [{ Proto: 6, Port: 80, HostPort: 8080 }] };
        const started = await startContainer(world, network, { ...container, labels });
        await stopContainer(world, network, started);
      } finally {
        await removeNetwork(world, network);
      }
    };
    const outside = await world.service.create('networks', { name: 'public', 'router:external': true });
    world.service.calls.length = 0;
    await life();
    const count = world.service.calls.length;
    assert.ok(count > 40, `${count} questions`);
    for (let at = 1; at <= count; at += 1) {
      let left = at;
      let isDead = false;
      world.service.before = () => {
        left -= 1;
        isDead ||= left === 0;
        // Nothing of the dead process gets through any more, its roll-back neither.
        if (isDead) throw new Error('dead');
      };
      world.beforeCall = async () => {
        if (!isDead) return;
        isDead = false;
        await world.restart();
      };
      await life().catch(() => undefined);
      world.service.before = () => undefined;
      await world.restart();
      await world.sweep();
      await world.sweep();
      const rest = Object.values(world.service.inventory()).flat();
      assert.deepEqual(
        rest.map(({ id: each }) => each),
        [outside.id],
        `question ${at} of ${count}`,
      );
      assert.deepEqual([...world.host.plugged], [], `question ${at} of ${count}`);
    }
  }));
