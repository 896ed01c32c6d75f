/**
 * What tenants may rely on: overlapping addresses stay apart, spoofed packets go nowhere, security groups act on running
 * containers, and an unrelated change does not disturb a connection.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Berth } from '../helpers/berth.ts';
import { Machine, type Output } from '../helpers/machine.ts';
import { until } from '../helpers/until.ts';

let machine: Machine;
let berth: Berth;

before(async () => {
  machine = await Machine.start();
  berth = new Berth(machine);
  await berth.up();
  await berth.addProject('red');
  await berth.addProject('blue');
});

after(async () => {
  await machine?.destroy();
});

/** Answers every connection on tcp 80 and 8080 with the container's own name; ends at once when stopped. */
const listen = (name: string) =>
  `trap 'exit 0' TERM; for p in 80 8080; do (while :; do echo ${name} | nc -l -p $p; done) & done; while :; do sleep 1; done`;
const idle = `trap 'exit 0' TERM; while :; do sleep 1; done`;

interface Tenant {
  readonly cloud: string;
  readonly network: string;
}

async function makeTenant(cloud: string, cidr: string): Promise<Tenant> {
  const network = `${cloud}-net`;
  await berth.as(cloud, 'network', 'create', network);
  await berth.as(cloud, 'subnet', 'create', `${cloud}-subnet`, '--network', network, '--subnet-range', cidr);
  return { cloud, network };
}

/** Runs a container and gives its one address. */
async function run(
  tenant: Tenant,
  name: string,
  script: string,
  ...options: readonly string[]
): Promise<string> {
  const args = [
    'run',
    '-n',
    name,
    '--net',
    `network=${tenant.network}`,
    ...options,
    'busybox',
    'sh',
    '-c',
    script,
  ];
  await berth.as(tenant.cloud, ...args);
  await berth.untilStatus(name, 'Running');
  const addresses = await berth.addressesOf(name);
  assert.equal(addresses.length, 1);
  return addresses[0] ?? '';
}

/** What a connection from the container to the address yields; empty = nothing came back within two seconds. */
async function fetchFrom(name: string, address: string, port: number): Promise<string> {
  const output = await machine.docker(
    'exec',
    await berth.dockerName(name),
    'nc',
    '-w',
    '2',
    address,
    String(port),
  );
  return output.stdout.trim();
}

/** Runs a command in the container's network namespace with all of the host's privileges, as a hostile root would. */
async function asRoot(name: string, ...command: readonly string[]): Promise<Output> {
  const container = await berth.dockerName(name);
  const pid = (await machine.docker('inspect', '-f', '{{.State.Pid}}', container)).stdout.trim();
  return machine.exec('nsenter', ['-t', pid, '-n', ...command]);
}

test('two projects with the same addresses: each reaches its own, neither the other', async () => {
  const red = await makeTenant('red', '10.50.0.0/24');
  const blue = await makeTenant('blue', '10.50.0.0/24');
  const redServer = await run(red, 'red-server', listen('red'));
  const blueServer = await run(blue, 'blue-server', listen('blue'));
  await run(red, 'red-client', idle);
  await run(blue, 'blue-client', idle);
  assert.equal(redServer, blueServer, 'both got the first address of the same range');
  assert.equal(await fetchFrom('red-client', redServer, 80), 'red');
  assert.equal(await fetchFrom('blue-client', blueServer, 80), 'blue');

  const foreign = await berth.runAs('blue', 'show', (await berth.container('red-server')).uuid);
  assert.notEqual(foreign.code, 0);
  assert.match(foreign.stderr, /could not be found|not found/i);

  const lonely = await run(blue, 'blue-only', listen('blue-only'));
  assert.equal(await fetchFrom('blue-client', lonely, 80), 'blue-only');
  assert.equal(await fetchFrom('red-client', lonely, 80), '', 'an address that only the other project has');
});

test('packets with a source that is not the port’s own are dropped', async () => {
  const address = (await berth.addressesOf('red-server'))[0] ?? '';
  assert.equal(await fetchFrom('red-client', address, 80), 'red');

  await asRoot('red-client', 'ip', 'address', 'add', '10.50.0.200/24', 'dev', 'eth0');
  const spoofed = await asRoot('red-client', 'ping', '-c', '2', '-W', '1', '-I', '10.50.0.200', address);
  assert.notEqual(spoofed.code, 0, 'spoofed source address');
  await asRoot('red-client', 'ip', 'address', 'del', '10.50.0.200/24', 'dev', 'eth0');
  assert.equal(await fetchFrom('red-client', address, 80), 'red');

  const mac = JSON.parse((await asRoot('red-client', 'ip', '-j', 'link', 'show', 'eth0')).stdout)[0].address;
  await asRoot('red-client', 'ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:00:99');
  assert.equal(await fetchFrom('red-client', address, 80), '', 'spoofed MAC address');
  await asRoot('red-client', 'ip', 'link', 'set', 'eth0', 'address', mac);
  assert.equal(await fetchFrom('red-client', address, 80), 'red');
});

test('a rule acts on running containers at once, and leaves established connections alone', async () => {
  const red: Tenant = { cloud: 'red', network: 'red-net' };
  await berth.as('red', 'security-group', 'create', 'web');
  const server = await run(red, 'guarded', listen('guarded'), '--security-group', 'web');
  assert.equal(await fetchFrom('red-client', server, 80), '');

  const allow = (port: number) =>
    berth.as(
      'red',
      'security-group',
      'rule',
      'create',
      'web',
      '--protocol',
      'tcp',
      '--dst-port',
      String(port),
    );
  await allow(80);
  await until('the rule acts', async () => (await fetchFrom('red-client', server, 80)) === 'guarded');
  assert.equal(await fetchFrom('red-client', server, 8080), '', 'only the port of the rule');

  await allow(9000);
  const guarded = await berth.dockerName('guarded');
  const client = await berth.dockerName('red-client');
  const count = 'i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); sleep 0.02; done';
  await machine.docker('exec', '-d', guarded, 'sh', '-c', `(${count}) | nc -l -p 9000`);
  await until('the stream’s listener is there', async () => {
    const ports = await machine.docker('exec', guarded, 'cat', '/proc/net/tcp', '/proc/net/tcp6');
    return ports.stdout.includes(':2328 ');
  });
  // With its input held open: at the end of it nc closes the connection.
  const stream = machine.docker('exec', '-i', client, 'nc', server, '9000');
  for (const port of [9001, 9002, 9003]) await allow(port);
  const lines = (await stream).stdout.trim().split('\n');
  assert.equal(lines.length, 300, 'every line of the established connection arrived');
});
