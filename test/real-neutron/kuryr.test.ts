/**
 * `berth kuryr` between the real dockerd and a real Neutron, whose own Linux bridge agent wires and filters: all of them
 * on one simulated machine, made for this.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { playDesignCalls } from '../helpers/design-calls.ts';
import { playDesignSession } from '../helpers/design-session.ts';
import { DockerdCalls } from '../helpers/dockerd.ts';
import { Machine, type MachineProcess } from '../helpers/machine.ts';
import { environment } from '../helpers/openstack/identity.ts';
import { NeutronCloud } from '../helpers/openstack/neutron-cloud.ts';
import { until } from '../helpers/until.ts';

const commandLine = resolve(import.meta.dirname, '../../bin/berth.ts');

let machine: Machine;
let neutron: NeutronCloud;
let kuryr: MachineProcess;
let calls: DockerdCalls;
let atFirst: Awaited<ReturnType<typeof belongings>>;

before(async () => {
  machine = await Machine.start();
  neutron = await NeutronCloud.start(machine);
  // In a folder that this process sees, too.
  const plugins = join(machine.disk, 'plugins');
  mkdirSync(plugins);
  await machine.must('mkdir', ['-p', '/run/docker/plugins']);
  await machine.must('mount', ['--bind', plugins, '/run/docker/plugins']);
  calls = new DockerdCalls(join(plugins, 'kuryr.sock'));
  await startKuryr();
  atFirst = await belongings();
});

after(() => machine?.destroy());

beforeEach(async () => {
  const same = async () => JSON.stringify(await belongings()) === JSON.stringify(atFirst);
  await until('nothing is left', same).catch(async () => assert.deepEqual(await belongings(), atFirst));
});

async function startKuryr(): Promise<void> {
  const log = join(machine.disk, 'kuryr.log');
  const args = ['--disable-warning=ExperimentalWarning', commandLine, 'kuryr', '--host', neutron.host];
  kuryr = machine.spawn(process.execPath, args, log, {
    ...environment,
    DOCKER_HOST: machine.dockerHost,
  });
  const isUp = async () => (await calls.ask('Plugin.Activate')).status === 200;
  await until('Kuryr serves', isUp).catch((cause: unknown) => {
    throw new Error(readFileSync(log, 'utf8'), { cause });
  });
}

/** What a network or a container could leave behind in Neutron and on the machine. */
async function belongings() {
  const kinds = ['networks', 'subnets', 'subnetpools', 'ports', 'security-groups'] as const;
  const objects = await Promise.all(kinds.map((kind) => neutron.service.list(kind, {})));
  const lines = async (file: string, ...args: readonly string[]) =>
    (await machine.must(file, args)).trim().split('\n');
  return {
    objects: objects
      .flat()
      .map(({ id }) => id)
      .sort(),
    links: JSON.parse(await machine.must('ip', ['-j', 'link']))
      .map((link: { ifname: string }) => link.ifname)
      .sort(),
    // The agent keeps the chains that are not of a port.
    rules: (await lines('iptables-save')).filter((line) => line.includes('tap')),
    bridgeRules: (await lines('ebtables', '-t', 'nat', '-L')).filter((line) => line.includes('tap')),
    sets: await lines('ipset', 'list', '-n'),
    docker: await lines('docker', '-H', machine.dockerHost, 'network', 'ls', '-q', '--no-trunc'),
    containers: await lines('docker', '-H', machine.dockerHost, 'ps', '-aq', '--no-trunc'),
  };
}

async function docker(...args: readonly string[]): Promise<string> {
  return (await machine.must('docker', ['-H', machine.dockerHost, ...args])).trim();
}

test('the session of Kuryr’s design: its commands, its objects, what Docker shows', () =>
  playDesignSession({
    docker,
    service: neutron.service,
    host: neutron.host,
    driver: 'kuryr',
    image: 'busybox',
    prefix: '',
  }));

test('the calls of Kuryr’s design: its JSON and its answers', () =>
  playDesignCalls({
    service: neutron.service,
    host: { networks: new Set(), endpoints: new Map() },
    call: (name, body) => calls.call(name, body),
    ask: (name, body) => calls.ask(name, body),
  }));

const createNetwork = (name: string, ...options: readonly string[]) =>
  docker('network', 'create', '--driver', 'kuryr', '--ipam-driver', 'kuryr', ...options, name);

const start = (name: string, network: string, options: readonly string[] = [], command = 'sleep 100000') =>
  docker('run', '-d', '--name', name, '--network', network, ...options, 'busybox', 'sh', '-c', command);

/** Removes what a test made by Docker, whatever happened. */
async function clear(containers: readonly string[], networks: readonly string[]): Promise<void> {
  for (const name of containers) await machine.docker('rm', '--force', name);
  for (const name of networks) await machine.docker('network', 'rm', name);
}

const addressOf = (container: string, network: string, key = 'IPAddress') =>
  docker('inspect', '--format', `{{(index .NetworkSettings.Networks "${network}").${key}}}`, container);

async function untilActive(count: number): Promise<void> {
  await until('all ports are active', async () => {
    const all = await neutron.service.list('ports', { device_owner: 'compute:kuryr' });
    return all.length === count && all.every(({ status }) => status === 'ACTIVE');
  });
}

async function group(name: string): Promise<string> {
  return (await neutron.service.create('security-groups', { name })).id;
}

function allow(groupId: string, port: number): Promise<{ readonly id: string }> {
  return neutron.service.create('security-group-rules', {
    security_group_id: groupId,
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: 'tcp',
    port_range_min: port,
    port_range_max: port,
  });
}

const echoing = 'nc -ll -p 80 -e echo 80 & nc -ll -p 81 -e echo 81 & exec sleep 100000';
const asClient = 'berth.security-groups=client';

/** What the client hears from a port, or nothing. */
async function hear(address: string, port: number): Promise<string> {
  // A connection that is cut half-way, by a rule that comes between, would never end by itself.
  const nc = ['busybox', 'timeout', '5', 'nc', '-w', '2', address, String(port)];
  const { stdout } = await machine.docker('exec', 'client', ...nc);
  return stdout.trim();
}

test('containers on two networks: ports active, groups enforced by Neutron’s agent, rules as they change', async () => {
  const groups = { web: await group('web'), client: await group('client') };
  const first = await allow(groups.web, 80);
  try {
    await createNetwork('one', '--subnet', '10.77.0.0/24', '-o', 'berth.security-groups=web');
    await createNetwork('two', '--subnet', '10.78.0.0/24', '--ipv6', '--subnet', 'fd00:78::/64');
    await start('server', 'one', [], echoing);
    await start('exposing', 'two', ['--expose', '80'], echoing);
    await start('client', `name=one,driver-opt=${asClient}`);
    await docker('network', 'connect', '--driver-opt', asClient, 'two', 'client');
    await untilActive(4);
    const server = await addressOf('server', 'one');
    await until('the allowed port answers', async () => (await hear(server, 80)) === '80');
    assert.equal(await hear(server, 81), '');
    for (const family of ['IPAddress', 'GlobalIPv6Address']) {
      const exposing = await addressOf('exposing', 'two', family);
      await until('the exposed port answers', async () => (await hear(exposing, 80)) === '80');
      assert.equal(await hear(exposing, 81), '');
    }
    const second = await allow(groups.web, 81);
    await until('a new rule holds', async () => (await hear(server, 81)) === '81');
    for (const { id } of [first, second]) await neutron.service.remove('security-group-rules', id);
    for (const port of [80, 81]) {
      await until('what no rule allows is closed', async () => (await hear(server, port)) === '');
    }
  } finally {
    await clear(['server', 'exposing', 'client'], ['one', 'two']);
    for (const id of Object.values(groups)) await neutron.service.remove('security-groups', id);
  }
});

test('Kuryr killed and started again while a container runs: it stays reachable, and all goes with it', async () => {
  try {
    await createNetwork('lasting', '--subnet', '10.79.0.0/24');
    await start('before', 'lasting', ['--ip', '10.79.0.10']);
    process.kill(await kuryr.pid(), 'SIGKILL');
    await kuryr.exited;
    await startKuryr();
    await start('afterwards', 'lasting');
    await untilActive(2);
    await docker('exec', 'afterwards', 'ping', '-c', '1', '-W', '10', '10.79.0.10');
  } finally {
    await clear(['before', 'afterwards'], ['lasting']);
  }
});

test('nothing is left at the end', () => undefined);
