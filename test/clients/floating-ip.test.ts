/**
 * The story of a floating IP, told by the unmodified `openstack` command line on a whole Berth: a tenant's own network
 * of both families behind a router, a real server in a container, and clients on the machine and outside of it.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Berth } from '../helpers/berth.ts';
import { Machine } from '../helpers/machine.ts';
import { until } from '../helpers/until.ts';

const outside = '198.51.100.2';
const page = 'rows of a table';

let machine: Machine;
let berth: Berth;

before(async () => {
  machine = await Machine.start();
  await makeOutside();
  berth = new Berth(machine);
  await berth.up();
});

after(async () => {
  await machine?.destroy();
});

/** Another machine on the uplink of this one, which knows that the floating addresses are behind it. */
async function makeOutside(): Promise<void> {
  const ip = (...args: readonly string[]) => machine.must('ip', args);
  await ip('netns', 'add', 'outside');
  await ip('link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'uplink', 'netns', 'outside');
  await ip('addr', 'add', '198.51.100.1/24', 'dev', 'uplink');
  await ip('link', 'set', 'uplink', 'up');
  await ip('route', 'add', 'default', 'via', outside);
  await ip('-n', 'outside', 'addr', 'add', `${outside}/24`, 'dev', 'uplink');
  await ip('-n', 'outside', 'link', 'set', 'uplink', 'up');
  await ip('-n', 'outside', 'route', 'add', '172.24.4.0/24', 'via', '198.51.100.1');
}

async function openstack(...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await berth.client('openrc', 'openstack', ...args);
  assert.equal(code, 0, `openstack ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

const asJson = async (...args: readonly string[]) => JSON.parse(await openstack(...args, '-f', 'json'));

/** What a new connection to the server yields; empty = nothing within a second. */
async function fetch(address: string, from: 'machine' | 'outside'): Promise<string> {
  const get = ['busybox', 'nc', '-w', '1', address, '3306'];
  const command = from === 'machine' ? get : ['ip', 'netns', 'exec', 'outside', ...get];
  const [file = '', ...args] = command;
  return (await machine.exec(file, args)).stdout.trim();
}

async function inside(name: string, ...command: readonly string[]): Promise<string> {
  const { stdout } = await machine.docker('exec', await berth.dockerName(name), ...command);
  return stdout.trim();
}

const serve = `trap 'exit 0' TERM; for p in 3306 8080; do (while :; do echo ${page} | nc -l -p $p; done) & done; while :; do sleep 1; done`;
const idle = `trap 'exit 0' TERM; while :; do sleep 1; done`;

async function run(name: string, script: string, ...options: readonly string[]): Promise<void> {
  await openstack('appcontainer', 'run', '--name', name, ...options, 'busybox', 'sh', '-c', script);
  await berth.untilStatus(name, 'Running');
}

test('a floating IP leads to a server in a container while a rule lets it', async () => {
  const net = await asJson('network', 'create', 'private');
  await openstack('subnet', 'create', '--network', 'private', '--subnet-range', '10.40.0.0/24', 'private4');
  const six = ['--ip-version', '6', '--subnet-range', 'fd40::/64'];
  await openstack('subnet', 'create', '--network', 'private', ...six, 'private6');
  await openstack('router', 'create', 'edge');
  await openstack('router', 'set', '--external-gateway', 'public', 'edge');
  await openstack('router', 'add', 'subnet', 'edge', 'private4');
  await openstack('router', 'add', 'subnet', 'edge', 'private6');
  await openstack('security', 'group', 'create', 'database');
  const rule = await asJson(
    'security',
    'group',
    'rule',
    'create',
    'database',
    '--protocol',
    'tcp',
    '--dst-port',
    '3306',
  );
  await run('server', serve, '--net', `network=${net.id}`, '--security-group', 'database');

  const [port] = await asJson('port', 'list', '--device-id', (await berth.container('server')).uuid);
  const floating = await asJson('floating', 'ip', 'create', 'public');
  await openstack('floating', 'ip', 'set', '--port', port.ID, floating.floating_ip_address);
  const shown = await asJson('floating', 'ip', 'show', floating.floating_ip_address);
  assert.equal(shown.port_id, port.ID);
  assert.match(shown.fixed_ip_address, /^10\.40\.0\./);

  const address: string = floating.floating_ip_address;
  await until('the machine reaches it', async () => (await fetch(address, 'machine')) === page);
  assert.equal(await fetch(address, 'outside'), page);
  await until(
    'it is ACTIVE',
    async () => (await asJson('floating', 'ip', 'show', address)).status === 'ACTIVE',
  );

  await openstack('security', 'group', 'rule', 'delete', rule.id);
  await until('the rule is gone', async () => (await fetch(address, 'outside')) === '');
  assert.equal(await fetch(address, 'machine'), '');
  await openstack(
    'security',
    'group',
    'rule',
    'create',
    'database',
    '--protocol',
    'tcp',
    '--dst-port',
    '3306',
  );
  await until('the rule is back', async () => (await fetch(address, 'outside')) === page);
});

test('openstack appcontainer takes a floating IP off a container and puts it on again', async () => {
  const [{ 'Floating IP Address': address }] = await asJson('floating', 'ip', 'list');
  const portOf = async () => (await asJson('floating', 'ip', 'show', address)).port_id;
  const port = await portOf();
  await openstack('appcontainer', 'remove', 'floating', 'ip', address);
  assert.equal(await portOf(), null);
  await until('nobody is there', async () => (await fetch(address, 'outside')) === '');
  await openstack('appcontainer', 'add', 'floating', 'ip', 'server', address);
  assert.equal(await portOf(), port);
  await until('the server is there again', async () => (await fetch(address, 'outside')) === page);
});

test('what is needed cannot be taken away', async () => {
  const refusal = async (...args: readonly string[]) => {
    const { code, stderr } = await berth.client('openrc', 'openstack', ...args);
    assert.notEqual(code, 0, args.join(' '));
    return stderr;
  };
  assert.match(
    await refusal('router', 'remove', 'subnet', 'edge', 'private4'),
    /required by one or more floating IPs/,
  );
  assert.match(
    await refusal('router', 'unset', '--external-gateway', 'edge'),
    /required by one or more floating IPs/,
  );
  assert.match(await refusal('router', 'delete', 'edge'), /still attached|still has ports/);
  assert.match(await refusal('subnet', 'delete', 'private4'), /One or more ports have an IP allocation/);
  assert.match(await refusal('network', 'delete', 'private'), /one or more ports still in use/);
});

test('a container of both families reaches another network through a router, and groups decide', async () => {
  const net = await asJson('network', 'create', 'second');
  await openstack('subnet', 'create', '--network', 'second', '--subnet-range', '10.41.0.0/24', 'second4');
  await openstack(
    'subnet',
    'create',
    '--network',
    'second',
    '--ip-version',
    '6',
    '--subnet-range',
    'fd41::/64',
    'second6',
  );
  for (const subnet of ['second4', 'second6']) await openstack('router', 'add', 'subnet', 'edge', subnet);
  await openstack(
    'security',
    'group',
    'rule',
    'create',
    'database',
    '--ethertype',
    'IPv6',
    '--protocol',
    'tcp',
    '--dst-port',
    '3306',
  );
  await run('visitor', idle, '--net', `network=${net.id}`);

  const listed = await berth.addressesOf('visitor');
  assert.equal(listed.length, 2, 'one address of each family');
  const [four = '', six = ''] = (await berth.addressesOf('server')).sort();
  assert.match(four, /^10\.40\./);
  assert.match(six, /^fd40:/);
  const get = (host: string, port: string) => inside('visitor', 'nc', '-w', '1', host, port);
  for (const host of [four, six]) {
    await until(`${host} is reached`, async () => (await get(host, '3306')) === page);
    assert.equal(await get(host, '8080'), '', `${host}: only the port of the rule`);
  }
});

test('it all goes again, and nothing is left', async () => {
  await openstack('appcontainer', 'delete', '--stop', 'server', 'visitor');
  await until('both are gone', async () => (await berth.cli('list')).length === 0);
  const [floating] = await asJson('floating', 'ip', 'list');
  assert.equal(floating.Port, null);
  await openstack('floating', 'ip', 'delete', floating.ID);
  await openstack('router', 'unset', '--external-gateway', 'edge');
  for (const subnet of ['private4', 'private6', 'second4', 'second6'])
    await openstack('router', 'remove', 'subnet', 'edge', subnet);
  await openstack('router', 'delete', 'edge');
  await openstack('network', 'delete', 'private', 'second');
  await openstack('security', 'group', 'delete', 'database');
  await until('no namespace of ours is left', async () => {
    const { stdout } = await machine.exec('ip', ['netns', 'list']);
    return !/berth-.*-[nr]/.test(stdout);
  });
});
