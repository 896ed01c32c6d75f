/**
 * Kuryr as a driver of the Container Network Model: the network and IPAM drivers for plugins drive our own Kuryr plugin,
 * with the embedded network service and the dataplane in the kernel.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createKuryrBackend } from '../../../src/agent/kuryr-backend.ts';
import { busNetworkService } from '../../../src/agent/network-service.ts';
import { Networks } from '../../../src/agent/networks.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { loadConfig } from '../../../src/base/config.ts';
import { silentLog } from '../../../src/base/log.ts';
import { Switchboard } from '../../../src/bus/in-process.ts';
import { Plugins } from '../../../src/cnm/drivers/remote/plugins.ts';
import { createNetworkControl } from '../../../src/control/network/network-control.ts';
import type { Kernel } from '../../../src/host/kernel.ts';
import { openKernel } from '../../../src/host/linux.ts';
import { isFailure } from '../../../src/model/failure.ts';
import { Dataplane } from '../../../src/network/dataplane.ts';
import { type KuryrPlugin, startKuryrPlugin } from '../../../src/plugins/libnetwork/kuryr-plugin.ts';
import { type Db, openDatabase } from '../../../src/store/database.ts';
import type { NetworkResource } from '../../../src/wire/network-service.ts';
import { CnmHost } from '../../helpers/cnm-host.ts';
import { testCaller } from '../../helpers/network-control.ts';
import { enterPrivateNetwork } from '../../helpers/private-network.ts';
import { until } from '../../helpers/until.ts';

enterPrivateNetwork();

const log = silentLog();
const board = new Switchboard(log);
const bus = board.connect({ kind: 'agent', host: 'here' });
const service = busNetworkService(bus);
let db: Db;
let kernel: Kernel;
let networks: Networks;
let plugin: KuryrPlugin;
let plugins: Plugins;
let host: CnmHost;

before(async () => {
  db = await openDatabase(':memory:');
  const control = createNetworkControl({
    db,
    waker: { wake: (_, { networks: ids = [] }) => networks.wake(ids) },
    config: loadConfig({ env: {} }),
    clock: systemClock,
    log,
  });
  control.serve(board.connect({ kind: 'server' }), async () => testCaller('kuryr'));
  kernel = await openKernel({ log });
  const dataplane = new Dataplane({ kernel, instance: 'c0c2', log });
  networks = new Networks({ bus, dataplane, log, everyMs: 60_000, letGo: async () => true });
  await networks.start();
  const holdings = async () => ({
    networks: new Set(host.controller.networks().map(({ id }) => id)),
    endpoints: host.controller
      .endpoints()
      .map(({ id, macAddress }) => ({ id, macAddress: macAddress ?? '' })),
  });
  plugin = await startKuryrPlugin({
    name: 'kuryr',
    pluginDir: '/run/docker/plugins',
    backend: createKuryrBackend({ service, host: 'here', holdings, networks, dataplane, kernel }),
    log,
    deadlineMs: 20_000,
  });
  plugins = new Plugins();
  host = await CnmHost.start({
    drivers: () => [],
    plugins: { driver: (name) => plugins.driver(name), ipam: (name) => plugins.ipam(name) },
  });
});

after(async () => {
  await host.stop();
  await plugins.close();
  await plugin.close();
  await networks.stop();
  await kernel.close();
  await db.destroy();
});

beforeEach(assertClean);

async function assertClean(): Promise<void> {
  for (const resource of [
    'ports',
    'subnets',
    'networks',
    'subnetpools',
  ] as const satisfies NetworkResource[]) {
    assert.deepEqual(await service.list(resource, {}), [], resource);
  }
  networks.wake([]);
  await until('the kernel is as before', async () => (await kernel.namespaces()).length === 0);
}

const pools = [{ cidr: '10.46.0.0/24' }, { cidr: 'fd46::/64' }];
const draft = { name: 'foo', driver: 'kuryr', ipamDriver: 'kuryr', pools };

test('two sandboxes of a network reach each other by ports of the network service; all goes with them', async () => {
  const network = await host.controller.createNetwork(draft);
  const a = await host.attach('a', network.id, { address: '10.46.0.50' });
  const b = await host.attach('b', network.id);
  assert.equal(a.address, '10.46.0.50/24');
  assert.ok(await host.pings('a', b.address));
  assert.ok(await host.pings('b', a.address6));
  const ports = await service.list('ports', {});
  assert.deepEqual(
    ports.map(({ mac_address }) => mac_address).toSorted(),
    [a.macAddress, b.macAddress].toSorted(),
  );
  assert.match(await host.exec('a', 'ip', 'route'), /default via 10\.46\.0\.1 dev eth0/);
  await host.controller.leave(a.id, host.controller.findSandbox('a').id);
  assert.ok(!(await host.pings('b', a.address)));
  await host.controller.join(a.id, host.controller.findSandbox('a').id);
  assert.ok(await host.pings('b', a.address));
  await host.clear();
  await assertClean();
});

test('an address that is taken is refused in Kuryr’s words, and leaves nothing', async () => {
  const network = await host.controller.createNetwork(draft);
  await host.attach('a', network.id, { address: '10.46.0.50' });
  await assert.rejects(host.attach('b', network.id, { address: '10.46.0.50' }), (error) => isFailure(error));
  assert.equal((await service.list('ports', {})).length, 1);
  await host.clear();
  await assertClean();
});
