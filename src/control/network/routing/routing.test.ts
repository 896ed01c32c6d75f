/** What routing does beside what the API shows: which hosts it wakes and what they learn, races, half-done work. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestNetwork, type TestNetwork, testCaller } from '../../../../test/helpers/network-control.ts';
import { isFailure } from '../../../model/failure.ts';
import type { FloatingIp, Port, Router } from '../../../model/network.ts';
import { floatingIpsOf } from '../../../store/network/floating-ips.ts';
import type { WantedRouter } from '../../../wire/host-network.ts';
import { wantedOn } from '../wanted.ts';
import type { PortForwardingDraft } from './forwarding-rules.ts';

const demo = testCaller('demo');
const admin = testCaller('demo', { isAdmin: true });

function only<T>(made: readonly T[]): T {
  const [one, ...others] = made;
  assert.ok(one && others.length === 0);
  return one;
}

interface Scene {
  readonly world: TestNetwork;
  readonly external: string;
  readonly net: string;
  readonly subnet: string;
  readonly router: Router;
}

async function makeNetwork({ control }: TestNetwork, cidr: string, options: object = {}) {
  const { id } = only(await control.networks.create(admin, [options]));
  const { id: subnet } = only(await control.subnets.create(admin, [{ networkId: id, cidr }]));
  return { id, subnet };
}

/** A router from `10.0.0.0/24` to `172.24.4.0/24`. */
async function makeScene(world: TestNetwork): Promise<Scene> {
  const { routers } = world.control;
  const external = await makeNetwork(world, '172.24.4.0/24', { external: true });
  const inside = await makeNetwork(world, '10.0.0.0/24');
  const router = only(await routers.create(demo, [{ gateway: { networkId: external.id } }]));
  await routers.addInterface(demo, router.id, { subnetId: inside.subnet });
  return { world, external: external.id, net: inside.id, subnet: inside.subnet, router };
}

async function makePort({ world, net }: Scene, bindingHost = ''): Promise<Port> {
  return only(await world.control.ports.create(admin, [{ networkId: net, bindingHost }]));
}

async function makeFloating({ world, external }: Scene, portId: string | null = null): Promise<FloatingIp> {
  return only(await world.control.floatingIps.create(demo, [{ floatingNetworkId: external, portId }]));
}

async function wantedRouter({ world }: Scene, host: string): Promise<WantedRouter> {
  const config = { network: { dnsDomain: 'x' } } as Parameters<typeof wantedOn>[0]['config'];
  const [network] = await wantedOn({ db: world.db, config }, host, undefined);
  assert.ok(network);
  return only(network.routers);
}

describe('a host learns', () => {
  test('what its own ports and those on no host are behind, and nothing of others', async () => {
    await using world = await createTestNetwork();
    const scene = await makeScene(world);
    const { floatingIps, portForwardings } = world.control;
    const [near, far, loose] = [
      await makePort(scene, 'h1'),
      await makePort(scene, 'h2'),
      await makePort(scene),
    ];
    const [ofNear, ofFar, ofLoose] = [
      await makeFloating(scene, near.id),
      await makeFloating(scene, far.id),
      await makeFloating(scene, loose.id),
    ];
    const wanted = await wantedRouter(scene, 'h1');
    const of = ({ id, floatingIpAddress, fixedIpAddress }: FloatingIp) => ({
      id,
      address: floatingIpAddress,
      fixedAddress: fixedIpAddress,
    });
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    assert.deepEqual(wanted.floatingIps.toSorted(byId), [of(ofNear), of(ofLoose)].sort(byId));
    await floatingIps.update(demo, ofNear.id, { portId: null });
    const draft: PortForwardingDraft = {
      protocol: 'udp',
      externalPortRange: { from: 5000, to: 5009 },
      internalPort: 53,
      internalPortId: near.id,
    };
    const forwarding = only(await portForwardings.create(demo, ofNear.id, [draft]));
    assert.deepEqual((await wantedRouter(scene, 'h1')).portForwardings, [
      {
        id: forwarding.id,
        address: ofNear.floatingIpAddress,
        protocol: 17,
        externalPorts: { from: 5000, to: 5009 },
        internalAddress: near.fixedIps[0]?.ipAddress,
        internalPorts: { from: 53, to: 53 },
      },
    ]);
    const other = await wantedRouter(scene, 'h2');
    assert.deepEqual(other.portForwardings, []);
    assert.deepEqual(other.floatingIps.map(({ id }) => id).sort(), [ofFar.id, ofLoose.id].sort());
    assert.deepEqual(
      [...(await floatingIpsOf(world.db, [near.id, far.id])).entries()],
      [[far.id, [{ id: ofFar.id, address: ofFar.floatingIpAddress, fixedAddress: ofFar.fixedIpAddress }]]],
    );
  });

  test('gateways of both IP versions, routes that lead somewhere, prefixes to advertise and to route', async () => {
    await using world = await createTestNetwork();
    const scene = await makeScene(world);
    const { routers, subnets } = world.control;
    await subnets.create(admin, [{ networkId: scene.external, cidr: '2001:db8::/64' }]);
    const advertised = { networkId: scene.net, ipv6RaMode: 'slaac', ipv6AddressMode: 'slaac' };
    const v6 = only(await subnets.create(admin, [{ ...advertised, cidr: 'fd00:1::/64' }]));
    await routers.addInterface(demo, scene.router.id, { subnetId: v6.id });
    await makePort(scene, 'h1');
    const before = await wantedRouter(scene, 'h1');
    assert.deepEqual(
      before.gateway?.nexthops,
      ['172.24.4.1'],
      'its gateway has the addresses that it was given',
    );
    await routers.update(demo, scene.router.id, { gateway: null });
    const routes = [{ destination: '10.88.0.0/24', nexthop: '10.0.0.9' }];
    await routers.update(admin, scene.router.id, {
      gateway: { networkId: scene.external, enableSnat: false },
      routes: [...routes, { destination: '10.99.0.0/24', nexthop: '172.24.4.9' }],
    });
    const wanted = await wantedRouter(scene, 'h1');
    assert.deepEqual(wanted.gateway?.nexthops, ['172.24.4.1', '2001:db8::1']);
    assert.equal(wanted.gateway?.addresses.length, 2);
    assert.equal(wanted.gateway?.mtu, 1500);
    assert.equal(wanted.routes.length, 2);
    assert.deepEqual(wanted.routedPrefixes.toSorted(), ['10.0.0.0/24', 'fd00:1::/64']);
    assert.deepEqual(
      wanted.interfaces.flatMap((leg) => leg.advertised),
      [{ prefix: 'fd00:1::/64', mode: 'slaac' }],
    );
    await routers.update(demo, scene.router.id, { gateway: null });
    const cut = await wantedRouter(scene, 'h1');
    assert.deepEqual([cut.gateway, cut.routes, cut.routedPrefixes], [null, routes, []]);
  });

  test('that nothing is translated within one address scope', async () => {
    await using world = await createTestNetwork();
    const { addressScopes, subnetPools, networks, subnets, routers } = world.control;
    const scope = only(await addressScopes.create(admin, [{ name: 's', ipVersion: 4, shared: true }]));
    const pool = only(
      await subnetPools.create(admin, [
        { name: 'p', prefixes: ['10.64.0.0/16'], addressScopeId: scope.id, shared: true },
      ]),
    );
    const inPool = async (options: object, cidr: string) => {
      const { id } = only(await networks.create(admin, [options]));
      const subnet = only(await subnets.create(admin, [{ networkId: id, cidr, subnetPoolId: pool.id }]));
      return { id, subnet: subnet.id };
    };
    const external = await inPool({ external: true }, '10.64.0.0/24');
    const routed = await inPool({}, '10.64.1.0/24');
    const plain = await makeNetwork(world, '10.0.0.0/24');
    const router = only(await routers.create(admin, [{ gateway: { networkId: external.id } }]));
    for (const { subnet } of [routed, plain]) {
      await routers.addInterface(admin, router.id, { subnetId: subnet });
    }
    const scene = { world, external: external.id, net: plain.id, subnet: plain.subnet, router };
    await makePort(scene, 'h1');
    assert.deepEqual((await wantedRouter(scene, 'h1')).routedPrefixes, ['10.64.1.0/24']);
  });

  test('as much as it needs with the same number of queries, however many there are', async () => {
    await using world = await createTestNetwork({ quotas: { port: -1, floatingip: -1 } });
    const scene = await makeScene(world);
    const add = async () => makeFloating(scene, (await makePort(scene, 'h1')).id);
    await add();
    const one = await world.countQueries(() => wantedRouter(scene, 'h1'));
    for (let count = 0; count < 20; count += 1) await add();
    assert.equal((await wantedRouter(scene, 'h1')).floatingIps.length, 21);
    assert.equal(await world.countQueries(() => wantedRouter(scene, 'h1')), one);
  });
});

describe('a host is woken', () => {
  /** `host:a` and `host:b` for the two networks of the router. */
  async function twoNetworks(world: TestNetwork) {
    const scene = await makeScene(world);
    const b = await makeNetwork(world, '10.1.0.0/24');
    await world.control.routers.addInterface(demo, scene.router.id, { subnetId: b.subnet });
    const ports = [await makePort(scene, 'h1'), await makePort(scene, 'h2')] as const;
    const woken = async (work: () => Promise<unknown>) => {
      world.wakes.length = 0;
      await work();
      const names: Readonly<Record<string, string>> = { [scene.net]: 'a', [b.id]: 'b' };
      return world.wakes.flatMap(({ host, networks }) => networks.map((id) => `${host}:${names[id]}`)).sort();
    };
    return { scene, b, ports, woken };
  }

  test('for what leads to its own ports alone', async () => {
    await using world = await createTestNetwork();
    const { scene, ports, woken } = await twoNetworks(world);
    const { floatingIps, portForwardings } = world.control;
    const floating = await makeFloating(scene);
    const give = (portId: string | null) => () => floatingIps.update(demo, floating.id, { portId });
    assert.deepEqual(await woken(() => makeFloating(scene)), []);
    assert.deepEqual(await woken(give(ports[0].id)), ['h1:a', 'h1:b']);
    assert.deepEqual(await woken(give(ports[1].id)), ['h1:a', 'h1:b', 'h2:a', 'h2:b']);
    assert.deepEqual(await woken(give(null)), ['h2:a', 'h2:b']);
    assert.deepEqual(await woken(give(null)), []);
    const draft: PortForwardingDraft = {
      protocol: 'tcp',
      externalPort: 80,
      internalPort: 80,
      internalPortId: ports[0].id,
    };
    assert.deepEqual(await woken(() => portForwardings.create(demo, floating.id, [draft])), ['h1:a', 'h1:b']);
    const { id } = only(await portForwardings.list(demo, floating.id));
    const words = { description: 'x' };
    assert.deepEqual(await woken(() => portForwardings.update(demo, floating.id, id, words)), []);
    assert.deepEqual(await woken(() => floatingIps.update(demo, floating.id, words)), []);
    const move = { internalPortId: ports[1].id };
    assert.deepEqual(await woken(() => portForwardings.update(demo, floating.id, id, move)), [
      'h1:a',
      'h1:b',
      'h2:a',
      'h2:b',
    ]);
    assert.deepEqual(await woken(() => portForwardings.remove(demo, floating.id, id)), ['h2:a', 'h2:b']);
    const loose = await makePort(scene);
    assert.deepEqual(await woken(give(loose.id)), ['h1:a', 'h1:b', 'h2:a', 'h2:b']);
    await give(ports[0].id)();
    assert.deepEqual(await woken(() => floatingIps.remove(demo, floating.id)), ['h1:a', 'h1:b']);
  });

  test('when a port that something leads to moves or goes', async () => {
    await using world = await createTestNetwork();
    const { scene, ports, woken } = await twoNetworks(world);
    const floating = await makeFloating(scene, ports[0].id);
    const move = () => world.control.ports.update(admin, ports[0].id, { bindingHost: 'h2' });
    assert.deepEqual(await woken(move), ['h1:a', 'h1:b', 'h2:a', 'h2:b']);
    assert.deepEqual(await woken(() => world.control.ports.remove(admin, ports[0].id)), ['h2:a', 'h2:b']);
    assert.equal((await world.control.floatingIps.get(demo, floating.id)).portId, null);
  });

  test('for its routers: not for their names', async () => {
    await using world = await createTestNetwork();
    const { scene, b, woken } = await twoNetworks(world);
    const { routers } = world.control;
    const everywhere = ['h1:a', 'h1:b', 'h2:a', 'h2:b'];
    const update = (changes: object) => () => routers.update(demo, scene.router.id, changes);
    assert.deepEqual(await woken(update({ name: 'x', description: 'y' })), []);
    assert.deepEqual(await woken(update({ adminStateUp: false })), everywhere);
    const routes = [{ destination: '10.88.0.0/24', nexthop: '10.0.0.9' }];
    assert.deepEqual(await woken(update({ routes })), everywhere);
    assert.deepEqual(await woken(update({ gateway: null, routes: [] })), everywhere);
    const unplug = () => routers.removeInterface(demo, scene.router.id, { subnetId: b.subnet });
    assert.deepEqual(await woken(unplug), everywhere, 'also for the network that is no longer theirs');
    assert.deepEqual(await woken(() => world.control.networks.update(admin, b.id, { mtu: 1400 })), []);
  });
});

describe('races', () => {
  const outcomesOf = async (works: readonly Promise<unknown>[]) => {
    const outcomes = await Promise.allSettled(works);
    return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  };
  const times = <T>(count: number, work: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => work(index));

  test('floating IPs made at once have different addresses', async () => {
    await using world = await createTestNetwork();
    const scene = await makeScene(world);
    const made = await Promise.all(times(20, () => makeFloating(scene)));
    assert.equal(new Set(made.map((one) => one.floatingIpAddress)).size, 20);
  });

  test('one fixed address gets one floating IP of a network', async () => {
    await using world = await createTestNetwork();
    const scene = await makeScene(world);
    const port = await makePort(scene);
    const reasons = await outcomesOf(times(6, () => makeFloating(scene, port.id)));
    assert.equal(reasons.length, 5);
    assert.ok(reasons.every((reason) => isFailure(reason, 'floating-ip-taken')));
    assert.equal((await world.control.floatingIps.list(demo)).length, 1, 'the others left nothing');
  });

  test('one external port leads to one place', async () => {
    await using world = await createTestNetwork();
    const scene = await makeScene(world);
    const [port, floating] = [await makePort(scene), await makeFloating(scene)];
    const draft = (internalPort: number): PortForwardingDraft => ({
      protocol: 'tcp',
      externalPort: 80,
      internalPort,
      internalPortId: port.id,
    });
    const { portForwardings } = world.control;
    const reasons = await outcomesOf(
      times(6, (index) => portForwardings.create(demo, floating.id, [draft(index + 1)])),
    );
    assert.equal(reasons.length, 5);
    assert.ok(reasons.every((reason) => isFailure(reason, 'bad-request')));
  });

  test('one subnet gets one interface, one router one gateway', async () => {
    await using world = await createTestNetwork();
    const scene = await makeScene(world);
    const { routers, ports } = world.control;
    const b = await makeNetwork(world, '10.1.0.0/24');
    const bare = only(await routers.create(demo, [{}]));
    const plugs = await outcomesOf(
      times(4, () => routers.addInterface(demo, bare.id, { subnetId: b.subnet })),
    );
    assert.equal(plugs.length, 3);
    const gateway = { networkId: scene.external };
    await Promise.all(times(4, () => routers.update(demo, bare.id, { gateway })));
    const owned = await ports.list(admin, { device_id: [bare.id] });
    assert.deepEqual(owned.map(({ deviceOwner }) => deviceOwner).sort(), [
      'network:router_gateway',
      'network:router_interface',
    ]);
  });

  test('the last place of a quota goes to one', async () => {
    await using world = await createTestNetwork({ quotas: { floatingip: 1 } });
    const scene = await makeScene(world);
    assert.equal((await outcomesOf(times(3, () => makeFloating(scene)))).length, 2);
  });
});

describe('work that fails at any step leaves nothing behind', () => {
  const snapshot = async ({ db }: TestNetwork) => ({
    ports: await db.selectFrom('ports').selectAll().execute(),
    addresses: await db.selectFrom('fixed_ips').selectAll().execute(),
    routers: await db.selectFrom('routers').selectAll().execute(),
    floatingIps: await db.selectFrom('floating_ips').selectAll().execute(),
    forwardings: await db.selectFrom('port_forwardings').selectAll().execute(),
  });

  const works: Readonly<Record<string, (scene: Scene) => Promise<() => Promise<unknown>>>> = {
    'a router with a gateway': async ({ world, external }) => {
      return () => world.control.routers.create(demo, [{ gateway: { networkId: external } }]);
    },
    'a gateway moved': async ({ world, router }) => {
      const other = await makeNetwork(world, '198.51.100.0/24', { external: true });
      return () => world.control.routers.update(demo, router.id, { gateway: { networkId: other.id } });
    },
    'an interface': async ({ world, router }) => {
      const b = await makeNetwork(world, '10.1.0.0/24');
      return () => world.control.routers.addInterface(demo, router.id, { subnetId: b.subnet });
    },
    'a floating IP for a port': async (scene) => {
      const port = await makePort(scene, 'h1');
      return () => makeFloating(scene, port.id);
    },
    'a floating IP released': async (scene) => {
      const floating = await makeFloating(scene, (await makePort(scene, 'h1')).id);
      return () => scene.world.control.floatingIps.remove(demo, floating.id);
    },
    'a forwarded port': async (scene) => {
      const [port, floating] = [await makePort(scene, 'h1'), await makeFloating(scene)];
      const draft: PortForwardingDraft = {
        protocol: 'tcp',
        externalPort: 80,
        internalPort: 80,
        internalPortId: port.id,
      };
      return () => scene.world.control.portForwardings.create(demo, floating.id, [draft]);
    },
    'a port with a floating IP removed': async (scene) => {
      const port = await makePort(scene, 'h1');
      await makeFloating(scene, port.id);
      return () => scene.world.control.ports.remove(admin, port.id);
    },
  };

  for (const [what, prepare] of Object.entries(works)) {
    test(what, async () => {
      await using world = await createTestNetwork();
      const work = await prepare(await makeScene(world));
      const before = await snapshot(world);
      world.wakes.length = 0;
      let step = 1;
      for (; ; step += 1) {
        assert.ok(step < 300, 'it never ends');
        const failed = await world.failingAt(step, work).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failed === undefined) break;
        assert.deepEqual(await snapshot(world), before, `step ${step}`);
        assert.deepEqual(world.wakes, [], `step ${step} woke nobody`);
      }
      assert.ok(step > 5, `only ${step} steps`);
      assert.notDeepEqual(await snapshot(world), before);
    });
  }
});
