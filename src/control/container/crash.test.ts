/** Whatever moment the server dies at, the next one brings every container to Running or cleanly gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAsk, createWorld, type World } from '../../../test/helpers/container-world.ts';
import { deleteContainer } from '../../store/container/containers.ts';
import { report } from '../../wire/agent.ts';

const spec = { exposedPorts: [{ port: 80, protocol: 'tcp' }] } as const;
const twoNets = { name: 'web', nets: [{ network: 'a' }, { network: 'b' }] };

/** Before and after: the group, two ports. */
const createMoments = 6;
/** Before and after: the ports, the group. */
const deleteMoments = 4;

/** The returned function waits for the crash. */
function crashAt(world: World, moment: number): () => Promise<unknown> {
  let hasCrashed = false;
  world.networking.crashAt = world.networking.moments + moment;
  world.networking.onCrash = () => {
    hasCrashed = true;
  };
  return () => world.until('the crash', async () => hasCrashed);
}

async function assertRuns(world: World, uuid: string): Promise<void> {
  await world.until('Running', async () => (await world.row(uuid))?.status === 'Running');
  assert.equal(world.networking.ports.size, 2);
  assert.equal(world.networking.exposedGroups.size, 1);
  assert.equal(world.agent.engine.size, 1);
}

async function assertGone(world: World, uuid: string): Promise<void> {
  await world.until('gone', async () => (await world.row(uuid)) === undefined);
  assert.equal(world.networking.ports.size, 0);
  assert.equal(world.networking.exposedGroups.size, 0);
  assert.equal(world.agent.engine.size, 0);
}

for (let moment = 1; moment <= createMoments; moment += 1) {
  test(`create survives a crash at moment ${moment} of making ports`, async () => {
    const world = await createWorld();
    try {
      const crashed = crashAt(world, moment);
      const { uuid } = await world.control.create(world.user, createAsk(twoNets, spec));
      await crashed();
      await world.crash();
      await assertRuns(world, uuid);
    } finally {
      await world.close();
    }
  });
}

for (let moment = 1; moment <= deleteMoments; moment += 1) {
  test(`delete survives a crash at moment ${moment} of releasing`, async () => {
    const world = await createWorld();
    try {
      const { uuid } = await world.make(twoNets, spec);
      const crashed = crashAt(world, moment);
      await world.control.remove(world.user, uuid, { force: false, stop: true, allProjects: false });
      await crashed();
      await world.crash();
      await assertGone(world, uuid);
    } finally {
      await world.close();
    }
  });
}

/** Before and after: the port is made, others are looked for, after the agent has connected. */
const attachMoments = 4;
/** Before and after: the port that the agent has left is given back. */
const detachMoments = 2;
/** Before and after: the ports are changed, others are looked for. */
const groupMoments = 4;

/** What the record, the network service and the agent have, once all work is done. */
async function networksOf(world: World, uuid: string): Promise<string[][]> {
  const row = await world.until('settled', async () => {
    const now = await world.row(uuid);
    return now?.portsPhase === 'ready' && now.taskState === null && now;
  });
  assert.ok((await world.control.actions(world.user, uuid)).every(({ result }) => result === 'Success'));
  return [
    row.nics.map(({ networkId }) => networkId),
    [...world.networking.ports.values()].map(({ nic }) => nic.networkId),
    world.agent.engine.get(uuid)?.wanted.nics.map(({ networkId }) => networkId) ?? [],
  ];
}

for (let moment = 1; moment <= attachMoments; moment += 1) {
  test(`attach survives a crash at moment ${moment}`, async () => {
    const world = await createWorld();
    try {
      const { uuid } = await world.make({ nets: [{ network: 'a' }] });
      const crashed = crashAt(world, moment);
      await world.control.attachNetwork(world.user, uuid, { network: 'b' });
      await crashed();
      await world.crash();
      await world.until('attached', async () =>
        (await networksOf(world, uuid)).every(({ length }) => length === 2),
      );
      assert.deepEqual(await networksOf(world, uuid), Array(3).fill(['net-a', 'net-b']));
    } finally {
      await world.close();
    }
  });
}

for (let moment = 1; moment <= detachMoments; moment += 1) {
  test(`detach survives a crash at moment ${moment}`, async () => {
    const world = await createWorld();
    try {
      const { uuid } = await world.make({ nets: [{ network: 'a' }, { network: 'b' }] });
      const crashed = crashAt(world, moment);
      await world.control.detachNetwork(world.user, uuid, { network: 'a' });
      await crashed();
      await world.crash();
      await world.until('detached', async () => world.networking.ports.size === 1);
      assert.deepEqual(await networksOf(world, uuid), Array(3).fill(['net-b']));
    } finally {
      await world.close();
    }
  });
}

for (let moment = 1; moment <= groupMoments; moment += 1) {
  test(`a security group survives a crash at moment ${moment}`, async () => {
    const world = await createWorld();
    try {
      const { uuid } = await world.make({ nets: [{ network: 'a' }, { network: 'b' }] });
      const crashed = crashAt(world, moment);
      const change = { verb: 'add_security_group', name: 'web' } as const;
      await world.control.changeSecurityGroup(world.user, uuid, change);
      await crashed();
      await world.crash();
      await networksOf(world, uuid);
      assert.deepEqual(world.networking.groupsOf(uuid), ['sg-default,sg-web']);
    } finally {
      await world.close();
    }
  });
}

test('a create that the agent has not heard of, and one whose report was lost, end Running', async () => {
  const world = await createWorld();
  try {
    await world.agent.bus.close();
    const { uuid } = await world.control.create(world.user, createAsk(twoNets, spec));
    await world.until('ports ready', async () => (await world.row(uuid))?.portsPhase === 'ready');
    await world.crash();
    const agent = await world.connect('host-1');
    await agent.converge();
    assert.equal((await world.row(uuid))?.status, 'Running');
    // The same outcomes once more, as after a reply that got lost.
    const { bus } = agent;
    const before = await world.row(uuid);
    const [operation] = await world.control.actions(world.user, uuid);
    await bus.call({ kind: 'server' }, report, {
      containers: [agent.reportOf(uuid)],
      outcomes: [{ container: uuid, operation: operation?.id ?? '', result: 'error', message: 'late' }],
      gone: [],
    });
    assert.deepEqual(await world.row(uuid), before);
  } finally {
    await world.close();
  }
});

test('a delete while its host is down waits for the agent, then completes', async () => {
  const world = await createWorld();
  try {
    const { uuid } = await world.make(twoNets, spec);
    await world.agent.bus.close();
    world.clock.advance(3600);
    const force = { force: true, stop: false, allProjects: false };
    await assert.rejects(
      world.control.remove(world.admin, uuid, { ...force, force: false, stop: true }),
      /host host-1 is down/,
    );
    await world.control.remove(world.admin, uuid, force);
    assert.equal((await world.row(uuid))?.status, 'Deleting');
    await world.crash();
    assert.equal((await world.row(uuid))?.status, 'Deleting');
    const agent = await world.connect('host-1');
    await agent.converge();
    await world.until('gone', async () => (await world.row(uuid)) === undefined);
    assert.equal(world.networking.ports.size, 0);
  } finally {
    await world.close();
  }
});

test('ports made while another server deleted the container go again', async () => {
  const world = await createWorld();
  try {
    const { control, networking, user, db } = world;
    let uuid = '';
    networking.during.set('ensurePort', () => deleteContainer(db, uuid));
    uuid = (await control.create(user, createAsk(twoNets, spec))).uuid;
    await world.until('released', async () => networking.calls.includes('releaseExposedGroup'));
    assert.equal(networking.ports.size, 0);
    assert.equal(networking.exposedGroups.size, 0);
  } finally {
    await world.close();
  }
});

test('ports whose container has no row are swept, others stay', async () => {
  const world = await createWorld();
  try {
    const { uuid } = await world.make();
    const net = { index: 0, networkId: 'n' };
    const stray = {
      projectId: 'p',
      containerUuid: crypto.randomUUID(),
      containerName: 'x',
      dnsName: 'x',
      host: 'h',
      net,
    };
    await world.networking.ensurePort({ ...stray, securityGroupIds: null });
    world.control.start();
    await world.until('swept', async () => world.networking.ports.size === 1);
    assert.deepEqual(await world.networking.containersWithPorts(), [uuid]);
  } finally {
    await world.close();
  }
});
