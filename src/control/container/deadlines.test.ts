import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAsk, createWorld } from '../../../test/helpers/container-world.ts';
import { operationVerbs } from '../../model/container.ts';
import { operationRow } from '../../model/operation-table.ts';
import { updateContainer } from '../../store/container/containers.ts';
import { insertOperation, pendingOperations } from '../../store/container/operations.ts';

for (const verb of operationVerbs) {
  test(`a ${verb} that never ends ends at its deadline, with a reason`, async () => {
    const world = await createWorld();
    try {
      const { uuid } = await world.make();
      const { seconds, shows, becomes } = operationRow(verb);
      const startedAt = world.clock.now().toISOString();
      if (shows) await updateContainer(world.db, uuid, { status: shows, taskState: 'container_starting' });
      const who = { projectId: 'project-a', userId: 'u', requestId: 'req-1' };
      await insertOperation(world.db, {
        id: `late-${verb}`,
        containerUuid: uuid,
        ...who,
        verb,
        args: {},
        startedAt,
      });
      world.clock.advance(seconds - 1);
      await world.control.endLate();
      assert.equal((await pendingOperations(world.db, [uuid])).length, 1, 'not yet');
      world.clock.advance(2);
      await world.control.endLate();
      const after = await world.row(uuid);
      assert.deepEqual(await pendingOperations(world.db, [uuid]), []);
      assert.equal(after?.status, becomes ?? 'Running');
      assert.equal(after?.statusReason, `The ${verb} did not end within ${seconds / 60} minutes.`);
      assert.equal(after?.taskState, null);
      const [action] = await world.control.actions(world.user, uuid);
      assert.equal(action?.result, 'Error');
    } finally {
      await world.close();
    }
  });
}

test('a create whose host never answers gives its place and ports back', async () => {
  const world = await createWorld();
  try {
    world.agent.isDeaf = true;
    const { uuid } = await world.control.create(world.user, createAsk());
    await world.until('it has ports', async () => (await world.row(uuid))?.portsPhase === 'ready');
    world.clock.advance(3_601);
    await world.control.endLate();
    await world.until('all is given back', async () => (await world.row(uuid))?.portsPhase === 'none');
    const { status, host } = (await world.row(uuid)) ?? {};
    assert.deepEqual([status, host], ['Error', null]);
    assert.equal((await world.networking.containersWithPorts()).length, 0);
  } finally {
    await world.close();
  }
});
