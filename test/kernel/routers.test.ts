/** Routers in a real kernel: two tenants, an outside, and a host whose own firewall forwards nothing, as dockerd's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { outside, outside6, reaches, routerWorld } from '../helpers/router-world.ts';
import { inside } from '../helpers/talk.ts';
import { until } from '../helpers/until.ts';
import { aGroup, aNetwork, aPort, aRule } from '../helpers/wanted-network.ts';
import { tool } from '../helpers/wired-container.ts';

enterPrivateNetwork();
const world = routerWorld();
const { tenant, instance } = world;

function serve(netns: string | undefined, port: number): void {
  world.keep(inside(netns, 'busybox', 'nc', '-ll', '-p', String(port), '-e', 'busybox', 'cat'));
}

test('tenants with the same addresses reach the outside, each under its router’s address', async () => {
  const a = await tenant(11);
  const b = await tenant(12);
  serve('outside', 80);
  for (const { container } of [a, b]) {
    await until('TCP to the outside', () => container.connects(outside, 80));
    await reaches(container, outside);
    await reaches(container, outside6);
  }
  assert.match(await tool('iptables', '-S'), new RegExp(`-i bx${instance} .*berth ${instance}`));
});

test('nothing else of the host is reachable, and no tenant reaches another', async () => {
  const a = await tenant(11);
  const b = await tenant(12);
  serve(undefined, 8080);
  serve('docker9', 80);
  serve('outside', 80);
  await until('TCP to the outside', () => a.container.connects(outside, 80));
  await reaches(a.container, '172.24.4.1');
  for (const address of ['172.24.4.1', '198.51.100.1', '172.31.0.1']) {
    assert.equal(await a.container.connects(address, 8080), false, `a service of the host at ${address}`);
  }
  assert.equal(await a.container.connects('172.31.0.2', 80), false, 'somebody else’s container');
  b.container.echo(80);
  assert.equal(await a.container.connects('172.24.4.12', 80), false, 'the other tenant’s router');
});

test('what comes from outside is an answer, or nothing', async () => {
  const { container } = await tenant(11);
  container.echo(80);
  await reaches(container, outside);
  await tool('ip', '-n', 'outside', 'route', 'add', '10.0.0.0/24', 'via', '198.51.100.1');
  await tool('ip', 'route', 'add', '10.0.0.0/24', 'via', '172.24.4.11');
  const ask = () => tool('ip', 'netns', 'exec', 'outside', 'ping', '-n', '-c', '1', '-W', '1', '10.0.0.11');
  await assert.rejects(ask(), 'through source NAT nobody gets in');
  await tool('ip', '-n', 'outside', 'route', 'del', '10.0.0.0/24');
});

test('a router joins two networks, and groups still decide', async () => {
  const other = aGroup([aRule('ingress', 4, { protocol: 6, portMin: 80, portMax: 80 })]);
  const port = aPort('10.0.1.22', { securityGroupIds: [other.id] });
  const otherId = crypto.randomUUID();
  const leg = { portId: crypto.randomUUID(), networkId: otherId, macAddress: 'fa:16:3e:00:01:02' };
  const first = await tenant(11);
  const router = {
    ...first.router,
    interfaces: [...first.router.interfaces, { ...leg, addresses: ['10.0.1.1/24'], advertised: [] }],
  };
  const second = aNetwork({ id: otherId, ports: [port], securityGroups: [other], routers: [router] });
  await world.dataplane.converge({ ...first.network, routers: [router] });
  const b = await world.start(second, port, ['10.0.1.1']);
  await reaches(b, '10.0.0.11');
  b.echo(80);
  await until('the open port answers', () => first.container.connects('10.0.1.22', 80));
  assert.equal(await first.container.pings('10.0.1.22'), false);
});

test('a router follows what is wanted: gateway gone, leg gone', async () => {
  const { network, router, container } = await tenant(11);
  await reaches(container, outside);
  await world.dataplane.converge({ ...network, routers: [{ ...router, gateway: null }] });
  assert.equal(await container.pings(outside), false);
  await reaches(container, '10.0.0.1');
  await reaches(container, 'fd00::1');
  await world.dataplane.converge({ ...network, routers: [router] });
  await reaches(container, outside);
  await world.dataplane.converge({ ...network, routers: [{ ...router, adminStateUp: false }] });
  assert.equal(await container.pings(outside), false);
  await world.dataplane.converge({ ...network, routers: [] });
  assert.equal(await container.pings('10.0.0.1'), false);
});
