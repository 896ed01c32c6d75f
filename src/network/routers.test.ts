import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNetwork, aPort, aRouter } from '../../test/helpers/wanted-network.ts';
import { silentLog } from '../base/log.ts';
import { FakeKernel } from '../host/fake.ts';
import type { KernelStep } from '../host/kernel.ts';
import { routerNamespace } from '../model/host-names.ts';
import type { WantedNetwork, WantedRouter } from '../wire/host-network.ts';
import { Dataplane } from './dataplane.ts';

const instance = 'abcd';
const gateway = {
  networkId: 'external',
  portId: crypto.randomUUID(),
  macAddress: 'fa:16:3e:00:02:01',
  mtu: 1500,
  addresses: ['172.24.4.5/24', '2001:db8:4::5/64'],
  nexthops: ['172.24.4.1', '2001:db8:4::1'],
};
const [id, otherId] = [crypto.randomUUID(), crypto.randomUUID()];
const first = aPort('10.0.0.11');
const second = aPort('10.0.0.12');
const leg = { portId: crypto.randomUUID(), networkId: otherId, macAddress: 'fa:16:3e:00:01:02' };
const router = aRouter(id, ['10.0.0.1/24', 'fd00::1/64'], { gateway });
const netns = routerNamespace(instance, router.id);
const floatingIps = [{ id: 'f', address: '172.24.4.101', fixedAddress: '10.0.0.11' }];
const portForwardings = [
  {
    id: 'p',
    address: '172.24.4.102',
    protocol: 6,
    externalPorts: { from: 1000, to: 1001 },
    internalAddress: '10.0.0.12',
    internalPorts: { from: 80, to: 81 },
  },
];
const routes = [{ destination: '10.77.0.0/24', nexthop: '10.0.0.12' }];
const routedPrefixes = ['192.0.2.0/24'];

const withRouter = (more: Partial<WantedRouter> = {}, others: Partial<WantedNetwork> = {}) =>
  aNetwork({ id, ports: [first, second], ...others, routers: [{ ...router, ...more }] });
const bare = { ...withRouter(), routers: [] };
const dataplaneOn = (kernel: FakeKernel) => new Dataplane({ kernel, instance, log: silentLog() });

/** The steps of one operation. */
async function stepsOf(kernel: FakeKernel, operate: () => Promise<unknown>): Promise<KernelStep[]> {
  const count = kernel.applied.length;
  await operate();
  return kernel.applied.slice(count);
}

const words = (steps: readonly KernelStep[]) => steps.map((step) => step.do);

test('a port that is plugged costs its network’s router nothing', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  await dataplane.converge(withRouter({}, { ports: [first] }));
  const endpoint = { portId: second.id, endpointId: 'endpoint' };
  const steps = await stepsOf(kernel, () => dataplane.plug(withRouter(), endpoint));
  assert.deepEqual(
    steps.filter((step) => step.do !== 'send-frame' && (!('netns' in step) || step.netns === netns)),
    [],
  );
});

test('one more floating address is an element each way, an address and its announcement', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  await dataplane.converge(withRouter());
  const steps = await stepsOf(kernel, () => dataplane.converge(withRouter({ floatingIps })));
  assert.deepEqual(words(steps), ['nft', 'ensure-address', 'send-frame']);
  assert.equal(
    kernel.scripts(netns).at(-1),
    'add element inet berth floating4 { 172.24.4.101 : 10.0.0.11 }\n' +
      'add element inet berth fixed4 { 10.0.0.11 : 172.24.4.101 }\n',
  );
});

test('a floating address that moves keeps its place, and what it was ends', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  await dataplane.converge(withRouter({ floatingIps }));
  const moved = floatingIps.map((one) => ({ ...one, fixedAddress: '10.0.0.12' }));
  const steps = await stepsOf(kernel, () => dataplane.converge(withRouter({ floatingIps: moved })));
  assert.deepEqual(words(steps), ['nft', 'end-connections']);
  assert.deepEqual(steps[1], {
    do: 'end-connections',
    netns,
    address: '172.24.4.101',
    except: [
      { end: 'source', external: '172.24.4.101', internal: '10.0.0.12' },
      { end: 'destination', external: '172.24.4.101', internal: '10.0.0.12' },
    ],
  });
});

test('ports of a forwarded range are elements, one by one; hostile ones are none', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  await dataplane.converge(withRouter());
  await dataplane.converge(withRouter({ portForwardings }));
  assert.equal(
    kernel.scripts(netns).at(-1),
    'add element inet berth forwarded4 { 172.24.4.102 . 6 . 1000 : 10.0.0.12 . 80, ' +
      '172.24.4.102 . 6 . 1001 : 10.0.0.12 . 81 }\n',
  );
  const hostile = portForwardings.map((one) => ({ ...one, externalPorts: { from: 0, to: 1e9 } }));
  const steps = await stepsOf(kernel, () => dataplane.converge(withRouter({ portForwardings: hostile })));
  assert.deepEqual(
    words(steps).filter((word) => word !== 'end-connections'),
    ['nft'],
  );
});

test('what one full look did for a router is not done again for its other networks', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  const interfaces = [...router.interfaces, { ...leg, addresses: ['10.0.1.1/24'], advertised: [] }];
  const networks = [withRouter({ interfaces }), { ...withRouter({ interfaces }), id: otherId, ports: [] }];
  for (const network of networks) await dataplane.converge(network);
  for (const round of [1, 2, 3]) {
    const before = kernel.scripts(netns).length;
    for (const network of networks) await dataplane.repair(network);
    assert.equal(kernel.scripts(netns).length - before, 1, `round ${round}`);
  }
});

test('a network that repeats itself undoes nothing that another one knows of their router', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  await dataplane.converge(withRouter());
  const interfaces = [...router.interfaces, { ...leg, addresses: ['10.0.1.1/24'], advertised: [] }];
  const later = { ...withRouter({ interfaces, floatingIps }), id: otherId, ports: [] };
  await dataplane.converge(later);
  const links = async () => (await kernel.links(netns)).map(({ name }) => name).sort();
  const before = await links();
  assert.equal(before.length, 4, 'loopback, two legs, a gateway');
  await dataplane.repair(withRouter());
  await dataplane.converge(withRouter());
  assert.deepEqual(await links(), before);
  assert.ok((await kernel.addresses(netns)).some(({ address }) => address === '172.24.4.101/32'));
});

test('routes to prefixes behind a router come and go with them, and with the router', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  const before = await kernel.routes();
  await dataplane.converge(withRouter({ routedPrefixes }));
  assert.deepEqual(await kernel.routes(), [
    ...before,
    { to: '192.0.2.0/24', via: '172.24.4.5', link: `bx${instance}` },
  ]);
  await dataplane.converge(withRouter());
  assert.deepEqual(await kernel.routes(), before);
  await dataplane.converge(withRouter({ routedPrefixes }));
  await dataplane.converge(bare);
  assert.deepEqual(
    kernel.leftovers().filter((line) => !line.includes('-n')),
    [],
  );
});

test('a new process removes what is no longer wanted of a router, and keeps what waits for its network', async () => {
  const kernel = new FakeKernel();
  const interfaces = [...router.interfaces, { ...leg, addresses: ['10.0.1.1/24'], advertised: [] }];
  const full = { interfaces, floatingIps, portForwardings, routes, routedPrefixes };
  const before = dataplaneOn(kernel);
  await before.converge(withRouter(full));
  await before.converge({ ...withRouter(full), id: otherId, ports: [] });
  const restarted = dataplaneOn(kernel);
  await restarted.converge(withRouter({ interfaces }));
  assert.equal((await kernel.links(netns)).length, 4, 'the other network has not said anything yet');
  assert.deepEqual((await kernel.addresses(netns)).map(({ address }) => address).sort(), [
    '10.0.0.1/24',
    '10.0.1.1/24',
    '172.24.4.5/24',
    '2001:db8:4::5/64',
    'fd00::1/64',
  ]);
  assert.deepEqual((await kernel.routes(netns)).map(({ to }) => to).sort(), ['0.0.0.0/0', '::/0']);
  await restarted.sweep([id, otherId], [router.id]);
  assert.deepEqual(await kernel.routes(), []);
});

/** Fails at the n-th step and then at the m-th of what follows, for all n and every fifth m that there is. */
async function failTwiceEverywhere(
  prepare: (dataplane: Dataplane) => Promise<unknown>,
  operate: (dataplane: Dataplane) => Promise<unknown>,
  check: (kernel: FakeKernel, before: readonly string[], failed: boolean) => Promise<unknown>,
): Promise<number> {
  let failures = 0;
  for (let at = 1; ; at += 1) {
    for (let then = 1; ; then += 5) {
      const kernel = new FakeKernel();
      const dataplane = dataplaneOn(kernel);
      await prepare(dataplane);
      const before = kernel.leftovers().sort();
      let broken = 0;
      const breaks = (count: number) => {
        let left = count;
        kernel.failAt(() => {
          left -= 1;
          if (left > 0) return false;
          broken += 1;
          if (broken === 1) queueMicrotask(() => breaks(then));
          return true;
        });
      };
      breaks(at);
      const failed = await operate(dataplane).then(
        () => false,
        () => true,
      );
      kernel.failAt(undefined);
      await check(kernel, before, failed);
      if (broken === 0) return failures;
      if (!failed) break;
      failures += 1;
    }
  }
}

test('a router that cannot be made leaves nothing behind, wherever it fails twice', async () => {
  const full = withRouter({ floatingIps, portForwardings, routes, routedPrefixes });
  const failures = await failTwiceEverywhere(
    (dataplane) => dataplane.converge(bare),
    (dataplane) => dataplane.converge(full),
    async (kernel, before, failed) => {
      if (failed) assert.deepEqual(kernel.leftovers().sort(), before);
    },
  );
  assert.ok(failures > 50, `${failures} failures`);
});

test('a change that fails, wherever, is made good by the next turn', async () => {
  const full = withRouter({ floatingIps, portForwardings, routes, routedPrefixes });
  const reference = new FakeKernel();
  await dataplaneOn(reference).converge(full);
  const wanted = reference.leftovers().sort();
  for (let at = 1; ; at += 1) {
    const kernel = new FakeKernel();
    const dataplane = dataplaneOn(kernel);
    await dataplane.converge(withRouter({ routes: [{ destination: '10.99.0.0/24', nexthop: '10.0.0.9' }] }));
    kernel.failAt(at);
    const count = kernel.applied.length;
    await dataplane.converge(full);
    assert.deepEqual(kernel.leftovers().sort(), wanted, `after a failure at step ${at}`);
    if (kernel.applied.length - count < at) break;
  }
});

test('what failed half-way and what a network took along is removed with the last router', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  await dataplane.converge(withRouter({ floatingIps, routedPrefixes }));
  await dataplane.forget(id);
  assert.deepEqual(kernel.leftovers(), []);
});

test('routes that would cut the router off are not made', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  await dataplane.converge(
    withRouter({
      routes: [
        { destination: '10.0.0.0/24', nexthop: '10.0.0.12' },
        { destination: '10.78.0.0/16', nexthop: '10.0.0.1' },
        { destination: '10.79.0.0/16', nexthop: '192.0.2.1' },
        { destination: '10.80.0.5/32', nexthop: '10.0.0.12' },
      ],
    }),
  );
  const destinations = (await kernel.routes(netns)).map(({ to }) => to);
  assert.deepEqual(destinations.sort(), ['0.0.0.0/0', '10.80.0.5/32', '::/0']);
});
