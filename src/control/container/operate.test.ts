/** Every verb in every status: allowed exactly where the model's table says, 409 elsewhere. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createWorld, type World } from '../../../test/helpers/container-world.ts';
import { allowedIn, type ContainerStatus, containerStatuses } from '../../model/container.ts';
import type { Container } from '../../model/container-record.ts';
import { isFailure } from '../../model/failure.ts';
import { updateContainer } from '../../store/container/containers.ts';
import type { PowerVerb } from './operate.ts';

let world: World;
let container: Container;

before(async () => {
  world = await createWorld();
  container = await world.make({ name: 'table' });
});
after(() => world.close());

/** The agent is not woken here: the status is put straight into the row. */
async function inStatus(status: ContainerStatus): Promise<void> {
  await updateContainer(world.db, container.uuid, { status, taskState: null, power: 'created' });
}

const verbs: readonly PowerVerb[] = ['start', 'stop', 'reboot', 'pause', 'unpause', 'kill', 'rebuild'];
const transitional: Partial<Record<PowerVerb, ContainerStatus>> = {
  reboot: 'Restarting',
  rebuild: 'Rebuilding',
};
const powerAfter = {
  start: 'running',
  stop: 'stopped',
  reboot: 'running',
  pause: 'paused',
  unpause: 'running',
  kill: 'stopped',
  rebuild: 'running',
} as const;

for (const verb of verbs) {
  for (const status of containerStatuses) {
    const isAllowed = (allowedIn[verb] as readonly string[]).includes(status);
    test(`${verb} in ${status} is ${isAllowed ? 'queued' : 'refused'}`, async () => {
      await world.agent.bus.close();
      await inStatus(status);
      const asked = world.control.operate(world.user, container.uuid, verb);
      if (!isAllowed) {
        await assert.rejects(asked, (error: unknown) => {
          assert.ok(isFailure(error, 'invalid-state-exception'));
          assert.equal(error.message, `Cannot ${verb} container ${container.uuid} in ${status} state`);
          return true;
        });
        assert.equal((await world.row(container.uuid))?.status, status);
        return;
      }
      await asked;
      const now = await world.row(container.uuid);
      assert.equal(now?.power, verb === 'rebuild' && status !== 'Running' ? 'created' : powerAfter[verb]);
      assert.ok(now?.taskState);
      assert.equal(now?.status, transitional[verb] ?? status);
      assert.equal((await world.control.actions(world.user, container.uuid))[0]?.verb, verb);
    });
  }
}

for (const status of containerStatuses) {
  for (const [action, flags] of [
    ['delete', { force: false, stop: false }],
    ['delete_force', { force: true, stop: false }],
    ['delete_after_stop', { force: false, stop: true }],
  ] as const) {
    const isAllowed = (allowedIn[action] as readonly string[]).includes(status);
    test(`${action} in ${status} is ${isAllowed ? 'accepted' : 'refused'}`, async () => {
      await inStatus(status);
      const asked = world.control.remove(world.admin, container.uuid, { ...flags, allProjects: false });
      if (!isAllowed) {
        await assert.rejects(asked, new RegExp(`Cannot ${action} container .* in ${status} state`));
        return;
      }
      await asked;
      assert.equal((await world.row(container.uuid))?.status, 'Deleting');
    });
  }
}
