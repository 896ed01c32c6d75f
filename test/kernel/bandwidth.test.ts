/**
 * Limits of ports, measured with iperf3. What is asserted holds on a busy machine too: a limit is an upper bound, and
 * an unlimited port of the same run is many times as fast.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { limitLink, networkNamespace, portLink } from '../../src/model/host-names.ts';
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

afterEach(async () => {
  for (const container of containers.splice(0)) await container.stop();
  await new Dataplane({ kernel, instance, log: silentLog() }).sweep([], []);
  assert.deepEqual(await kernel.namespaces(), []);
});

const rate = 16_000;
const limit = { kilobitsPerSecond: rate, burstKilobits: 800 };
const [none, both] = [
  { egress: null, ingress: null },
  { egress: limit, ingress: limit },
];
const group = aGroup([aRule('ingress', 4), aRule('ingress', 6)]);
const port = (address: string, bandwidth: WantedPort['bandwidth'] = none) =>
  aPort(address, { securityGroupIds: [group.id], bandwidth });

interface World {
  readonly network: WantedNetwork;
  readonly netns: string;
  readonly limited: WiredContainer;
  readonly server: WiredContainer;
  readonly free: WiredContainer;
  /** The same network with other limits of the limited port. */
  with(bandwidth: WantedPort['bandwidth']): WantedNetwork;
}

async function aWorld(bandwidth: WantedPort['bandwidth']): Promise<World> {
  const ports = [port('10.0.0.11', bandwidth), port('10.0.0.12'), port('10.0.0.13')] as const;
  const network = aNetwork({ ports: [...ports], securityGroups: [group] });
  const start = async (one: WantedPort) => {
    const container = await WiredContainer.start(dataplane, network, { port: one });
    containers.push(container);
    return container;
  };
  const [limited, server, free] = [await start(ports[0]), await start(ports[1]), await start(ports[2])];
  for (const number of ['5201', '5202']) server.start('iperf3', '-s', '-p', number);
  for (const client of [limited, free]) {
    await until('the server listens', () => measured(client, server, '-n', '1K'));
  }
  return {
    network,
    netns: networkNamespace(instance, network.id),
    limited,
    server,
    free,
    with: (other) => ({ ...network, ports: [{ ...ports[0], bandwidth: other }, ports[1], ports[2]] }),
  };
}

/** Kilobits per second that arrived. Each client has a server's port of its own. */
async function measured(client: WiredContainer, server: WiredContainer, ...options: readonly string[]) {
  const number = client.address() === '10.0.0.11' ? '5201' : '5202';
  const args = ['-J', '-c', server.address(), '-p', number, ...options];
  const report = JSON.parse(await client.exec('timeout', '30', 'iperf3', ...args));
  return report.end.sum_received.bits_per_second / 1000;
}

const sends = (client: WiredContainer, { server }: World) => measured(client, server, '-t', '2');
const receives = (client: WiredContainer, { server }: World) => measured(client, server, '-t', '2', '-R');

/** Some of the burst counts, and what the load of the machine takes away. */
function assertLimited(kilobits: number, wanted: number, unlimited: number): void {
  assert.ok(kilobits < wanted * 1.3, `${kilobits} kbit/s under a limit of ${wanted}`);
  assert.ok(kilobits > wanted / 5, `${kilobits} kbit/s under a limit of ${wanted}`);
  assert.ok(unlimited > kilobits * 5, `${unlimited} kbit/s without a limit, ${kilobits} with one`);
}

const traffic = async (netns: string) =>
  (await tool('tc', '-n', netns, 'qdisc')).split('\n').filter((line) => !/noqueue|^$/.test(line));

test('a port sends and receives at its limit, its neighbours as fast as ever, even meanwhile', async () => {
  const world = await aWorld(both);
  const { limited, free } = world;
  for (const direction of [sends, receives]) {
    const [slow, fast] = await Promise.all([direction(limited, world), direction(free, world)]);
    assertLimited(slow, rate, fast);
  }
});

test('each direction has its own limit', async () => {
  const world = await aWorld({ egress: limit, ingress: null });
  assertLimited(await sends(world.limited, world), rate, await receives(world.limited, world));
  await dataplane.converge(world.with({ egress: null, ingress: limit }));
  assertLimited(await receives(world.limited, world), rate, await sends(world.limited, world));
});

test('a limit changes, goes and comes under a running connection', async () => {
  const world = await aWorld(both);
  const { limited, server, netns } = world;
  server.echo(80);
  await until('the server listens', () => limited.connects(server.address(), 80));
  const talk = limited.start('busybox', 'nc', server.address(), '80');
  const answers = async (word: string) => {
    talk.say(word);
    await until(`the connection answers ${word}`, async () => talk.lines.includes(word));
  };
  const double = { kilobitsPerSecond: 2 * rate, burstKilobits: 800 };
  await dataplane.converge(world.with({ egress: double, ingress: double }));
  await answers('doubled');
  const [sent, received] = [await sends(limited, world), await receives(limited, world)];
  for (const kilobits of [sent, received]) {
    assert.ok(kilobits > rate / 5 && kilobits < 2 * rate * 1.3, `${kilobits} kbit/s`);
  }
  await dataplane.converge(world.with(none));
  await answers('gone');
  assert.deepEqual(await traffic(netns), []);
  assert.ok((await sends(limited, world)) > sent * 3);
  assert.ok((await receives(limited, world)) > received * 3);
  await dataplane.converge(world.with(both));
  await answers('back');
  assert.equal((await traffic(netns)).length, 3);
});

test('a new process puts limits right that somebody changed', async () => {
  const world = await aWorld(both);
  const { netns, limited } = world;
  const link = portLink(limited.port.id);
  const whole = await traffic(netns);
  await tool('tc', '-n', netns, 'qdisc', 'del', 'dev', link, 'root');
  await tool('tc', '-n', netns, 'qdisc', 'del', 'dev', link, 'ingress');
  await new Dataplane({ kernel, instance, log: silentLog() }).converge(world.network);
  assert.deepEqual((await traffic(netns)).sort(), whole.sort());
  await new Dataplane({ kernel, instance, log: silentLog() }).converge(world.with(none));
  assert.deepEqual(await traffic(netns), []);
});

test('nothing is left of a port that is unplugged or whose container vanished', async () => {
  const world = await aWorld(both);
  const { netns, limited, network } = world;
  const detour = limitLink(limited.port.id);
  const names = async () => (await kernel.links(netns)).map(({ name }) => name);
  assert.ok((await names()).includes(detour));
  await dataplane.unplug({ portId: limited.port.id });
  assert.ok(!(await names()).includes(detour));
  await dataplane.plug(network, { portId: limited.port.id, endpointId: 'again' });
  assert.ok((await names()).includes(detour));
  await tool('ip', '-n', netns, 'link', 'delete', portLink(limited.port.id));
  await dataplane.repair(network);
  assert.ok(!(await names()).includes(detour));
});
