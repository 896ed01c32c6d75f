/** Ways through routers: extra routes, prefixes that are known outside, sizes that do not fit, things switched off. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routerNamespace } from '../../src/model/host-names.ts';
import type { WantedRouter } from '../../src/wire/host-network.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { gateway, outside, outside6, reaches, routerWorld } from '../helpers/router-world.ts';
import { serveTalk } from '../helpers/talk.ts';
import { until } from '../helpers/until.ts';
import { aGroup, aNetwork, aPort, aRule } from '../helpers/wanted-network.ts';
import { tool } from '../helpers/wired-container.ts';

enterPrivateNetwork();
const world = routerWorld(() =>
  tool('ip', '-n', 'outside', 'route', 'add', '172.24.4.0/24', 'via', '198.51.100.1'),
);

const floatA = '172.24.4.101';
const large = 200_000;
const floating = [{ id: crypto.randomUUID(), address: floatA, fixedAddress: '10.0.0.11' }];

test('what does not fit on the way is told to both ends, through every translation', async () => {
  world.keep(await serveTalk('outside', [7000]));
  world.keep(await serveTalk('outside', [7001], 6));
  const narrow = { ...gateway(11), mtu: 1290 };
  const { container } = await world.tenant(11, { gateway: narrow, floatingIps: floating });
  const plain = await world.tenant(12, { gateway: { ...gateway(12), mtu: 1290 } });
  world.keep(await serveTalk(container.netns, [80]));
  const ways = [
    ['outside', floatA, 80],
    [undefined, floatA, 80],
    [container.netns, outside, 7000],
    [container.netns, outside6, 7001],
    [plain.container.netns, outside, 7000],
    [plain.container.netns, floatA, 80],
    [container.netns, floatA, 80],
  ] as const;
  for (const [from, to, port] of ways) {
    const talk = await until(`${from} is connected to ${to}`, () => world.talk(from, to, port));
    await talk.echo(large);
  }
  const learned = await tool('ip', '-n', 'outside', 'route', 'get', floatA);
  assert.match(learned, /mtu 1290/, 'the outside was told');
});

test('networks of different sizes: the sender learns of the smaller one', async () => {
  const first = await world.tenant(11);
  const group = aGroup([aRule('ingress', 4), aRule('ingress', 6)]);
  const port = aPort('10.0.1.22', { securityGroupIds: [group.id] });
  const id = crypto.randomUUID();
  const leg = { portId: crypto.randomUUID(), networkId: id, macAddress: 'fa:16:3e:00:01:02', advertised: [] };
  const interfaces = [...first.router.interfaces, { ...leg, addresses: ['10.0.1.1/24'] }];
  const router = { ...first.router, interfaces };
  await world.dataplane.converge({ ...first.network, routers: [router] });
  const small = aNetwork({ id, mtu: 1300, ports: [port], securityGroups: [group], routers: [router] });
  const b = await world.start(small, port, ['10.0.1.1']);
  await reaches(first.container, '10.0.1.22');
  const ping = ['ping', '-n', '-c', '3', '-i', '0.2', '-W', '1', '-M', 'do', '-s', '1400', '10.0.1.22'];
  const said = await first.container.exec('sh', '-c', '"$@" 2>&1; true', 'sh', ...ping);
  assert.match(said, /mtu ?= ?1300/);
  assert.match(await first.container.exec('ip', 'route', 'get', '10.0.1.22'), /mtu 1300/);
  assert.equal((await b.exec('ip', 'link', 'show', 'eth0')).includes('mtu 1300'), true);
});

test('extra routes come, change and go, a default one wins over the gateway’s', async () => {
  const { network, router, container } = await world.tenant(11);
  const netns = routerNamespace(world.instance, router.id);
  await reaches(container, outside);
  // A container that is a way to elsewhere: it has an address there and forwards.
  await container.exec('ip', 'address', 'add', '10.77.0.1/24', 'dev', 'lo');
  const pair = { macAddress: container.port.macAddress, ipAddress: '10.77.0.0/24' };
  const forwarder = { ...container.port, allowedAddressPairs: [pair] };
  const withRoutes = (routes: WantedRouter['routes']) =>
    world.dataplane.converge({ ...network, ports: [forwarder], routers: [{ ...router, routes }] });
  const routes = async (version: string) => tool('ip', '-n', netns, version, 'route');
  await withRoutes([
    { destination: '10.77.0.0/24', nexthop: '10.0.0.11' },
    { destination: 'fd00:77::/64', nexthop: 'fd00::b' },
  ]);
  assert.match(await routes('-4'), /10\.77\.0\.0\/24 via 10\.0\.0\.11/);
  assert.match(await routes('-6'), /fd00:77::\/64 via fd00::b/);
  await tool('ip', 'netns', 'exec', netns, 'ping', '-n', '-c', '1', '-W', '1', '10.77.0.1');
  await withRoutes([
    { destination: '10.77.0.0/24', nexthop: '10.0.0.12' },
    { destination: '0.0.0.0/0', nexthop: '10.0.0.12' },
  ]);
  assert.match(await routes('-4'), /10\.77\.0\.0\/24 via 10\.0\.0\.12/);
  assert.match(await routes('-4'), /default via 10\.0\.0\.12/);
  assert.doesNotMatch(await routes('-6'), /fd00:77::/);
  await withRoutes([]);
  assert.match(await routes('-4'), /default via 172\.24\.4\.1/);
  assert.doesNotMatch(await routes('-4'), /10\.77/);
  await reaches(container, outside);
});

test('a prefix that the outside knows is routed both ways, and never over the host’s own ways', async () => {
  world.keep(await serveTalk('outside', [7000]));
  await tool('ip', '-n', 'outside', 'route', 'add', '10.0.0.0/24', 'via', '198.51.100.1');
  const { network, router, container } = await world.tenant(11, {
    routedPrefixes: ['10.0.0.0/24', '172.31.0.0/16'],
    floatingIps: floating,
  });
  world.keep(await serveTalk(container.netns, [80]));
  const talk = await until('connected from outside', () => world.talk('outside', '10.0.0.11', 80));
  assert.equal(talk.seenAs, outside);
  assert.match(await tool('ip', 'route'), /10\.0\.0\.0\/24 via 172\.24\.4\.11 dev bx/);
  assert.match(await tool('ip', 'route'), /172\.31\.0\.0\/24 dev docker9/);
  assert.doesNotMatch(await tool('ip', 'route'), /172\.31\.0\.0\/16/);
  await world.dataplane.converge({ ...network, routers: [{ ...router, floatingIps: [] }] });
  const own = await until('connected to the outside', () => world.talk(container.netns, outside, 7000));
  assert.equal(own.seenAs, '10.0.0.11');
  await world.dataplane.converge({ ...network, routers: [{ ...router, routedPrefixes: [] }] });
  assert.doesNotMatch(await tool('ip', 'route'), /10\.0\.0\.0\/24/);
  await tool('ip', '-n', 'outside', 'route', 'del', '10.0.0.0/24');
});

test('a network that is down is silent, a router that is down forwards nothing', async () => {
  const { network, router, container } = await world.tenant(11, { floatingIps: floating });
  world.keep(await serveTalk(container.netns, [80]));
  const neighbour = aPort('10.0.0.12', { securityGroupIds: container.port.securityGroupIds });
  const wanted = { ...network, ports: [...network.ports, neighbour] };
  const other = await world.start(wanted, neighbour, ['10.0.0.1']);
  await reaches(other, '10.0.0.11');
  await world.dataplane.converge({ ...wanted, adminStateUp: false });
  assert.equal(await other.pings('10.0.0.11'), false);
  assert.equal(await other.pings('10.0.0.1'), false);
  assert.equal(await world.talk('outside', floatA, 80), undefined);
  await world.dataplane.converge({ ...wanted, routers: [{ ...router, adminStateUp: false }] });
  await reaches(other, '10.0.0.11');
  assert.equal(await other.pings(outside), false);
  assert.equal(await world.talk('outside', floatA, 80), undefined);
  await world.dataplane.converge(wanted);
  await until('connected', () => world.talk('outside', floatA, 80));
});

test('two external networks on one machine: routers of both reach the outside and each other', async () => {
  const elsewhere = {
    ...gateway(12),
    networkId: 'another',
    addresses: ['172.25.5.9/24'],
    nexthops: ['172.25.5.1'],
  };
  const first = await world.tenant(11, { floatingIps: floating });
  const second = await world.tenant(12, { gateway: elsewhere });
  world.keep(await serveTalk(first.container.netns, [80]));
  await reaches(first.container, outside);
  await reaches(second.container, outside);
  const talk = await until('connected', () => world.talk(second.container.netns, floatA, 80));
  assert.equal(talk.seenAs, '172.25.5.9');
  await world.dataplane.converge({
    ...second.network,
    routers: [{ ...second.router, gateway: null }],
  });
  assert.doesNotMatch(await tool('ip', 'address'), /172\.25\.5\.1/);
  await reaches(first.container, outside);
});

test('a router joined to a network by two others keeps what each of them knows', async () => {
  const first = await world.tenant(11);
  const id = crypto.randomUUID();
  const leg = { portId: crypto.randomUUID(), networkId: id, macAddress: 'fa:16:3e:00:01:02', advertised: [] };
  const interfaces = [...first.router.interfaces, { ...leg, addresses: ['10.0.1.1/24'] }];
  const router = { ...first.router, interfaces, floatingIps: floating };
  const second = aNetwork({ id, routers: [router] });
  await world.dataplane.converge(second);
  // The first network's word is older; saying it again, for whatever reason, undoes nothing.
  await world.dataplane.repair(first.network);
  await reaches(first.container, '10.0.1.1');
  world.keep(await serveTalk(first.container.netns, [80]));
  await until('connected', () => world.talk(undefined, floatA, 80));
  await world.dataplane.forget(id);
  await reaches(first.container, outside);
  assert.equal(await first.container.pings('10.0.1.1'), false);
});

test('a router that loses its last network is gone', async () => {
  const { network, container } = await world.tenant(11);
  await reaches(container, outside);
  await world.dataplane.converge({ ...network, routers: [] });
  assert.doesNotMatch(await tool('ip', 'netns'), new RegExp(`${world.instance}-r`));
  assert.doesNotMatch(await tool('ip', 'link'), /bx/);
});
