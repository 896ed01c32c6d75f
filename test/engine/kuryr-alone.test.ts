/** `berth kuryr` as a process, between the real dockerd and a network API by credentials. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { importBusybox, removeImage } from '../helpers/busybox-image.ts';
import { NetworkCloud } from '../helpers/network-cloud.ts';
import { until } from '../helpers/until.ts';

const run = promisify(execFile);
const docker = async (...args: readonly string[]) => (await run('docker', [...args])).stdout.trim();
const root = resolve(import.meta.dirname, '..', '..');
const driver = `berth-alone-${process.pid}`;
const socket = join('/run/docker/plugins', `${driver}.sock`);

function start(cloud: NetworkCloud): ChildProcess {
  const { authUrl } = cloud.credentials('admin');
  const credentials = [
    '--os-auth-url',
    authUrl,
    '--os-username',
    'admin',
    '--os-password',
    'admin-password',
    '--os-project-name',
    'admin',
  ];
  const args = [join(root, 'bin', 'berth.ts'), 'kuryr', '--name', driver, '--host', 'here', ...credentials];
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    env: { ...process.env, BERTH_LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'inherit', 'inherit'],
    cwd: root,
  });
}

test('berth kuryr serves Docker, refuses what it cannot wire with advice, and leaves nothing', async () => {
  await using cloud = await NetworkCloud.open();
  const { world } = cloud;
  const caller = await cloud.adminCaller();
  const there = async () => {
    const [networks, ports, pools] = await Promise.all([
      world.control.networks.list(caller),
      world.control.ports.list(caller),
      world.control.subnetPools.list(caller),
    ]);
    return [networks, ports, pools].map((all) => all.length);
  };
  const child = start(cloud);
  const ended = new Promise((done) => child.once('exit', done));
  const network = `${driver}-n`;
  try {
    await importBusybox(`${driver}:1`);
    await until('the driver serves', async () => existsSync(socket));
    const drivers = ['--driver', driver, '--ipam-driver', driver];
    await docker('network', 'create', ...drivers, '--subnet', '10.83.0.0/24', network);
    assert.deepEqual(await there(), [1, 0, 1]);
    const args = ['--name', `${driver}-a`, '--net', network, `${driver}:1`, 'true'];
    await assert.rejects(docker('run', ...args), /plugged by the Berth on this machine/);
    assert.deepEqual(await there(), [1, 0, 1]);
    await docker('network', 'rm', network);
    assert.deepEqual(await there(), [0, 0, 0]);
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  } finally {
    await docker('rm', '--force', `${driver}-a`).catch(() => undefined);
    await docker('network', 'rm', network).catch(() => undefined);
    await removeImage(`${driver}:1`);
    child.kill('SIGKILL');
  }
});
