/** What Docker does not release is found and freed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createNetwork,
  type DockerWorld,
  removeNetwork,
  startContainer,
  stopContainer,
} from '../../../test/helpers/docker-flows.ts';
import { KuryrWorld } from '../../../test/helpers/kuryr-world.ts';
import { until } from '../../../test/helpers/until.ts';
import { silentLog } from '../../base/log.ts';
import { Orphans } from './orphans.ts';

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
    world.host.endpoints.clear();
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

/** A network adopted with a subnet and a port, and one of Docker's own; a container on both. */
async function liveOnTwo(world: DockerWorld, adopted: AdoptedNetwork): Promise<void> {
  const labels = { 'com.docker.network.portmap': [{ Proto: 6, Port: 80, HostPort: 8080 }] };
  const made = await createNetwork(world, { ...plain, v6: [{ pool: 'fd00:77::/64' }] });
  const theirs = await createNetwork(world, {
    id: id('b'),
    subnets: [{ pool: '10.5.0.0/24' }],
    options: { ...adopted.options, 'berth.publish': 'floating-ip' },
    ipamOptions: adopted.options,
    auxiliary: { web: '10.5.0.9', db: '10.5.0.60' },
  });
  const first = await startContainer(world, made, container);
  const second = { endpointId: id('f'), mac: '02:42:00:00:00:02', labels };
  const on = await startContainer(world, theirs, { ...second, ip: '10.5.0.50' });
  const third = await startContainer(world, theirs, {
    endpointId: id('d'),
    mac: '02:42:00:00:00:03',
    labels,
  });
  for (const each of [on, third]) await stopContainer(world, theirs, each);
  await stopContainer(world, made, first);
  await removeNetwork(world, theirs);
  await removeNetwork(world, made);
}

interface AdoptedNetwork {
  readonly options: Readonly<Record<string, string>>;
}

async function makeAdopted({ service }: KuryrWorld): Promise<AdoptedNetwork> {
  await service.create('networks', { name: 'public', 'router:external': true });
  const { id: network_id } = await service.create('networks', { name: 'blue' });
  const subnet = { network_id, ip_version: 4, cidr: '10.5.0.0/24', name: 'blues' };
  const { id: subnet_id } = await service.create('subnets', subnet);
  for (const ip_address of ['10.5.0.50', '10.5.0.60']) {
    const fixed_ips = [{ ip_address, subnet_id }];
    await service.create('ports', { name: 'theirs', network_id, fixed_ips, 'binding:host_id': '' });
  }
  return { options: { 'neutron.net.name': 'blue', 'neutron.subnet.name': 'blues' } };
}

/** Without what a port keeps of its use. */
function remains({ service }: KuryrWorld): object {
  const all = Object.values(service.inventory()).flat();
  return all.map(({ id: each, tags, ...row }) => [
    each,
    tags,
    row.name,
    row.device_id,
    row.device_owner,
    row['binding:host_id'],
  ]);
}

test('dockerd dies after any of its calls and forgets: nothing is left, and what was adopted is given back', () =>
  KuryrWorld.with(async (world) => {
    const adopted = await makeAdopted(world);
    const before = remains(world);
    let left = Number.POSITIVE_INFINITY;
    let calls = 0;
    const dying: DockerWorld = {
      host: world.host,
      ask: async (...call) => {
        calls += 1;
        left -= 1;
        if (left < 0) throw new Error('dockerd is dead');
        const answer = await world.ask(...call);
        // It got the answer, and wrote nothing down.
        if (left === 0) throw new Error('dockerd is dead');
        return answer;
      },
      call: async (name, body) => {
        const { status, body: answer } = await dying.ask(name, body);
        if (status !== 200) throw new Error(`${name}: ${answer.Err}`);
        return answer;
      },
    };
    await liveOnTwo(dying, adopted);
    assert.deepEqual(remains(world), before);
    const count = calls;
    assert.ok(count > 40, `${count} calls`);
    for (let at = 1; at <= count; at += 1) {
      left = at;
      await assert.rejects(liveOnTwo(dying, adopted), /dockerd is dead/);
      world.host.endpoints.clear();
      world.host.networks.clear();
      world.dockerIsBack();
      await world.sweep();
      await world.sweep();
      const why = `call ${at} of ${count}`;
      assert.deepEqual(remains(world), before, why);
      assert.deepEqual([...world.host.plugged], [], why);
    }
  }));

test('what dockerd had asked for when it died it can ask for again as soon as it is back', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, plain);
    const pool = { AddressSpace: 'kuryr', Pool: '10.78.0.0/24', V6: false };
    const address = (macAddress: string) =>
      world.ask('IpamDriver.RequestAddress', {
        PoolID: network.pools[0]?.poolId,
        Address: '10.77.0.50',
        Options: { 'com.docker.network.endpoint.macaddress': macAddress },
      });
    const ask = async (macAddress: string) => {
      const answers = [await world.ask('IpamDriver.RequestPool', pool), await address(macAddress)];
      return answers.map(({ status }) => status);
    };
    assert.deepEqual(await ask(mac), [200, 200]);
    // The same dockerd has them in use.
    assert.deepEqual(await ask('02:42:00:00:00:02'), [409, 409]);
    world.dockerIsBack();
    assert.deepEqual(await ask('02:42:00:00:00:02'), [200, 200]);
  }));

test('the driver dies at any question of a call and comes back: nothing is left in the end', () =>
  KuryrWorld.with(async (world) => {
    const adopted = await makeAdopted(world);
    const before = remains(world);
    world.service.calls.length = 0;
    await liveOnTwo(world, adopted);
    const count = world.service.calls.length;
    assert.ok(count > 100, `${count} questions`);
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
      await liveOnTwo(world, adopted).catch(() => undefined);
      world.service.before = () => undefined;
      // Docker has removed the rest meanwhile, without the driver.
      world.host.networks.clear();
      world.host.endpoints.clear();
      await world.restart();
      await world.sweep();
      await world.sweep();
      assert.deepEqual(remains(world), before, `question ${at} of ${count}`);
      assert.deepEqual([...world.host.plugged], [], `question ${at} of ${count}`);
    }
  }));

test('orphans are looked for again soon while nobody can tell, and those that only Docker can free are only told', async () => {
  const left = new Set(['port']);
  let looks = 0;
  const orphans = new Orphans({
    shelters: [
      {
        kind: 'port',
        find: async () => {
          looks += 1;
          if (looks === 1) throw new Error('Docker is away');
          return [...left];
        },
        free: async (each) => {
          left.delete(each);
        },
      },
      { kind: 'endpoint of Docker', find: async () => ['its own'] },
    ],
    graceMs: 0,
    everyMs: 3_600_000,
    isDryRun: false,
    log: silentLog(),
  });
  orphans.lookSoon();
  await until('the port is freed', async () => left.size === 0);
  assert.equal(looks, 2);
  await orphans.stop();
  assert.deepEqual(await orphans.look(), [{ kind: 'endpoint of Docker', id: 'its own' }]);
});
