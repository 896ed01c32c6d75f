/**
 * The agent is killed before each of its calls of Docker in every operation, and before its report. The next agent completes what was
 * begun, and what Docker has then is what is wanted. The server's side is ../control/container/kill.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/helpers/until.ts';
import type { EngineState, OperationVerb } from '../model/container.ts';
import { dockerContainerName } from '../model/host-names.ts';
import type { WantedContainer } from '../wire/agent.ts';
import { readKeptLogs } from '../wire/agent-questions.ts';
import { fakeWorld, type World } from './world.fixture.ts';

interface Story {
  readonly before?: 'stop' | 'pause';
  readonly wants: (world: World, uuid: string) => Partial<WantedContainer>;
  readonly state: EngineState;
  readonly endpoints?: number;
}

const nicsOf = (world: World, uuid: string) => world.server.row(uuid).wanted.nics;
const running = () => ({ power: 'running' }) as const;
const stopped = () => ({ power: 'stopped' }) as const;

const stories: Readonly<Record<OperationVerb, Story>> = {
  create: { wants: running, state: 'running' },
  start: { before: 'stop', wants: running, state: 'running' },
  stop: { wants: stopped, state: 'exited' },
  kill: { wants: stopped, state: 'exited' },
  reboot: { wants: running, state: 'running' },
  pause: { wants: () => ({ power: 'paused' }), state: 'paused' },
  unpause: { before: 'pause', wants: running, state: 'running' },
  rebuild: { wants: running, state: 'running' },
  update: {
    wants: (world, uuid) => ({ spec: { ...world.server.row(uuid).wanted.spec, memoryMiB: 64 } }),
    state: 'running',
  },
  network_attach: {
    wants: (world, uuid) => ({
      nics: [...nicsOf(world, uuid), world.addPort(world.addNetwork().id, uuid, 2)],
    }),
    state: 'running',
    endpoints: 3,
  },
  network_detach: {
    wants: (world, uuid) => ({ nics: nicsOf(world, uuid).slice(1) }),
    state: 'running',
    endpoints: 1,
  },
  default_gateway: {
    wants: (world, uuid) => ({
      nics: nicsOf(world, uuid).map((nic, index) => ({ ...nic, defaultGateway: index === 1 })),
    }),
    state: 'running',
  },
  delete: { wants: stopped, state: 'missing' },
};

const soon = { everyMs: 2, patienceMs: 8_000 };
const powers = { stop: 'stopped', pause: 'paused' } as const;

async function ends(world: World, uuid: string, operation: string): Promise<void> {
  const outcome = await until(
    `${operation} ends`,
    async () => world.server.gone.includes(uuid) || world.server.outcomeOf(uuid, operation),
    soon,
  );
  if (outcome !== true) assert.equal(outcome.result, 'success', outcome.message);
}

/** Docker and server hear nothing any more from that call on; resolves when it has come. */
function killAt(
  world: World,
  step: number,
): { readonly hasCome: () => boolean; readonly revive: () => void } {
  const { engine, server } = world;
  const push = engine.calls.push.bind(engine.calls);
  let left = step;
  let hasCome = false;
  engine.calls.push = (...call: string[]) => {
    left -= 1;
    if (left === 0) {
      hasCome = true;
      engine.isDown = true;
      server.isDown = true;
    }
    return push(...call);
  };
  return {
    hasCome: () => hasCome,
    revive() {
      engine.calls.push = push;
      engine.isDown = false;
      server.isDown = false;
    },
  };
}

async function setUp(world: World, verb: OperationVerb): Promise<string> {
  const uuid = world.addContainer([world.addNetwork(), world.addNetwork()]);
  await world.start();
  if (verb === 'create') return uuid;
  await ends(world, uuid, world.server.ask(uuid, 'create'));
  const { before } = stories[verb];
  if (before) await ends(world, uuid, world.server.ask(uuid, before, { power: powers[before] }));
  return uuid;
}

/** False when the operation needed fewer calls. */
async function survives(verb: OperationVerb, step: number): Promise<boolean> {
  const world = fakeWorld();
  try {
    const uuid = await setUp(world, verb);
    const death = killAt(world, step);
    const operation = world.server.ask(uuid, verb, stories[verb].wants(world, uuid));
    const isDone = () => world.server.gone.includes(uuid) || world.server.outcomeOf(uuid, operation);
    await until('killed or done', async () => death.hasCome() || isDone() !== undefined, soon);
    const wasKilled = death.hasCome() && !isDone();
    await world.stop();
    death.revive();
    await world.start();
    await ends(world, uuid, operation);
    await until('Docker has what is wanted', async () => isAsWanted(world, uuid, verb), soon);
    if (verb === 'delete') await assertLogsKept(world, uuid);
    return wasKilled;
  } finally {
    await world.stop();
  }
}

/** Whenever it died, what the container wrote is there, and the server was told so. */
async function assertLogsKept(world: World, uuid: string): Promise<void> {
  const all = { stdout: true, stderr: true, timestamps: false, tail: null, since: null };
  const { text } = await world.server.call(readKeptLogs, { uuid, ...all });
  assert.equal(text, 'one\ntwo\nthree\n');
  assert.ok((world.server.logsLeft.get(uuid)?.bytes ?? 0) > 0);
}

function isAsWanted(world: World, uuid: string, verb: OperationVerb): boolean {
  const { state, endpoints = 2 } = stories[verb];
  const mine = [...world.engine.containers.values()].filter(({ name }) => name === dockerContainerName(uuid));
  if (state === 'missing') return mine.length === 0;
  const [only, ...others] = mine;
  const isRight = only?.state === state && only.endpoints.size === endpoints && others.length === 0;
  if (verb !== 'update') return isRight;
  return isRight && only?.body.HostConfig.Memory === 64 * 2 ** 20;
}

for (const verb of Object.keys(stories) as OperationVerb[]) {
  test(`${verb} survives a kill of the agent before each of its calls`, async (t) => {
    let step = 0;
    do {
      step += 1;
    } while (await survives(verb, step));
    t.diagnostic(`${step - 1} calls`);
    assert.ok(step > 1, 'it was killed at least once');
  });
}
