/** Publishing, tracing and the doctor from end to end: what the command line says is what packets do. */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Machine } from '../helpers/machine.ts';
import { until } from '../helpers/until.ts';

const root = resolve(import.meta.dirname, '../..');
const admin = ['--os-cloud', 'berth-admin'] as const;
let machine: Machine;

async function berth(...args: readonly string[]) {
  return machine.exec(process.execPath, [join(root, 'bin/berth.ts'), ...args], {
    DOCKER_HOST: machine.dockerHost,
    BERTH_STATE_DIR: join(machine.disk, 'state'),
    XDG_CACHE_HOME: join(machine.disk, 'cache'),
    OS_CLOUD: '',
    OS_AUTH_URL: '',
    OS_CLIENT_CONFIG_FILE: '',
  });
}

async function must(...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await berth(...args);
  assert.equal(code, 0, `berth ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

before(async () => {
  machine = await Machine.start();
  await must('up', '-d');
});
after(async () => {
  await berth('down');
  await machine?.destroy();
});

/** A web server; its page says who it is. */
const server = (name: string, ...options: readonly string[]) => [
  ...['run', '-n', name, '--net', 'network=demo', ...options, 'busybox', 'sh', '-c'],
  `mkdir /tmp/w; echo page of ${name} > /tmp/w/index.html; trap "exit 0" TERM; httpd -f -p 80 -h /tmp/w & wait`,
];

/** What somebody in the machine's own namespace gets; empty = nothing. */
const fetch = async (address: string) =>
  (await machine.exec('timeout', ['3', 'busybox', 'wget', '-q', '-O', '-', `http://${address}/`])).stdout;

const floatingOf = async (name: string): Promise<string[]> =>
  JSON.parse(await must('show', name, '-f', 'json')).floating_addresses;

test('run --publish forwards a port of a shared address; deleting takes everything along', {
  timeout: 120_000,
}, async () => {
  const { stderr, stdout, code } = await berth(...server('web', '--publish', '8080:80'));
  assert.equal(code, 0, stdout + stderr);
  const [, address = ''] = /web: reach port 80\/tcp at (\S+:8080)/.exec(stderr) ?? [];
  await until('the page comes', async () => (await fetch(address)) === 'page of web\n');
  assert.deepEqual(await floatingOf('web'), [`${address}->80/tcp`]);
  assert.match(await must('list'), new RegExp(`${address}->80/tcp`));
  await must(...server('twin', '--publish', '8081:80'));
  const host = address.split(':')[0];
  await until('the twin shares the address', async () => (await fetch(`${host}:8081`)) === 'page of twin\n');
  assert.equal(await fetch(`${host}:80`), '');
  await must('delete', '--stop', 'web', 'twin');
  assert.equal(await must('floating-ip', 'list', '-f', 'value'), '');
  assert.doesNotMatch(await must('security-group', 'list', '-f', 'value', '-c', 'name'), /published/);
});

test('expose opens one container only, unexpose closes it again, and the trace says so', {
  timeout: 180_000,
}, async () => {
  await must(...server('shop'));
  await must(...server('back'));
  const [published] = JSON.parse(await must('expose', 'shop', '80', '-f', 'json'));
  const { address } = published;
  await until('the page comes', async () => (await fetch(address)) === 'page of shop\n');
  const story = await must('port', 'trace', 'outside', 'shop', 'tcp/80');
  assert.match(story, /✓ router demo-router destination-nat +floating IP/);
  assert.match(story, /✓ port shop ingress +let through by: ingress IPv4 tcp 80 from anywhere \[rule /);
  const toBack = await berth('port', 'trace', 'outside', 'back', 'tcp/80');
  assert.equal(toBack.code, 1, toBack.stdout);
  assert.match(
    await must('network', 'topology'),
    /└─ router demo-router[\s\S]*shop 10\.\S+ ⇄ 172\.24\.4\.\d+/,
  );

  const [host = ''] = address.split(':');
  const other = await berth('port', 'trace', 'outside', host, 'tcp/81');
  assert.match(other.stdout, /✗ port shop ingress[\s\S]*to allow it: berth security-group rule create/);
  await must('unexpose', 'shop');
  await until('nobody answers', async () => (await fetch(address)) === '');
  assert.equal(await must('floating-ip', 'list', '-f', 'value'), '');
  const again = await berth('unexpose', 'shop', '80');
  assert.match(again.stderr, /is not published/);
  await must('delete', '--stop', 'shop', 'back');
});

test('a container that removes itself leaves nothing published', { timeout: 120_000 }, async () => {
  const name = 'brief';
  const script = 'sleep 4';
  await must(
    'run',
    '--rm',
    '-n',
    name,
    '--net',
    'network=demo',
    '--publish',
    '80',
    'busybox',
    'sh',
    '-c',
    script,
  );
  await until(
    'its address is given back',
    async () => (await must('floating-ip', 'list', '-f', 'value')) === '',
  );
  await until(
    'its group, too',
    async () => !/published/.test(await must('security-group', 'list', '-f', 'value')),
  );
});

test('a network without a way out is refused with the commands that make one, and they do', {
  timeout: 180_000,
}, async () => {
  await must('network', 'create', 'lone');
  await must('subnet', 'create', '--network', 'lone', '--range', '10.77.0.0/24', 'lone-v4');
  const early = await berth('run', '-n', 'x', '--net', 'network=lone', '--publish', '80', 'busybox');
  assert.equal(early.code, 1);
  assert.match(early.stderr, /network lone has no router.*\nmake one: berth router create --gateway/);
  await must('router', 'create', 'edge');
  await must('router', 'add-subnet', 'edge', 'lone-v4');
  const args = server('inn').map((word) => (word === 'network=demo' ? 'network=lone' : word));
  await must(...args);
  const closed = await berth('expose', 'inn', '80');
  assert.match(closed.stderr, /give it one: berth router gateway set edge/);
  await must('router', 'gateway', 'set', 'edge');
  const [{ address }] = JSON.parse(await must('expose', 'inn', '80', '-f', 'json'));
  await until('the page comes', async () => (await fetch(address)) === 'page of inn\n');
  await must('delete', '--stop', 'inn');
  await must('router', 'gateway', 'unset', 'edge');
  await must('router', 'remove-subnet', 'edge', 'lone-v4');
  await must('router', 'delete', 'edge');
  await must('network', 'delete', 'lone');
});

test('the doctor finds what somebody broke, and mends it', { timeout: 120_000 }, async () => {
  await must(...server('ill', '--publish', '80'));
  const [address = ''] = await floatingOf('ill');
  await until('the page comes', async () => (await fetch(`${address}:80`)) === 'page of ill\n');
  const well = await berth(...admin, 'network', 'doctor');
  assert.deepEqual([well.code, well.stdout.includes('all as wanted')], [0, false], well.stdout + well.stderr);
  const namespaces = (await machine.must('ip', ['netns', 'list']))
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '');
  const network = namespaces.find((name) => /^berth-\w+-n/.test(name)) ?? '';
  await machine.must('ip', [
    'netns',
    'exec',
    network,
    'nft',
    'insert',
    'rule',
    'ip',
    'berth',
    'ingress',
    'drop',
  ]);
  assert.equal(await fetch(`${address}:80`), '');
  const sick = await berth(...admin, 'network', 'doctor');
  assert.equal(sick.code, 1);
  assert.match(sick.stdout, /chain ingress: foreign rule: drop/);
  assert.equal((await berth('network', 'doctor')).code, 1, 'for administrators only');
  await must(...admin, 'network', 'doctor', '--repair');
  await until('the page comes again', async () => (await fetch(`${address}:80`)) === 'page of ill\n');
  await must(...admin, 'network', 'doctor');
  await must('delete', '--stop', 'ill');
});
