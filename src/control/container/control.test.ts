import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf, createAsk, createWorld } from '../../../test/helpers/container-world.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import { report, wantedContainers } from '../../wire/agent.ts';

const logsAsk = { stdout: true, stderr: true, timestamps: false, tail: null, since: null };
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

const plainDelete = { force: false, stop: false, allProjects: false };

test('concurrent creates overshoot neither quota nor host', async () => {
  const world = await createWorld({ quotas: { containers: 5 } });
  try {
    const asked = await Promise.allSettled(
      Array.from({ length: 12 }, () => world.control.create(world.user, createAsk({}, { memoryMiB: 4096 }))),
    );
    const refused = asked.filter((each) => each.status === 'rejected');
    assert.equal(refused.length, 7);
    for (const { reason } of refused) {
      assert.ok(isFailure(reason, 'over-quota'));
      assert.equal(reason.message, "Quota exceeded for resources: ['containers']");
    }
    // 16 GiB × 1.5 take six of 4 GiB: another project gets one more place, the next is refused.
    const other = callerOf('project-b');
    const last = await Promise.all(
      [1, 2].map(() => world.control.create(other, createAsk({}, { memoryMiB: 4096 }))),
    );
    assert.deepEqual(last.map(({ status }) => status).sort(), ['Creating', 'Error']);
    assert.match(
      last.find(({ status }) => status === 'Error')?.statusReason ?? '',
      /1 host: 1 with too little memory/,
    );
  } finally {
    await world.close();
  }
});

test('quota: project limits override the class, the class the configuration; -1 never refuses', async () => {
  const world = await createWorld();
  try {
    const { control, user, admin } = world;
    await control.quotas.updateClass(admin, 'default', { cpu: 2 });
    assert.equal((await control.quotas.defaults(user, user.projectId)).cpu, 2);
    await assert.rejects(control.create(user, createAsk({}, { cpu: 3 })), /\['cpu'\]/);
    await control.quotas.update(admin, user.projectId, { limits: { cpu: -1, memory: 100 } });
    await assert.rejects(control.create(user, createAsk({}, { cpu: 3 })), /\['memory'\]/);
    await control.quotas.reset(admin, user.projectId);
    assert.equal((await control.quotas.get(user, user.projectId)).limits.memory, 51_200);
    await assert.rejects(control.quotas.get(user, 'project-b'), withCode('policy-not-authorized'));
    await assert.rejects(
      control.quotas.update(user, user.projectId, { limits: {} }),
      withCode('policy-not-authorized'),
    );
  } finally {
    await world.close();
  }
});

test('tenants: what belongs to another project does not exist, by uuid or by name', async () => {
  const world = await createWorld();
  try {
    const { control, admin } = world;
    const { uuid } = await world.make({ name: 'mine' });
    const stranger = callerOf('project-b');
    for (const ident of [uuid, 'mine']) {
      const asks = [
        control.show(stranger, ident),
        control.update(stranger, ident, { name: 'theirs' }),
        control.remove(stranger, ident, plainDelete),
        control.operate(stranger, ident, 'stop'),
        control.execute(stranger, ident, { text: 'id', words: ['id'] }),
        control.actions(stranger, ident),
        control.top(stranger, ident, null),
        control.stats(stranger, ident),
        control.rename(stranger, ident, 'theirs'),
        control.resize(stranger, ident, { cpu: 2 }),
      ];
      for (const ask of asks) await assert.rejects(ask, withCode('container-not-found'));
    }
    assert.equal((await control.show(admin, 'mine')).uuid, uuid);
    await control.create(stranger, createAsk({ name: 'mine' }));
    await assert.rejects(control.show(admin, 'mine'), withCode('conflict'));
    assert.equal((await control.show(world.user, 'mine')).uuid, uuid);
  } finally {
    await world.close();
  }
});

test('auto_remove: when the process ends, record, port and claim go', async () => {
  const world = await createWorld();
  try {
    const { uuid } = await world.make({}, { autoRemove: true });
    await world.agent.exit(uuid);
    await world.until('gone', async () => (await world.row(uuid)) === undefined);
    assert.equal(world.networking.ports.size, 0);
  } finally {
    await world.close();
  }
});

test('a process that ends by itself is Stopped with its exit code', async () => {
  const world = await createWorld();
  try {
    const { uuid } = await world.make();
    await world.agent.exit(uuid, 3);
    const stopped = await world.row(uuid);
    assert.equal(stopped?.status, 'Stopped');
    assert.equal(stopped?.exitCode, 3);
  } finally {
    await world.close();
  }
});

test('ports that cannot be made: Error with the reason, nothing left; an outage is waited for', async () => {
  const world = await createWorld();
  try {
    const { networking, control, user } = world;
    networking.failures.set('ensurePort', new Failure('ip-address-exhausted', 'No more addresses on net-a.'));
    const ask = createAsk({}, { exposedPorts: [{ port: 80, protocol: 'tcp' }] });
    const failed = await control.create(user, ask);
    await world.until('released', async () => (await world.row(failed.uuid))?.portsPhase === 'none');
    assert.equal((await world.row(failed.uuid))?.statusReason, 'No more addresses on net-a.');
    assert.equal(networking.exposedGroups.size, 0);
    assert.equal((await control.actions(user, failed.uuid))[0]?.result, 'Error');

    networking.failures.set('ensurePort', new Failure('unavailable', 'the network service is away'));
    const waiting = await control.create(user, ask);
    await world.until(
      'tried',
      async () => networking.calls.filter((call) => call === 'ensurePort').length > 1,
    );
    assert.equal((await world.row(waiting.uuid))?.status, 'Creating');
    networking.failures.clear();
    control.start();
    await world.until('Running', async () => (await world.row(waiting.uuid))?.status === 'Running');
  } finally {
    await world.close();
  }
});

test('a forced delete in the middle of a create leaves nothing', async () => {
  const world = await createWorld();
  try {
    const { control, admin, user, networking } = world;
    for (let round = 0; round < 20; round += 1) {
      const { uuid } = await control.create(user, createAsk());
      await control.remove(admin, uuid, { ...plainDelete, force: true });
      await world.until('gone', async () => (await world.row(uuid)) === undefined);
    }
    assert.equal(networking.ports.size, 0);
    assert.equal(world.agent.engine.size, 0);
  } finally {
    await world.close();
  }
});

test('update: quota and host are asked, the agent carries it out, a refusal is undone', async () => {
  const world = await createWorld();
  try {
    const { control, user, agent } = world;
    const { uuid, revision } = await world.make();
    const grown = await control.update(user, uuid, { cpu: 2, memoryMiB: 1024, name: 'big' });
    assert.deepEqual([grown.spec.cpu, grown.spec.memoryMiB, grown.name], [2, 1024, 'big']);
    assert.ok(grown.revision > revision);
    await assert.rejects(control.update(user, uuid, { cpu: 21 }), withCode('over-quota'));
    await assert.rejects(control.update(user, uuid, { memoryMiB: 24_577 }), withCode('conflict'));
    agent.refusals.set('update', 'minimum memory limit is 6 MiB');
    await assert.rejects(control.update(user, uuid, { memoryMiB: 4 }), withCode('conflict'));
    assert.equal((await world.row(uuid))?.spec.memoryMiB, 1024);
    assert.deepEqual((await control.update(user, uuid, { autoHeal: true })).spec.autoHeal, true);
  } finally {
    await world.close();
  }
});

test('a silent host: questions fail, show falls back to the record, the scheduler says why', async () => {
  const world = await createWorld();
  try {
    const { control, user, admin, agent, clock } = world;
    const { uuid } = await world.make();
    assert.match(await control.logs(user, uuid, logsAsk), /log of/);
    await agent.beat(false);
    await assert.rejects(control.logs(user, uuid, logsAsk), withCode('host-not-up'));
    const [service] = await control.hosts.services(admin);
    assert.equal(service?.isUp, false);
    const refused = await control.create(user, createAsk());
    assert.match(refused.statusReason ?? '', /1 host: 1 whose Docker does not answer/);
    await agent.beat();
    clock.advance(3600);
    assert.match((await control.create(user, createAsk())).statusReason ?? '', /1 host: 1 down/);
    assert.equal((await control.show(user, uuid)).status, 'Running');
    await agent.beat();
    await agent.bus.close();
    await assert.rejects(control.top(user, uuid, null), withCode('host-not-up'));
    assert.equal((await control.show(user, uuid)).status, 'Running');
  } finally {
    await world.close();
  }
});

test('switches of a host: disabled and forced down keep containers away; unknown services are 404', async () => {
  const world = await createWorld();
  try {
    const { control, user, admin } = world;
    const target = { host: 'host-1', binary: 'zun-compute' };
    await control.hosts.disable(admin, target, 'maintenance');
    assert.match((await control.create(user, createAsk())).statusReason ?? '', /1 disabled/);
    await control.hosts.enable(admin, target);
    await control.hosts.forceDown(admin, target, true);
    assert.match((await control.create(user, createAsk())).statusReason ?? '', /1 forced down/);
    await control.hosts.forceDown(admin, target, false);
    assert.equal((await control.create(user, createAsk())).status, 'Creating');
    for (const wrong of [
      { ...target, host: 'x' },
      { ...target, binary: 'nova' },
    ]) {
      await assert.rejects(control.hosts.enable(admin, wrong), withCode('zun-service-not-found'));
    }
    await assert.rejects(control.hosts.enable(user, target), withCode('policy-not-authorized'));
  } finally {
    await world.close();
  }
});

test('unique names, when configured, in whatever case', async () => {
  const world = await createWorld({ containers: { uniqueNameScope: 'project' } });
  try {
    const { control, user } = world;
    await control.create(user, createAsk({ name: 'Web' }));
    const taken = /A container with name web already exists/;
    await assert.rejects(control.create(user, createAsk({ name: 'wEb' })), taken);
    const { uuid } = await control.create(user, createAsk({ name: 'other' }));
    await assert.rejects(control.rename(user, uuid, 'WEB'), taken);
    await assert.rejects(control.rename(user, uuid, 'other'), /is the same as the old name/);
    assert.equal(
      (await control.create(callerOf('project-b'), createAsk({ name: 'web' }))).status,
      'Creating',
    );
  } finally {
    await world.close();
  }
});

test('paging walks every container once, in every order, also where the sort column is null', async () => {
  const world = await createWorld({ quotas: { containers: -1, cpu: -1 } });
  try {
    const { control, user } = world;
    for (let index = 0; index < 7; index += 1) {
      const hostname = index % 2 === 0 ? null : `h${index % 3}`;
      await control.create(user, createAsk({ name: `n${index % 2}x` }, { hostname, cpu: 1 + (index % 3) }));
    }
    for (const sortKey of ['id', 'name', 'cpu', 'hostname', 'created_at', 'capsule_id']) {
      for (const descending of [false, true]) {
        const seen: string[] = [];
        let marker: string | undefined;
        for (;;) {
          const page = { sortKey, descending, limit: 2, filters: {}, allProjects: false };
          const items = await control.list(user, { ...page, ...(marker ? { marker } : {}) });
          seen.push(...items.map(({ uuid }) => uuid));
          marker = items.at(-1)?.uuid;
          if (items.length < 2) break;
        }
        assert.equal(seen.length, 7, sortKey);
        assert.equal(new Set(seen).size, 7, sortKey);
      }
    }
    const ask = { descending: false, limit: 2, filters: {}, allProjects: false };
    await assert.rejects(
      control.list(user, { ...ask, sortKey: 'spec' }),
      /The sort_key value "spec" is an invalid field for sorting/,
    );
    const marker = crypto.randomUUID();
    await assert.rejects(
      control.list(user, { ...ask, sortKey: 'id', marker }),
      withCode('container-not-found'),
    );
  } finally {
    await world.close();
  }
});
