/**
 * The unmodified `zun` and `openstack` command lines against a whole Berth: every container here really runs.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Berth } from '../helpers/berth.ts';
import { Machine } from '../helpers/machine.ts';
import { until } from '../helpers/until.ts';

let machine: Machine;
let berth: Berth;

before(async () => {
  machine = await Machine.start();
  berth = new Berth(machine);
  await berth.up();
});

after(async () => {
  await machine?.destroy();
});

/** Runs a client with the demo user's openrc; what it printed. A non-zero exit is an error. */
async function client(file: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await berth.client('openrc', file, ...args);
  assert.equal(code, 0, `${file} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

const zun = (...args: readonly string[]) => client('zun', ...args);
const openstack = async (...args: readonly string[]) =>
  JSON.parse(await client('openstack', ...args, '-f', 'json'));

const script = "trap 'exit 0' TERM; echo hello from inside; while :; do sleep 1; done";

test('zun runs, shows and lists a container, and what it shows is true', async () => {
  await zun(
    'run',
    '-n',
    'boat',
    '--cpu',
    '0.5',
    '-m',
    '64',
    '-e',
    'KEY=value',
    '--label',
    'a=b',
    'busybox',
    'sh',
    '-c',
    script,
  );
  const shown = await until('boat runs', async () => {
    const text = await zun('show', 'boat');
    return /\| status +\| Running/.test(text) && text;
  });
  const { uuid, addresses } = await berth.container('boat');
  const [{ addr }] = Object.values(addresses).flat() as [{ addr: string }];
  assert.ok(shown.includes(uuid) && shown.includes(addr));
  assert.match(await zun('list'), new RegExp(`${uuid}.*boat.*Running`));
  const inspect = JSON.parse((await machine.docker('inspect', `zun-${uuid}`)).stdout)[0];
  assert.equal(inspect.HostConfig.Memory, 64 * 1024 * 1024);
  assert.ok(inspect.Config.Env.includes('KEY=value'));
  const [endpoint] = Object.values(inspect.NetworkSettings.Networks) as [{ IPAddress: string }];
  assert.equal(endpoint.IPAddress, addr);
});

test('zun reads logs and runs commands inside', async () => {
  assert.match(await zun('logs', 'boat'), /hello from inside/);
  assert.match(await zun('exec', 'boat', 'cat', '/proc/1/cmdline'), /hello from inside/);
  // `top` of these clients fails in the client itself, whatever the server answers.
  assert.match(await zun('stats', 'boat'), /MEM LIMIT\(MiB\) +\| 64/);
});

test('zun cp copies files in and out; what comes back is what went in', async () => {
  const folder = join(machine.disk, 'cargo');
  mkdirSync(join(folder, 'hold'), { recursive: true });
  writeFileSync(join(folder, 'hold', 'crate'), 'tea '.repeat(50_000));
  await zun('cp', join(folder, 'hold'), 'boat:/tmp');
  assert.equal(
    (await zun('exec', 'boat', 'busybox', 'wc', '-c', '/tmp/hold/crate')).trim().split(' ')[0],
    '200000',
  );
  mkdirSync(join(folder, 'back'));
  await zun('cp', 'boat:/tmp/hold', join(folder, 'back'));
  assert.equal(readFileSync(join(folder, 'back', 'hold', 'crate'), 'utf8'), 'tea '.repeat(50_000));
  const missing = await berth.client('openrc', 'zun', 'cp', 'boat:/nowhere', join(folder, 'back'));
  assert.match(missing.stdout + missing.stderr, /nowhere/);
});

test('berth policy says why somebody may or may not', async () => {
  const rules = await berth.admin('policy', 'list');
  assert.ok(rules.some(({ rule }: { rule: string }) => rule === 'container:create:privileged'));
  const may = await berth.admin('policy', 'explain', 'demo', 'container:start', 'boat', '--project', 'demo');
  assert.equal(may.allowed, true, JSON.stringify(may));
  assert.match(may.checks.join('\n'), /yes: project_id:%\(project_id\)s/);
  const mayNot = await berth.admin('policy', 'explain', 'demo', 'host:get_all', '--project', 'demo');
  assert.equal(mayNot.allowed, false);
  assert.match(mayNot.checks.join('\n'), /no: role:admin .* in context_is_admin/);
});

test('zun stops, starts and deletes; the action log tells', async () => {
  await zun('stop', 'boat');
  await berth.untilStatus('boat', 'Stopped');
  await zun('start', 'boat');
  await berth.untilStatus('boat', 'Running');
  const actions = await zun('action-list', 'boat');
  for (const action of ['create', 'stop', 'start']) assert.match(actions, new RegExp(`\\| ${action} +\\|`));
  const { uuid } = await berth.container('boat');
  await zun('delete', '--stop', 'boat');
  await until('boat is gone', async () => (await berth.container('boat')) === undefined);
  assert.notEqual((await machine.docker('inspect', `zun-${uuid}`)).code, 0);
});

test('the openstack command line drives containers on a network and a group of its own', async () => {
  const network = await openstack('network', 'create', 'harbour');
  await openstack('subnet', 'create', 'quay', '--network', 'harbour', '--subnet-range', '10.60.0.0/24');
  await openstack('security', 'group', 'create', 'web');
  const rule = await openstack(
    'security',
    'group',
    'rule',
    'create',
    'web',
    '--protocol',
    'tcp',
    '--dst-port',
    '80',
  );
  assert.equal(rule.port_range_min, 80);

  const listen =
    "trap 'exit 0' TERM; (while :; do echo ahoy | nc -l -p 80; done) & while :; do sleep 1; done";
  const make = (name: string, text: string, ...options: readonly string[]) =>
    client(
      'openstack',
      'appcontainer',
      'run',
      '--name',
      name,
      '--net',
      `network=${network.id}`,
      ...options,
      'busybox',
      'sh',
      '-c',
      text,
    );
  await make('server', listen, '--security-group', 'web');
  await make('visitor', script);
  await berth.untilStatus('server', 'Running');
  await berth.untilStatus('visitor', 'Running');
  const listed = (await openstack('appcontainer', 'list')) as { name: string; status: string }[];
  assert.deepEqual(listed.map(({ name, status }) => `${name} ${status}`).sort(), [
    'server Running',
    'visitor Running',
  ]);

  const [address] = await berth.addressesOf('server');
  const output = await client(
    'openstack',
    'appcontainer',
    'exec',
    'visitor',
    'nc',
    '-w',
    '2',
    address ?? '',
    '80',
  );
  assert.match(output, /ahoy/);
  const ports = (await openstack('port', 'list', '--network', 'harbour')) as {
    'Fixed IP Addresses': { ip_address: string }[];
  }[];
  assert.ok(
    ports.some((port) => port['Fixed IP Addresses'].some(({ ip_address }) => ip_address === address)),
  );

  const busy = await berth.client('openrc', 'openstack', 'network', 'delete', 'harbour');
  assert.notEqual(busy.code, 0, 'a network in use stays');
  await client('openstack', 'appcontainer', 'delete', '--stop', 'server', 'visitor');
  await until('both are gone', async () => (await berth.cli('list')).length === 0);
  await client('openstack', 'network', 'delete', 'harbour');
  await client('openstack', 'security', 'group', 'delete', 'web');
});
