import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFailure } from '../model/failure.ts';
import { CnmWorld } from './world.fixture.ts';

const failsWith = (code: Parameters<typeof isFailure>[1], words: RegExp) => (error: unknown) => {
  assert.ok(isFailure(error, code), String(error));
  assert.match((error as Error).message, words);
  return true;
};

test('a network gives its endpoints addresses, a sandbox takes their interfaces, all goes again', async () => {
  const world = await CnmWorld.open();
  const empty = await world.everything();
  const { controller, kernel } = world;
  const net = await controller.createNetwork({
    name: 'front',
    driver: 'links',
    pools: [{ cidr: '10.1.0.0/24' }, { cidr: 'fd01::/64', gateway: 'fd01::fe' }],
  });
  assert.deepEqual(
    net.pools.map(({ cidr, gateway }) => [cidr, gateway]),
    [
      ['10.1.0.0/24', '10.1.0.1/24'],
      ['fd01::/64', 'fd01::fe/64'],
    ],
  );
  const web = await world.attach('web', net.id);
  assert.equal(web.address, '10.1.0.2/24');
  assert.match(web.address6 ?? '', /^fd01::.*\/64$/);
  assert.equal(web.interfaceName, 'eth0');
  const { netns } = controller.findSandbox('web');
  assert.deepEqual(
    (await kernel.addresses(netns ?? '')).map(({ address }) => address),
    ['10.1.0.2/24', web.address6],
  );
  assert.deepEqual(await kernel.routes(netns ?? ''), [
    { to: '0.0.0.0/0', via: '10.1.0.1', link: 'eth0' },
    { to: '::/0', via: 'fd01::fe', link: 'eth0' },
  ]);
  await assert.rejects(
    controller.deleteNetwork(net.id),
    failsWith('network-in-use', /active endpoints: web/),
  );
  await assert.rejects(controller.deleteEndpoint(web.id), failsWith('endpoint-in-use', /leave sandbox/));
  await controller.leave(web.id, controller.findSandbox('web').id);
  assert.equal(
    controller.findEndpoint('web').address,
    '10.1.0.2/24',
    'an address stays while the endpoint lives',
  );
  await controller.join(web.id, controller.findSandbox('web').id);
  await controller.deleteSandbox(controller.findSandbox('web').id);
  await controller.deleteNetwork(net.id);
  assert.deepEqual(await world.everything(), empty);
});

test('the gateway is elected by priority, way out and name, anew at each join and leave', async () => {
  const world = await CnmWorld.open();
  const { controller, kernel } = world;
  const make = (name: string, cidr: string, internal = false) =>
    controller.createNetwork({ name, driver: 'links', internal, pools: [{ cidr }] });
  const [b, a, inner] = [
    await make('b', '10.2.0.0/24'),
    await make('a', '10.1.0.0/24'),
    await make('0-inner', '10.3.0.0/24', true),
  ];
  const onB = await world.attach('box', b.id);
  const sandbox = controller.findSandbox('box');
  const gateway = async () =>
    (await kernel.routes(sandbox.netns ?? '')).find(({ to }) => to === '0.0.0.0/0')?.via;
  assert.equal(await gateway(), '10.2.0.1');
  const onA = await world.attach('box', a.id);
  assert.equal(onA.interfaceName, 'eth1');
  assert.equal(await gateway(), '10.1.0.1', 'by name');
  await world.attach('box', inner.id, 100);
  assert.equal(await gateway(), '10.1.0.1', 'an internal network never');
  await controller.leave(onA.id, sandbox.id);
  assert.equal(await gateway(), '10.2.0.1');
  await controller.leave(onB.id, sandbox.id);
  assert.equal(await gateway(), undefined);
  await controller.join(onA.id, sandbox.id);
  await controller.join(onB.id, sandbox.id, 1);
  assert.equal(await gateway(), '10.2.0.1', 'by priority');
});

test('only the gateway publishes ports', async () => {
  const world = await CnmWorld.open();
  const { controller, driver } = world;
  const a = await controller.createNetwork({ name: 'a', driver: 'links', pools: [{ cidr: '10.1.0.0/24' }] });
  const b = await controller.createNetwork({ name: 'b', driver: 'links', pools: [{ cidr: '10.2.0.0/24' }] });
  const port = { protocol: 'tcp', containerPort: 80, hostAddress: null, hostPort: 8080 } as const;
  const onB = await controller.createEndpoint(b.id, { name: 'web', publish: [port] });
  const sandbox = await controller.createSandbox({ name: 'web' });
  assert.deepEqual((await controller.join(onB.id, sandbox.id)).bindings, [
    { protocol: 'tcp', containerPort: 80, hostAddress: '0.0.0.0', hostPort: 8080 },
  ]);
  const onA = await world.attach('web', a.id);
  assert.deepEqual(controller.findEndpoint(onB.id).bindings, []);
  assert.deepEqual([...driver.published], [[onA.id, 0]]);
  await controller.leave(onA.id, sandbox.id);
  assert.equal(controller.findEndpoint(onB.id).bindings.length, 1);
});

test('the driver of the gateway, and no other, is told to let the outside in, whether ports are published or not', async () => {
  const { controller, driver } = await CnmWorld.open();
  const a = await controller.createNetwork({ name: 'a', driver: 'links', pools: [{ cidr: '10.1.0.0/24' }] });
  const b = await controller.createNetwork({ name: 'b', driver: 'links', pools: [{ cidr: '10.2.0.0/24' }] });
  const inner = { name: 'inner', driver: 'links', internal: true, pools: [{ cidr: '10.3.0.0/24' }] };
  const { id: innerId } = await controller.createNetwork(inner);
  const sandbox = await controller.createSandbox({ name: 'web' });
  const ends = [];
  for (const [index, networkId] of [innerId, b.id, a.id].entries()) {
    const { id } = await controller.createEndpoint(networkId, { name: `web-${index}` });
    await controller.join(id, sandbox.id);
    ends.push(id);
  }
  const [, onB = '', onA = ''] = ends;
  assert.deepEqual([...driver.published.keys()], [onA]);
  await controller.leave(onA, sandbox.id);
  assert.deepEqual([...driver.published.keys()], [onB]);
  await controller.leave(onB, sandbox.id);
  assert.equal(driver.published.size, 0);
});

test('names: of oneself, of others on one’s networks, and qualified', async () => {
  const world = await CnmWorld.open();
  const { controller, hosts } = world;
  const a = await controller.createNetwork({ name: 'a', driver: 'links', pools: [{ cidr: '10.1.0.0/24' }] });
  const b = await controller.createNetwork({ name: 'b', driver: 'links', pools: [{ cidr: '10.2.0.0/24' }] });
  await world.attach('web', a.id);
  const db = await controller.createEndpoint(a.id, { name: 'db', aliases: ['store'] });
  const sandbox = await controller.createSandbox({ name: 'database', hostname: 'db-1' });
  await controller.join(db.id, sandbox.id);
  await world.attach('other', b.id);
  assert.match(hosts.get('web') ?? '', /^10\.1\.0\.2\tweb$/m);
  assert.match(hosts.get('web') ?? '', /^10\.1\.0\.3\tdb store db\.a store\.a$/m);
  assert.match(hosts.get('database') ?? '', /^10\.1\.0\.3\tdb-1$/m);
  assert.doesNotMatch(hosts.get('web') ?? '', /other/);
  await controller.leave(db.id, sandbox.id);
  assert.doesNotMatch(hosts.get('web') ?? '', /store/);
});

test('what cannot be is refused and changes nothing', async () => {
  const world = await CnmWorld.open();
  const { controller } = world;
  const net = await controller.createNetwork({
    name: 'a',
    driver: 'links',
    pools: [{ cidr: '10.1.0.0/29' }],
  });
  const host = await controller.createNetwork({ name: 'host', driver: 'host' });
  const endpoint = await world.attach('web', net.id);
  const before = await world.everything();
  const draft = (more: object) => ({ name: 'x', driver: 'links', ...more });
  for (const [work, code, words] of [
    [() => controller.createNetwork(draft({ name: 'a' })), 'conflict', /name a already exists/],
    [() => controller.createNetwork(draft({ name: '../x' })), 'invalid-value', /name "\.\.\/x"/],
    [
      () => controller.createNetwork(draft({ driver: 'fog' })),
      'driver-not-found',
      /"fog" not found: built in are null/,
    ],
    [() => controller.createNetwork(draft({ ipamDriver: 'fog' })), 'driver-not-found', /IPAM driver "fog"/],
    [
      () => controller.createNetwork(draft({ driver: 'host' })),
      'driver-forbids',
      /only one instance of "host"/,
    ],
    [
      () => controller.createNetwork(draft({ pools: [{ cidr: '10.1.0.0/16' }] })),
      'pool-overlaps',
      /10\.1\.0\.0\/16/,
    ],
    [() => controller.createNetwork(draft({ pools: [{ cidr: 'ten' }] })), 'invalid-value', /'ten'/],
    [
      () => controller.createNetwork(draft({ pools: [{ gateway: '10.9.0.1' }] })),
      'invalid-value',
      /need the subnet/,
    ],
    [
      () => controller.createNetwork(draft({ pools: [{ cidr: '10.9.0.0/24', gateway: '10.8.0.1' }] })),
      'invalid-ip-for-subnet',
      /10\.8\.0\.1 is out of range of 10\.9\.0\.0\/24/,
    ],
    [() => controller.createEndpoint(net.id, { name: 'web' }), 'conflict', /already exists in network a/],
    [
      () => controller.createEndpoint(net.id, { name: 'y', address: '10.1.0.2' }),
      'ip-address-in-use',
      /10\.1\.0\.2/,
    ],
    [
      () => controller.createEndpoint(net.id, { name: 'y', address6: 'fd00::1' }),
      'invalid-value',
      /no IPv6 pool/,
    ],
    [() => controller.createSandbox({ name: 'web' }), 'conflict', /name web already exists/],
    [
      () => controller.join(endpoint.id, controller.findSandbox('web').id),
      'endpoint-in-use',
      /another container/,
    ],
    [async () => controller.findNetwork('nowhere'), 'network-not-found', /nowhere/],
  ] as const) {
    await assert.rejects(work(), failsWith(code, words));
    assert.deepEqual(await world.everything(), before);
  }
  const own = await controller.createEndpoint(host.id, { name: 'own' });
  await assert.rejects(
    controller.join(own.id, controller.findSandbox('web').id),
    failsWith('invalid', /namespace of its own/),
  );
  for (let last = 3; last < 7; last += 1) await controller.createEndpoint(net.id, { name: `n${last}` });
  await assert.rejects(
    controller.createEndpoint(net.id, { name: 'full' }),
    failsWith('ip-address-exhausted', /10\.1\.0\.0\/29/),
  );
});

/** The whole way of a container, up to the given step. */
async function walk(world: CnmWorld): Promise<void> {
  const { controller } = world;
  const net = await controller.createNetwork({
    name: 'n',
    driver: 'links',
    pools: [{ cidr: '10.1.0.0/24', auxiliary: { router: '10.1.0.9' } }],
  });
  const publish = [{ protocol: 'tcp', containerPort: 80, hostAddress: null, hostPort: null }] as const;
  const endpoint = await controller.createEndpoint(net.id, { name: 'web', publish });
  const sandbox = await controller.createSandbox({ name: 'web' });
  await controller.join(endpoint.id, sandbox.id);
}

async function clear({ controller }: CnmWorld): Promise<void> {
  for (const { id } of controller.sandboxes()) await controller.deleteSandbox(id);
  for (const { id } of controller.endpoints()) await controller.deleteEndpoint(id);
  for (const { id } of controller.networks()) await controller.deleteNetwork(id);
}

test('a failure at any step of the driver or the kernel leaves the state before it', async () => {
  for (const what of ['driver', 'kernel'] as const) {
    let failed = true;
    for (let at = 1; failed; at += 1) {
      const world = await CnmWorld.open();
      const empty = await world.everything();
      if (what === 'driver') world.saboteur.failAt = at;
      else world.kernel.failAt(at);
      failed = await walk(world).then(
        () => false,
        () => true,
      );
      world.kernel.failAt(undefined);
      const joined = world.controller.endpoints().filter(({ sandboxId }) => sandboxId !== null);
      if (failed) assert.deepEqual(joined, [], `${what} step ${at}`);
      await clear(world);
      assert.deepEqual(await world.everything(), empty, `${what} step ${at}`);
    }
  }
});

test('a crash at any write to the store is finished or undone by the next start', async () => {
  let crashed = true;
  for (let at = 1; crashed; at += 1) {
    const world = await CnmWorld.open();
    const empty = await world.everything();
    let writes = 0;
    // A process that is gone writes nothing any more, and undoes nothing either.
    world.store.before = () => {
      writes += 1;
      if (writes >= at) throw new Error('the process is gone');
    };
    world.saboteur.step = () => {
      if (writes >= at) throw new Error('the process is gone');
    };
    const dead = world.kernel.apply.bind(world.kernel);
    world.kernel.apply = async (steps) => {
      if (writes >= at) throw new Error('the process is gone');
      await dead(steps);
    };
    crashed = await walk(world)
      .then(() => clear(world))
      .then(
        () => false,
        () => true,
      );
    world.store.before = () => undefined;
    world.saboteur.step = () => undefined;
    world.kernel.apply = dead;
    await world.start();
    for (const record of [
      ...world.controller.networks(),
      ...world.controller.endpoints(),
      ...world.controller.sandboxes(),
    ]) {
      assert.equal(record.state, 'ready', `write ${at}`);
    }
    await clear(world);
    assert.deepEqual(await world.everything(), empty, `write ${at}`);
  }
});

test('a restart knows what was given out, and leaves what stands alone', async () => {
  const world = await CnmWorld.open();
  const net = await world.controller.createNetwork({
    name: 'n',
    driver: 'links',
    pools: [{ cidr: '10.1.0.0/24' }],
  });
  const first = await world.attach('web', net.id);
  const before = await world.everything();
  const applied = world.kernel.applied.length;
  await world.start();
  assert.deepEqual(await world.everything(), before);
  const moves = world.kernel.applied
    .slice(applied)
    .filter((step) => step.do === 'move-link' || step.do === 'ensure-veth');
  assert.deepEqual(moves, []);
  const second = await world.attach('two', net.id);
  assert.notEqual(second.address, first.address);
  await assert.rejects(
    world.controller.createNetwork({ name: 'x', driver: 'links', pools: [{ cidr: '10.1.0.0/25' }] }),
    failsWith('pool-overlaps', /10\.1\.0\.0\/25/),
  );
});
