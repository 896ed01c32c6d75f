import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld } from '../../../test/helpers/container-world.ts';
import type { Health } from '../../model/container-record.ts';

const unhealthy: Health = { status: 'unhealthy', failingStreak: 3, output: 'no answer' };

test('an unhealthy container is restarted three times, then rebuilt, with pauses that grow; healthy starts over', async () => {
  const world = await createWorld();
  try {
    const { uuid } = await world.make({}, { autoHeal: true });
    const ill = async () => {
      world.agent.health.set(uuid, unhealthy);
      await world.agent.tell(uuid);
    };
    const healed = async () => {
      await ill();
      await world.control.heal();
      await world.until('it runs again', async () => (await world.row(uuid))?.status === 'Running');
      return (await world.row(uuid))?.heals;
    };
    const verbs = async () =>
      (await world.control.actions(world.user, uuid)).map(({ verb }) => verb).reverse();
    assert.deepEqual((await healed())?.attempts, 1);
    assert.equal((await world.row(uuid))?.vitals?.health?.output, 'no answer');
    assert.equal((await healed())?.attempts, 1, 'not before the pause has passed');
    for (const pauseSeconds of [30, 60, 120, 240]) {
      world.clock.advance(pauseSeconds - 1);
      const before = (await healed())?.attempts ?? 0;
      world.clock.advance(1);
      assert.equal((await healed())?.attempts, before + 1);
    }
    assert.deepEqual(await verbs(), ['create', 'reboot', 'reboot', 'reboot', 'rebuild', 'rebuild']);
    assert.deepEqual(
      { ...(await world.row(uuid))?.heals, lastAt: '' },
      { restarts: 3, rebuilds: 2, attempts: 5, lastAt: '' },
    );
    world.agent.health.set(uuid, { ...unhealthy, status: 'healthy', failingStreak: 0 });
    await world.agent.tell(uuid);
    assert.equal((await world.row(uuid))?.heals?.attempts, 0);
    await healed();
    assert.equal((await verbs()).at(-1), 'reboot');
  } finally {
    await world.close();
  }
});

test('without auto_heal, stopped, or with something else under way nothing is done', async () => {
  const world = await createWorld();
  try {
    const plain = await world.make();
    const stopped = await world.make({}, { autoHeal: true });
    await world.control.operate(world.user, stopped.uuid, 'stop');
    await world.until('it stopped', async () => (await world.row(stopped.uuid))?.status === 'Stopped');
    const busy = await world.make({}, { autoHeal: true });
    for (const { uuid } of [plain, stopped, busy]) world.agent.health.set(uuid, unhealthy);
    await world.agent.tell(plain.uuid, stopped.uuid, busy.uuid);
    world.agent.isDeaf = true;
    await world.control.operate(world.user, busy.uuid, 'stop');
    await world.control.heal();
    for (const { uuid } of [plain, stopped, busy]) assert.equal((await world.row(uuid))?.heals, null);
  } finally {
    await world.close();
  }
});
