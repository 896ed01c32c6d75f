/** Attaching, detaching and security groups on the model of the network service and of the agent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf, createAsk, createWorld, type World } from '../../../test/helpers/container-world.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import { updateContainer } from '../../store/container/containers.ts';

const withCode = (code: string, words?: RegExp) => (error: unknown) =>
  isFailure(error) && error.code === code && (words?.test(error.message) ?? true);

async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  const world = await createWorld();
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

/** The networks that the record, the network service and the agent's Engine have, once they agree. */
async function settled(world: World, uuid: string): Promise<string[]> {
  return world.until('everybody agrees on the networks', async () => {
    const row = await world.row(uuid);
    if (row?.portsPhase !== 'ready' || row.taskState !== null) return undefined;
    const lists = [
      row.nets.map(({ networkId }) => networkId),
      row.nics.map(({ networkId }) => networkId),
      [...world.networking.ports.values()].map(({ nic }) => nic.networkId),
      world.agent.engine.get(uuid)?.wanted.nics.map(({ networkId }) => networkId) ?? [],
    ].map((list) => [...list].sort());
    return lists.every((list) => list.join() === lists[0]?.join()) ? lists[0] : undefined;
  });
}

async function endOf(world: World, uuid: string, verb: string) {
  return world.until(`${verb} ends`, async () => {
    const [action] = (await world.control.actions(world.user, uuid)).filter((each) => each.verb === verb);
    return action?.finishedAt ? action : undefined;
  });
}

test('attach and detach: the port is made before, and given back after, the agent connects and disconnects', () =>
  inWorld(async (world) => {
    const { control, user } = world;
    const { uuid } = await world.make({ nets: [{ network: 'a' }] });
    await control.attachNetwork(user, uuid, { network: 'b', fixedIps: ['10.0.9.9'] });
    assert.deepEqual(await settled(world, uuid), ['net-a', 'net-b']);
    assert.equal((await endOf(world, uuid, 'network_attach')).result, 'Success');
    const nic = (await world.row(uuid))?.nics[1];
    assert.deepEqual(
      nic?.fixedIps.map(({ address }) => address),
      ['10.0.9.9'],
    );
    await control.detachNetwork(user, uuid, { network: 'a' });
    assert.deepEqual(await settled(world, uuid), ['net-b']);
    assert.equal((await endOf(world, uuid, 'network_detach')).result, 'Success');
    await control.detachNetwork(user, uuid, { port: nic?.portId ?? '' });
    assert.deepEqual(await settled(world, uuid), []);
    await control.attachNetwork(user, uuid, { network: 'a' });
    await control.attachNetwork(user, uuid, {});
    assert.deepEqual(await settled(world, uuid), ['net-a', 'net-default']);
    assert.equal((await world.row(uuid))?.status, 'Running');
  }));

test('an index is never used twice, and the order is that of the asking', () =>
  inWorld(async (world) => {
    const { control, user } = world;
    const { uuid } = await world.make({ nets: [{ network: 'a' }, { network: 'b' }] });
    const seen = new Set<number>();
    for (const name of ['c', 'd', 'e']) {
      await control.attachNetwork(user, uuid, { network: name });
      await settled(world, uuid);
      const row = await world.row(uuid);
      assert.deepEqual(
        row?.nets.map(({ networkId }) => networkId),
        ['net-a', 'net-b', `net-${name}`],
      );
      seen.add(row?.nets[2]?.index ?? -1);
      await control.detachNetwork(user, uuid, { network: name });
      await settled(world, uuid);
    }
    assert.equal(seen.size, 3);
  }));

test('what is refused at once changes nothing', () =>
  inWorld(async (world) => {
    const { control, user } = world;
    const { uuid } = await world.make({ nets: [{ network: 'a' }] });
    const before = await world.row(uuid);
    const theirs = callerOf('project-b');
    const refusals: readonly (readonly [() => Promise<unknown>, string, RegExp?])[] = [
      [() => control.attachNetwork(theirs, uuid, { network: 'b' }), 'container-not-found'],
      [() => control.detachNetwork(theirs, uuid, { network: 'a' }), 'container-not-found'],
      [() => control.attachNetwork(user, uuid, { network: 'missing' }), 'network-not-found'],
      [() => control.attachNetwork(user, uuid, { network: 'public' }), 'external-network-attach-forbidden'],
      [
        () => control.attachNetwork(user, uuid, { network: 'a' }),
        'invalid',
        new RegExp(`^Network 'net-a' is already connected to container '${uuid}'\\.$`),
      ],
      [
        () => control.detachNetwork(user, uuid, { network: 'b' }),
        'invalid',
        new RegExp(`^Network 'net-b' is not attached to container '${uuid}'\\.$`),
      ],
      [
        () => control.detachNetwork(user, uuid, { port: 'other' }),
        'invalid',
        new RegExp(`^Port 'other' is not attached to container '${uuid}'\\.$`),
      ],
      [() => control.detachNetwork(user, uuid, { network: 'missing' }), 'network-not-found'],
      [() => control.detachNetwork(user, uuid, { port: 'missing' }), 'port-not-found'],
    ];
    for (const [ask, code, words] of refusals) await assert.rejects(ask(), withCode(code, words));
    assert.deepEqual(await world.row(uuid), before);
    await updateContainer(world.db, uuid, { status: 'Deleting' });
    await assert.rejects(
      control.attachNetwork(user, uuid, { network: 'b' }),
      withCode('invalid-state-exception', /Cannot network_attach container .* in Deleting state/),
    );
    const nowhere = await control.create(user, createAsk({}, { runtime: 'kata' }));
    await assert.rejects(
      control.attachNetwork(user, nowhere.uuid, { network: 'b' }),
      withCode('invalid', /uncreated/),
    );
  }));

test('a port that cannot be made: the network is out of the list again, and the reason can be read', () =>
  inWorld(async (world) => {
    const { control, user, networking } = world;
    const { uuid } = await world.make({ nets: [{ network: 'a' }] });
    networking.failures.set('ensurePort', new Failure('ip-address-exhausted', 'No more IP addresses.'));
    await control.attachNetwork(user, uuid, { network: 'b' });
    const { result, message } = await endOf(world, uuid, 'network_attach');
    assert.deepEqual([result, message], ['Error', 'network_attach failed: No more IP addresses.']);
    assert.deepEqual(await settled(world, uuid), ['net-a']);
    const row = await world.row(uuid);
    assert.deepEqual([row?.status, row?.statusReason], ['Running', message]);
  }));

test('an outage of the network service is waited for, but not for ever', () =>
  inWorld(async (world) => {
    const { control, user, networking, clock } = world;
    const { uuid } = await world.make({ nets: [{ network: 'a' }] });
    networking.failures.set('ensurePort', new Failure('unavailable', 'no answer'));
    await control.attachNetwork(user, uuid, { network: 'b' });
    await world.until(
      'it was tried',
      async () => networking.calls.filter((call) => call === 'ensurePort').length > 1,
    );
    assert.equal((await control.actions(user, uuid))[0]?.finishedAt, null);
    networking.failures.clear();
    control.start();
    assert.deepEqual(await settled(world, uuid), ['net-a', 'net-b']);
    networking.failures.set('ensurePort', new Failure('unavailable', 'no answer'));
    await control.attachNetwork(user, uuid, { network: 'c' });
    clock.advance(600);
    control.start();
    assert.deepEqual(await settled(world, uuid), ['net-a', 'net-b']);
  }));

test('what Docker refuses is undone: not attached, or still attached', () =>
  inWorld(async (world) => {
    const { control, user, agent } = world;
    const { uuid } = await world.make({ nets: [{ network: 'a' }, { network: 'b' }] });
    const before = await world.row(uuid);
    agent.refusals.set('network_attach', 'no such driver').set('network_detach', 'it sticks');
    await control.attachNetwork(user, uuid, { network: 'c' });
    assert.equal((await endOf(world, uuid, 'network_attach')).message, 'no such driver');
    assert.deepEqual(await settled(world, uuid), ['net-a', 'net-b']);
    assert.equal((await world.row(uuid))?.statusReason, 'no such driver');
    await control.detachNetwork(user, uuid, { network: 'a' });
    assert.equal((await endOf(world, uuid, 'network_detach')).message, 'it sticks');
    assert.deepEqual(await settled(world, uuid), ['net-a', 'net-b']);
    const after = await world.row(uuid);
    assert.deepEqual(
      [after?.nets, after?.nics],
      [before?.nets, before?.nics],
      'the same ports, in their places',
    );
    assert.equal(after?.status, 'Running');
  }));

test('asked for while the agent is away, then taken back: nothing is left of it', () =>
  inWorld(async (world) => {
    const { control, user } = world;
    const { uuid } = await world.make({ nets: [{ network: 'a' }] });
    await world.agent.bus.close();
    await control.attachNetwork(user, uuid, { network: 'b' });
    await world.until('the port is made', async () => world.networking.ports.size === 2);
    await control.detachNetwork(user, uuid, { network: 'b' });
    const agent = await world.connect('host-1');
    await agent.converge();
    await world.until('the port is gone', async () => world.networking.ports.size === 1);
    const [detach, attach] = await control.actions(user, uuid);
    assert.deepEqual([attach?.verb, attach?.result], ['network_attach', 'Error']);
    assert.match(attach?.message ?? '', /detached before/);
    assert.deepEqual([detach?.verb, detach?.result], ['network_detach', 'Success']);
  }));

test('a delete takes the place of what waits, and everything goes', () =>
  inWorld(async (world) => {
    const { control, user, networking } = world;
    const { uuid } = await world.make({ nets: [{ network: 'a' }] });
    networking.failures.set('ensurePort', new Failure('unavailable', 'no answer'));
    await control.attachNetwork(user, uuid, { network: 'b' });
    await control.remove(user, uuid, { force: false, stop: true, allProjects: false });
    await world.until('gone', async () => (await world.row(uuid)) === undefined);
    assert.equal(networking.ports.size, 0);
  }));

test('the default gateway is chosen for one network at a time, and put back when the agent cannot', () =>
  inWorld(async (world) => {
    const { control, user, agent } = world;
    const { uuid } = await world.make({ nets: [{ network: 'a' }, { network: 'b', defaultGateway: true }] });
    const chosen = async () => {
      const row = await world.row(uuid);
      const names = (list: readonly { networkId: string; defaultGateway?: boolean }[] = []) =>
        list.flatMap(({ networkId, defaultGateway }) => (defaultGateway ? networkId : [])).join();
      const told = agent.engine.get(uuid)?.wanted.nics;
      assert.equal(names(row?.nics), names(row?.nets));
      return names(row?.nets) === names(told) ? names(told) : undefined;
    };
    const until = (network: string) =>
      world.until(`${network} has the gateway`, async () => (await chosen()) === network);
    await until('net-b');
    await control.chooseGateway(user, uuid, { network: 'a' });
    await until('net-a');
    assert.equal((await endOf(world, uuid, 'default_gateway')).result, 'Success');
    agent.refusals.set('default_gateway', 'no route');
    await control.chooseGateway(user, uuid, { network: 'b' });
    await world.until('it failed', async () => (await world.row(uuid))?.statusReason === 'no route');
    await until('net-a');
    await assert.rejects(
      control.chooseGateway(user, uuid, { network: 'c' }),
      withCode('invalid', /not attached/),
    );
    await assert.rejects(
      control.chooseGateway(callerOf('project-b'), uuid, { network: 'a' }),
      withCode('container-not-found'),
    );
    assert.deepEqual(await settled(world, uuid), ['net-a', 'net-b']);
  }));

test('an administrator attaches in the name of the container’s project', () =>
  inWorld(async (world) => {
    const { control, admin } = world;
    const { uuid } = await world.make({ nets: [{ network: 'a' }] });
    await control.attachNetwork(admin, uuid, { network: 'b' });
    assert.deepEqual(await settled(world, uuid), ['net-a', 'net-b']);
  }));

test('two networks at once on a create are refused, as Docker would', () =>
  inWorld(async (world) => {
    const asked = world.make({ nets: [{ network: 'a' }, { network: 'net-a' }] });
    await assert.rejects(asked, withCode('invalid', /network net-a is asked for twice/));
  }));

const groups = async (world: World, uuid: string) => {
  await settled(world, uuid);
  return [(await world.row(uuid))?.securityGroupIds ?? null, world.networking.groupsOf(uuid)];
};

test('security groups: all ports, those made later too; adding twice or removing what is not there is refused', () =>
  inWorld(async (world) => {
    const { control, user } = world;
    const { uuid } = await world.make({ nets: [{ network: 'a' }, { network: 'b' }] });
    const change = (verb: 'add_security_group' | 'remove_security_group', name: string) =>
      control.changeSecurityGroup(user, uuid, { verb, name });
    await change('add_security_group', 'web');
    assert.deepEqual(await groups(world, uuid), [['sg-default', 'sg-web'], ['sg-default,sg-web']]);
    await assert.rejects(
      change('add_security_group', 'web'),
      withCode('invalid-value', /^Security group sg-web has been added to container\.$/),
    );
    await assert.rejects(change('add_security_group', 'no-such'), withCode('invalid'));
    await assert.rejects(
      change('remove_security_group', 'db'),
      withCode('invalid-value', /^Security group sg-db was not added to container\.$/),
    );
    await change('remove_security_group', 'default');
    assert.deepEqual(await groups(world, uuid), [['sg-web'], ['sg-web']]);
    await control.attachNetwork(user, uuid, { network: 'c' });
    assert.deepEqual(await groups(world, uuid), [['sg-web'], ['sg-web']]);
    const verbs = (await control.actions(user, uuid)).map(({ verb, result }) => `${verb} ${result}`);
    assert.ok(
      verbs.includes('add_security_group Success') && verbs.includes('remove_security_group Success'),
    );
    await updateContainer(world.db, uuid, { status: 'Error' });
    await assert.rejects(change('add_security_group', 'db'), withCode('invalid-state-exception'));
    await assert.rejects(
      control.changeSecurityGroup(callerOf('project-b'), uuid, { verb: 'add_security_group', name: 'x' }),
      withCode('container-not-found'),
    );
  }));

test('the group of exposed ports can be taken off, and goes with the container all the same', () =>
  inWorld(async (world) => {
    const { control, user, networking } = world;
    const { uuid } = await world.make({}, { exposedPorts: [{ port: 80, protocol: 'tcp' }] });
    const name = `exposed-${uuid}`;
    await control.changeSecurityGroup(user, uuid, { verb: 'remove_security_group', name });
    assert.deepEqual(await groups(world, uuid), [[], ['']]);
    await control.remove(user, uuid, { force: false, stop: true, allProjects: false });
    await world.until('gone', async () => (await world.row(uuid)) === undefined);
    assert.equal(networking.exposedGroups.size, 0);
  }));

test('a group that cannot be applied is off the container again, with a reason', () =>
  inWorld(async (world) => {
    const { control, user, networking } = world;
    const { uuid } = await world.make();
    networking.failures.set(
      'changeSecurityGroup',
      new Failure('security-group-cannot-be-applied', 'no port has port security'),
    );
    await control.changeSecurityGroup(user, uuid, { verb: 'add_security_group', name: 'web' });
    const ended = await endOf(world, uuid, 'add_security_group');
    assert.deepEqual(
      [ended.result, ended.message],
      ['Error', 'add_security_group failed: no port has port security'],
    );
    assert.deepEqual(await groups(world, uuid), [['sg-default'], ['sg-default']]);
    assert.equal((await world.row(uuid))?.statusReason, ended.message);
  }));

test('what the server does by itself neither hides nor delays what the agent says', () =>
  inWorld(async (world) => {
    const { control, user, networking, agent } = world;
    const { uuid } = await world.make();
    networking.failures.set('changeSecurityGroup', new Failure('unavailable', 'no answer'));
    await control.changeSecurityGroup(user, uuid, { verb: 'add_security_group', name: 'web' });
    await agent.exit(uuid, 3);
    await world.until('Stopped', async () => (await world.row(uuid))?.status === 'Stopped');
    networking.failures.clear();
    control.start();
    await world.until('applied', async () => networking.groupsOf(uuid).join().includes('sg-web'));
  }));
