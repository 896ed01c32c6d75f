/**
 * The agent with everything real below it: dockerd, Kuryr's sockets, the dataplane in the kernel. Only the server is a
 * model. Names are this test's own; afterwards nothing is left.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World } from '../../src/agent/world.fixture.ts';
import { silentLog } from '../../src/base/log.ts';
import { connectEngine } from '../../src/docker/connect.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { dockerContainerName, namespacePrefix } from '../../src/model/host-names.ts';
import { Dataplane } from '../../src/network/dataplane.ts';
import { type KuryrPlugin, startKuryrPlugin } from '../../src/plugins/libnetwork/kuryr-plugin.ts';
import {
  containerExecute,
  containerInspect,
  containerLogs,
  containerStats,
  containerTop,
  readKeptLogs,
} from '../../src/wire/agent-questions.ts';
import type { WantedNetwork } from '../../src/wire/host-network.ts';
import { importBusybox, removeImage } from '../helpers/busybox-image.ts';
import { until } from '../helpers/until.ts';

const instance = (process.pid % 0xffff).toString(16).padStart(4, '0');
const kuryrName = `berth-test-${process.pid}`;
const image = `${kuryrName}:1`;
const engine = connectEngine({ dockerHost: '' });
const log = silentLog();

let kernel: Kernel;
let plugin: KuryrPlugin | undefined;
let world: World<typeof engine, Dataplane>;

before(async () => {
  kernel = await openKernel({ log });
  await importBusybox(image);
  world = new World({ engine, dataplane: new Dataplane({ kernel, instance, log }) });
  await start();
});

after(async () => {
  for (const uuid of world.server.rows.keys()) world.server.ask(uuid, 'delete');
  await until('all containers are gone', async () => world.server.rows.size === 0);
  world.server.networks.clear();
  world.server.wake();
  await until('nothing is left', async () => (await leftovers()).length === 0);
  await stop();
  await removeImage(image);
  engine.close();
  await kernel.close();
});

async function start(): Promise<void> {
  await world.start({
    kuryrName,
    instance,
    beforeContainers: async (backend) => {
      plugin = await startKuryrPlugin({
        name: kuryrName,
        pluginDir: '/run/docker/plugins',
        backend,
        log,
        deadlineMs: 25_000,
      });
    },
  });
}

async function stop(): Promise<void> {
  await world.stop();
  await plugin?.close();
}

async function leftovers(): Promise<string[]> {
  const label = `berth.instance=${instance}`;
  const containers = await engine.listContainers(label);
  const networks = await engine.listNetworks(label);
  const namespaces = await kernel.namespaces();
  return [
    ...containers.map(({ name }) => name),
    ...networks.map(({ name }) => name),
    ...namespaces.filter((name) => name.startsWith(namespacePrefix(instance))),
  ];
}

/** A group that lets everything through: what is tested here is not the filter. */
const group = {
  id: '00000000-0000-4000-8000-000000000001',
  stateful: true,
  rules: ([4, 6] as const).flatMap((ipVersion) =>
    (['ingress', 'egress'] as const).map((direction) => ({
      direction,
      ipVersion,
      protocol: null,
      portMin: null,
      portMax: null,
      remoteGroupId: null,
      remotePrefix: null,
    })),
  ),
};

function network(...subnets: WantedNetwork['subnets']): WantedNetwork {
  return world.addNetwork({ securityGroups: [group], ...(subnets.length > 0 && { subnets }) });
}

const subnet = (n: number): WantedNetwork['subnets'][number] => ({
  id: `00000000-0000-4000-8000-0000000001${String(n).padStart(2, '0')}`,
  ipVersion: 4,
  cidr: `10.8.${n}.0/24`,
  gatewayIp: `10.8.${n}.1`,
  dnsNameservers: [],
  hostRoutes: [],
});

const run = async (uuid: string) => {
  const operation = world.server.ask(uuid, 'create');
  const ended = await until('it is made', async () => world.server.outcomeOf(uuid, operation));
  assert.equal(ended.result, 'success', ended.message);
  return uuid;
};
const sleeper = { image, command: ['sleep', '100000'] };
const addressOf = (uuid: string, version = 4) =>
  world.server.row(uuid).wanted.nics[0]?.fixedIps.find((ip) => ip.version === version)?.address ?? '';
const execute = (uuid: string, ...command: string[]) =>
  world.server.call(containerExecute, { uuid, command, timeoutSeconds: 20 });
const pings = async (from: string, address: string) =>
  (await execute(from, 'ping', '-c', '1', '-W', '5', address)).exitCode === 0;

test('containers of one network have the addresses and MACs of their ports, and reach each other', async () => {
  const net = network();
  const [one, two] = [
    world.addContainer([net], { spec: sleeper }),
    world.addContainer([net], { spec: sleeper }),
  ];
  await Promise.all([run(one), run(two)]);
  const { output } = await execute(one, 'ip', 'addr', 'show', 'eth0');
  const nic = world.server.row(one).wanted.nics[0];
  assert.match(output, new RegExp(`inet ${addressOf(one)}/24`));
  assert.match(output, new RegExp(`link/ether ${nic?.macAddress}`));
  assert.match(output, /mtu 1450/);
  assert.ok(await pings(one, addressOf(two)));
  await until('the port is active', async () => world.server.ports.get(nic?.portId ?? '') === 'active');
});

test('two networks of two tenants with the same addresses do not see each other', async () => {
  const [left, right] = [network(), network()];
  const [one, two] = [
    world.addContainer([left], { spec: sleeper }),
    world.addContainer([right], { spec: sleeper }),
  ];
  await Promise.all([run(one), run(two)]);
  assert.equal(addressOf(one), addressOf(two));
  const third = await run(world.addContainer([right], { spec: sleeper }));
  assert.ok(await pings(two, addressOf(third)));
  assert.ok(!(await pings(one, addressOf(third))));
});

test('both families: the two addresses of a port arrive', async () => {
  const dual = network(
    {
      id: '00000000-0000-4000-8000-0000000000a4',
      ipVersion: 4,
      cidr: '10.7.0.0/24',
      gatewayIp: null,
      dnsNameservers: [],
      hostRoutes: [],
    },
    {
      id: '00000000-0000-4000-8000-0000000000a6',
      ipVersion: 6,
      cidr: 'fd00:7::/64',
      gatewayIp: 'fd00:7::1',
      dnsNameservers: [],
      hostRoutes: [],
    },
  );
  const [one, two] = [
    world.addContainer([dual], { spec: sleeper }),
    world.addContainer([dual], { spec: sleeper }),
  ];
  await Promise.all([run(one), run(two)]);
  const { output } = await execute(one, 'ip', 'addr');
  for (const { macAddress, fixedIps } of world.server.row(one).wanted.nics) {
    assert.match(output, new RegExp(macAddress));
    for (const { address } of fixedIps) assert.match(output, new RegExp(address));
  }
  assert.ok(await pings(one, addressOf(two)));
  assert.ok(await pings(one, addressOf(two, 6)));
});

test('on several networks each interface has the address and the MAC of its port, also after a restart', async () => {
  const networks = [1, 2, 3].map((n) => network(subnet(n)));
  const [one, two] = [
    world.addContainer(networks, { spec: sleeper }),
    world.addContainer(networks, { spec: sleeper }),
  ];
  await Promise.all([run(one), run(two)]);
  for (const time of ['made', 'started again']) {
    const { output } = await execute(one, 'ip', 'addr');
    for (const { macAddress, fixedIps } of world.server.row(one).wanted.nics) {
      const [address] = fixedIps;
      assert.match(output, new RegExp(`${macAddress} .*\\n +inet ${address?.address}/`), time);
    }
    const operation = world.server.ask(one, 'reboot', { timeoutSeconds: 0 });
    await until('it is restarted', async () => world.server.outcomeOf(one, operation));
  }
});

test('a network that got a subnet while containers were on it gives its addresses to new ones', async () => {
  const net = network();
  const old = await run(world.addContainer([net], { spec: sleeper }));
  const more = {
    id: '00000000-0000-4000-8000-0000000000b6',
    ipVersion: 6,
    cidr: 'fd00:8::/64',
    gatewayIp: null,
    dnsNameservers: [],
    hostRoutes: [],
  } satisfies WantedNetwork['subnets'][number];
  const now = world.server.networks.get(net.id);
  assert.ok(now);
  world.server.networks.set(net.id, { ...now, subnets: [...now.subnets, more] });
  world.server.wake({ networks: [net.id] });
  const young = await run(world.addContainer([net], { spec: sleeper }));
  assert.match((await execute(young, 'ip', 'addr')).output, new RegExp(addressOf(young, 6)));
  assert.ok(await pings(young, addressOf(old)));
});

test('stop and start keep the address; a restart of the agent disturbs nothing', async () => {
  const net = network();
  const one = await run(world.addContainer([net], { spec: sleeper }));
  const two = await run(world.addContainer([net], { spec: sleeper }));
  const ended = async (id: string, verb: 'stop' | 'start' | 'reboot', power: 'running' | 'stopped') => {
    const operation = world.server.ask(id, verb, { power, timeoutSeconds: 0 });
    const outcome = await until(`${verb} ends`, async () => world.server.outcomeOf(id, operation));
    assert.equal(outcome.result, 'success', outcome.message);
  };
  await ended(one, 'stop', 'stopped');
  await stop();
  await start();
  assert.ok(await pings(two, addressOf(two)));
  await ended(one, 'start', 'running');
  assert.ok(await pings(two, addressOf(one)));
  await ended(two, 'reboot', 'running');
  assert.ok(await pings(two, addressOf(one)));
});

test('a failed start leaves neither container nor pair behind', async () => {
  const net = network();
  const uuid = world.addContainer([net], { spec: { image, command: ['/no/such/program'] } });
  const operation = world.server.ask(uuid, 'create');
  const ended = await until('it ends', async () => world.server.outcomeOf(uuid, operation));
  assert.equal(ended.result, 'error');
  assert.match(ended.message ?? '', /no such file or directory/);
  assert.equal(await engine.findContainer(dockerContainerName(uuid)), undefined);
  world.server.rows.delete(uuid);
  world.server.networks.delete(net.id);
  world.server.wake({ networks: [net.id] });
  await until(
    'the network is gone',
    async () =>
      !(await leftovers()).some(
        (name) => name.includes(net.id.replaceAll('-', '').slice(0, 12)) || name.includes(net.id),
      ),
  );
});

test('questions are answered', async () => {
  const spec = { image, command: ['sh', '-c', 'echo hello; sleep 100000'] };
  const uuid = await run(world.addContainer([network()], { spec }));
  const logs = { uuid, stdout: true, stderr: true, timestamps: false, tail: null, since: null };
  await until('it said hello', async () => (await world.server.call(containerLogs, logs)).text === 'hello\n');
  assert.ok((await world.server.call(containerTop, { uuid, psArgs: null })).processes.length > 0);
  const stats = await world.server.call(containerStats, { uuid });
  assert.equal(stats.memoryLimitMiB, 512);
  assert.equal((await world.server.call(containerInspect, { uuid })).state, 'running');
});

/** What can be asked of a log that was written over about two seconds, the last ones in the middle of it. */
const logQuestions = (from: number) => {
  const both = { stdout: true, stderr: true, timestamps: false, tail: null, since: null };
  return [
    both,
    { ...both, timestamps: true },
    { ...both, stderr: false },
    { ...both, stdout: false, timestamps: true },
    ...[0, 1, 3, 100].map((tail) => ({ ...both, tail })),
    { ...both, tail: 3, stdout: false },
    { ...both, since: from + 1 },
    { ...both, since: from + 1, tail: 2, timestamps: true },
    { ...both, since: from + 1_000 },
  ];
};

for (const tty of [false, true]) {
  test(`the kept log of a deleted container answers as Docker did (${tty ? 'a terminal' : 'two streams'})`, async () => {
    const long = 'printf "%020000d\\n" 7';
    // Two streams reach Docker on two ways: only pauses keep their order.
    const script = `echo one; sleep 0.2; echo two >&2; sleep 0.2; ${long}; sleep 1.5; echo three; sleep 0.2; echo four >&2; sleep 0.2; echo end; exec sleep 100000`;
    const spec = { image, command: ['sh', '-c', script], tty };
    const uuid = await run(world.addContainer([network()], { spec }));
    const whole = { uuid, stdout: true, stderr: true, timestamps: true, tail: null, since: null };
    const ask = async (question: object) =>
      (await world.server.call(containerLogs, { ...whole, ...question })).text;
    const said = await until('it said all', async () => {
      const { text } = await world.server.call(containerLogs, whole);
      return /end\r?\n$/.test(text) && text;
    });
    const questions = logQuestions(Date.parse(said.slice(0, said.indexOf(' '))) / 1000);
    const before: string[] = [];
    for (const question of questions) before.push(await ask(question));
    world.server.ask(uuid, 'delete', { power: 'stopped' });
    await until('it is gone', async () => world.server.gone.includes(uuid));
    assert.equal(await engine.findContainer(dockerContainerName(uuid)), undefined);
    for (const [index, question] of questions.entries()) {
      const { text } = await world.server.call(readKeptLogs, { ...whole, ...question });
      assert.equal(text, before[index], JSON.stringify(question));
    }
    assert.ok(new Set(before).size > 5, 'the questions differ in their answers');
  });
}
