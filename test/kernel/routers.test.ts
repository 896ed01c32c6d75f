/** Routers in a real kernel: two tenants, an outside, and a host whose own firewall forwards nothing, as dockerd's. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { Dataplane } from '../../src/network/dataplane.ts';
import type { WantedNetwork, WantedRouter } from '../../src/wire/host-network.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { until } from '../helpers/until.ts';
import { aGroup, aNetwork, aPort, aRouter, aRule } from '../helpers/wanted-network.ts';
import { Running, tool, WiredContainer } from '../helpers/wired-container.ts';

enterPrivateNetwork();

const instance = randomBytes(2).toString('hex');
const outside = '198.51.100.2';
const containers: WiredContainer[] = [];
const running: Running[] = [];
let kernel: Kernel;
let dataplane: Dataplane;

/** A namespace on a link of its own to the host, which has the address ending in 1. */
async function neighbour(name: string, net: string): Promise<void> {
  await tool('ip', 'netns', 'add', name);
  await tool('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  await tool('ip', 'address', 'add', `${net}.1/24`, 'dev', name);
  await tool('ip', 'link', 'set', name, 'up');
  await tool('ip', '-n', name, 'address', 'add', `${net}.2/24`, 'dev', 'eth0');
  await tool('ip', '-n', name, 'link', 'set', 'eth0', 'up');
}

before(async () => {
  await neighbour('outside', '198.51.100');
  await neighbour('docker9', '172.31.0');
  // The neighbours know nothing of tenants or of the external network: only NAT brings answers back.
  await tool('ip', '-n', 'docker9', 'route', 'add', 'default', 'via', '172.31.0.1');
  await tool('ip', 'route', 'add', 'default', 'via', outside);
  await tool('iptables', '-P', 'FORWARD', 'DROP');
  await tool('iptables', '-N', 'DOCKER-USER');
  await tool('iptables', '-A', 'DOCKER-USER', '-j', 'RETURN');
  await tool('iptables', '-A', 'FORWARD', '-j', 'DOCKER-USER');
  kernel = await openKernel({ log: silentLog() });
});
after(() => kernel.close());

const state = async () => ({
  namespaces: (await kernel.namespaces()).sort(),
  links: (await kernel.links()).map(({ name }) => name).sort(),
  rules: await tool('nft', '--stateless', 'list', 'ruleset'),
  iptables: await tool('iptables', '-S'),
});
let earlier: Awaited<ReturnType<typeof state>>;

beforeEach(async () => {
  earlier = await state();
  dataplane = new Dataplane({ kernel, instance, log: silentLog() });
});
afterEach(async () => {
  for (const program of running.splice(0)) await program.stop();
  for (const container of containers.splice(0)) await container.stop();
  // A new process knows nothing but the lists.
  await new Dataplane({ kernel, instance, log: silentLog() }).sweep([], []);
  const isAsBefore = async () => {
    assert.deepEqual(await state(), earlier);
    return true;
  };
  await until('everything is as before', isAsBefore, { patienceMs: 10_000 });
});

interface Tenant {
  readonly network: WantedNetwork;
  readonly router: WantedRouter;
  readonly container: WiredContainer;
}

function gateway(last: number): NonNullable<WantedRouter['gateway']> {
  return {
    networkId: 'external',
    portId: crypto.randomUUID(),
    macAddress: `fa:16:3e:00:02:${last.toString(16).padStart(2, '0')}`,
    mtu: 1500,
    addresses: [`172.24.4.${last}/24`],
    nexthops: ['172.24.4.1'],
  };
}

/** A network with a container at 10.0.0.11 and a router at 10.0.0.1. */
async function tenant(last: number, overrides: Partial<WantedRouter> = {}): Promise<Tenant> {
  const group = aGroup([aRule('ingress', 4), aRule('ingress', 6)]);
  const port = aPort('10.0.0.11', { securityGroupIds: [group.id] });
  const id = crypto.randomUUID();
  const router = aRouter(id, ['10.0.0.1/24', 'fd00::1/64'], { gateway: gateway(last), ...overrides });
  const network = aNetwork({ id, ports: [port], securityGroups: [group], routers: [router] });
  const container = await WiredContainer.start(dataplane, network, {
    port,
    gateways: ['10.0.0.1', 'fd00::1'],
  });
  containers.push(container);
  return { network, router, container };
}

const reaches = (from: WiredContainer, address: string) =>
  until(`${from.address()} reaches ${address}`, () => from.pings(address));

function serve(netns: string | undefined, port: number): void {
  const command = ['busybox', 'nc', '-ll', '-p', String(port), '-e', 'busybox', 'cat'];
  const inside = netns === undefined ? command : ['ip', 'netns', 'exec', netns, ...command];
  const [file = '', ...args] = inside;
  running.push(new Running(file, args));
}

test('tenants with the same addresses reach the outside, each under its router’s address', async () => {
  const a = await tenant(11);
  const b = await tenant(12);
  serve('outside', 80);
  for (const { container } of [a, b]) {
    await until('TCP to the outside', () => container.connects(outside, 80));
    await reaches(container, outside);
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
  await dataplane.converge({ ...first.network, routers: [router] });
  const b = await WiredContainer.start(dataplane, second, { port, gateways: ['10.0.1.1'] });
  containers.push(b);
  await reaches(b, '10.0.0.11');
  b.echo(80);
  await until('the open port answers', () => first.container.connects('10.0.1.22', 80));
  assert.equal(await first.container.pings('10.0.1.22'), false);
});

test('a router follows what is wanted: gateway gone, leg gone', async () => {
  const { network, router, container } = await tenant(11);
  await reaches(container, outside);
  await dataplane.converge({ ...network, routers: [{ ...router, gateway: null }] });
  assert.equal(await container.pings(outside), false);
  await reaches(container, '10.0.0.1');
  await reaches(container, 'fd00::1');
  await dataplane.converge({ ...network, routers: [router] });
  await reaches(container, outside);
  await dataplane.converge({ ...network, routers: [{ ...router, adminStateUp: false }] });
  assert.equal(await container.pings(outside), false);
  await dataplane.converge({ ...network, routers: [] });
  assert.equal(await container.pings('10.0.0.1'), false);
});
