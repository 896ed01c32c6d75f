/**
 * A podman container through CNI and a Docker container through Kuryr on one tenant network of a whole Berth: they reach
 * each other as far as one security group lets them.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
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
  writeFileSync(join(machine.disk, 'containers.conf'), podmanSettings());
  const archive = join(machine.disk, 'image.tar');
  await machine.must('tar', ['-c', '-f', archive, '-C', join(machine.disk, 'image'), '.']);
  await podman('import', archive, 'busybox');
});

after(async () => {
  await machine?.destroy();
});

function podmanSettings(): string {
  for (const folder of ['cni-bin', 'net.d']) mkdirSync(join(machine.disk, folder));
  return `
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
[network]
network_backend = "cni"
cni_plugin_dirs = ["${join(machine.disk, 'cni-bin')}", "/usr/lib/cni"]
network_config_dir = "${join(machine.disk, 'net.d')}"
`;
}

async function podman(...args: readonly string[]): Promise<string> {
  const storage = [
    '--root',
    join(machine.disk, 'podman'),
    '--runroot',
    '/run/podman',
    '--storage-driver',
    'vfs',
  ];
  const env = { CONTAINERS_CONF: join(machine.disk, 'containers.conf') };
  return (await machine.must('podman', [...storage, ...args], env)).trim();
}

const listen = (text: string) =>
  `trap 'exit 0' TERM; for p in 80 81; do (while :; do echo ${text} | nc -l -p $p; done) & done; while :; do sleep 1; done`;

test('podman and Docker containers meet on one network, by address and by name, under one security group', async () => {
  await berth.cli('network', 'create', 'pods');
  await berth.cli('subnet', 'create', 'pods4', '--network', 'pods', '--subnet-range', '10.80.0.0/24');
  await berth.cli('security-group', 'create', 'web');
  await berth.cli('security-group', 'rule', 'create', 'web', '--protocol', 'tcp', '--dst-port', '80');
  await berth.cli('security-group', 'rule', 'create', 'web', '--protocol', 'icmp');
  const folders = [
    '--state-dir',
    berth.stateDir,
    '--bin-dir',
    join(machine.disk, 'cni-bin'),
    '--conf-dir',
    join(machine.disk, 'net.d'),
  ];
  await berth.cli('cni', 'install', 'pods', '--network', 'pods', '--security-group', 'web', ...folders);

  const docker = await berth.cli(
    'run',
    '-n',
    'dock',
    '--net',
    'network=pods',
    '--security-group',
    'web',
    'busybox',
    'sh',
    '-c',
    listen('docker'),
  );
  assert.equal(docker.status, 'Running');
  const [dockAddress = ''] = await berth.addressesOf('dock');
  const run = [
    'run',
    '-d',
    '--name',
    'pod',
    '--network',
    'pods',
    '--cgroup-parent',
    `/berth-machine-${machine.id}`,
    'busybox',
    'sh',
    '-c',
    listen('podman'),
  ];
  await podman(...run);
  const [inspected] = JSON.parse(await podman('inspect', 'pod'));
  const podAddress = inspected.NetworkSettings.Networks.pods.IPAddress;
  assert.match(podAddress, /^10\.80\.0\./);

  const dock = await berth.dockerName('dock');
  const fromDocker = async (port: string) =>
    (await machine.docker('exec', dock, 'nc', '-w', '2', podAddress, port)).stdout.trim();
  const fromPodman = async (port: string) =>
    podman('exec', 'pod', 'nc', '-w', '2', dockAddress, port).catch(() => '');
  await until('Docker reaches podman', async () => (await fromDocker('80')) === 'podman');
  await until('podman reaches Docker', async () => (await fromPodman('80')) === 'docker');
  assert.match(await podman('exec', 'pod', 'ping', '-c', '1', '-W', '5', 'dock'), new RegExp(dockAddress));
  const byName = await machine.docker('exec', dock, 'ping', '-c', '1', '-W', '5', 'pod');
  assert.match(byName.stdout, new RegExp(podAddress), byName.stderr);
  assert.equal(await fromDocker('81'), '');
  assert.equal(await fromPodman('81'), '');

  await podman('rm', '-f', '-t', '0', 'pod');
  await assert.rejects(
    podman(...run.slice(0, 2), '-p', '8088:81', ...run.slice(2)),
    /no router with a way out/,
  );
  await podman('rm', '-f', '-t', '0', 'pod');
  for (const words of [
    ['create', 'edge'],
    ['add', 'subnet', 'edge', 'pods4'],
    ['set', '--external-gateway', 'public', 'edge'],
  ]) {
    const { code, stderr } = await berth.client('openrc', 'openstack', 'router', ...words);
    assert.equal(code, 0, stderr);
  }
  await podman(...run.slice(0, 2), '-p', '8088:81', ...run.slice(2));
  const fromHost = async () =>
    (await machine.exec('busybox', ['nc', '-w', '2', '127.0.0.1', '8088'])).stdout.trim();
  await until('a published port leads to the container', async () => (await fromHost()) === 'podman');
  await assert.rejects(
    podman('run', '--rm', '-p', '8088:80', '--network', 'pods', 'busybox', 'true'),
    /8088/,
  );
  await podman('rm', '-f', '-t', '0', 'pod');
  assert.equal(await fromHost(), '');
  await berth.cli('delete', 'dock', '--stop');
  await until(
    'only the router is on the network',
    async () => (await berth.cli('port', 'list', '--network', 'pods')).length === 1,
  );
});
