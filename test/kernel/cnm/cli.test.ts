/** `berth cnm` against its daemon, on the real kernel. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { CnmCli, enterPrivateEtc } from '../../helpers/cnm-cli.ts';
import { enterPrivateNetwork } from '../../helpers/private-network.ts';
import { until } from '../../helpers/until.ts';
import { tool } from '../../helpers/wired-container.ts';

enterPrivateNetwork();
enterPrivateEtc();

const berth = new CnmCli();
let clean: string;

/** Links, namespaces, rules and files with names. */
async function traces(): Promise<string> {
  const links = JSON.parse(await tool('ip', '-j', 'link')) as { ifname: string }[];
  const folders = existsSync('/etc/netns') ? readdirSync('/etc/netns') : [];
  const rules = await tool('nft', 'list', 'ruleset');
  return JSON.stringify([links.map(({ ifname }) => ifname), readdirSync('/run/netns'), folders, rules]);
}

before(async () => {
  await berth.start();
  clean = await traces();
});
after(() => berth.stop());
afterEach(async () => {
  for (const { name } of await berth.json('sandbox', 'ls')) await berth.must('sandbox', 'rm', name);
  for (const { id } of await berth.json('endpoint', 'ls')) await berth.must('endpoint', 'rm', id);
  for (const { name } of await berth.json('network', 'ls')) await berth.must('network', 'rm', name);
  assert.equal(await traces(), clean, 'nothing is left');
});

test('the life of a network, endpoints and sandboxes, by names and ids', async () => {
  const id = 'ab'.repeat(32);
  const subnets = ['--subnet', '10.60.0.0/24', '--gateway', '10.60.0.254', '--ip-range', '10.60.0.128/25'];
  const more = [
    '--subnet',
    'fd60::/64',
    '--aux-address',
    'printer=10.60.0.128',
    '--label',
    'a=b',
    '--id',
    id,
  ];
  const network = await berth.json('network', 'create', ...subnets, ...more, 'back');
  assert.equal(network.id, id);
  await berth.must('endpoint', 'create', '--alias', 'www', '--mac', '02:00:00:00:00:07', 'back', 'web');
  await berth.must('endpoint', 'create', '--ip', '10.60.0.7', 'back', 'db');
  const shown = await berth.json('network', 'inspect', id.slice(0, 6));
  assert.deepEqual(shown.labels, { a: 'b' });
  assert.deepEqual(
    shown.pools.map((pool: { gateway: string }) => pool.gateway),
    ['10.60.0.254/24', 'fd60::1/64'],
  );
  assert.deepEqual(
    shown.endpoints.map((one: Record<string, string>) => [one.name, one.address, one.address6]),
    [
      ['web', '10.60.0.129/24', 'fd60::2/64'],
      ['db', '10.60.0.7/24', 'fd60::3/64'],
    ],
  );
  const { netns } = await berth.json('sandbox', 'create', 'one');
  await berth.must('sandbox', 'create', '--hostname', 'second.example', 'two');
  const joined = await berth.json('endpoint', 'join', 'web', 'one');
  assert.deepEqual([joined.network, joined.sandbox, joined.interfaceName], ['back', 'one', 'eth0']);
  await berth.must('endpoint', 'join', 'db', 'two');
  const inside = (...command: readonly string[]) => tool('ip', 'netns', 'exec', netns, ...command);
  assert.match(await inside('ping', '-4', '-c', '1', '-W', '5', 'db'), /10\.60\.0\.7/);
  assert.match(await inside('ping', '-6', '-c', '1', '-W', '5', 'db.back'), /fd60::3/);
  assert.match(await inside('cat', '/etc/hosts'), /10\.60\.0\.129\tone/);
  const list = await berth.must(
    'endpoint',
    'ls',
    '--network',
    'back',
    '-f',
    'value',
    '-c',
    'name',
    '-c',
    'sandbox',
  );
  assert.equal(list, 'web one\ndb two\n');
  await berth.must('endpoint', 'leave', 'db');
  assert.doesNotMatch(await inside('cat', '/etc/hosts'), /db/);
  assert.match(
    (await berth.run('endpoint', 'rm', 'web')).stderr,
    /has active containers[\s\S]*berth cnm endpoint leave/,
  );
  await berth.must('endpoint', 'rm', '--force', 'web', 'db');
});

test('wrong words are refused with what to do, and change nothing', async () => {
  await berth.must('network', 'create', '--subnet', '10.61.0.0/24', 'n');
  const before = await traces();
  for (const [words, code, says] of [
    [['network', 'create', 'n'], 1, /network with name n already exists/],
    [['network', 'create', '--subnet', '10.61.0.128/25', 'm'], 1, /overlaps[\s\S]*berth cnm network ls/],
    [
      ['network', 'create', '--subnet', '10.62.0.0/24', '--gateway', '10.63.0.1', 'm'],
      1,
      /no matching subnet for gateway/,
    ],
    [['network', 'create', '-d', 'nobody', 'm'], 1, /"nobody" not found/],
    [['network', 'create', '--id', 'short', 'm'], 1, /64 hexadecimal digits/],
    [['network', 'create', '-o', 'com.docker.network.driver.mtu=big', 'm'], 1, /failed to parse/],
    [
      ['network', 'create', '-o', 'com.docker.network.bridge.enable_icc=maybe', 'm'],
      1,
      /expected true or false/,
    ],
    [
      ['network', 'create', '-o', 'com.docker.network.bridge.host_binding_ipv4=x', 'm'],
      1,
      /expected an IPv4 address/,
    ],
    [['network', 'inspect', 'nobody'], 1, /network nobody not found[\s\S]*berth cnm network ls/],
    [['endpoint', 'create', 'nobody', 'e'], 1, /network nobody not found/],
    [['endpoint', 'create', '--ip', '10.62.0.9', 'n', 'e'], 1, /out of range/],
    [['endpoint', 'create', '--mac', 'zz', 'n', 'e'], 1, /'zz' is not a valid MAC address/],
    [['endpoint', 'create', '--publish', 'x', 'n', 'e'], 2, /publish x: expected/],
    [['endpoint', 'join', 'nobody', 'nobody'], 1, /endpoint nobody not found/],
    [['sandbox', 'rm', 'nobody'], 1, /sandbox nobody not found/],
    [['run', '--', 'true'], 2, /which network/],
    [['run', '--net', 'n'], 2, /missing required argument|which command/],
    [['run', '--net', 'n,nobody', '--', 'true'], 1, /network nobody not found/],
    [['run', '--net', 'n', '--ip', '10.61.0.0.1', '--', 'true'], 1, /10\.61\.0\.0\.1/],
    [['serve'], 1, /another process serves/],
  ] as const) {
    const told = await berth.run(...words);
    assert.equal(told.code, code, `${words.join(' ')}: ${told.stderr}`);
    assert.match(told.stderr, says);
    assert.equal(await traces(), before, words.join(' '));
  }
});

test('run: names, addresses and exit code, and nothing afterwards', async () => {
  await berth.must('network', 'create', '--subnet', '10.64.0.0/24', 'left');
  await berth.must('network', 'create', '--subnet', '10.65.0.0/24', 'right');
  const before = await traces();
  const networks = ['--net', 'left,right', '--name', 'job', '--ip', '10.64.0.9'];
  const script = 'cat /etc/hosts; ip -o -4 address; exit 7';
  const told = await berth.run('run', ...networks, '--', 'sh', '-c', script);
  assert.equal(told.code, 7);
  assert.match(told.stdout, /10\.64\.0\.9\tjob/);
  assert.match(told.stdout, /eth0 +inet 10\.64\.0\.9\/24[\s\S]*eth1 +inet 10\.65\.0\.2\/24/);
  const none = await berth.run('run', '--net', 'left', '--', '/no/such/program');
  assert.equal(none.code, 127);
  assert.match(none.stderr, /no.such.program: not found/);
  assert.equal(await traces(), before);
  await berth.must('run', '--net', 'left', '--name', 'kept', '--keep', '--', 'true');
  assert.equal((await berth.json('sandbox', 'ls'))[0].name, 'kept');
});

test('run: a signal is passed on, a second sandbox reaches the first, its port is published', async () => {
  await berth.must('network', 'create', '--subnet', '10.66.0.0/24', 'n');
  const before = await traces();
  const serve = [
    'sh',
    '-c',
    'trap "kill \\$!; exit 42" TERM; busybox nc -ll -p 80 -e echo served & echo up; wait; exit 3',
  ];
  const server = berth.spawn('run', '--net', 'n', '--name', 'web', '--publish', '8066:80', '--', ...serve);
  const ended = once(server, 'exit');
  await once(server.stdout as NodeJS.EventEmitter, 'data');
  const ask = (address: string, port: string) => ['busybox', 'nc', '-w', '2', address, port];
  const from = ['run', '--net', 'n', '--'];
  await until('it is reached by its name', async () =>
    (await berth.run(...from, ...ask('web', '80'))).stdout.includes('served'),
  );
  assert.match(await tool('busybox', 'nc', '-w', '2', '127.0.0.1', '8066'), /served/);
  server.kill('SIGTERM');
  assert.deepEqual(await ended, [42, null]);
  assert.equal(await traces(), before);
});

test('a daemon that was killed is followed by one that goes on', async () => {
  await berth.must('network', 'create', '--subnet', '10.67.0.0/24', 'n');
  const sandbox = await berth.json('sandbox', 'create', 'box');
  await berth.must('endpoint', 'create', 'n', 'e');
  await berth.must('endpoint', 'join', 'e', 'box');
  await berth.kill();
  await until('nobody answers', async () => (await berth.run('status')).code !== 0);
  assert.match((await berth.run('network', 'ls')).stderr, /nothing answers[\s\S]*berth cnm serve -d/);
  await tool('ip', 'netns', 'exec', sandbox.netns, 'ping', '-c', '1', '-W', '5', '10.67.0.1');
  await berth.start();
  assert.equal((await berth.json('endpoint', 'inspect', 'e')).sandbox, 'box');
});
