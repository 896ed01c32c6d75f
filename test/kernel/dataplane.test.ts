/** The dataplane in a real kernel: containers are namespaces, the tools inside them are the judges. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { silentLog } from '../../src/base/log.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { networkNamespace } from '../../src/model/host-names.ts';
import { Dataplane } from '../../src/network/dataplane.ts';
import type { WantedNetwork, WantedPort } from '../../src/wire/host-network.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { until } from '../helpers/until.ts';
import { aGroup, aNetwork, aPort, aRule } from '../helpers/wanted-network.ts';
import { tool, WiredContainer } from '../helpers/wired-container.ts';

enterPrivateNetwork();

const instance = randomBytes(2).toString('hex');
const containers: WiredContainer[] = [];
let kernel: Kernel;
let dataplane: Dataplane;

before(async () => {
  kernel = await openKernel({ log: silentLog() });
  dataplane = new Dataplane({ kernel, instance, log: silentLog() });
});
after(() => kernel.close());

const state = async () => ({
  namespaces: (await tool('ip', '-j', 'netns')).trim() || '[]',
  links: JSON.parse(await tool('ip', '-j', 'link')).map((link: { ifname: string }) => link.ifname),
  rules: await tool('nft', '--stateless', 'list', 'ruleset'),
});

afterEach(async () => {
  for (const container of containers.splice(0)) await container.stop();
  // A new process knows nothing but the lists.
  await new Dataplane({ kernel, instance, log: silentLog() }).sweep([], []);
  const nothing = { namespaces: '[]', links: ['lo'], rules: '' };
  await until('nothing is left', async () => isDeepStrictEqual(await state(), nothing), {
    patienceMs: 10_000,
  });
  dataplane = new Dataplane({ kernel, instance, log: silentLog() });
});

async function start(
  network: WantedNetwork,
  port: WantedPort,
  gateways: string[] = [],
): Promise<WiredContainer> {
  const container = await WiredContainer.start(dataplane, network, { port, gateways });
  containers.push(container);
  return container;
}

const reaches = (from: WiredContainer, address: string) =>
  until(`${from.address()} reaches ${address}`, () => from.pings(address));

/** Every member may ping every other; a web server's port is open to all. */
const webGroup = (id: string = crypto.randomUUID()) =>
  aGroup(
    [
      aRule('ingress', 4, { protocol: 1, remoteGroupId: id }),
      aRule('ingress', 6, { protocol: 58, remoteGroupId: id }),
      aRule('ingress', 4, { protocol: 6, portMin: 80, portMax: 90 }),
      aRule('ingress', 6, { protocol: 6, portMin: 80, portMax: 90 }),
    ],
    id,
  );

test('groups decide: members reach members, others only the open port', async () => {
  const web = webGroup();
  const lonely = aGroup([]);
  const ports = [
    aPort('10.0.0.11', { securityGroupIds: [web.id] }),
    aPort('10.0.0.12', { securityGroupIds: [web.id] }),
    aPort('10.0.0.13', { securityGroupIds: [lonely.id] }),
  ] as const;
  const network = aNetwork({ ports: [...ports], securityGroups: [web, lonely] });
  const a = await start(network, ports[0]);
  const b = await start(network, ports[1]);
  const c = await start(network, ports[2]);
  for (const version of [4, 6] as const) {
    await reaches(a, b.address(version));
    await reaches(b, a.address(version));
    assert.equal(await c.pings(a.address(version)), false, `not a member of the group, IPv${version}`);
    assert.equal(await a.pings(c.address(version)), false, `no rule lets anything in, IPv${version}`);
  }
  a.echo(80);
  a.echo(91);
  await until('the open port answers', () => c.connects(a.address(4), 80));
  assert.equal(await c.connects(a.address(4), 91), false);
  await until('the open port answers over IPv6', () => c.connects(a.address(6), 80));
});

test('an egress rule binds the sender whatever the receiver allows', async () => {
  const open = aGroup([aRule('ingress', 4), aRule('ingress', 6)]);
  const mute = {
    id: crypto.randomUUID(),
    stateful: true,
    rules: [aRule('ingress', 4), aRule('egress', 4, { protocol: 6 })],
  };
  const ports = [
    aPort('10.0.0.11', { securityGroupIds: [open.id] }),
    aPort('10.0.0.12', { securityGroupIds: [mute.id] }),
  ] as const;
  const network = aNetwork({ ports: [...ports], securityGroups: [open, mute] });
  const a = await start(network, ports[0]);
  const b = await start(network, ports[1]);
  await reaches(a, b.address());
  assert.equal(await b.pings(a.address()), false);
  a.echo(80);
  await until('TCP is allowed', () => b.connects(a.address(), 80));
});

test('two networks with the same addresses: each reaches its own and never the other', async () => {
  const networks = await Promise.all(
    ['blue', 'green'].map(async (name) => {
      const group = aGroup([aRule('ingress', 4)]);
      const ports = [
        aPort('10.0.0.11', { securityGroupIds: [group.id] }),
        aPort('10.0.0.12', { securityGroupIds: [group.id] }),
      ];
      return { name, network: aNetwork({ name, ports, securityGroups: [group] }), ports };
    }),
  );
  const servers: WiredContainer[] = [];
  const clients: WiredContainer[] = [];
  for (const { network, ports } of networks) {
    const [first, second] = ports;
    assert.ok(first && second);
    servers.push(await start(network, first));
    clients.push(await start(network, second));
  }
  for (const [at, { name }] of networks.entries()) {
    servers[at]?.start('sh', '-c', `while true; do echo ${name} | busybox nc -l -p 80; done`);
  }
  for (const [at, { name }] of networks.entries()) {
    const answer = await until(`${name} answers`, async () =>
      clients[at]?.exec('timeout', '3', 'busybox', 'nc', '-w', '1', '10.0.0.11', '80'),
    );
    assert.equal(answer.trim(), name);
  }
});

test('rules change under running ports: added ones open, removed ones end what they alone allowed', async () => {
  const id = crypto.randomUUID();
  const ports = [
    aPort('10.0.0.11', { securityGroupIds: [id] }),
    aPort('10.0.0.12', { securityGroupIds: [id] }),
  ] as const;
  const networkId = crypto.randomUUID();
  const withPorts = (...open: readonly number[]) =>
    aNetwork({
      id: networkId,
      ports: [...ports],
      securityGroups: [
        aGroup(
          open.map((port) => aRule('ingress', 4, { protocol: 6, portMin: port, portMax: port })),
          id,
        ),
      ],
    });
  const a = await start(withPorts(80), ports[0]);
  const b = await start(withPorts(80), ports[1]);
  a.echo(80);
  a.echo(81);
  await until('80 answers', () => b.connects(a.address(), 80));
  assert.equal(await b.connects(a.address(), 81), false);

  await dataplane.converge(withPorts(80, 81));
  await until('81 answers', () => b.connects(a.address(), 81));

  const kept = b.start('busybox', 'nc', a.address(), '80');
  const ended = b.start('busybox', 'nc', a.address(), '81');
  const answers = (running: typeof kept, line: string) =>
    until(`${line} is answered`, async () => running.lines.includes(line));
  kept.say('one');
  ended.say('one');
  await answers(kept, 'one');
  await answers(ended, 'one');

  await dataplane.converge(withPorts(80));
  kept.say('two');
  ended.say('two');
  await answers(kept, 'two');
  await dataplane.repair(withPorts(80));
  kept.say('three');
  await answers(kept, 'three');
  assert.deepEqual(ended.lines, ['one'], 'the connection that no rule allows any more is silent');

  await dataplane.converge(withPorts(80, 81));
  await answers(ended, 'two');
});

test('a port that joins or leaves a group changes what others let in', async () => {
  const web = webGroup();
  const networkId = crypto.randomUUID();
  const a = aPort('10.0.0.11', { securityGroupIds: [web.id] });
  const member = aPort('10.0.0.12', { securityGroupIds: [web.id] });
  const outsider = { ...member, securityGroupIds: [] };
  const wanted = (second: WantedPort) =>
    aNetwork({ id: networkId, ports: [a, second], securityGroups: [web] });
  const first = await start(wanted(member), a);
  const second = await start(wanted(member), member);
  await reaches(second, first.address());
  await dataplane.converge(wanted(outsider));
  assert.equal(await second.pings(first.address()), false);
  await dataplane.converge(wanted(member));
  await reaches(second, first.address());
});

test('a port that is down is cut, and back when it is up', async () => {
  const group = aGroup([aRule('ingress', 4)]);
  const networkId = crypto.randomUUID();
  const ports = [
    aPort('10.0.0.11', { securityGroupIds: [group.id] }),
    aPort('10.0.0.12', { securityGroupIds: [group.id] }),
  ] as const;
  const wanted = (adminStateUp: boolean) =>
    aNetwork({ id: networkId, ports: [ports[0], { ...ports[1], adminStateUp }], securityGroups: [group] });
  const a = await start(wanted(true), ports[0]);
  const b = await start(wanted(true), ports[1]);
  await reaches(a, b.address());
  await dataplane.converge(wanted(false));
  assert.equal(await a.pings(b.address()), false);
  assert.equal(await b.pings(a.address()), false);
  await dataplane.converge(wanted(true));
  await reaches(a, b.address());
});

test('the rules are whole again after somebody flushed them', async () => {
  const group = aGroup([aRule('ingress', 4)]);
  const ports = [
    aPort('10.0.0.11', { securityGroupIds: [group.id] }),
    aPort('10.0.0.12', { securityGroupIds: [group.id] }),
  ] as const;
  const network = aNetwork({ ports: [...ports], securityGroups: [group] });
  const netns = networkNamespace(instance, network.id);
  const a = await start(network, ports[0]);
  await tool('ip', 'netns', 'exec', netns, 'nft', 'delete', 'table', 'bridge', 'berth');
  const b = await start({ ...network, name: 'unchanged rules' }, ports[1]);
  await dataplane.repair(network);
  assert.match(await tool('ip', 'netns', 'exec', netns, 'nft', 'list', 'tables'), /table bridge berth/);
  await reaches(a, b.address());
});

test('plugged ports are known to a new process, and unplugging takes both ends', async () => {
  const group = aGroup([]);
  const ports = [
    aPort('10.0.0.11', { securityGroupIds: [group.id] }),
    aPort('10.0.0.12', { securityGroupIds: [group.id] }),
  ] as const;
  const network = aNetwork({ ports: [...ports], securityGroups: [group] });
  const a = await start(network, ports[0]);
  await dataplane.plug(network, { portId: ports[1].id, endpointId: 'second' });
  const restarted = new Dataplane({ kernel, instance, log: silentLog() });
  const found = (await restarted.activePorts()).map(({ portId, endpointId, isTaken }) => [
    portId,
    endpointId,
    isTaken,
  ]);
  assert.deepEqual(
    new Set(found.map(String)),
    new Set(
      [
        [ports[0].id, a.netns, true],
        [ports[1].id, 'second', false],
      ].map(String),
    ),
  );
  await restarted.unplug({ portId: ports[0].id, endpointId: 'somebody else' });
  assert.equal((await restarted.activePorts()).length, 2);
  for (const port of ports) await restarted.unplug({ portId: port.id });
  assert.deepEqual(await restarted.activePorts(), []);
  assert.doesNotMatch(await a.exec('ip', 'link'), /eth0/);
});

test('an address that comes back with another MAC address is known to its neighbours at once', async () => {
  const group = aGroup([aRule('ingress', 4), aRule('ingress', 6)]);
  const own = { securityGroupIds: [group.id] };
  const client = aPort('10.0.0.11', own);
  const before = aPort('10.0.0.12', own);
  const later = aPort('10.0.0.12', { ...own, macAddress: 'fa:16:3e:00:01:12' });
  const addresses = before.fixedIps.map(({ address }) => address);
  assert.equal(addresses.length, 2, 'both versions of IP');
  const network = aNetwork({ ports: [client, before], securityGroups: [group] });
  const asking = await start(network, client);
  // Neighbours are remembered for an hour: who learns of a change within the test was told.
  for (const version of ['ipv4', 'ipv6']) {
    const key = `/proc/sys/net/${version}/neigh/eth0/base_reachable_time_ms`;
    await asking.exec('sh', '-c', `echo 3600000 >${key}`);
  }
  await start(network, before);
  for (const address of addresses) await reaches(asking, address);

  await dataplane.unplug({ portId: before.id });
  await start({ ...network, ports: [client, later] }, later);
  for (const address of addresses) {
    await until(
      `${address} is known to be at ${later.macAddress}`,
      async () => (await asking.exec('ip', 'neigh', 'show', address)).includes(later.macAddress),
      { patienceMs: 10_000 },
    );
    await reaches(asking, address);
  }
});
