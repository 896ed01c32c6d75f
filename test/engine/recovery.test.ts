/**
 * Nothing acknowledged is lost and nothing leaks: Berth killed in the middle of creates, dockerd restarted, the machine
 * power-cycled.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, Berth } from '../helpers/berth.ts';
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

const idle = ['busybox', 'sh', '-c', "trap 'exit 0' TERM; while :; do sleep 1; done"];

/** Everything on the machine and in the services that a container could leave behind. */
async function belongings() {
  const docker = async (...args: readonly string[]) =>
    (await machine.docker(...args)).stdout.trim().split('\n').sort();
  const ip = async (...args: readonly string[]) =>
    JSON.parse((await machine.must('ip', ['-j', ...args])) || '[]') as Answer[];
  return {
    containers: await docker('ps', '-a', '--no-trunc', '--format', '{{.Names}}'),
    dockerNetworks: await docker('network', 'ls', '--no-trunc', '--format', '{{.Name}}'),
    namespaces: (await ip('netns', 'list')).map(({ name }) => name).sort(),
    links: (await ip('link')).map(({ ifname }) => ifname).sort(),
    ports: (await berth.admin('port', 'list')).length,
    groups: (await berth.cli('security-group', 'list')).length,
    claims: (await berth.admin('host', 'list')).map(({ cpu_used, mem_used }: Answer) => ({
      cpu_used,
      mem_used,
    })),
  };
}
type Belongings = Awaited<ReturnType<typeof belongings>>;

async function untilBelongings(expected: Belongings): Promise<void> {
  let now: Belongings | undefined;
  const same = async () => {
    now = await belongings();
    return JSON.stringify(now) === JSON.stringify(expected);
  };
  await until('everything is as it was', same).catch(() => assert.deepEqual(now, expected));
}

async function deleteAll(): Promise<void> {
  const containers: Answer[] = await berth.cli('list');
  for (const { uuid } of containers) await berth.runAs('berth-admin', 'delete', '--force', uuid);
  await until('no container is left', async () => (await berth.cli('list')).length === 0);
}

test('killed in the middle of twenty creates, every container ends well or cleanly, and nothing is left', async () => {
  const atFirst = await belongings();
  const options = ['--no-wait', '--cpu', '0.1', '-m', '32'];
  const creates = Array.from({ length: 20 }, (_, index) =>
    berth.runAs('berth', 'run', '-n', `many-${index}`, ...options, ...idle),
  );
  const running = async () => (await machine.docker('ps', '-q')).stdout.trim().split('\n');
  await until('some containers run, others do not', async () => (await running()).length > 3);
  await berth.kill();
  const accepted = (await Promise.all(creates)).filter(({ code }) => code === 0).length;
  await berth.up();
  const containers: Answer[] = await until('every container has ended its creation', async () => {
    const list: Answer[] = await berth.cli('list');
    return (
      list.every(({ status, task_state }) => ['Running', 'Error'].includes(status) && !task_state) && list
    );
  });
  assert.ok(
    containers.length >= accepted,
    `${accepted} creates were acknowledged, ${containers.length} stand`,
  );
  const expected = containers.filter(({ status }) => status === 'Running').map(({ uuid }) => `zun-${uuid}`);
  const inDocker = (await machine.docker('ps', '--format', '{{.Names}}')).stdout.trim().split('\n');
  assert.deepEqual(inDocker.sort(), expected.sort());
  await deleteAll();
  await untilBelongings(atFirst);
});

/** The containers with a restart policy run with their old addresses and reach each other. */
async function assertBack(addresses: Readonly<Record<string, readonly string[]>>): Promise<void> {
  await berth.untilStatus('always', 'Running');
  await berth.untilStatus('neighbour', 'Running');
  for (const [name, expected] of Object.entries(addresses)) {
    assert.deepEqual(await berth.addressesOf(name), expected);
  }
  const from = await berth.dockerName('always');
  const target = addresses.neighbour?.[0] ?? '';
  await until('the neighbour answers', async () => {
    const ping = await machine.docker('exec', from, 'ping', '-c', '1', '-W', '1', target);
    return ping.code === 0;
  });
}

test('a restart of Berth, of dockerd and of the machine brings back networks, containers and addresses', async () => {
  await berth.cli('run', '-n', 'always', '--restart', 'always', ...idle);
  await berth.cli('run', '-n', 'neighbour', '--restart', 'unless-stopped', ...idle);
  await berth.cli('run', '-n', 'once', ...idle);
  const addresses: Record<string, string[]> = {};
  for (const name of ['always', 'neighbour', 'once']) {
    await berth.untilStatus(name, 'Running');
    addresses[name] = await berth.addressesOf(name);
  }

  const running = (await machine.docker('ps', '-q')).stdout;
  await berth.down();
  assert.equal((await machine.docker('ps', '-q')).stdout, running, 'containers go on running without Berth');
  await berth.up();
  await assertBack(addresses);

  await machine.restartDocker();
  await assertBack(addresses);
  await berth.untilStatus('once', 'Stopped');
  await berth.cli('start', 'once');
  await berth.untilStatus('once', 'Running');
  assert.deepEqual(await berth.addressesOf('once'), addresses.once);

  await machine.crash();
  await machine.boot();
  await berth.up();
  await assertBack(addresses);
  await berth.untilStatus('once', 'Stopped');
  await deleteAll();
});
