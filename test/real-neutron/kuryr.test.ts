/**
 * `berth kuryr` between the real dockerd and a real Neutron, whose own Linux bridge agent wires and filters: all of them
 * on one simulated machine, made for this.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { playDesignCalls } from '../helpers/design-calls.ts';
import { playDesignSession } from '../helpers/design-session.ts';
import type { MachineProcess } from '../helpers/machine.ts';
import { NeutronWorld } from '../helpers/openstack/neutron-world.ts';
import { administrator } from '../helpers/openstack/settings.ts';
import { until } from '../helpers/until.ts';
import { owner, testNested } from './nested.ts';

let world: NeutronWorld;
let kuryr: MachineProcess;
let atFirst: Awaited<ReturnType<NeutronWorld['belongings']>>;

before(async () => {
  world = await NeutronWorld.start();
  await world.addUser(owner);
  kuryr = await world.startKuryr('kuryr', administrator, ['--host', world.neutron.host]);
  atFirst = await world.belongings();
});

after(() => world?.machine.destroy());

beforeEach(async () => {
  const same = async () => JSON.stringify(await world.belongings()) === JSON.stringify(atFirst);
  await until('nothing is left', same).catch(async () => assert.deepEqual(await world.belongings(), atFirst));
});

test('the session of Kuryr’s design: its commands, its objects, what Docker shows', () => {
  const { docker, neutron } = world;
  const where = { driver: 'kuryr', image: 'busybox', prefix: '' };
  return playDesignSession({ docker, service: neutron.service, host: neutron.host, ...where });
});

test('the calls of Kuryr’s design: its JSON and its answers', () => {
  const calls = world.calls('kuryr');
  return playDesignCalls({
    service: world.neutron.service,
    host: { networks: new Set(), endpoints: new Map() },
    call: (name, body) => calls.call(name, body),
    ask: (name, body) => calls.ask(name, body),
  });
});

async function untilActive(count: number): Promise<void> {
  await until('all ports are active', async () => {
    const all = await world.neutron.service.list('ports', { device_owner: 'compute:kuryr' });
    return all.length === count && all.every(({ status }) => status === 'ACTIVE');
  });
}

async function group(name: string): Promise<string> {
  return (await world.neutron.service.create('security-groups', { name })).id;
}

function allow(groupId: string, port: number): Promise<{ readonly id: string }> {
  return world.neutron.service.create('security-group-rules', {
    security_group_id: groupId,
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: 'tcp',
    port_range_min: port,
    port_range_max: port,
  });
}

const echoing = 'nc -ll -p 80 -e echo 80 & nc -ll -p 81 -e echo 81 & exec sleep 100000';
const asClient = 'berth.security-groups=client';

/** What the client hears from a port, or nothing. */
async function hear(address: string, port: number): Promise<string> {
  // A connection that is cut half-way, by a rule that comes between, would never end by itself.
  const nc = ['busybox', 'timeout', '5', 'nc', '-w', '2', address, String(port)];
  const { stdout } = await world.machine.docker('exec', 'client', ...nc);
  return stdout.trim();
}

test('containers on two networks: ports active, groups enforced by Neutron’s agent, rules as they change', async () => {
  const groups = { web: await group('web'), client: await group('client') };
  const first = await allow(groups.web, 80);
  try {
    await world.createNetwork('kuryr', 'one', '--subnet', '10.77.0.0/24', '-o', 'berth.security-groups=web');
    await world.createNetwork(
      'kuryr',
      'two',
      '--subnet',
      '10.78.0.0/24',
      '--ipv6',
      '--subnet',
      'fd00:78::/64',
    );
    await world.startContainer('server', 'one', [], echoing);
    await world.startContainer('exposing', 'two', ['--expose', '80'], echoing);
    await world.startContainer('client', `name=one,driver-opt=${asClient}`);
    await world.docker('network', 'connect', '--driver-opt', asClient, 'two', 'client');
    await untilActive(4);
    const server = await world.addressOf('server', 'one');
    await until('the allowed port answers', async () => (await hear(server, 80)) === '80');
    assert.equal(await hear(server, 81), '');
    for (const family of ['IPAddress', 'GlobalIPv6Address']) {
      const exposing = await world.addressOf('exposing', 'two', family);
      await until('the exposed port answers', async () => (await hear(exposing, 80)) === '80');
      assert.equal(await hear(exposing, 81), '');
    }
    const second = await allow(groups.web, 81);
    await until('a new rule holds', async () => (await hear(server, 81)) === '81');
    for (const { id } of [first, second]) await world.neutron.service.remove('security-group-rules', id);
    for (const port of [80, 81]) {
      await until('what no rule allows is closed', async () => (await hear(server, port)) === '');
    }
  } finally {
    await world.clear(['server', 'exposing', 'client'], ['one', 'two']);
    for (const id of Object.values(groups)) await world.neutron.service.remove('security-groups', id);
  }
});

test('Kuryr killed and started again while a container runs: it stays reachable, and all goes with it', async () => {
  try {
    await world.createNetwork('kuryr', 'lasting', '--subnet', '10.79.0.0/24');
    await world.startContainer('before', 'lasting', ['--ip', '10.79.0.10']);
    process.kill(await kuryr.pid(), 'SIGKILL');
    await kuryr.exited;
    kuryr = await world.startKuryr('kuryr', administrator, ['--host', world.neutron.host]);
    await world.startContainer('afterwards', 'lasting');
    await untilActive(2);
    await world.docker('exec', 'afterwards', 'ping', '-c', '1', '-W', '10', '10.79.0.10');
  } finally {
    await world.clear(['before', 'afterwards'], ['lasting']);
  }
});

testNested(() => world);

test('nothing is left at the end', () => undefined);
