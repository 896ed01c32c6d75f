/** Every option of a create in one real container: what dockerd was told, and what it is like inside. The server is a model. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { FakeDataplane, World } from '../../src/agent/world.fixture.ts';
import { connectEngine } from '../../src/docker/connect.ts';
import { dockerContainerName } from '../../src/model/host-names.ts';
import { containerExecute } from '../../src/wire/agent-questions.ts';
import { importBusybox, removeImage } from '../helpers/busybox-image.ts';
import { until } from '../helpers/until.ts';

const run = promisify(execFile);
const instance = (process.pid % 0xffff).toString(16).padStart(4, '0');
const image = `berth-test-options-${process.pid}:1`;
const engine = connectEngine({ dockerHost: '' });
const world = new World({ engine, dataplane: new FakeDataplane() });
let uuid: string;

before(async () => {
  await importBusybox(image);
  await world.start({ instance, kuryrName: `berth-test-${process.pid}` });
  uuid = world.addContainer([], { spec: { image, command: ['sh', '-c', script], options } });
  await end('create');
});
after(async () => {
  if (uuid && world.server.rows.has(uuid)) world.server.ask(uuid, 'delete', { power: 'stopped' });
  await until('it is gone', async () => !uuid || !world.server.rows.has(uuid));
  await world.stop();
  await removeImage(image);
  engine.close();
});

/** Ends with 7 when it is asked to by the signal that was chosen. */
const script = 'trap "exit 7" USR1; while :; do sleep 0.1; done';
const options = {
  cpuLimit: 0.5,
  pidsLimit: 20,
  ulimits: [{ name: 'nofile' as const, soft: 64, hard: 128 }],
  shmSizeMiB: 8,
  tmpfs: { '/scratch': 4 },
  readOnly: true,
  user: '1234:4321',
  capAdd: ['SYS_TIME'],
  capDrop: ['MKNOD'],
  sysctls: { 'net.core.somaxconn': '77', 'kernel.shm_rmid_forced': '1' },
  extraHosts: { db: '10.9.9.9', six: 'fd00::9' },
  dns: ['203.0.113.9'],
  dnsSearch: ['corp.example'],
  stopSignal: 'USR1',
  stopGraceSeconds: 20,
  init: true,
};

async function end(verb: 'create' | 'stop'): Promise<void> {
  const operation = world.server.ask(uuid, verb, verb === 'stop' ? { power: 'stopped' } : {});
  const ended = await until(`${verb} ends`, async () => world.server.outcomeOf(uuid, operation));
  assert.equal(ended.result, 'success', ended.message);
}

const inside = async (line: string) =>
  world.server.call(containerExecute, { uuid, command: ['sh', '-c', line], timeoutSeconds: 20 });
const says = async (line: string) => (await inside(line)).output.trim();

test('dockerd was told all of them', async () => {
  const { stdout } = await run('docker', ['inspect', dockerContainerName(uuid)]);
  const [{ Config, HostConfig }] = JSON.parse(stdout);
  assert.deepEqual([Config.User, Config.StopSignal, Config.StopTimeout], ['1234:4321', 'USR1', 20]);
  assert.deepEqual(
    [HostConfig.CpuQuota, HostConfig.CpuPeriod, HostConfig.PidsLimit, HostConfig.ShmSize],
    [50_000, 100_000, 20, 8 * 2 ** 20],
  );
  assert.deepEqual([HostConfig.Init, HostConfig.ReadonlyRootfs], [true, true]);
  assert.deepEqual(HostConfig.Ulimits, [{ Name: 'nofile', Soft: 64, Hard: 128 }]);
  assert.deepEqual([HostConfig.CapAdd, HostConfig.CapDrop], [['SYS_TIME'], ['MKNOD']]);
});

/** A line for the shell inside, and what it says. */
const effects: readonly (readonly [string, string, RegExp])[] = [
  ['hard CPU limit', 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us', /^50000$/],
  ['pids limit', 'cat /sys/fs/cgroup/pids/pids.max', /^20$/],
  ['ulimits', 'ulimit -Sn; ulimit -Hn', /^64\n128$/],
  ['shm size', 'df -k /dev/shm | tail -1', / 8192 /],
  ['tmpfs', 'df -k /scratch | tail -1; echo hi > /scratch/x && cat /scratch/x', / 4096 .*\nhi$/s],
  ['read-only root', 'echo x > /x 2>&1; cat /proc/mounts | grep " / "', /Read-only file system.* ro,/s],
  ['user', 'id -u; id -g', /^1234\n4321$/],
  // SYS_TIME is bit 25 and MKNOD bit 27 of what a process can have at most.
  ['capabilities', 'echo $(( 0x$(grep CapBnd /proc/self/status | cut -f2) >> 25 & 5 ))', /^1$/],
  ['sysctls', 'cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shm_rmid_forced', /^77\n1$/],
  ['extra hosts', 'cat /etc/hosts', /10\.9\.9\.9\s+db.*fd00::9\s+six/s],
  ['dns', 'cat /etc/resolv.conf', /^(?=.*search corp\.example)(?=.*nameserver 203\.0\.113\.9)/s],
  ['init', 'cat /proc/1/comm', /init|tini/],
];
for (const [name, line, expected] of effects) {
  test(`inside: ${name}`, async () => assert.match(await says(line), expected));
}

test('more processes than allowed are not to be had', async () => {
  const line = 'for n in $(seq 1 30); do sleep 5 & done; wait';
  assert.match(await says(line), /can't fork|Resource temporarily unavailable/);
});

test('its own signal stops it, within its own time', async () => {
  await end('stop');
  const { report } = world.server.row(uuid);
  assert.deepEqual([report?.state, report?.exitCode], ['exited', 7]);
});
