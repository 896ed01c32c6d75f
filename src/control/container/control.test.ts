import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAsk, createWorld } from '../../../test/helpers/container-world.ts';
import { isFailure } from '../../model/failure.ts';
import { report, wantedContainers } from '../../wire/agent.ts';

const withCode = (code: string) => (error: unknown) => isFailure(error) && error.code === code;

test('create: port, agent, Running; delete: everything gone', async () => {
  const world = await createWorld();
  try {
    const { control, user, networking, agent } = world;
    const asked = await control.create(
      user,
      createAsk({ name: 'web' }, { exposedPorts: [{ port: 80, protocol: 'tcp' }] }),
    );
    assert.equal(asked.status, 'Creating');
    assert.equal(asked.host, 'host-1');
    const running = await world.until('Running', async () => {
      const now = await control.show(user, 'web');
      return now.status === 'Running' && now.taskState === null && now;
    });
    assert.equal(running.nics.length, 1);
    assert.deepEqual(running.exposedGroupId, `sg-exposed-${running.uuid}`);
    assert.deepEqual(running.resolved?.command, ['sleep', '1000']);
    const [created] = await control.actions(user, 'web');
    assert.equal(created?.verb, 'create');
    assert.equal(created?.result, 'Success');

    await assert.rejects(
      control.remove(user, 'web', { force: false, stop: false, allProjects: false }),
      /Cannot delete container .* in Running state/,
    );
    await control.remove(user, 'web', { force: false, stop: true, allProjects: false });
    await world.until('the record is gone', async () => (await world.row(running.uuid)) === undefined);
    assert.equal(networking.ports.size, 0);
    assert.equal(networking.exposedGroups.size, 0);
    assert.equal(agent.engine.size, 0);
    await assert.rejects(control.show(user, 'web'), withCode('container-not-found'));
  } finally {
    await world.close();
  }
});

test('no host fits: stored as Error with the refusals, nothing claimed, no port', async () => {
  const world = await createWorld();
  try {
    const container = await world.control.create(world.user, createAsk({}, { runtime: 'kata' }));
    assert.equal(container.status, 'Error');
    assert.equal(
      container.statusReason,
      'There are not enough hosts available. 1 host: 1 without runtime kata',
    );
    assert.equal(container.host, null);
    assert.equal(world.networking.ports.size, 0);
    const [action] = await world.control.actions(world.user, container.uuid);
    assert.equal(action?.result, 'Error');
    await world.control.remove(world.user, container.uuid, { force: false, stop: false, allProjects: false });
    assert.equal(await world.row(container.uuid), undefined);
  } finally {
    await world.close();
  }
});

test('a create that the agent cannot carry out leaves no port and no claim, and says why', async () => {
  const world = await createWorld();
  try {
    world.agent.refusals.set('nope', 'Image nope could not be found.');
    const { uuid } = await world.control.create(world.user, createAsk({}, { image: 'nope' }));
    const failed = await world.until('released', async () => {
      const now = await world.row(uuid);
      return now?.portsPhase === 'none' && now;
    });
    assert.equal(failed.status, 'Error');
    assert.equal(failed.statusReason, 'Image nope could not be found.');
    assert.equal(failed.host, null);
    assert.equal(world.networking.ports.size, 0);
    assert.equal(
      (await world.control.actions(world.user, uuid))[0]?.message,
      'Image nope could not be found.',
    );
  } finally {
    await world.close();
  }
});

test('an agent sees and reports only its own containers', async () => {
  const world = await createWorld();
  try {
    const { uuid } = await world.make();
    const other = await world.connect('host-2');
    const { containers } = await other.bus.call({ kind: 'server' }, wantedContainers, {});
    assert.deepEqual(containers, []);
    await other.bus.call({ kind: 'server' }, report, {
      containers: [{ uuid, state: 'dead', taskState: null, reason: 'lies', failed: true }],
      outcomes: [],
      gone: [uuid],
    });
    assert.equal((await world.row(uuid))?.status, 'Running');
  } finally {
    await world.close();
  }
});
