/**
 * The server is killed after every step of every operation. The next one brings the container to where the status table
 * (src/model/operation-table.ts) says, with record, network service and Engine in agreement; or the request was never taken up.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAsk, createWorld, type World } from '../../../test/helpers/container-world.ts';
import type { OperationVerb, ServerVerb } from '../../model/container.ts';
import type { Container } from '../../model/container-record.ts';
import { operationTable } from '../../model/operation-table.ts';
import { listContainers } from '../../store/container/container-list.ts';
import { findDeleted } from '../../store/container/deleted-containers.ts';
import { allPendingOperations } from '../../store/container/operations.ts';

type Verb = OperationVerb | ServerVerb;

interface Story {
  readonly before?: 'stop' | 'pause';
  readonly act: (world: World, uuid: string) => Promise<unknown>;
  /** What the operation is for, when it was taken up. */
  readonly effect?: (world: World, container: Container) => unknown;
}

const ask = createAsk(
  { name: 'web', nets: [{ network: 'a' }, { network: 'b' }] },
  { exposedPorts: [{ port: 80, protocol: 'tcp' }] },
);
const deletion = { force: false, stop: true, allProjects: false };

const networksOf = ({ nics }: Container) => nics.map(({ networkId }) => networkId);

const stories: Readonly<Record<Verb, Story>> = {
  create: { act: ({ control, user }) => control.create(user, ask) },
  start: { before: 'stop', act: ({ control, user }, uuid) => control.operate(user, uuid, 'start') },
  stop: { act: ({ control, user }, uuid) => control.operate(user, uuid, 'stop') },
  reboot: { act: ({ control, user }, uuid) => control.operate(user, uuid, 'reboot') },
  pause: { act: ({ control, user }, uuid) => control.operate(user, uuid, 'pause') },
  unpause: { before: 'pause', act: ({ control, user }, uuid) => control.operate(user, uuid, 'unpause') },
  kill: { act: ({ control, user }, uuid) => control.operate(user, uuid, 'kill') },
  rebuild: {
    act: ({ control, user }, uuid) => control.rebuild(user, uuid, { image: 'alpine' }),
    effect: ({ agent }, { uuid }) => assert.equal(agent.engine.get(uuid)?.wanted.spec.image, 'alpine'),
  },
  update: {
    act: ({ control, user }, uuid) => control.update(user, uuid, { cpu: 2, memoryMiB: 256 }),
    effect({ agent }, { uuid, spec }) {
      assert.deepEqual([spec.cpu, spec.memoryMiB], [2, 256]);
      assert.equal(agent.engine.get(uuid)?.wanted.spec.cpu, 2);
    },
  },
  network_attach: {
    act: ({ control, user }, uuid) => control.attachNetwork(user, uuid, { network: 'c' }),
    effect: (_world, container) => assert.deepEqual(networksOf(container), ['net-a', 'net-b', 'net-c']),
  },
  network_detach: {
    act: ({ control, user }, uuid) => control.detachNetwork(user, uuid, { network: 'a' }),
    effect: (_world, container) => assert.deepEqual(networksOf(container), ['net-b']),
  },
  default_gateway: {
    act: ({ control, user }, uuid) => control.chooseGateway(user, uuid, { network: 'b' }),
    effect: (_world, { nics }) =>
      assert.deepEqual(
        nics.map(({ defaultGateway }) => defaultGateway ?? false),
        [false, true],
      ),
  },
  add_security_group: {
    act: (world, uuid) => changeGroup(world, uuid, 'add_security_group'),
    effect: ({ networking }, { uuid }) => assert.match(networking.groupsOf(uuid).join(' '), /^[^ ]*sg-extra/),
  },
  remove_security_group: {
    act: (world, uuid) => changeGroup(world, uuid, 'remove_security_group'),
    effect: ({ networking }, { uuid }) => assert.doesNotMatch(networking.groupsOf(uuid).join(), /sg-web/),
  },
  delete: { act: ({ control, user }, uuid) => control.remove(user, uuid, deletion) },
};

function changeGroup({ control, user }: World, uuid: string, verb: ServerVerb): Promise<unknown> {
  const name = verb === 'add_security_group' ? 'extra' : 'web';
  return control.changeSecurityGroup(user, uuid, { verb, name });
}

const containersOf = (world: World) =>
  listContainers(world.db, {
    projectId: null,
    filters: {},
    sortKey: 'id',
    descending: false,
    limit: 10,
  });

async function setUp(world: World, verb: Verb): Promise<string> {
  if (verb === 'create') return '';
  const { uuid } = await world.make({ ...ask, securityGroups: ['web'], compile: ask.compile });
  const { before } = stories[verb];
  if (before) {
    await world.control.operate(world.user, uuid, before);
    await settle(world);
  }
  return uuid;
}

/** Until nobody has anything left to do. Agents look at everything from time to time, whoever woke them or not. */
async function settle(world: World): Promise<void> {
  await world.until('settled', async () => {
    await world.agent.converge();
    await world.control.settle();
    const rows = await containersOf(world);
    const isOpen = rows.some(({ portsPhase, taskState }) => portsPhase !== 'ready' || taskState !== null);
    return !isOpen && (await allPendingOperations(world.db)).length === 0;
  });
}

/** Record, network service and Engine have the same. */
async function assertAgreement(world: World): Promise<void> {
  const rows = await containersOf(world);
  const { ports, exposedGroups } = world.networking;
  assert.deepEqual(
    [...world.agent.engine.keys()],
    rows.map(({ uuid }) => uuid),
  );
  assert.equal(exposedGroups.size, rows.length);
  assert.deepEqual(
    [...ports.values()].map(({ nic }) => nic.portId).sort(),
    rows.flatMap(({ nics }) => nics.map(({ portId }) => portId)).sort(),
  );
  for (const { uuid, nics } of rows) {
    assert.deepEqual(world.agent.engine.get(uuid)?.wanted.nics, nics);
    const actions = await world.control.actions(world.user, uuid);
    assert.deepEqual([...new Set(actions.map(({ result }) => result))], ['Success']);
  }
}

/** What a request that was never taken up leaves. */
async function stateOf(world: World): Promise<unknown> {
  return (await containersOf(world)).map(({ uuid, status, spec, nics }) => ({ uuid, status, spec, nics }));
}

/** False when the operation was over before that many steps. */
async function survives(verb: Verb, step: number): Promise<boolean> {
  const world = await createWorld();
  try {
    const uuid = await setUp(world, verb);
    const before = await stateOf(world);
    const [first] = await containersOf(world);
    const { life } = world;
    life.endAfter(step);
    const acted = stories[verb].act(world, uuid).catch(() => 'lost');
    const whole = acted
      .then(() => settle(world))
      .then(
        () => 'whole',
        () => 'lost',
      );
    const ended = await Promise.race([life.died.promise, whole]);
    if (ended === 'whole') life.endAfter(Number.POSITIVE_INFINITY);
    else await world.crash();
    await settle(world);
    await assertAgreement(world);
    await judge(world, { verb, uuid, before, statusBefore: first?.status });
    return ended !== 'whole';
  } finally {
    await world.close();
  }
}

interface Judged {
  readonly verb: Verb;
  readonly uuid: string;
  readonly before: unknown;
  readonly statusBefore: string | undefined;
}

async function judge(world: World, { verb, uuid, before, statusBefore }: Judged): Promise<void> {
  const [row] = await containersOf(world);
  const actions = row ? await world.control.actions(world.user, row.uuid) : [];
  const wasTaken = verb === 'delete' ? row === undefined : actions[0]?.verb === verb;
  if (!wasTaken) return assert.deepEqual(await stateOf(world), before);
  // One of the two is always there: the container, or what is remembered of it.
  const deleted = await findDeleted(world.db, uuid);
  assert.equal(deleted?.logs.bytes, row || verb === 'create' ? undefined : 55);
  const settles: readonly string[] = operationTable[verb].settles;
  const status = row?.status ?? 'gone';
  assert.ok(
    settles.includes(settles[0] === 'as before' && status === statusBefore ? 'as before' : status),
    status,
  );
  if (row) stories[verb].effect?.(world, row);
  assert.ok(verb === 'create' || !row || row.uuid === uuid);
}

for (const verb of Object.keys(stories) as Verb[]) {
  test(`${verb} survives a kill after each of its steps`, async (t) => {
    let step = 0;
    do {
      step += 1;
    } while (await survives(verb, step));
    t.diagnostic(`${step - 1} steps`);
    assert.ok(step > 2, 'it was killed at least twice');
  });
}
