/**
 * Berth killed (SIGKILL) at every call by which an operation changes something in Docker, once before Docker has seen it and once when
 * Docker has done it and Berth does not know: create, update, rebuild and delete end as the status table says, and nothing is left.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Answer, Berth } from '../helpers/berth.ts';
import { DockerGate, type GateOrders } from '../helpers/docker-gate.ts';
import { Machine } from '../helpers/machine.ts';
import { until } from '../helpers/until.ts';

let machine: Machine;
let berth: Berth;
let gate: DockerGate;
let network: string;

before(async () => {
  machine = await Machine.start();
  gate = new DockerGate(machine);
  await gate.open();
  berth = new Berth(machine);
  const config = { stateDir: berth.stateDir, agent: { dockerHost: gate.dockerHost } };
  writeFileSync(join(machine.disk, 'berth.yaml'), JSON.stringify(config));
  await berth.up();
  network = (await berth.admin('network', 'show', 'demo')).id;
  // The network is on the host already: its making is no step of what is tested.
  await make('resident');
});

after(async () => {
  await machine?.destroy();
});

const body = (name: string) => ({
  name,
  image: 'busybox',
  command: ['sh', '-c', "trap 'exit 0' TERM; while :; do sleep 1; done"],
  cpu: 0.1,
  memory: '32',
  nets: [{ network }],
});
const mebibyte = 2 ** 20;

const containers = async () => (await berth.request('GET', '/containers')).body.containers as Answer[];
const find = async (name: string) => (await containers()).find((container) => container.name === name);
const inDocker = async (format: string) =>
  (await machine.must('docker', ['-H', machine.dockerHost, 'ps', '-a', '--no-trunc', '--format', format]))
    .trim()
    .split('\n')
    .sort();

async function make(name: string): Promise<string> {
  const { status, body: made } = await berth.request('POST', '/containers?run=true', { body: body(name) });
  assert.equal(status, 202);
  await settled(name);
  return made.uuid;
}

/** It runs, and nothing is under way. */
const settled = (name: string) =>
  until(`${name} runs`, async () => {
    const container = await find(name);
    if (container?.status === 'Error') throw new Error(container.status_reason);
    return container?.status === 'Running' && container.task_state === null && container;
  });

async function traces() {
  return {
    containers: await inDocker('{{.Names}}'),
    ports: (await berth.admin('port', 'list')).map(({ id }: Answer) => id).sort(),
    links: JSON.parse(await machine.must('ip', ['-j', 'link']))
      .map(({ ifname }: Answer) => ifname)
      .sort(),
  };
}

async function untilLimits(uuid: string): Promise<void> {
  const { memory } = (await berth.request('GET', `/containers/${uuid}`)).body;
  const inspect = ['inspect', '-f', '{{.HostConfig.Memory}}', `zun-${uuid}`];
  await until('Docker has the limits that the API shows', async () => {
    const bytes = Number((await machine.docker(...inspect)).stdout);
    return bytes === Number.parseInt(memory, 10) * mebibyte;
  });
}

interface Operation {
  readonly verb: string;
  /** Returns the container's uuid. */
  readonly prepare: (name: string) => Promise<string>;
  readonly ask: (name: string, uuid: string) => Promise<unknown>;
  readonly isDone: (name: string, isAnswered: boolean) => Promise<unknown>;
  readonly judge: (name: string, uuid: string) => Promise<void>;
}

const operations: readonly Operation[] = [
  {
    verb: 'create',
    prepare: async () => '',
    ask: (name) => berth.request('POST', '/containers?run=true', { body: body(name) }),
    isDone: async (name) => (await find(name))?.status === 'Running',
    judge: async (name) => void (await settled(name)),
  },
  {
    verb: 'update',
    prepare: make,
    ask: (_, uuid) => berth.request('PATCH', `/containers/${uuid}`, { body: { memory: '48' } }),
    isDone: async (_, isAnswered) => isAnswered,
    judge: async (name, uuid) => {
      await settled(name);
      await untilLimits(uuid);
    },
  },
  {
    verb: 'rebuild',
    prepare: make,
    ask: (_, uuid) => berth.request('POST', `/containers/${uuid}/rebuild`),
    isDone: async (name, isAnswered) => isAnswered && (await find(name))?.task_state === null,
    judge: async (name) => void (await settled(name)),
  },
  {
    verb: 'delete',
    prepare: make,
    ask: (_, uuid) => berth.request('DELETE', `/containers/${uuid}?stop=true`),
    isDone: async (name) => (await find(name)) === undefined,
    judge: (name) =>
      until(`${name} is gone`, async () => (await find(name)) === undefined && true).then(() => undefined),
  },
];

/** The call that it was killed at; undefined when the operation ended before it came to that one. */
async function killAt(
  operation: Operation,
  call: number,
  when: GateOrders['when'],
): Promise<string | undefined> {
  const name = `${operation.verb}-${when}-${call}`;
  const uuid = await operation.prepare(name);
  gate.hold(call, when);
  let isAnswered = false;
  const asked = operation
    .ask(name, uuid)
    .catch(() => undefined)
    .then(() => {
      isAnswered = true;
    });
  const outcome = await until<{ held: string | undefined }>(`${name} is held or done`, async () => {
    const held = gate.held();
    if (held !== undefined) return { held };
    return (await operation.isDone(name, isAnswered)) ? { held } : undefined;
  });
  if (outcome.held !== undefined) {
    await berth.kill();
    gate.release();
    await berth.up();
  }
  await asked;
  gate.release();
  await operation.judge(name, uuid);
  return outcome.held;
}

for (const operation of operations) {
  test(`killed at each step of ${operation.verb}, it ends well, and nothing is left`, async () => {
    const atFirst = await traces();
    const steps: string[] = [];
    for (const when of ['before', 'after'] as const) {
      for (let call = 1; ; call += 1) {
        const held = await killAt(operation, call, when);
        if (held === undefined) break;
        steps.push(`${when} ${held}`);
        for (const { uuid, name } of await containers()) {
          if (name !== 'resident') await berth.request('DELETE', `/containers/${uuid}?stop=true`);
        }
      }
    }
    for (const { uuid, name } of await containers()) {
      if (name !== 'resident') await berth.request('DELETE', `/containers/${uuid}?stop=true`);
    }
    await until('only what was there before is there', async () => (await containers()).length === 1);
    assert.ok(steps.length >= 2, `killed at ${steps.join(', ')}`);
    let now: unknown;
    await until('nothing is left', async () => {
      now = await traces();
      return JSON.stringify(now) === JSON.stringify(atFirst);
    }).catch(() => assert.deepEqual(now, atFirst));
  });
}
