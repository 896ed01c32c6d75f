/**
 * Networks and security groups of running containers with the unmodified `zun` and `openstack` command lines: what they
 * change is looked up inside the containers.
 */
import assert from 'node:assert/strict';
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
  for (const [name, cidr] of [
    ['bow', '10.71.0.0/24'],
    ['stern', '10.72.0.0/24'],
  ] as const) {
    await client('openstack', 'network', 'create', name);
    await client('openstack', 'subnet', 'create', name, '--network', name, '--subnet-range', cidr);
  }
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

const idle = "trap 'exit 0' TERM; while :; do sleep 1; done";
const listen = "trap 'exit 0' TERM; (while :; do echo ahoy | nc -l -p 80; done) & while :; do sleep 1; done";

async function run(
  name: string,
  network: string,
  script: string,
  ...options: readonly string[]
): Promise<void> {
  const net = ['--net', `network=${network}`];
  await client('zun', 'run', '-n', name, ...net, ...options, 'busybox', 'sh', '-c', script);
  await berth.untilStatus(name, 'Running');
}

async function inside(name: string, ...command: readonly string[]): Promise<string> {
  return (await machine.docker('exec', await berth.dockerName(name), ...command)).stdout.trim();
}

/** Its IPv4 addresses, as the container itself sees them. */
async function addresses(name: string): Promise<string[]> {
  const text = await inside(name, 'ip', '-4', 'addr');
  return [...text.matchAll(/inet (\S+)\/24/g)].map((match) => match[1] ?? '').sort();
}

const untilAddresses = (name: string, pattern: RegExp) =>
  until(`${name} has ${pattern}`, async () => pattern.test((await addresses(name)).join(' ')));

test('zun attaches, lists and detaches networks of a running container', async () => {
  await run('gig', 'bow', idle);
  await client('zun', 'network-attach', '--network', 'stern', '--fixed-ip', '10.72.0.50', 'gig');
  await untilAddresses('gig', /^10\.71\.0\.\d+ 10\.72\.0\.50$/);
  const listed = await client('zun', 'network-list', 'gig');
  for (const address of await addresses('gig')) assert.match(listed, new RegExp(`\\| ${address} +\\|`));
  await client('zun', 'network-detach', '--network', 'bow', 'gig');
  await untilAddresses('gig', /^10\.72\.0\.50$/);
  assert.match(await inside('gig', 'ip', 'route'), /default via 10\.72\.0\.1 /);
  assert.doesNotMatch(await client('zun', 'network-list', 'gig'), /10\.71\./);
  const twice = await berth.client('openrc', 'zun', 'network-attach', '--network', 'stern', 'gig');
  assert.match(`${twice.stdout}${twice.stderr}`, /is already connected to container/);
  const actions = await client('zun', 'action-list', 'gig');
  for (const action of ['network_attach', 'network_detach'])
    assert.match(actions, new RegExp(`\\| ${action} +\\|`));
});

test('openstack appcontainer attaches a port, lists and detaches it, and the port stays', async () => {
  await client(
    'openstack',
    'port',
    'create',
    'mooring',
    '--network',
    'bow',
    '--fixed-ip',
    'ip-address=10.71.0.99',
  );
  await client('openstack', 'appcontainer', 'network', 'attach', '--port', 'mooring', 'gig');
  await untilAddresses('gig', /^10\.71\.0\.99 10\.72\.0\.50$/);
  assert.match(await client('openstack', 'appcontainer', 'network', 'list', 'gig'), /10\.71\.0\.99/);
  const used = JSON.parse(await client('openstack', 'port', 'show', 'mooring', '-f', 'json'));
  assert.equal(used.device_id, (await berth.container('gig')).uuid);
  await client('openstack', 'appcontainer', 'network', 'detach', '--port', 'mooring', 'gig');
  await untilAddresses('gig', /^10\.72\.0\.50$/);
  await until('the port is free', async () => {
    const port = JSON.parse(await client('openstack', 'port', 'show', 'mooring', '-f', 'json'));
    return port.device_id === '';
  });
});

test('security groups of a running container, up to microversion 1.14, by either client', async () => {
  await client('openstack', 'security', 'group', 'create', 'shut');
  await client('openstack', 'security', 'group', 'create', 'web');
  await client(
    'openstack',
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
  await run('guarded', 'stern', listen, '--security-group', 'shut');
  const [address] = await addresses('guarded');
  const answers = async () => (await inside('gig', 'nc', '-w', '2', address ?? '', '80')) === 'ahoy';
  assert.ok(!(await answers()));
  await client('zun', '--zun-api-version', '1.14', 'add-security-group', 'guarded', 'web');
  await until('the group acts', answers);
  await client('zun', '--zun-api-version', '1.14', 'remove-security-group', 'guarded', 'web');
  await until('it acts no more', async () => !(await answers()));
  const old = ['--os-container-api-version', '1.14', 'appcontainer'];
  await client('openstack', ...old, 'add', 'security', 'group', 'guarded', 'web');
  await until('the group acts again', answers);
  await client('openstack', ...old, 'remove', 'security', 'group', 'guarded', 'web');
  await until('it acts no more once again', async () => !(await answers()));
  const late = await berth.client('openrc', 'zun', 'add-security-group', 'guarded', 'web');
  assert.match(`${late.stdout}${late.stderr}`, /not supported for this version|406/);
});
