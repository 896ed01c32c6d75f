import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import tar from 'tar-stream';
import { until } from '../../test/helpers/until.ts';
import { Failure, isFailure } from '../model/failure.ts';
import { dockerContainerName, dockerNetworkName } from '../model/host-names.ts';
import type { WantedContainer } from '../wire/agent.ts';
import { readKeptLogs } from '../wire/agent-questions.ts';
import type { WantedNetwork } from '../wire/host-network.ts';
import { agentConfig, fakeWorld, instance, leftoversOf, type World } from './world.fixture.ts';

let world: World;
beforeEach(() => {
  world = fakeWorld();
});
afterEach(() => world.stop());

const soon = { everyMs: 2, patienceMs: 4_000 };
const outcome = (uuid: string, operation: string) =>
  until(`${operation} ends`, async () => world.server.outcomeOf(uuid, operation), soon);
const state = (uuid: string) => world.server.rows.get(uuid)?.report?.state;
const inDocker = (uuid: string) =>
  [...world.engine.containers.values()].find(({ name }) => name === dockerContainerName(uuid));
const dockerNameOf = ({ id, subnets }: WantedNetwork) =>
  dockerNetworkName(
    instance,
    id,
    subnets.map((subnet) => subnet.id),
  );
const run = async (uuid: string) => {
  const ended = await outcome(uuid, world.server.ask(uuid, 'create'));
  assert.equal(ended.result, 'success', ended.message);
  return uuid;
};

test('a container is made with its address, started and reported', async () => {
  await world.start();
  const network = world.addNetwork();
  const uuid = await run(
    world.addContainer([network], {
      spec: { hostname: 'web', labels: { 'berth.instance': 'evil', a: 'b' } },
    }),
  );
  const name = dockerNameOf(network);
  const container = inDocker(uuid);
  assert.equal(container?.state, 'running');
  assert.deepEqual(container.endpoints.get(name), {
    IPAMConfig: { IPv4Address: '10.0.0.2' },
    MacAddress: 'fa:16:3e:00:00:02',
    DriverOpts: { 'neutron.port.uuid': world.server.row(uuid).wanted.nics[0]?.portId },
  });

  assert.equal(container.body.Labels['berth.instance'], instance);
  assert.equal(container.body.Labels.a, 'b');
  assert.deepEqual(container.body.HostConfig.Dns, ['169.254.169.253', '9.9.9.9']);
  const docker = world.engine.networks.get(name);
  assert.deepEqual(docker?.Options, {
    'neutron.net.uuid': network.id,
    'neutron.subnet.uuid': network.subnets[0]?.id,
  });
  assert.deepEqual(docker?.IPAM.Options, docker?.Options);
  assert.deepEqual([docker?.Driver, docker?.IPAM.Driver], ['kuryr', 'kuryr-ports']);
  assert.deepEqual(docker?.IPAM.Config, [{ Subnet: '10.0.0.0/24', Gateway: '10.0.0.1' }]);
  const { report, outcomes } = world.server.row(uuid);
  assert.deepEqual([report?.state, report?.taskState, report?.failed], ['running', null, false]);
  assert.deepEqual(report?.resolved, {
    command: ['image-command'],
    entrypoint: [],
    workdir: null,
    hostname: 'web',
    runtime: 'runc',
    ports: [],
  });
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['progress', 'success'],
  );
});

test('several networks are connected before the start, files are in place', async () => {
  await world.start();
  const networks = [world.addNetwork(), world.addNetwork(), world.addNetwork()];
  const files = [{ destination: '/etc/motd', contentBase64: Buffer.from('hello').toString('base64') }];
  const uuid = await run(world.addContainer(networks, { spec: { files } }));
  const container = inDocker(uuid);
  assert.deepEqual([...(container?.endpoints.keys() ?? [])], networks.map(dockerNameOf));
  const order = world.engine.calls.map((call) => call.split(' ')[0]);
  assert.ok(order.lastIndexOf('connectNetwork') < order.indexOf('startContainer'));
  const extract = tar.extract();
  extract.end(container?.files[0]?.tar);
  for await (const entry of extract) {
    assert.equal(entry.header.name, 'etc/motd');
    assert.equal(await new Response(entry as unknown as ReadableStream).text(), 'hello');
  }
});

test('create without run makes it and leaves it', async () => {
  await world.start();
  const uuid = await run(world.addContainer([world.addNetwork()], { power: 'created' }));
  assert.equal(inDocker(uuid)?.state, 'created');
  assert.equal(state(uuid), 'created');
});

test('creations at once on one network make one Docker network', async () => {
  await world.start();
  const network = world.addNetwork();
  await Promise.all([1, 2, 3, 4, 5, 6].map(() => run(world.addContainer([network]))));
  assert.equal(world.engine.calls.filter((call) => call.startsWith('createNetwork')).length, 1);
});

test('images: pulled when absent, told while pulling; never means never', async () => {
  await world.start();
  world.engine.registry.add('remote:latest');
  const pulled = await run(world.addContainer([], { spec: { image: 'remote' } }));
  assert.ok(inDocker(pulled));
  const never = world.addContainer([], { spec: { image: 'other', pullPolicy: 'never' } });
  const ended = await outcome(never, world.server.ask(never, 'create'));
  assert.equal(ended.result, 'error');
  assert.equal(ended.message, 'Image other not present with pull policy of Never');
});

const failingCalls = [
  'hasImage',
  'createNetwork',
  'createContainer',
  'connectNetwork',
  'putArchive',
  'startContainer',
] as const;
for (const call of failingCalls) {
  test(`a creation leaves nothing behind when ${call} fails`, async () => {
    await world.start();
    const networks = [world.addNetwork(), world.addNetwork()];
    const files = [{ destination: '/etc/motd', contentBase64: '' }];
    const uuid = world.addContainer(networks, { spec: { files } });
    world.engine.failNext(call, new Failure('docker-error', 'no luck'));
    const ended = await outcome(uuid, world.server.ask(uuid, 'create'));
    assert.deepEqual([ended.result, ended.message], ['error', 'no luck']);
    const { report } = world.server.row(uuid);
    assert.deepEqual([report?.state, report?.failed, report?.reason], ['missing', true, 'no luck']);
    assert.equal(world.engine.containers.size, 0);
    // The server takes the ports back; then the networks are not wanted here any more.
    world.server.rows.delete(uuid);
    for (const { id } of networks) world.server.networks.delete(id);
    world.server.wake({ networks: networks.map(({ id }) => id) });
    await until('nothing is left', async () => leftoversOf(world).length === 0, soon);
  });

  test(`a creation goes on when Docker was away at ${call}`, async () => {
    await world.start();
    const files = [{ destination: '/etc/motd', contentBase64: '' }];
    const uuid = world.addContainer([world.addNetwork(), world.addNetwork()], { spec: { files } });
    world.engine.failNext(call, new Failure('docker-unavailable', 'away'));
    const ended = await outcome(uuid, world.server.ask(uuid, 'create'));
    assert.equal(ended.result, 'success', ended.message);
    assert.equal(inDocker(uuid)?.state, 'running');
    assert.equal(inDocker(uuid)?.endpoints.size, 2);
  });
}

test('a container whose task a killed dockerd left behind is made anew', async () => {
  await world.start();
  const uuid = world.addContainer([world.addNetwork()]);
  const { engine } = world;
  const startContainer = engine.startContainer.bind(engine);
  let blocked: string | undefined;
  engine.startContainer = async (name) => {
    const found = inDocker(uuid)?.id;
    blocked ??= found;
    if (found === blocked) throw new Failure('docker-error', `task ${found}: already exists: unknown`);
    return startContainer(name);
  };
  const ended = await outcome(uuid, world.server.ask(uuid, 'create'));
  assert.equal(ended.result, 'success', ended.message);
  assert.equal(inDocker(uuid)?.state, 'running');
  assert.notEqual(inDocker(uuid)?.id, blocked);
});

test('an operation whose end Docker did not live to tell is told when it is back', async () => {
  await world.start();
  const uuid = await run(world.addContainer([]));
  const { engine } = world;
  const stopContainer = engine.stopContainer.bind(engine);
  engine.stopContainer = async (id) => {
    await stopContainer(id);
    engine.failNext('findContainer', new Failure('docker-unavailable', 'away'));
  };
  const ended = await outcome(uuid, world.server.ask(uuid, 'stop', { power: 'stopped' }));
  assert.equal(ended.result, 'success');
  await until('it is told', async () => state(uuid) === 'exited', soon);
});

test('a container that removes itself at once was there all the same', async () => {
  await world.start();
  const uuid = world.addContainer([], { spec: { autoRemove: true } });
  const { engine } = world;
  const startContainer = engine.startContainer.bind(engine);
  engine.startContainer = async (id) => {
    await startContainer(id);
    engine.exit(id, 0);
  };
  const ended = await outcome(uuid, world.server.ask(uuid, 'create'));
  assert.equal(ended.result, 'success', ended.message);
  const { report, wanted } = world.server.row(uuid);
  assert.deepEqual([report?.state, report?.failed, wanted.wasCreated], ['missing', false, true]);
});

test('bad destinations of files are refused before anything is made', async () => {
  await world.start();
  for (const destination of ['etc/motd', '/etc/../../x', '/etc/']) {
    const uuid = world.addContainer([], { spec: { files: [{ destination, contentBase64: '' }] } });
    const ended = await outcome(uuid, world.server.ask(uuid, 'create'));
    assert.match(ended.message ?? '', /file destination ".*": expected an absolute path/);
  }
  assert.ok(!world.engine.calls.some((call) => call.startsWith('createContainer')));
});

test('operations are carried out in order, and their repetition does no harm', async () => {
  await world.start();
  const uuid = await run(world.addContainer([world.addNetwork()]));
  const verbs = [
    ['stop', 'stopped', 'exited'],
    ['start', 'running', 'running'],
    ['pause', 'paused', 'paused'],
    ['unpause', 'running', 'running'],
    ['reboot', 'running', 'running'],
    ['kill', 'stopped', 'exited'],
    ['reboot', 'running', 'running'],
    ['rebuild', 'running', 'running'],
  ] as const;
  for (const [verb, power, expected] of verbs) {
    for (const time of ['first', 'second']) {
      const ended = await outcome(uuid, world.server.ask(uuid, verb, { power }));
      assert.equal(ended.result, 'success', `${verb}, ${time} time: ${ended.message}`);
      assert.equal(state(uuid), expected, `${verb}, ${time} time`);
    }
  }
  const spec = { ...world.server.row(uuid).wanted.spec, cpu: 2, memoryMiB: 64 };
  await outcome(uuid, world.server.ask(uuid, 'update', { spec }));
  assert.deepEqual(
    [inDocker(uuid)?.body.HostConfig.Memory, inDocker(uuid)?.body.HostConfig.CpuShares],
    [64 * 2 ** 20, 2048],
  );
});

test('several operations that wait are carried out in turn', async () => {
  const uuid = world.addContainer([]);
  const ids = [
    world.server.ask(uuid, 'create'),
    world.server.ask(uuid, 'stop', { power: 'stopped' }),
    world.server.ask(uuid, 'start', { power: 'running' }),
  ];
  await world.start();
  for (const id of ids) assert.equal((await outcome(uuid, id)).result, 'success');
  assert.equal(state(uuid), 'running');
});

test('a failed operation on a living container is told, and the container stays', async () => {
  await world.start();
  const uuid = await run(world.addContainer([]));
  world.engine.failNext('pauseContainer', new Failure('docker-error', 'cannot freeze'));
  const ended = await outcome(uuid, world.server.ask(uuid, 'pause', { power: 'paused' }));
  assert.deepEqual([ended.result, ended.message], ['error', 'cannot freeze']);
  assert.equal(state(uuid), 'running');
});

test('a deletion removes it, and says when it is complete', async () => {
  await world.start();
  const network = world.addNetwork();
  const uuid = await run(world.addContainer([network]));
  world.server.ask(uuid, 'delete', { power: 'stopped' });
  await until('it is gone', async () => world.server.gone.includes(uuid), soon);
  assert.equal(world.engine.containers.size, 0);
  world.server.networks.delete(network.id);
  world.server.wake({ networks: [network.id] });
  await until('its network is gone', async () => leftoversOf(world).length === 0, soon);
});

test('a network stays while a container needs it, and goes only after the last', async () => {
  await world.start();
  const network = world.addNetwork();
  const uuid = await run(world.addContainer([network]));
  world.server.networks.delete(network.id);
  world.server.wake({ networks: [network.id] });
  world.server.wake();
  await world.stop();
  assert.ok(world.engine.networks.has(dockerNameOf(network)));
  assert.equal(inDocker(uuid)?.state, 'running');
});

test('reports wait until the server is back', async () => {
  await world.start();
  const uuid = world.addContainer([]);
  const other = world.addContainer([]);
  const create = world.server.ask(uuid, 'create');
  await until('it runs', async () => inDocker(uuid)?.state === 'running', soon);
  world.server.isDown = true;
  world.engine.exit(dockerContainerName(uuid), 3);
  await until(
    'the end was seen',
    async () => world.engine.calls.filter((call) => call.startsWith('findContainer')).length > 2,
    soon,
  );
  world.server.isDown = false;
  await outcome(uuid, create);
  await until('the end is told', async () => world.server.row(uuid).report?.exitCode === 3, soon);
  world.server.refuses = uuid;
  await run(other);
});

test('what happens in Docker is told', async () => {
  await world.start();
  const uuid = await run(world.addContainer([]));
  world.engine.exit(dockerContainerName(uuid), 7);
  await until('exited', async () => state(uuid) === 'exited', soon);
  assert.equal(world.server.row(uuid).report?.exitCode, 7);
  world.engine.vanish(dockerContainerName(uuid));
  await until('missing', async () => state(uuid) === 'missing', soon);
  assert.equal(world.server.row(uuid).report?.failed, true);
  assert.match(world.server.row(uuid).report?.reason ?? '', /No such container/);
});

const always = { restartPolicy: { name: 'always', maximumRetryCount: 0 } } as const;

test('a container that vanished is made again with its address when it should always be there', async () => {
  await world.start();
  const network = world.addNetwork();
  const uuid = await run(world.addContainer([network], { spec: always }));
  const before = inDocker(uuid);
  world.engine.vanish(dockerContainerName(uuid));
  await until(
    'it runs again',
    async () => inDocker(uuid)?.state === 'running' && inDocker(uuid)?.id !== before?.id,
    soon,
  );
  assert.deepEqual(inDocker(uuid)?.endpoints, before?.endpoints);
});

for (const machine of [false, true]) {
  test(`after ${machine ? 'the machine was made anew' : 'dockerd came back without starting anything'}, what should run runs`, async () => {
    await world.start();
    const network = world.addNetwork();
    const lasting = await run(world.addContainer([network], { spec: always }));
    const passing = await run(world.addContainer([network]));
    world.engine.stopDaemon({ machine });
    await until('the server knows', async () => world.server.beats.at(-1)?.engineOk === false, soon);
    world.engine.startDaemon();
    await until('it runs again', async () => inDocker(lasting)?.state === 'running', soon);
    await until('the other is told', async () => state(passing) === (machine ? 'missing' : 'exited'), soon);
    await until('the server knows', async () => world.server.beats.at(-1)?.engineOk === true, soon);
  });
}

test('a start that fails after a reboot is tried again until it works', async () => {
  await world.start();
  const uuid = await run(world.addContainer([world.addNetwork()], { spec: always }));
  const refusal = () => new Failure('docker-error', 'plugin "kuryr" not found');
  for (let i = 0; i < 3; i += 1) world.engine.failNext('startContainer', refusal());
  world.engine.stopDaemon();
  world.engine.startDaemon();
  await until(
    'it is told',
    async () => /cannot be brought back: plugin/.test(world.server.row(uuid).report?.reason ?? ''),
    soon,
  );
  await until('it runs again', async () => state(uuid) === 'running', soon);
  assert.equal(world.server.row(uuid).report?.reason, null);
});

test('a Docker network that somebody removed is made again at the start', async () => {
  await world.start();
  const network = world.addNetwork();
  const uuid = await run(world.addContainer([network]));
  await outcome(uuid, world.server.ask(uuid, 'stop', { power: 'stopped' }));
  world.engine.networks.clear();
  assert.equal(
    (await outcome(uuid, world.server.ask(uuid, 'start', { power: 'running' }))).result,
    'success',
  );
  assert.ok(world.engine.networks.has(dockerNameOf(network)));
});

test('an agent that dies at any moment of a creation is followed by one that completes it', async () => {
  for (let calls = 1; calls <= 8; calls += 1) {
    world = fakeWorld();
    const uuid = world.addContainer([world.addNetwork(), world.addNetwork()], {
      spec: { files: [{ destination: '/x', contentBase64: '' }] },
    });
    const create = world.server.ask(uuid, 'create');
    // Dead: after some calls Docker hears nothing any more, and the server neither.
    const { engine } = world;
    const push = engine.calls.push.bind(engine.calls);
    let left = calls;
    engine.calls.push = (...call: string[]) => {
      left -= 1;
      if (left === 0) {
        engine.isDown = true;
        world.server.isDown = true;
      }
      return push(...call);
    };
    await world.start();
    await until(
      'it is dead',
      async () => engine.isDown || world.server.outcomeOf(uuid, create) !== undefined,
      soon,
    );
    await world.stop();
    engine.calls.push = push;
    engine.isDown = false;
    world.server.isDown = false;
    await world.start();
    const ended = await outcome(uuid, create);
    assert.equal(ended.result, 'success', `died at call ${calls}: ${ended.message}`);
    assert.equal(inDocker(uuid)?.state, 'running');
    assert.equal(inDocker(uuid)?.endpoints.size, 2);
    await world.stop();
  }
});

test('the sweep removes what nobody wants, and nothing of others', async () => {
  const network = world.addNetwork();
  const body = (instanceOf: string, uuid: string) => ({
    Image: 'busybox',
    Env: [],
    Labels: { 'berth.instance': instanceOf, 'berth.container': uuid },
    Tty: false,
    OpenStdin: false,
    HostConfig: { NetworkMode: 'none', Privileged: false, AutoRemove: false },
  });
  await world.engine.createContainer('zun-stale', body(instance, 'stale'));
  await world.engine.createContainer('zun-other', body('ffff', 'other'));
  const network_ = (instanceOf: string, id: string) => ({
    Name: `berth-${instanceOf}-${id}`,
    Driver: 'kuryr',
    EnableIPv6: false,
    Options: {},
    Labels: { 'berth.instance': instanceOf, 'berth.network': id },
    IPAM: { Driver: 'kuryr', Options: {}, Config: [] },
  });
  await world.engine.createNetwork(network_(instance, 'stale'));
  await world.engine.createNetwork(network_('ffff', 'stale'));
  world.dataplane.networks.add('stale');
  await world.start();
  const uuid = await run(world.addContainer([network]));
  await until(
    'the leftovers are gone',
    async () => !world.engine.networks.has(`berth-${instance}-stale`),
    soon,
  );
  await until('the namespace, too', async () => !world.dataplane.networks.has('stale'), soon);
  assert.deepEqual(
    [...world.engine.containers.values()].map(({ name }) => name).sort(),
    ['zun-other', dockerContainerName(uuid)].sort(),
  );
  assert.ok(world.engine.networks.has('berth-ffff-stale'));
});

test('a dry sweep removes nothing', async () => {
  const labels = { 'berth.instance': instance, 'berth.network': 'stale' };
  const ipam = { Driver: 'kuryr', Options: {}, Config: [] };
  await world.engine.createNetwork({
    Name: 'x',
    Driver: 'kuryr',
    EnableIPv6: false,
    Options: {},
    Labels: labels,
    IPAM: ipam,
  });
  const uuid = world.addContainer([]);
  await world.start({
    config: { ...agentConfig, agent: { ...agentConfig.agent, sweep: 'dry-run' } },
  });
  await run(uuid);
  await until(
    'a pass is over',
    async () => world.engine.calls.some((call) => call.startsWith('listNetworks')),
    soon,
  );
  await world.stop();
  assert.ok(world.engine.networks.has('x'));
});

test('what a container wrote outlives it, until the server wants it no longer', async () => {
  const uuid = world.addContainer([]);
  await world.start();
  await run(uuid);
  world.server.ask(uuid, 'delete', { power: 'stopped' });
  await until('it is gone', async () => world.server.gone.includes(uuid), soon);
  const question = { uuid, stdout: true, stderr: false, timestamps: false, tail: null, since: null };
  assert.deepEqual(await world.server.call(readKeptLogs, question), { text: 'one\nthree\n' });
  assert.equal(world.server.logsLeft.get(uuid)?.reason, null);
  await world.stop();
  world.server.unwantedLogs.add(uuid);
  await world.start();
  await until('the server was told', async () => world.server.kept.at(-1)?.includes(uuid), soon);
  await until(
    'they are dropped',
    () =>
      world.server.call(readKeptLogs, question).then(
        () => false,
        (error) => isFailure(error, 'resource-not-found'),
      ),
    soon,
  );
});

test('a log that cannot be read is said, and stops no delete', async () => {
  const uuid = world.addContainer([]);
  await world.start();
  await run(uuid);
  world.engine.failNext('logEntries', new Failure('docker-error', 'no such driver'));
  world.server.ask(uuid, 'delete', { power: 'stopped' });
  await until('it is gone', async () => world.server.gone.includes(uuid), soon);
  assert.deepEqual(world.server.logsLeft.get(uuid), {
    bytes: null,
    reason: 'The logs could not be kept: no such driver',
  });
  assert.equal(world.engine.containers.size, 0);
});

test('heartbeats say what the host is and whether Docker answers', async () => {
  await world.start();
  const beat = await until('a beat', async () => world.server.beats.at(-1), soon);
  assert.equal(beat.engineOk, true);
  assert.deepEqual([beat.host?.cpus, beat.host?.memoryMiB, beat.host?.runtimes], [4, 8192, ['runc']]);
  assert.deepEqual(beat.host?.labels, { rack: '7', disk: 'ssd' });
});

test('the plugin is started before any container is touched', async () => {
  const uuid = world.addContainer([world.addNetwork()]);
  world.server.ask(uuid, 'create');
  let seen: number | undefined;
  await world.start({
    beforeContainers: async (backend) => {
      seen = world.engine.containers.size;
      assert.ok(backend.service);
    },
  });
  assert.equal(seen, 0);
  await until('it runs', async () => state(uuid) === 'running', soon);
});

test('Kuryr finds the ports and subnets of this host, and plugs them', async () => {
  const agent = await world.start();
  const { kuryrBackend: backend } = agent;
  const network = world.addNetwork();
  const uuid = world.addContainer([network]);
  const [nic] = world.server.row(uuid).wanted.nics as [WantedContainer['nics'][number]];
  const port = await backend.findPort({ networkId: network.id, address: '10.0.0.2' });
  assert.equal(port?.id, nic.portId);
  assert.equal(port?.networkId, network.id);
  const subnetId = network.subnets[0]?.id ?? '';
  assert.equal((await backend.findSubnet(subnetId))?.cidr, '10.0.0.0/24');
  assert.equal(
    (await backend.findPort({ subnetId, macAddress: nic.macAddress.toUpperCase() }))?.id,
    nic.portId,
  );
  assert.equal(await backend.findPort({ subnetId, address: '10.0.0.99' }), undefined);
  const what = { networkId: network.id, portId: nic.portId, endpointId: 'e1' };
  assert.ok((await backend.plug(what)).linkName);
  await until('the port is active', async () => world.server.ports.get(nic.portId) === 'active', soon);
  assert.equal(await backend.portOfEndpoint('e1'), nic.portId);
  await backend.plug({ ...what, endpointId: 'e2' });
  await backend.unplug(what);
  assert.equal(world.server.ports.get(nic.portId), 'active');
  await backend.unplug({ ...what, endpointId: 'e2' });
  await until('the port is down', async () => world.server.ports.get(nic.portId) === 'down', soon);
  await assert.rejects(backend.plug({ ...what, portId: uuid }), /is not wanted on this host/);
});
