/** Floating addresses and forwarded ports in a real kernel, from the machine, from outside, from neighbours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routerNamespace } from '../../src/model/host-names.ts';
import type { WantedNetwork, WantedPort, WantedRouter } from '../../src/wire/host-network.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { gateway, outside, reaches, routerWorld } from '../helpers/router-world.ts';
import { serveTalk, type Talk } from '../helpers/talk.ts';
import { until } from '../helpers/until.ts';
import { aGroup, aNetwork, aPort, aRouter, aRule } from '../helpers/wanted-network.ts';
import { tool, type WiredContainer } from '../helpers/wired-container.ts';

enterPrivateNetwork();
/** The outside knows the external network, as a provider's would. */
const world = routerWorld(() =>
  tool('ip', '-n', 'outside', 'route', 'add', '172.24.4.0/24', 'via', '198.51.100.1'),
);

const [floatA, floatB, floatC] = ['172.24.4.101', '172.24.4.102', '172.24.4.103'];

const floating = (address: string, fixedAddress: string) => ({
  id: crypto.randomUUID(),
  address,
  fixedAddress,
});

interface Site {
  readonly network: WantedNetwork;
  readonly router: WantedRouter;
  readonly a: WiredContainer;
  readonly b: WiredContainer;
  change(router: Partial<WantedRouter>, network?: Partial<WantedNetwork>): Promise<void>;
}

/** Two containers on one network, 10.0.0.11 and 10.0.0.12, each serving on port 80. */
async function site(last: number, overrides: Partial<WantedRouter>): Promise<Site> {
  const group = aGroup([aRule('ingress', 4)]);
  const own = { securityGroupIds: [group.id] };
  const ports = [aPort('10.0.0.11', own), aPort('10.0.0.12', own)] as const;
  const id = crypto.randomUUID();
  const router = aRouter(id, ['10.0.0.1/24'], { gateway: gateway(last), ...overrides });
  const network = aNetwork({ id, ports: [...ports], securityGroups: [group], routers: [router] });
  const start = async (port: WantedPort) => {
    const container = await world.start(network, port, ['10.0.0.1']);
    world.keep(await serveTalk(container.netns, [80, 8080]));
    return container;
  };
  const [a, b] = [await start(ports[0]), await start(ports[1])];
  const change: Site['change'] = (more, others = {}) =>
    world.dataplane.converge({ ...network, ...others, routers: [{ ...router, ...more }] });
  return { network, router, a, b, change };
}

async function connected(from: string | undefined, address: string, port = 80): Promise<Talk> {
  return until(`${from ?? 'the machine'} is connected to ${address}:${port}`, () =>
    world.talk(from, address, port),
  );
}

test('a floating address is reached from the machine, from outside and from another tenant', async () => {
  await site(11, { floatingIps: [floating(floatA, '10.0.0.11')] });
  const other = await world.tenant(12);
  assert.equal((await connected(undefined, floatA)).seenAs, '172.24.4.1');
  assert.equal((await connected('outside', floatA)).seenAs, outside);
  assert.equal((await connected(other.container.netns, floatA)).seenAs, '172.24.4.12');
});

test('what a container with a floating address sends bears it, and others the router’s', async () => {
  const { a, b } = await site(11, { floatingIps: [floating(floatA, '10.0.0.11')] });
  const receiver = await site(12, { floatingIps: [floating(floatB, '10.0.0.11')] });
  assert.equal((await connected(a.netns, floatB)).seenAs, floatA);
  assert.equal((await connected(b.netns, floatB)).seenAs, '172.24.4.11');
  assert.equal((await connected(receiver.a.netns, floatA)).seenAs, floatB);
});

test('hairpin: a container reaches its own floating address and its neighbour’s', async () => {
  const { a, b } = await site(11, {
    floatingIps: [floating(floatA, '10.0.0.11')],
    portForwardings: [forwarding(floatB, 2222, '10.0.0.11', 80)],
  });
  assert.equal((await connected(a.netns, floatA)).seenAs, floatA, 'its own');
  assert.equal((await connected(b.netns, floatA)).seenAs, '172.24.4.11', 'a neighbour without one');
  assert.equal((await connected(a.netns, floatB, 2222)).seenAs, floatA, 'a forwarded port, its own');
  assert.equal((await connected(b.netns, floatB, 2222)).seenAs, '172.24.4.11', 'a forwarded port');
});

const forwarding = (address: string, port: number, internalAddress: string, internalPort: number) => ({
  id: crypto.randomUUID(),
  address,
  protocol: 6,
  externalPorts: { from: port, to: port },
  internalAddress,
  internalPorts: { from: internalPort, to: internalPort },
});

test('forwarded ports lead where they say, ranges one by one, and no others', async () => {
  const range = { ...forwarding(floatB, 0, '10.0.0.12', 0) };
  const { a } = await site(11, {
    floatingIps: [floating(floatA, '10.0.0.12')],
    portForwardings: [
      forwarding(floatB, 2222, '10.0.0.11', 80),
      { ...range, externalPorts: { from: 9000, to: 9001 }, internalPorts: { from: 8079, to: 8080 } },
    ],
  });
  await connected(undefined, floatB, 2222);
  await connected('outside', floatB, 9001);
  assert.equal(await world.talk('outside', floatB, 9000), undefined, 'nobody serves 8079');
  assert.equal(await world.talk('outside', floatB, 80), undefined, 'not forwarded');
  await reaches(a, outside);
});

test('groups decide what reaches a floating address', async () => {
  const { network, router } = await site(11, { floatingIps: [floating(floatA, '10.0.0.11')] });
  const talk = await connected('outside', floatA);
  const closed = network.securityGroups.map((group) => ({
    ...group,
    rules: group.rules.filter(({ direction }) => direction === 'egress'),
  }));
  await world.dataplane.converge({ ...network, routers: [router], securityGroups: closed });
  talk.say();
  assert.equal(await world.talk('outside', floatA, 80), undefined);
  await world.dataplane.converge({ ...network, routers: [router] });
  await connected('outside', floatA);
});

test('a floating address that moves ends the old holder’s connections and no other', async () => {
  const both = [floating(floatA, '10.0.0.11'), floating(floatC, '10.0.0.12')];
  const forwards = [forwarding(floatB, 2222, '10.0.0.11', 80), forwarding(floatB, 2223, '10.0.0.11', 80)];
  const { router, a, b, change } = await site(11, { floatingIps: both, portForwardings: forwards });
  world.keep(await serveTalk('outside', [7000]));
  const kept = [
    await connected('outside', floatC),
    await connected('outside', floatB, 2223),
    await connected(b.netns, outside, 7000),
    await connected(b.netns, floatC),
  ];
  const ended = [
    await connected('outside', floatA),
    await connected(undefined, floatA),
    await connected(a.netns, outside, 7000),
    await connected(b.netns, floatA),
    await connected('outside', floatB, 2222),
  ];
  await change({
    floatingIps: [floating(floatA, '10.0.0.12'), ...both.slice(1)],
    portForwardings: [...forwards.slice(1)],
  });
  const netns = routerNamespace(world.instance, router.id);
  const left = await tool('ip', 'netns', 'exec', netns, 'conntrack', '-L');
  assert.doesNotMatch(left, new RegExp(`dst=${floatA} .*src=10.0.0.11 `));
  const words = ended.map((talk) => talk.say());
  for (const talk of kept) await talk.echo();
  const later = await connected('outside', floatA);
  await later.echo();
  assert.deepEqual(
    ended.map((talk, at) => talk.heard(words[at] ?? '')),
    ended.map(() => false),
  );
  await change({ floatingIps: both.slice(1), portForwardings: [] });
  assert.equal(await world.talk('outside', floatA, 80), undefined, 'released');
  for (const talk of kept.filter((_, at) => at !== 1)) await talk.echo();
});

test('a floating address moves to another router: neighbours learn where it is', async () => {
  const mine = [floating(floatA, '10.0.0.11')];
  const first = await site(11, { floatingIps: mine });
  const second = await site(12, {});
  const old = await connected(undefined, floatA);
  await first.change({ floatingIps: [] });
  await second.change({ floatingIps: mine });
  const known = await tool('ip', 'neigh', 'show', floatA);
  assert.match(known, /fa:16:3e:00:02:0c/);
  const word = old.say();
  await connected(undefined, floatA);
  assert.equal(old.heard(word), false);
});

test('a new process takes over: what is right goes on, what moved meanwhile ends', async () => {
  const both = [floating(floatA, '10.0.0.11'), floating(floatC, '10.0.0.12')];
  const { network, router, b } = await site(11, { floatingIps: both });
  world.keep(await serveTalk('outside', [7000]));
  const kept = [await connected('outside', floatC), await connected(b.netns, outside, 7000)];
  const moved = await connected('outside', floatA);
  world.dataplane = world.anew();
  const floatingIps = [floating(floatA, '10.0.0.12'), ...both.slice(1)];
  await world.dataplane.repair({ ...network, routers: [{ ...router, floatingIps }] });
  const word = moved.say();
  for (const talk of kept) await talk.echo();
  await connected('outside', floatA);
  assert.equal(moved.heard(word), false);
});
