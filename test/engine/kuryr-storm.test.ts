/**
 * dockerd and Berth killed at random points of a loop of Docker's commands on Kuryr's networks: whatever was under way,
 * ordinary commands remove everything afterwards, and nothing is left of it anywhere.
 *
 * `STORM_SEED` repeats the choice of commands and kills, though not what each of them meets; `STORM_COMMANDS` and
 * `STORM_KILLS` change their number; `STORM_DOCKERD` gives dockerd more options (`--live-restore`); `STORM_LOGS` names a
 * folder for the logs of dockerd, of Berth and of the commands.
 */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Belongings, belongingsOf, untilSame } from '../helpers/belongings.ts';
import { Berth } from '../helpers/berth.ts';
import { DockerStorm, type StormNetwork } from '../helpers/docker-storm.ts';
import { Machine } from '../helpers/machine.ts';
import { Seeded } from '../helpers/seeded.ts';

const deadlineSeconds = 20;
const commands = Number(process.env.STORM_COMMANDS ?? 200);
const kills = Number(process.env.STORM_KILLS ?? 20);
const logs = process.env.STORM_LOGS;
const atOnce = 4;
/** A machine may be too busy to be on time. */
const slackMs = 2_000;

let machine: Machine;
let berth: Berth;

before(async () => {
  machine = await Machine.start(...(process.env.STORM_DOCKERD ?? '').split(' ').filter(Boolean));
  berth = new Berth(machine, {
    agent: { sweepGraceSeconds: 3 },
    kuryr: { deadlineSeconds, sweepSeconds: 5 },
  });
  await berth.up();
});

after(async () => {
  if (logs) {
    for (const log of [berth.log, join(machine.disk, 'dockerd.log')])
      copyFileSync(log, join(logs, basename(log)));
  }
  await machine?.destroy();
});

/** Addresses of ports that are there before Docker's. */
const ports = ['10.10.0.201', '10.10.0.202'];

const adopted = ['neutron.net.name=demo', 'neutron.subnet.name=demo-subnet'];
const networks: readonly StormNetwork[] = [
  { name: 'four', options: ['--subnet', '10.61.0.0/24'], addresses: ['10.61.0.100', '10.61.0.101'] },
  { name: 'both', options: ['--subnet', '10.62.0.0/24', '--ipv6', '--subnet', 'fd00:62::/64'] },
  ...['one', 'two'].map((name) => ({
    name,
    options: ['-o', 'neutron.pool.name=common', '--ipam-opt', 'neutron.pool.name=common'],
    comesAndGoes: true,
  })),
  { name: 'any', options: ['--ipv6'], comesAndGoes: true },
  {
    name: 'adopted',
    options: [
      ...['--subnet', '10.10.0.0/24', '-o', 'berth.publish=floating-ip'],
      ...adopted.flatMap((option) => ['-o', option, '--ipam-opt', option]),
    ],
    addresses: ports,
  },
];

const victims = ['dockerd', 'Berth', 'dockerd', 'Berth', 'both', 'dockerd in good order'] as const;
type Victim = (typeof victims)[number];

/** Strikes while commands are under way; who dies is back when this resolves. */
async function strike(victim: Victim): Promise<void> {
  const docker = async () => {
    await machine.killDocker();
    await machine.startDocker();
  };
  const server = async () => {
    await berth.kill();
    await berth.up();
  };
  if (victim === 'dockerd in good order') return machine.restartDocker();
  await Promise.all([...(victim === 'Berth' ? [] : [docker()]), ...(victim === 'dockerd' ? [] : [server()])]);
}

/** Which command is followed by whose death, and how soon. */
function choosePoints(random: Seeded): ReadonlyMap<number, { victim: Victim; afterMs: number }> {
  const at = random.some(
    kills,
    Array.from({ length: commands }, (_, index) => index),
  );
  return new Map(
    at.map((index, nth) => [
      index,
      { victim: victims[nth % victims.length] ?? 'both', afterMs: random.below(500) },
    ]),
  );
}

async function storm(random: Seeded): Promise<{ storm: DockerStorm; struck: number }> {
  const points = choosePoints(random);
  const docker = new DockerStorm({ machine, networks, random, containers: 10 });
  await docker.createNetworks();
  let next = 0;
  let struck = 0;
  let striking = Promise.resolve();
  const work = async () => {
    while (next < commands) {
      const point = points.get(next++);
      // Nobody starts a command while dockerd is known to be dead.
      await striking;
      const running = docker.next();
      if (point) {
        await delay(point.afterMs);
        striking = striking.then(() => strike(point.victim));
        struck += 1;
        await striking;
      }
      await running;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { storm: docker, struck };
}

/** Of each answer that dockerd got. */
function answerTimes(): { call: string; ms: number }[] {
  const lines = readFileSync(berth.log, 'utf8').matchAll(/"call":"(\w+\.\w+)","ms":([\d.]+)/g);
  return [...lines].map(([, call = '', ms]) => ({ call, ms: Number(ms) }));
}

/** A subnet pool, and ports on a network that is there. */
async function makeWhatIsAdopted(): Promise<void> {
  const prefixes = ['10.64.0.0/16'];
  const make = async (collection: string, body: object) => {
    const { status } = await berth.network('POST', `/${collection}`, { cloud: 'berth', body });
    assert.equal(status, 201, JSON.stringify(body));
  };
  await make('subnetpools', { subnetpool: { name: 'common', prefixes, default_prefixlen: 24 } });
  const { body } = await berth.network('GET', '/networks?name=demo', { cloud: 'berth' });
  const [{ id: network_id }] = body.networks;
  for (const ip_address of ports) await make('ports', { port: { network_id, fixed_ips: [{ ip_address }] } });
}

test('dockerd and Berth killed at random points of a loop of commands leave nothing', async (t) => {
  const random = Seeded.fromVariable('STORM_SEED', 20_261);
  t.diagnostic(`STORM_SEED=${random.seed}`);
  await makeWhatIsAdopted();
  const atFirst: Belongings = await belongingsOf(machine, berth);
  const { storm: docker, struck } = await storm(random);
  const worked = docker.outcomes.filter(({ code }) => code === 0).length;
  t.diagnostic(`${worked} of ${docker.outcomes.length} commands succeeded, ${struck} kills`);
  if (logs) {
    const lines = docker.outcomes.map(
      ({ args, code, stderr, ms }) => `${ms} ms: docker ${args.join(' ')}: ${code} ${stderr.trim()}\n`,
    );
    writeFileSync(join(logs, 'commands.log'), lines.join(''));
  }
  const said = await docker.removeAll();
  assert.deepEqual(said, []);
  await untilSame(atFirst, () => belongingsOf(machine, berth), 90_000);
  assert.ok(worked > commands / 3, `only ${worked} commands succeeded`);
  const answers = answerTimes();
  assert.ok(answers.length > commands, `only ${answers.length} calls of dockerd`);
  assert.deepEqual(
    answers.filter(({ ms }) => ms > deadlineSeconds * 1000 + slackMs),
    [],
  );
});
