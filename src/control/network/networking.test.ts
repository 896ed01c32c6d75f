import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestNetwork, type TestNetwork, testCaller } from '../../../test/helpers/network-control.ts';
import type { ResolvedNet } from '../../model/container.ts';
import { isFailure } from '../../model/failure.ts';
import type { Network } from '../../model/network.ts';
import type { PortRequest, RequestedNet } from '../networking.ts';

const demo = testCaller('demo');
const admin = testCaller('infra', { isAdmin: true });
const container = '11111111-1111-4111-8111-111111111111';
const plain = { mayAttachExternal: false };

const failsWith = (code: string, words?: RegExp) => (error: unknown) =>
  isFailure(error) && error.code === code && (words?.test(error.message) ?? true);

async function makeNetwork(
  { control }: TestNetwork,
  cidr: string,
  options: {
    readonly name?: string;
    readonly caller?: typeof demo;
    readonly shared?: boolean;
    readonly external?: boolean;
  } = {},
): Promise<Network> {
  const { caller = demo, ...draft } = options;
  const [network] = await control.networks.create(caller, [draft]);
  assert.ok(network);
  await control.subnets.create(caller, [{ networkId: network.id, cidr }]);
  return network;
}

interface Changes extends Omit<Partial<PortRequest>, 'net'> {
  readonly index?: number;
  readonly net?: ResolvedNet;
}

function request(networkId: string, { index = 0, net, ...changes }: Changes = {}): PortRequest {
  return {
    projectId: 'demo',
    containerUuid: container,
    containerName: 'web',
    dnsName: 'web-1',
    host: 'h1',
    net: { networkId, ...net, index },
    securityGroupIds: null,
    ...changes,
  };
}

describe('ports of containers', () => {
  test('a port is made once, however often it is asked for, and given back', async () => {
    await using world = await createTestNetwork();
    const { networking, ports } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24');
    const asked = request(network.id);
    const nics = await Promise.all([networking.ensurePort(asked), networking.ensurePort(asked)]);
    assert.deepEqual(nics[0], nics[1]);
    const [nic] = nics;
    assert.equal(nic?.fixedIps[0]?.address, '10.0.0.2');
    assert.equal(nic?.preserveOnDelete, false);
    const [port, ...others] = await ports.list(demo);
    assert.equal(others.length, 0);
    assert.deepEqual(
      [port?.name, port?.dnsName, port?.deviceId, port?.deviceOwner, port?.bindingHost, port?.status],
      ['web', 'web-1', container, 'compute:berth', 'h1', 'DOWN'],
    );
    assert.equal(port?.securityGroupIds.length, 1);
    assert.deepEqual(await networking.containersWithPorts(), [container]);
    await networking.releasePorts(container);
    await networking.releasePorts(container);
    assert.deepEqual(await networking.containersWithPorts(), []);
    assert.deepEqual(await ports.list(demo), []);
  });

  test('a container that moves keeps its port and address', async () => {
    await using world = await createTestNetwork();
    const { networking, ports } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24');
    const before = await networking.ensurePort(request(network.id));
    world.wakes.length = 0;
    const after = await networking.ensurePort(request(network.id, { host: 'h2' }));
    assert.deepEqual(after, before);
    assert.equal((await ports.get(demo, after.portId)).bindingHost, 'h2');
    assert.deepEqual(
      world.wakes.map(({ host }) => host),
      ['h1', 'h2'],
    );
  });

  test('two places on one network are two ports; groups and address are as asked', async () => {
    await using world = await createTestNetwork();
    const { networking, securityGroups, ports } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24');
    const [group] = await securityGroups.create(demo, [{ name: 'g' }]);
    assert.ok(group);
    const net = { networkId: network.id, fixedIps: ['10.0.0.77'] };
    const first = await networking.ensurePort(request(network.id, { net, securityGroupIds: [group.id] }));
    const second = await networking.ensurePort(request(network.id, { index: 1, securityGroupIds: [] }));
    assert.equal(first.fixedIps[0]?.address, '10.0.0.77');
    assert.notEqual(first.portId, second.portId);
    assert.deepEqual((await ports.get(demo, first.portId)).securityGroupIds, [group.id]);
    assert.deepEqual((await ports.get(demo, second.portId)).securityGroupIds, []);
    const again = request(network.id, { containerUuid: '22222222-2222-4222-8222-222222222222', net });
    await assert.rejects(networking.ensurePort(again), failsWith('ip-address-in-use'));
  });

  test('the user’s own port is adopted, freed and never deleted', async () => {
    await using world = await createTestNetwork();
    const { networking, ports } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24');
    const [own] = await ports.create(demo, [{ networkId: network.id, name: 'mine' }]);
    assert.ok(own);
    const net = { networkId: network.id, portId: own.id };
    const nic = await networking.ensurePort(request(network.id, { net }));
    assert.deepEqual([nic.portId, nic.preserveOnDelete], [own.id, true]);
    assert.equal((await ports.get(demo, own.id)).dnsName, 'web-1');
    assert.deepEqual(await networking.ensurePort(request(network.id, { net })), nic);
    await assert.rejects(
      networking.ensurePort(request(network.id, { net, containerUuid: own.id })),
      failsWith('port-in-use'),
    );
    await networking.releasePorts(container, { dnsName: 'web-1' });
    const freed = await ports.get(demo, own.id);
    assert.deepEqual([freed.deviceId, freed.deviceOwner, freed.bindingHost, freed.dnsName], ['', '', '', '']);
    assert.deepEqual(freed.fixedIps, own.fixedIps);
    assert.deepEqual(await networking.containersWithPorts(), []);
  });

  test('ports are released but for those that are kept', async () => {
    await using world = await createTestNetwork();
    const { networking, ports } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24');
    const [own] = await ports.create(demo, [{ networkId: network.id, name: 'mine' }]);
    assert.ok(own);
    const kept = await networking.ensurePort(request(network.id, { index: 7 }));
    await networking.ensurePort(request(network.id, { index: 8 }));
    const net = { networkId: network.id, portId: own.id };
    await networking.ensurePort(request(network.id, { index: 9, net }));
    await networking.releasePorts(container, { keep: [7] });
    const left = await ports.list(demo);
    assert.deepEqual(new Set(left.map(({ id }) => id)), new Set([kept.portId, own.id]));
    assert.equal((await ports.get(demo, own.id)).deviceId, '');
  });

  test('a security group is given to all ports that can have one and taken again; the others keep theirs', async () => {
    await using world = await createTestNetwork();
    const { networking, securityGroups, ports, networks } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24');
    const [web, own] = await securityGroups.create(demo, [{ name: 'web' }, { name: 'own' }]);
    const [open] = await networks.create(demo, [{ portSecurityEnabled: false }]);
    assert.ok(web && own && open);
    await world.control.subnets.create(demo, [{ networkId: open.id, cidr: '10.1.0.0/24' }]);
    const [mine] = await ports.create(demo, [{ networkId: network.id, securityGroupIds: [own.id] }]);
    assert.ok(mine);
    await networking.ensurePort(request(open.id, { index: 2 }));
    await assert.rejects(
      networking.changeSecurityGroup(container, { add: web.id }),
      failsWith('security-group-cannot-be-applied'),
    );
    const first = await networking.ensurePort(request(network.id, { securityGroupIds: [] }));
    const adopted = { networkId: network.id, portId: mine.id };
    await networking.ensurePort(request(network.id, { index: 1, net: adopted }));
    const groupsOf = async (id: string) => [...(await ports.get(demo, id)).securityGroupIds].sort();
    for (const _ of ['once', 'twice']) {
      await networking.changeSecurityGroup(container, { add: web.id });
      assert.deepEqual(await groupsOf(first.portId), [web.id]);
      assert.deepEqual(await groupsOf(mine.id), [own.id, web.id].sort());
    }
    for (const _ of ['once', 'twice']) {
      await networking.changeSecurityGroup(container, { remove: web.id });
      assert.deepEqual([await groupsOf(first.portId), await groupsOf(mine.id)], [[], [own.id]]);
    }
    const gone = crypto.randomUUID();
    await assert.rejects(
      networking.changeSecurityGroup(container, { add: gone }),
      failsWith('security-group-not-found'),
    );
  });

  test('releasing a container leaves ports alone that only claim to be its', async () => {
    await using world = await createTestNetwork();
    const { networking, ports } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24');
    const liar = { networkId: network.id, deviceId: container, deviceOwner: 'compute:berth' };
    await ports.create(demo, [liar]);
    await networking.releasePorts(container);
    assert.equal((await ports.list(demo)).length, 1);
    assert.deepEqual(await networking.containersWithPorts(), []);
  });

  test('another project’s port or group cannot be used', async () => {
    await using world = await createTestNetwork();
    const { networking, securityGroups, ports } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24');
    const theirs = await makeNetwork(world, '10.0.0.0/24', { caller: testCaller('eve') });
    const [port] = await ports.create(testCaller('eve'), [{ networkId: theirs.id }]);
    const [group] = await securityGroups.create(testCaller('eve'), [{ name: 'g' }]);
    assert.ok(port && group);
    const net = { networkId: theirs.id, portId: port.id };
    await assert.rejects(networking.ensurePort(request(network.id, { net })), failsWith('port-not-found'));
    await assert.rejects(
      networking.ensurePort(request(network.id, { securityGroupIds: [group.id] })),
      failsWith('security-group-not-found'),
    );
  });

  test('the port quota counts them', async () => {
    await using world = await createTestNetwork({ quotas: { port: 1 } });
    const { networking } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24');
    await networking.ensurePort(request(network.id));
    await assert.rejects(
      networking.ensurePort(request(network.id, { index: 1 })),
      failsWith('network-over-quota'),
    );
    await networking.ensurePort(request(network.id));
  });
});

describe('what a request asks for', () => {
  test('nothing: the oldest network of the project, else the oldest shared one, else an error', async () => {
    await using world = await createTestNetwork();
    const resolve = () => world.control.networking.resolveNets(demo, [], plain);
    await makeNetwork(world, '172.24.4.0/24', { caller: admin, external: true });
    await makeNetwork(world, '10.7.0.0/24', { caller: testCaller('eve') });
    await assert.rejects(resolve(), failsWith('conflict', /no neutron network available/));
    const shared = await makeNetwork(world, '10.8.0.0/24', { caller: admin, shared: true });
    assert.deepEqual(await resolve(), [{ networkId: shared.id }]);
    await world.control.networks.create(demo, [{ name: 'without addresses' }]);
    assert.deepEqual(await resolve(), [{ networkId: shared.id }]);
    const own = await makeNetwork(world, '10.0.0.0/24');
    await makeNetwork(world, '10.1.0.0/24');
    assert.deepEqual(await resolve(), [{ networkId: own.id }]);
  });

  test('networks and ports by name and id, with errors as the container API words them', async () => {
    await using world = await createTestNetwork();
    const { networking, ports } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24', { name: 'net' });
    const external = await makeNetwork(world, '172.24.4.0/24', {
      caller: admin,
      external: true,
      name: 'public',
    });
    const theirs = await makeNetwork(world, '10.0.0.0/24', { caller: testCaller('eve'), name: 'theirs' });
    await world.control.networks.create(demo, [{ name: 'bare' }]);
    const [free, used] = await ports.create(demo, [
      { networkId: network.id, name: 'free' },
      { networkId: network.id, name: 'used', deviceId: 'x', fixedIps: [{ ipAddress: '10.0.0.50' }] },
    ]);
    await ports.create(demo, [{ networkId: network.id, name: 'addressless', fixedIps: [] }]);
    assert.ok(free && used);
    const resolve = (...nets: RequestedNet[]) => networking.resolveNets(demo, nets, plain);
    assert.deepEqual(await resolve({ network: 'net', fixedIps: ['10.0.0.9'] }, { network: network.id }), [
      { networkId: network.id, fixedIps: ['10.0.0.9'] },
      { networkId: network.id },
    ]);
    assert.deepEqual(await resolve({ port: 'free' }), [{ networkId: network.id, portId: free.id }]);
    const table: [RequestedNet[], string][] = [
      [[{ network: 'nosuch' }], 'network-not-found'],
      [[{ network: theirs.id }], 'network-not-found'],
      [[{ network: 'public' }], 'external-network-attach-forbidden'],
      [[{ network: 'bare' }], 'invalid'],
      [[{ port: 'addressless' }], 'port-not-usable'],
      [[{ network: 'net', fixedIps: ['10.9.0.9'] }], 'invalid-ip-for-network'],
      [[{ network: 'net', fixedIps: ['10.0.0.255'] }], 'invalid-ip-for-subnet'],
      [[{ network: 'net', fixedIps: ['x'] }], 'invalid-ip-for-network'],
      [[{ network: 'net', fixedIps: ['10.0.0.50'] }], 'ip-address-in-use'],
      [[{ port: 'nosuch' }], 'port-not-found'],
      [[{ port: 'used' }], 'port-in-use'],
      [[{ port: 'free' }, { port: free.id }], 'port-in-use'],
    ];
    for (const [nets, code] of table)
      await assert.rejects(resolve(...nets), failsWith(code), JSON.stringify(nets));
    const may = await networking.resolveNets(demo, [{ network: 'public' }], { mayAttachExternal: true });
    assert.deepEqual(may, [{ networkId: external.id }]);
    await makeNetwork(world, '10.2.0.0/24', { name: 'net' });
    await assert.rejects(resolve({ network: 'net' }), failsWith('conflict', /use an ID/));
    await assert.rejects(networking.locate(demo, { network: 'net' }), failsWith('conflict', /use an ID/));
  });

  test('an address of each family, a wish for the gateway, and the default network with an address', async () => {
    await using world = await createTestNetwork();
    const network = await makeNetwork(world, '10.0.0.0/24');
    await world.control.subnets.create(demo, [{ networkId: network.id, cidr: 'fd00:1::/64' }]);
    const { networking, ports } = world.control;
    const resolve = (...nets: RequestedNet[]) => networking.resolveNets(demo, nets, plain);
    const fixedIps = ['10.0.0.9', 'fd00:1:0::9'];
    const [both] = await resolve({ network: network.id, fixedIps, defaultGateway: true });
    assert.deepEqual(both, {
      networkId: network.id,
      fixedIps: ['10.0.0.9', 'fd00:1::9'],
      defaultGateway: true,
    });
    const nic = await networking.ensurePort(request(network.id, { net: both ?? { networkId: '' } }));
    assert.deepEqual(
      nic.fixedIps.map(({ address, version }) => [address, version]),
      [
        ['10.0.0.9', 4],
        ['fd00:1::9', 6],
      ],
    );
    assert.equal(nic.defaultGateway, true);
    assert.deepEqual(await resolve({ fixedIps: ['fd00:1::a'] }), [
      { networkId: network.id, fixedIps: ['fd00:1::a'] },
    ]);
    assert.deepEqual(await networking.locate(demo, { port: nic.portId }), {
      networkId: network.id,
      portId: nic.portId,
    });
    await ports.remove(demo, nic.portId);
    await assert.rejects(networking.locate(demo, { port: nic.portId }), failsWith('port-not-found'));
  });

  test('security groups by name and id, each once', async () => {
    await using world = await createTestNetwork();
    const { networking, securityGroups } = world.control;
    const [group] = await securityGroups.create(demo, [{ name: 'web' }]);
    assert.ok(group);
    const resolve = (...names: string[]) => networking.resolveSecurityGroups(demo, names);
    const ids = await resolve('web', group.id, 'default');
    assert.deepEqual([ids[0], ids.length], [group.id, 2]);
    await assert.rejects(resolve('nosuch'), failsWith('invalid', /^Security group nosuch not found\.$/));
    await securityGroups.create(demo, [{ name: 'web' }]);
    await assert.rejects(
      resolve('web'),
      failsWith('conflict', /^Multiple security group matches found for name web/),
    );
  });
});

test('exposed ports: one group, opened to both IP versions, gone with the container', async () => {
  await using world = await createTestNetwork();
  const { networking, securityGroups } = world.control;
  const network = await makeNetwork(world, '10.0.0.0/24');
  const ports = [
    { port: 80, protocol: 'tcp' },
    { port: 80, protocol: 'tcp' },
    { port: 53, protocol: 'udp' },
  ] as const;
  const id = await networking.ensureExposedGroup('demo', container, ports);
  assert.equal(await networking.ensureExposedGroup('demo', container, ports), id);
  const group = await securityGroups.get(demo, id);
  assert.equal(group.name, `zun-${container}`);
  assert.deepEqual(
    group.rules
      .filter((rule) => rule.direction === 'ingress')
      .map((rule) => `${rule.protocol} ${rule.portRangeMin} ${rule.remoteIpPrefix}`)
      .sort(),
    ['tcp 80 0.0.0.0/0', 'tcp 80 ::/0', 'udp 53 0.0.0.0/0', 'udp 53 ::/0'],
  );
  await networking.ensurePort(request(network.id, { securityGroupIds: [id] }));
  await assert.rejects(networking.releaseExposedGroup('demo', container), failsWith('security-group-in-use'));
  await networking.releasePorts(container);
  await networking.releaseExposedGroup('demo', container);
  await networking.releaseExposedGroup('demo', container);
  await assert.rejects(securityGroups.get(demo, id), failsWith('security-group-not-found'));
});

test('what another tenant shares takes no name from one’s own', async () => {
  await using world = await createTestNetwork();
  const { control } = world;
  const eve = testCaller('eve');
  const own = await makeNetwork(world, '10.0.0.0/24', { name: 'web' });
  const [group] = await control.securityGroups.create(demo, [{ name: 'web' }]);
  const foreign = await makeNetwork(world, '10.1.0.0/24', { name: 'web', caller: eve });
  const [trap] = await control.securityGroups.create(eve, [{ name: 'web' }]);
  assert.ok(group && trap);
  for (const [objectType, objectId] of [
    ['network', foreign.id],
    ['security_group', trap.id],
  ] as const) {
    const policy = { objectType, objectId, action: 'access_as_shared', targetProject: 'demo' };
    await control.rbacPolicies.create(eve, [policy]);
  }
  const { networking } = control;
  assert.deepEqual(await networking.resolveNets(demo, [{ network: 'web' }], plain), [{ networkId: own.id }]);
  assert.deepEqual(await networking.resolveSecurityGroups(demo, ['web']), [group.id]);
  await control.networks.remove(demo, own.id);
  const named = await networking.resolveNets(demo, [{ network: 'web' }], plain);
  assert.deepEqual(named, [{ networkId: foreign.id }]);
  await assert.rejects(networking.resolveNets(demo, [], plain), failsWith('conflict'));
});
