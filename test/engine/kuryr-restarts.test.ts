/**
 * Restarts around Docker's networks on Kuryr: containers that go on while dockerd and Berth are away, commands that meet
 * a driver just restarted, and removals that it never hears of.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Belongings, belongingsOf, untilSame } from '../helpers/belongings.ts';
import { Berth } from '../helpers/berth.ts';
import { Machine } from '../helpers/machine.ts';
import { until } from '../helpers/until.ts';

let machine: Machine;
let berth: Berth;
let atFirst: Belongings;

before(async () => {
  machine = await Machine.start('--live-restore');
  berth = new Berth(machine, { agent: { sweepGraceSeconds: 3 }, kuryr: { sweepSeconds: 5 } });
  await berth.up();
  atFirst = await belongingsOf(machine, berth);
});

after(async () => {
  await machine?.destroy();
});

const docker = (...args: readonly string[]) => machine.must('docker', ['-H', machine.dockerHost, ...args]);
const untilClean = () => untilSame(atFirst, () => belongingsOf(machine, berth), 90_000);

async function createNetwork(name: string, ...options: readonly string[]): Promise<void> {
  await docker('network', 'create', '--driver', 'kuryr', '--ipam-driver', 'kuryr', ...options, name);
}

async function run(name: string, network: string, ...command: readonly string[]): Promise<void> {
  const options = ['--detach', '--stop-signal', 'SIGKILL', '--name', name, '--net', network];
  await docker('run', ...options, 'busybox', ...command);
}

async function pidOf(container: string): Promise<string> {
  return (await docker('inspect', '--format', '{{.State.Pid}}', container)).trim();
}

test('with live-restore containers go on while dockerd and Berth die: a TCP stream stays whole, and all goes afterwards', async () => {
  await createNetwork('n', '--subnet', '10.71.0.0/24', '--ipv6', '--subnet', 'fd00:71::/64');
  // One connection: nobody makes another when it ends.
  await run('hears', 'n', 'sh', '-c', 'sleep 100000 | nc -l -p 9000 > /tmp/heard');
  const address = (
    await docker('inspect', '--format', '{{.NetworkSettings.Networks.n.IPAddress}}', 'hears')
  ).trim();
  await run('says', 'n', 'sh', '-c', `while :; do echo tick; sleep 0.05; done | nc ${address} 9000`);
  await run('short', 'n', 'sleep', '100000');
  const [heard, short] = [await pidOf('hears'), await pidOf('short')];
  const length = async () =>
    Number(await machine.must('stat', ['-c', '%s', `/proc/${heard}/root/tmp/heard`]));
  const untilMore = async (when: string) => {
    const before = await length();
    await until(`the stream goes on ${when}`, async () => (await length()) > before + 50);
  };
  await untilMore('at first');
  await machine.killDocker();
  await untilMore('without dockerd');
  await berth.kill();
  // It ends while nobody looks.
  await machine.must('kill', ['-9', short]);
  await untilMore('without either');
  await Promise.all([machine.startDocker(), berth.up()]);
  await untilMore('when both are back');
  await until('the port of what ended is gone', async () => {
    const { body } = await berth.network('GET', '/ports?device_owner=compute:kuryr');
    return body.ports.length === 2;
  });
  await run('late', 'n', 'sleep', '100000');
  await docker('exec', 'late', 'ping', '-c', '1', '-W', '10', address);
  await docker('network', 'disconnect', 'n', 'late');
  await docker('network', 'connect', 'n', 'late');
  await docker('exec', 'late', 'ping', '-c', '1', '-W', '10', address);
  await untilMore('to the end');
  assert.equal(await pidOf('hears'), heard);
  await docker('rm', '--force', 'hears', 'says', 'late', 'short');
  await docker('network', 'rm', 'n');
  await untilClean();
});

test('commands that meet a restart of Berth succeed: it answers first, and dockerd calls again', async () => {
  await createNetwork('n', '--subnet', '10.72.0.0/24');
  const names = Array.from({ length: 6 }, (_, index) => `c${index}`);
  const running = Promise.all(names.map((name) => run(name, 'n', 'sleep', '100000')));
  await until('the driver is at work', async () => {
    const { body } = await berth.network('GET', '/ports?device_owner=compute:kuryr');
    return body.ports.length > 0;
  });
  await berth.down();
  await berth.up();
  await running;
  const removed = Promise.all(names.map((name) => docker('rm', '--force', name)));
  await until('the first are gone', async () => (await docker('ps', '-q')).split('\n').length < names.length);
  await berth.down();
  await berth.up();
  await removed;
  await docker('network', 'rm', 'n');
  await untilClean();
});

test('what is removed while Berth is dead is gone when it is back', async () => {
  await createNetwork('n', '--subnet', '10.73.0.0/24');
  await createNetwork('m', '--subnet', '10.74.0.0/24', '--aux-address', 'web=10.74.0.9');
  await run('late', 'n', 'sleep', '100000');
  await berth.kill();
  // Docker tries each of its calls for 15 seconds.
  await Promise.all([docker('rm', '--force', 'late'), docker('network', 'rm', 'm')]);
  await berth.up();
  await docker('network', 'rm', 'n');
  await untilClean();
});
