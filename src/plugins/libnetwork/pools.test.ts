/** Docker's pools out of subnet pools that are there, and out of none. */
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
const mac = '02:42:00:00:00:01';
const container = { endpointId: id('e'), mac };

for (const [what, pool] of [
  ['its own block', '10.60.8.0/24'],
  ['the next free one', undefined],
] as const) {
  test(`an existing subnet pool gives ${what}, and stays`, () =>
    KuryrWorld.with(async (world) => {
      const { id: poolId } = await world.service.create('subnetpools', {
        name: 'mine',
        prefixes: ['10.60.0.0/16'],
        default_prefixlen: 24,
      });
      const options = { 'neutron.pool.name': 'mine' };
      const request = { id: id('a'), subnets: [pool ? { pool } : {}], options, ipamOptions: options };
      world.beforeCall = () => world.restart();
      const first = await createNetwork(world, request);
      const second = await createNetwork(world, { ...request, id: id('b'), subnets: [{}] });
      const { subnets, subnetpools } = world.service.inventory();
      const cidr = pool ?? '10.60.0.0/24';
      assert.deepEqual(first.pools[0]?.poolId, `${poolId}@${cidr}`);
      assert.deepEqual(
        subnets?.map(({ cidr: text, subnetpool_id, tags }) => [text, subnetpool_id, tags]),
        [
          [cidr, poolId, [poolId]],
          [pool ? '10.60.0.0/24' : '10.60.1.0/24', poolId, [poolId]],
        ],
      );
      assert.deepEqual(subnetpools?.[0]?.tags, ['kuryr.subnetpool.existing']);
      const started = await startContainer(world, first, container);
      await stopContainer(world, first, started);
      await removeNetwork(world, first);
      assert.deepEqual(world.service.inventory().subnetpools?.[0]?.tags, ['kuryr.subnetpool.existing']);
      await removeNetwork(world, second);
      const left = Object.values(world.service.inventory()).flat();
      assert.deepEqual(
        left.map(({ name, tags }) => [name, tags]),
        [['mine', []]],
      );
    }));
}

test('a pool that is not there, of the other family, not shared or too small is refused, and nothing is made', () =>
  KuryrWorld.with(async (world) => {
    await world.service.create('subnetpools', {
      name: 'mine',
      prefixes: ['10.60.0.0/16'],
      default_prefixlen: 24,
    });
    const before = world.service.inventory();
    const ask = (ipamOptions: Record<string, string>, pool = '10.60.0.0/24') =>
      createNetwork(world, { id: id('a'), subnets: [{ pool }], ipamOptions, options: ipamOptions });
    await assert.rejects(ask({ 'neutron.pool.name': 'none' }), /Specified pool name\(none\) does not exist/);
    await assert.rejects(ask({ 'neutron.pool.uuid': id('9') }), /Specified pool id\(9+\) does not exist/);
    await assert.rejects(ask({ 'neutron.pool.name': 'mine' }, '10.61.0.0/24'), /not within subnet pool mine/);
    await assert.rejects(
      ask({ 'neutron.pool.name': 'mine', 'neutron.net.shared': 'true' }),
      /subnet pool .* is not shared/,
    );
    assert.deepEqual(world.service.inventory(), before);
  }));

test('automatic networks come from the pool that the operator named kuryr, if there is one', () =>
  KuryrWorld.with(async (world) => {
    await world.service.create('subnetpools', {
      name: 'kuryr',
      prefixes: ['10.9.0.0/30'],
      default_prefixlen: 31,
    });
    const first = await createNetwork(world, { id: id('a') });
    const second = await createNetwork(world, { id: id('b') });
    assert.deepEqual(
      [first, second].map(({ pools }) => pools[0]?.pool),
      ['10.9.0.0/31', '10.9.0.2/31'],
    );
    await assert.rejects(createNetwork(world, { id: id('c') }), /no free block of .31 within 10.9.0.0.30/);
  }));
