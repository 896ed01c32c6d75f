/**
 * Docker by hand on Kuryr: the real dockerd, the embedded network service and the dataplane in the kernel. The driver,
 * Docker's networks and the containers have names of this test's own; afterwards nothing is left.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { createKuryrBackend } from '../../src/agent/kuryr-backend.ts';
import { busNetworkService } from '../../src/agent/network-service.ts';
import { Networks } from '../../src/agent/networks.ts';
import { systemClock } from '../../src/base/clock.ts';
import { loadConfig } from '../../src/base/config.ts';
import { silentLog } from '../../src/base/log.ts';
import { Switchboard } from '../../src/bus/in-process.ts';
import { createNetworkControl } from '../../src/control/network/network-control.ts';
import { connectEngine } from '../../src/docker/connect.ts';
import { dockerHoldings } from '../../src/docker/holdings.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { namespacePrefix, portIpamDriver } from '../../src/model/host-names.ts';
import { Dataplane } from '../../src/network/dataplane.ts';
import { type KuryrPlugin, startKuryrPlugin } from '../../src/plugins/libnetwork/kuryr-plugin.ts';
import { type Db, openDatabase } from '../../src/store/database.ts';
import type { NetworkResource, NetworkService } from '../../src/wire/network-service.ts';
import { importBusybox, removeImage } from '../helpers/busybox-image.ts';
import { playDesignSession } from '../helpers/design-session.ts';
import { testCaller } from '../helpers/network-control.ts';
import { until } from '../helpers/until.ts';

const instance = ((process.pid + 1) % 0xffff).toString(16).padStart(4, '0');
const driver = `berth-kuryr-${process.pid}`;
const image = `${driver}:1`;
const log = silentLog();
const board = new Switchboard(log);
const agentBus = board.connect({ kind: 'agent', host: 'here' });

let db: Db;
let kernel: Kernel;
let networks: Networks;
let dataplane: Dataplane;
let plugin: KuryrPlugin;
const engine = connectEngine({ dockerHost: '' });
const service: NetworkService = busNetworkService(agentBus);

before(async () => {
  db = await openDatabase(':memory:');
  const control = createNetworkControl({
    db,
    waker: { wake: (_, { networks: ids = [] }) => networks.wake(ids) },
    config: loadConfig({ env: {} }),
    clock: systemClock,
    log,
  });
  const caller = testCaller('kuryr');
  control.serve(board.connect({ kind: 'server' }), async () => caller);
  kernel = await openKernel({ log });
  dataplane = new Dataplane({ kernel, instance, log });
  networks = new Networks({ bus: agentBus, dataplane, log, everyMs: 60_000, letGo: async () => true });
  await networks.start();
  await importBusybox(image);
  await startPlugin();
});

after(async () => {
  await plugin.close();
  await networks.stop();
  await removeImage(image);
  await kernel.close();
  engine.close();
  await db.destroy();
});

beforeEach(async () => {
  // What the test before left would be found here.
  await assertClean();
});

const holdings = () => dockerHoldings(engine, { besidesIpam: portIpamDriver(driver) });

async function startPlugin(): Promise<void> {
  plugin = await startKuryrPlugin({
    name: driver,
    pluginDir: '/run/docker/plugins',
    backend: createKuryrBackend({
      service,
      host: 'here',
      holdings,
      networks,
      dataplane,
      kernel,
    }),
    log,
    deadlineMs: 20_000,
  });
}

async function assertClean(): Promise<void> {
  for (const resource of [
    'ports',
    'subnets',
    'networks',
    'subnetpools',
  ] as const satisfies NetworkResource[]) {
    assert.deepEqual(await service.list(resource, {}), []);
  }
  networks.wake([]);
  await until('the kernel is as before', async () => {
    const names = await kernel.namespaces();
    return !names.some((name) => name.startsWith(namespacePrefix(instance)));
  });
}

const run = promisify(execFile);
const docker = async (...args: readonly string[]) => (await run('docker', [...args])).stdout.trim();
const nameOf = (name: string) => `${driver}-${name}`;

async function createNetwork(name: string, ...options: readonly string[]): Promise<void> {
  const drivers = ['--driver', driver, '--ipam-driver', driver];
  await docker('network', 'create', ...drivers, ...options, nameOf(name));
}

async function startContainer(name: string, network: string, ...options: readonly string[]): Promise<void> {
  const args = ['--detach', '--name', nameOf(name), '--net', nameOf(network), ...options];
  await docker('run', ...args, image, 'sleep', '100000');
}

const inContainer = (name: string, ...command: readonly string[]) => docker('exec', nameOf(name), ...command);
const ping = (from: string, address: string) => inContainer(from, 'ping', '-c', '1', '-W', '10', address);

/** Runs a test and removes what it made, whatever happened. */
async function withObjects(
  made: { readonly containers: readonly string[]; readonly networks: readonly string[] },
  work: () => Promise<void>,
): Promise<void> {
  const remove = async () => {
    for (const name of made.containers) await docker('rm', '--force', nameOf(name)).catch(() => undefined);
    for (const name of made.networks) await docker('network', 'rm', nameOf(name)).catch(() => undefined);
  };
  try {
    await work();
  } finally {
    await remove();
  }
}

test('two containers on a network made by hand reach each other; all goes with them', () =>
  withObjects({ containers: ['a', 'b'], networks: ['n'] }, async () => {
    await createNetwork('n', '--subnet', '10.77.0.0/16');
    await startContainer('a', 'n', '--ip', '10.77.0.50');
    await startContainer('b', 'n');
    await ping('b', '10.77.0.50');
    const ports = await service.list('ports', {});
    assert.equal(ports.length, 2);
    await until('the ports are active', async () =>
      (await service.list('ports', {})).every(({ status }) => status === 'ACTIVE'),
    );
    const [link] = JSON.parse(await docker('inspect', nameOf('a')));
    const { IPAddress, Gateway, MacAddress } = link.NetworkSettings.Networks[nameOf('n')];
    assert.deepEqual([IPAddress, Gateway], ['10.77.0.50', '10.77.0.1']);
    assert.ok(ports.some((port) => port.mac_address === MacAddress));
    assert.match(await inContainer('a', 'ip', 'addr', 'show', 'eth0'), /mtu 1450/);
    assert.match(await inContainer('a', 'ip', 'route'), /default via 10.77.0.1 dev eth0/);
    const { endpoints } = await holdings();
    assert.deepEqual(
      endpoints.map(({ id, macAddress, remedy }) => [id, macAddress, remedy]).toSorted(),
      ports.map(({ device_id, mac_address }) => [device_id, mac_address, undefined]).toSorted(),
    );
    assert.deepEqual(await plugin.orphans.sweep(0), [], 'what is in use');
  }));

test('both families, and a restart of the driver while the container runs', () =>
  withObjects({ containers: ['a', 'b'], networks: ['n'] }, async () => {
    await createNetwork('n', '--subnet', '10.78.0.0/24', '--ipv6', '--subnet', 'fd00:78::/64');
    await startContainer('a', 'n');
    await plugin.close();
    await startPlugin();
    await startContainer('b', 'n', '--ip6', 'fd00:78::99');
    await ping('a', 'fd00:78::99');
    assert.equal((await service.list('ports', {})).length, 2);
    await docker('restart', '--time', '0', nameOf('a'));
    await ping('a', 'fd00:78::99');
    assert.equal((await service.list('ports', {})).length, 2);
  }));

test('a network without a subnet of one’s own choice gets a free one', () =>
  withObjects({ containers: [], networks: ['n', 'm'] }, async () => {
    await createNetwork('n');
    await createNetwork('m');
    const cidrs = (await service.list('subnets', {})).map(({ cidr }) => cidr);
    assert.equal(new Set(cidrs).size, 2);
  }));

test('an existing network without IPv4: its containers have no IPv4 address', async () => {
  const network = await service.create('networks', { name: 'v6-only' });
  const subnet = await service.create('subnets', {
    network_id: network.id,
    ip_version: 6,
    cidr: 'fd00:79::/64',
  });
  try {
    await withObjects({ containers: ['a', 'b'], networks: ['n'] }, async () => {
      const options = [`neutron.net.uuid=${network.id}`, `neutron.subnet.v6.uuid=${subnet.id}`];
      const twice = options.flatMap((option) => ['--opt', option, '--ipam-opt', option]);
      await createNetwork('n', '--ipv6', '--subnet', 'fd00:79::/64', ...twice);
      await startContainer('a', 'n', '--ip6', 'fd00:79::a');
      await startContainer('b', 'n');
      assert.doesNotMatch(await inContainer('a', 'ip', 'addr', 'show', 'eth0'), /inet /);
      await ping('b', 'fd00:79::a');
    });
  } finally {
    await service.remove('networks', network.id);
  }
});

test('a port that nobody uses is adopted by its address, and given back', async () => {
  const network = await service.create('networks', { name: 'theirs' });
  await service.create('subnets', { network_id: network.id, ip_version: 4, cidr: '10.84.0.0/24', name: 's' });
  const fixed_ips = [{ ip_address: '10.84.0.50' }];
  const { id } = await service.create('ports', { network_id: network.id, fixed_ips, 'binding:host_id': '' });
  const port = async () => (await service.list('ports', { id }))[0];
  try {
    await withObjects({ containers: ['a', 'b'], networks: ['n'] }, async () => {
      const options = ['neutron.net.name=theirs', 'neutron.subnet.name=s'];
      const twice = options.flatMap((option) => ['--opt', option, '--ipam-opt', option]);
      await createNetwork('n', '--subnet', '10.84.0.0/24', ...twice);
      await startContainer('a', 'n', '--ip', '10.84.0.50');
      await startContainer('b', 'n');
      await ping('b', '10.84.0.50');
      const used = await port();
      assert.deepEqual([used?.['binding:host_id'], used?.tags], ['here', ['kuryr.port.existing']]);
    });
    const freed = await port();
    assert.deepEqual([freed?.['binding:host_id'], freed?.device_id, freed?.tags], ['', '', []]);
  } finally {
    await service.remove('ports', id);
    await service.remove('networks', network.id);
  }
});

test('a container that cannot start, and an address that is taken, leave nothing', () =>
  withObjects({ containers: ['a', 'b', 'c'], networks: ['n'] }, async () => {
    await createNetwork('n', '--subnet', '10.80.0.0/24');
    const args = ['--name', nameOf('a'), '--net', nameOf('n'), image, '/no/such/program'];
    await assert.rejects(docker('run', ...args), /no such file or directory/);
    assert.deepEqual(await service.list('ports', {}), []);
    await startContainer('b', 'n', '--ip', '10.80.0.7');
    await assert.rejects(startContainer('c', 'n', '--ip', '10.80.0.7'), /is in use by port/);
    assert.equal((await service.list('ports', {})).length, 1);
  }));

test('the session of Kuryr’s design: its objects with their names, tags, pools and devices', () =>
  playDesignSession({ docker, service, host: 'here', driver, image, prefix: `${driver}-` }));

test('an exposed port is reachable from outside the group, another one is not', () =>
  withObjects({ containers: ['a', 'b'], networks: ['n'] }, async () => {
    const lonely = await service.create('security-groups', { name: 'lonely' });
    try {
      await createNetwork('n', '--subnet', '10.82.0.0/24');
      await startContainer('a', 'n', '--ip', '10.82.0.10', '--expose', '8080');
      const network = `name=${nameOf('n')},driver-opt=berth.security-groups=lonely`;
      await docker('run', '--detach', '--name', nameOf('b'), '--network', network, image, 'sleep', '100000');
      for (const port of ['8080', '8081']) {
        await docker('exec', '--detach', nameOf('a'), 'nc', '-ll', '-p', port, '-e', 'echo', port);
      }
      const hear = (port: string) => inContainer('b', 'nc', '-w', '2', '10.82.0.10', port).catch(() => '');
      await until('the exposed port answers', async () => (await hear('8080')) === '8080');
      assert.equal(await hear('8081'), '');
      const isOwn = ({ name }: { name: string }) => name.endsWith('-exposed_ports');
      assert.equal((await service.list('security-groups', {})).filter(isOwn).length, 1);
      for (const name of ['a', 'b']) await docker('rm', '--force', nameOf(name));
      assert.equal((await service.list('security-groups', {})).filter(isOwn).length, 0);
    } finally {
      for (const name of ['a', 'b']) await docker('rm', '--force', nameOf(name)).catch(() => undefined);
      await service.remove('security-groups', lonely.id);
    }
  }));

test('a network removed while the driver is dead is freed when it is back', () =>
  withObjects({ containers: [], networks: ['n'] }, async () => {
    await createNetwork('n', '--subnet', '10.81.0.0/24', '--aux-address', 'web=10.81.0.9');
    assert.deepEqual(await plugin.orphans.sweep(0), []);
    await plugin.close();
    // Docker waits 15 s for each of its calls, and forgets the network all the same.
    await docker('network', 'rm', nameOf('n'));
    assert.equal((await service.list('networks', {})).length, 1);
    await startPlugin();
    const kinds = (await plugin.orphans.sweep(0)).map(({ kind }) => kind);
    assert.ok(kinds.includes('network'), kinds.join());
    await plugin.orphans.sweep(0);
  }));

test('nothing is left at the end', assertClean);
