/** Every action in every status, through its use case: taken up exactly where the table says; elsewhere refused, and nothing changes. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { createAsk, createWorld, type World } from '../../../test/helpers/container-world.ts';
import {
  allowedIn,
  type ContainerAction,
  type ContainerStatus,
  containerStatuses,
} from '../../model/container.ts';
import { isFailure } from '../../model/failure.ts';
import { deleteContainer, updateContainer } from '../../store/container/containers.ts';

type Act = (world: World, uuid: string) => Promise<unknown>;

const size = { height: 24, width: 80 };
const log = { stdout: true, stderr: true, timestamps: false, tail: null, since: null };
const execId = 'e'.repeat(64);

const power =
  (verb: 'start' | 'stop' | 'pause' | 'unpause' | 'kill' | 'reboot' | 'rebuild'): Act =>
  ({ control, user }, uuid) =>
    control.operate(user, uuid, verb);
const remove =
  (force: boolean, stop: boolean): Act =>
  ({ control, admin }, uuid) =>
    control.remove(admin, uuid, { force, stop, allProjects: true });
const change =
  (verb: 'add_security_group' | 'remove_security_group', name: string): Act =>
  ({ control, user }, uuid) =>
    control.changeSecurityGroup(user, uuid, { verb, name });

/** Null = there is no such use case yet. */
const acts: Readonly<Record<ContainerAction, Act | null>> = {
  start: power('start'),
  stop: power('stop'),
  pause: power('pause'),
  unpause: power('unpause'),
  kill: power('kill'),
  reboot: power('reboot'),
  rebuild: power('rebuild'),
  execute: ({ control, user }, uuid) => control.execute(user, uuid, { text: 'true', words: ['true'] }),
  execute_resize: ({ control, user }, uuid) => control.resizeExec(user, uuid, execId, size),
  attach: ({ control, user }, uuid) => control.consoles.attach(user, uuid),
  resize: ({ control, user }, uuid) => control.resizeTerminal(user, uuid, size),
  top: ({ control, user }, uuid) => control.top(user, uuid, null),
  stats: ({ control, user }, uuid) => control.stats(user, uuid),
  update: ({ control, user }, uuid) => control.update(user, uuid, { memoryMiB: 600 }),
  resize_container: ({ control, user }, uuid) => control.resize(user, uuid, { memoryMiB: 600 }),
  network_attach: ({ control, user }, uuid) => control.attachNetwork(user, uuid, { network: 'other' }),
  network_detach: ({ control, user }, uuid) => control.detachNetwork(user, uuid, { network: 'net-default' }),
  default_gateway: ({ control, user }, uuid) => control.chooseGateway(user, uuid, { network: 'net-default' }),
  add_security_group: change('add_security_group', 'other'),
  remove_security_group: change('remove_security_group', 'web'),
  get_archive: async ({ control, user }, uuid) => (await control.readArchive(user, uuid, '/x')).tar.destroy(),
  put_archive: ({ control, user }, uuid) => control.writeArchive(user, uuid, '/x', Readable.from([])),
  commit: null,
  logs: ({ control, user }, uuid) => control.logs(user, uuid, log),
  delete: remove(false, false),
  delete_force: remove(true, false),
  delete_after_stop: remove(false, true),
};

let world: World;
before(async () => {
  world = await createWorld({ quotas: { containers: -1, cpu: -1, memory: -1 } });
});
after(() => world.close());

async function containerIn(status: ContainerStatus): Promise<string> {
  const { compile } = createAsk({}, { tty: true, interactive: true, cpu: 0, memoryMiB: 4 });
  const resources = { cpu: 0, memoryMiB: 4, diskGiB: 0 };
  const { uuid } = await world.make({ compile, resources, securityGroups: ['web'] });
  await updateContainer(world.db, uuid, { status });
  return uuid;
}

const factsOf = async (uuid: string) => ({
  row: await world.row(uuid),
  actions: (await world.control.actions(world.admin, uuid)).length,
});

async function assertTaken(act: Act, uuid: string): Promise<void> {
  try {
    await act(world, uuid);
  } catch (error) {
    // Taken up, and then refused for another reason, e.g. that the command is not there.
    assert.ok(isFailure(error) && error.code !== 'invalid-state-exception', String(error));
  }
}

async function assertRefused(act: Act, uuid: string, sentence: string): Promise<void> {
  const facts = await factsOf(uuid);
  await assert.rejects(act(world, uuid), (error) => {
    assert.ok(isFailure(error, 'invalid-state-exception'), String(error));
    assert.equal(error.message, sentence);
    assert.equal(error.status, 409);
    return true;
  });
  assert.deepEqual(await factsOf(uuid), facts);
}

for (const [action, act] of Object.entries(acts) as [ContainerAction, Act | null][]) {
  if (act === null) continue;
  test(`${action} in each of ${containerStatuses.length} statuses`, async () => {
    for (const status of containerStatuses) {
      const uuid = await containerIn(status);
      const isAllowed = (allowedIn[action] as readonly string[]).includes(status);
      if (isAllowed) await assertTaken(act, uuid);
      else await assertRefused(act, uuid, `Cannot ${action} container ${uuid} in ${status} state`);
      await world.control.settle();
      await world.agent.idle();
      await deleteContainer(world.db, uuid);
    }
  });
}
