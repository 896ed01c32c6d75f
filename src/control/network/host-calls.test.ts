import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestNetwork, type TestNetwork, testCaller } from '../../../test/helpers/network-control.ts';
import { silentLog } from '../../base/log.ts';
import type { Bus } from '../../bus/bus.ts';
import { Switchboard } from '../../bus/in-process.ts';
import { isFailure } from '../../model/failure.ts';
import type { RequestOf } from '../../wire/call.ts';
import { reportPorts, type WantedNetwork, wantedNetworks } from '../../wire/host-network.ts';
import { networkServiceRequest } from '../../wire/network-service.ts';

const demo = testCaller('demo');
const admin = testCaller('demo', { isAdmin: true });
const server = { kind: 'server' } as const;

/** The network service on a bus with agents `h1` and `h2`; Kuryr works for project `demo`. */
async function connect(world: TestNetwork): Promise<{ h1: Bus; h2: Bus }> {
  const board = new Switchboard(silentLog());
  world.control.serve(board.connect(server), async () => demo);
  const [h1, h2] = ['h1', 'h2'].map((host) => board.connect({ kind: 'agent', host }));
  assert.ok(h1 && h2);
  return { h1, h2 };
}

async function wanted(bus: Bus, ids?: string[]): Promise<WantedNetwork[]> {
  return (await bus.call(server, wantedNetworks, ids ? { ids } : {})).networks;
}

type View = Record<string, unknown> & { readonly id: string };

async function ask(bus: Bus, request: RequestOf<typeof networkServiceRequest>): Promise<View> {
  return (await bus.call(server, networkServiceRequest, request)).result as View;
}

const failsWith = (code: string) => (error: unknown) => isFailure(error) && error.code === code;

async function makeNetwork({ control }: TestNetwork, cidr: string, caller = demo) {
  const [network] = await control.networks.create(caller, [{ name: cidr }]);
  assert.ok(network);
  const [subnet] = await control.subnets.create(caller, [{ networkId: network.id, cidr }]);
  assert.ok(subnet);
  return { id: network.id, subnetId: subnet.id };
}

describe('the wanted dataplane of a host', () => {
  test('has its own ports, their groups, and the members that rules name', async () => {
    await using world = await createTestNetwork();
    const { ports, securityGroups, securityGroupRules } = world.control;
    const { h1, h2 } = await connect(world);
    const net = await makeNetwork(world, '10.0.0.0/24');
    const other = await makeNetwork(world, '10.1.0.0/24');
    const [web, clients] = await securityGroups.create(demo, [{ name: 'web' }, { name: 'clients' }]);
    assert.ok(web && clients);
    await securityGroupRules.create(demo, [
      {
        securityGroupId: web.id,
        direction: 'ingress',
        protocol: 'tcp',
        portRangeMin: 80,
        portRangeMax: 80,
        remoteGroupId: clients.id,
      },
      { securityGroupId: web.id, direction: 'ingress', protocol: 'icmp', ethertype: 'IPv6' },
    ]);
    const [port] = await ports.create(admin, [
      { networkId: net.id, bindingHost: 'h1', securityGroupIds: [web.id] },
      {
        networkId: other.id,
        bindingHost: 'h2',
        securityGroupIds: [clients.id],
        allowedAddressPairs: [{ ipAddress: '10.9.0.0/24' }],
      },
    ]);
    assert.ok(port);
    const [network, ...more] = await wanted(h1);
    assert.ok(network);
    assert.equal(more.length, 0);
    assert.equal(network.id, net.id);
    assert.deepEqual(network.ports, [
      {
        id: port.id,
        macAddress: port.macAddress,
        adminStateUp: true,
        fixedIps: [{ address: '10.0.0.2', subnetId: net.subnetId, version: 4 }],
        portSecurityEnabled: true,
        securityGroupIds: [web.id],
        allowedAddressPairs: [],
        deviceOwner: '',
        deviceId: '',
        bandwidth: { egress: null, ingress: null },
      },
    ]);
    assert.equal(network.subnets[0]?.gatewayIp, '10.0.0.1');
    const [group] = network.securityGroups;
    const rules = group?.rules.map((rule) =>
      [rule.direction, rule.ipVersion, rule.protocol, rule.portMin, rule.remoteGroupId].join(' '),
    );
    assert.deepEqual(rules?.sort(), [
      'egress 4   ',
      'egress 6   ',
      `ingress 4 6 80 ${clients.id}`,
      'ingress 6 58  ',
    ]);
    assert.deepEqual(network.remoteGroups, [
      { groupId: clients.id, v4: ['10.1.0.2', '10.9.0.0/24'], v6: [] },
    ]);
    assert.deepEqual(
      (await wanted(h2)).map(({ id }) => id),
      [other.id],
    );
    assert.deepEqual(await wanted(h1, [other.id]), []);
    assert.equal((await wanted(h1, [net.id, other.id])).length, 1);
  });

  test('has the limits of each port: its own policy’s, else its network’s', async () => {
    await using world = await createTestNetwork();
    const { ports, networks, qosPolicies } = world.control;
    const { h1 } = await connect(world);
    const net = await makeNetwork(world, '10.0.0.0/24');
    const [slow, free] = await qosPolicies.create(admin, [{}, {}]);
    assert.ok(slow && free);
    await qosPolicies.addLimit(admin, slow.id, { maxKbps: 1000, maxBurstKbps: 100 });
    await qosPolicies.addLimit(admin, slow.id, { maxKbps: 2000, direction: 'ingress' });
    await qosPolicies.addLimit(admin, free.id, { maxKbps: 0 });
    const host = { networkId: net.id, bindingHost: 'h1' };
    await ports.create(admin, [host]);
    await ports.create(admin, [{ ...host, qosPolicyId: free.id }]);
    const limits = async () => (await wanted(h1))[0]?.ports.map((port) => port.bandwidth);
    const none = { egress: null, ingress: null };
    assert.deepEqual(await limits(), [none, none]);
    await networks.update(admin, net.id, { qosPolicyId: slow.id });
    assert.deepEqual(await limits(), [
      {
        egress: { kilobitsPerSecond: 1000, burstKilobits: 100 },
        ingress: { kilobitsPerSecond: 2000, burstKilobits: 0 },
      },
      none,
    ]);
  });

  test('has the addresses of the address groups that rules name', async () => {
    await using world = await createTestNetwork();
    const { ports, addressGroups, securityGroups, securityGroupRules } = world.control;
    const { h1 } = await connect(world);
    const net = await makeNetwork(world, '10.0.0.0/24');
    const [office] = await addressGroups.create(demo, [{ addresses: ['192.0.2.0/24', 'fd00::7'] }]);
    const [web] = await securityGroups.create(demo, [{ name: 'web' }]);
    assert.ok(office && web);
    await securityGroupRules.create(demo, [
      { securityGroupId: web.id, direction: 'ingress', remoteAddressGroupId: office.id },
      { securityGroupId: web.id, direction: 'ingress', remoteIpPrefix: '198.51.100.7/24' },
    ]);
    await ports.create(admin, [{ networkId: net.id, bindingHost: 'h1', securityGroupIds: [web.id] }]);
    const [network] = await wanted(h1);
    assert.deepEqual(network?.remoteGroups, [
      { groupId: office.id, v4: ['192.0.2.0/24'], v6: ['fd00::7/128'] },
    ]);
    const rules = network?.securityGroups[0]?.rules.filter(({ direction }) => direction === 'ingress');
    assert.deepEqual(
      rules?.map((rule) => rule.remoteGroupId ?? rule.remotePrefix).sort(),
      [office.id, '198.51.100.0/24'].sort(),
    );
  });

  test('has the names of a network’s ports on all hosts, and their domain', async () => {
    await using world = await createTestNetwork();
    const { networks, ports } = world.control;
    const { h1 } = await connect(world);
    const net = await makeNetwork(world, '10.0.0.0/24');
    await ports.create(admin, [
      { networkId: net.id, bindingHost: 'h1' },
      { networkId: net.id, bindingHost: 'h2', dnsName: 'web' },
      { networkId: net.id, dnsName: 'db', fixedIps: [{ ipAddress: '10.0.0.9' }, { ipAddress: '10.0.0.8' }] },
      { networkId: net.id, dnsName: 'nowhere', fixedIps: [] },
    ]);
    const [network] = await wanted(h1);
    assert.equal(network?.dnsDomain, 'openstacklocal');
    assert.deepEqual(network?.names, [
      { name: 'db', projectId: 'demo', addresses: ['10.0.0.9', '10.0.0.8'] },
      { name: 'web', projectId: 'demo', addresses: ['10.0.0.3'] },
    ]);
    await networks.update(demo, net.id, { dnsDomain: 'corp.example.' });
    assert.equal((await wanted(h1))[0]?.dnsDomain, 'corp.example');
  });

  test('has routers whole, with the networks that they connect', async () => {
    await using world = await createTestNetwork();
    const { networks, routers, ports } = world.control;
    const { h1 } = await connect(world);
    const [a, b] = [await makeNetwork(world, '10.0.0.0/24'), await makeNetwork(world, '10.1.0.0/24')];
    const outside = await makeNetwork(world, '172.24.4.0/24', admin);
    await networks.update(admin, outside.id, { external: true });
    const [router] = await routers.create(demo, [{ name: 'r', gateway: { networkId: outside.id } }]);
    assert.ok(router);
    const plug = (subnetId: string) => routers.addInterface(demo, router.id, { subnetId });
    const { port: leg } = await plug(a.subnetId);
    await plug(b.subnetId);
    await assert.rejects(plug(a.subnetId), failsWith('bad-request'));
    assert.deepEqual(await wanted(h1), []);
    await ports.create(admin, [{ networkId: a.id, bindingHost: 'h1' }]);
    const all = await wanted(h1);
    assert.deepEqual(all.map(({ id }) => id).sort(), [a.id, b.id].sort());
    const [view] = all.find(({ id }) => id === a.id)?.routers ?? [];
    assert.deepEqual(view?.gateway?.addresses, ['172.24.4.2/24']);
    assert.deepEqual(view?.gateway?.nexthops, ['172.24.4.1']);
    assert.equal(view?.interfaces.length, 2);
    assert.deepEqual(view?.interfaces.find(({ portId }) => portId === leg.id)?.addresses, ['10.0.0.1/24']);
    await assert.rejects(ports.remove(demo, leg.id), failsWith('service-port-in-use'));
    await assert.rejects(ports.update(admin, leg.id, { fixedIps: [] }), failsWith('service-port-in-use'));
    await ports.update(demo, leg.id, { name: 'leg' });
    const shown = await world.control.resources.get({ caller: demo }, 'routers', router.id);
    assert.deepEqual(shown.external_gateway_info, {
      network_id: outside.id,
      external_fixed_ips: [{ subnet_id: outside.subnetId, ip_address: '172.24.4.2' }],
      enable_snat: true,
    });
  });

  test('costs the same number of queries for one port and for hundreds', async () => {
    await using world = await createTestNetwork({ quotas: { port: -1 } });
    const { h1 } = await connect(world);
    const net = await makeNetwork(world, '10.0.0.0/16');
    const draft = { networkId: net.id, bindingHost: 'h1' };
    await world.control.ports.create(admin, [draft]);
    const one = await world.countQueries(() => wanted(h1));
    await world.control.ports.create(
      admin,
      Array.from({ length: 300 }, () => draft),
    );
    const many = await world.countQueries(() => wanted(h1));
    assert.equal(many, one);
    assert.ok(one <= 24, `${one} queries`);
  });
});

test('a host reports its own ports, not those of others', async () => {
  await using world = await createTestNetwork();
  const { ports } = world.control;
  const { h1, h2 } = await connect(world);
  const net = await makeNetwork(world, '10.0.0.0/24');
  const [port] = await ports.create(admin, [{ networkId: net.id, bindingHost: 'h1' }]);
  assert.ok(port);
  const status = async () => (await ports.get(demo, port.id)).status;
  await h2.call(server, reportPorts, { active: [port.id], down: [] });
  assert.equal(await status(), 'DOWN');
  await h1.call(server, reportPorts, { active: [port.id], down: [] });
  assert.equal(await status(), 'ACTIVE');
  await h2.call(server, reportPorts, { active: [], down: [port.id] });
  assert.equal(await status(), 'ACTIVE');
  await h1.call(server, reportPorts, { active: [], down: [port.id] });
  assert.equal(await status(), 'DOWN');
});

describe('the network service for Kuryr', () => {
  test('works in one project, binds ports to the asking host and shows the binding', async () => {
    await using world = await createTestNetwork();
    const { h1 } = await connect(world);
    const net = await ask(h1, { method: 'create', resource: 'networks', body: { name: 'k' } });
    assert.equal(net.project_id, 'demo');
    const body = { network_id: net.id, ip_version: 4, cidr: '10.5.0.0/24' };
    const subnet = await ask(h1, { method: 'create', resource: 'subnets', body });
    const port = await ask(h1, {
      method: 'create',
      resource: 'ports',
      body: { network_id: net.id, 'binding:host_id': 'h2', device_owner: 'compute:kuryr' },
    });
    assert.equal(port['binding:host_id'], 'h1');
    await ask(h1, { method: 'add-tag', resource: 'ports', id: port.id, tag: 'kuryr.a' });
    const query = { tags: 'kuryr.a', fixed_ips: [`subnet_id=${subnet.id}`, 'ip_address=10.5.0.2'] };
    const found = (await ask(h1, { method: 'list', resource: 'ports', query })) as unknown as View[];
    assert.deepEqual(
      found.map(({ id }) => id),
      [port.id],
    );
    await ask(h1, { method: 'remove-tag', resource: 'ports', id: port.id, tag: 'kuryr.a' });
    const freed = await ask(h1, {
      method: 'update',
      resource: 'ports',
      id: port.id,
      body: { 'binding:host_id': '', device_id: '' },
    });
    assert.equal(freed['binding:host_id'], '');
    const change = (body: Record<string, unknown>) =>
      ask(h1, { method: 'update', resource: 'ports', id: port.id, body });
    assert.equal((await change({ name: 'still nobody’s' }))['binding:host_id'], '');
    assert.equal((await change({ device_id: 'an endpoint' }))['binding:host_id'], 'h1', 'taken into use');
    await ask(h1, { method: 'remove-tag', resource: 'ports', id: port.id, tag: 'kuryr.a' });
    await ask(h1, { method: 'remove', resource: 'ports', id: port.id });
    await ask(h1, { method: 'remove', resource: 'ports', id: port.id });
    await assert.rejects(
      ask(h1, { method: 'get', resource: 'ports', id: port.id }),
      failsWith('port-not-found'),
    );
  });

  test('uses what another project shares: tags, and ports with the address and MAC of a container', async () => {
    await using world = await createTestNetwork();
    const { h1 } = await connect(world);
    const operator = testCaller('operator', { isAdmin: true });
    const [network] = await world.control.networks.create(operator, [{ name: 'corp', shared: true }]);
    assert.ok(network);
    const [subnet] = await world.control.subnets.create(operator, [
      { networkId: network.id, cidr: '10.66.0.0/24' },
    ]);
    assert.ok(subnet);
    for (const [resource, id] of [
      ['networks', network.id],
      ['subnets', subnet.id],
    ] as const) {
      await ask(h1, { method: 'add-tag', resource, id, tag: 'kuryr.a' });
      assert.deepEqual((await ask(h1, { method: 'get', resource, id })).tags, ['kuryr.a']);
      await ask(h1, { method: 'remove-tag', resource, id, tag: 'kuryr.a' });
      assert.deepEqual((await ask(h1, { method: 'get', resource, id })).tags, []);
      const body = { name: 'mine' };
      await assert.rejects(
        ask(h1, { method: 'update', resource, id, body }),
        failsWith('policy-not-authorized'),
      );
    }
    const body = {
      network_id: network.id,
      mac_address: '02:42:00:00:00:07',
      fixed_ips: [{ ip_address: '10.66.0.7' }],
    };
    const port = await ask(h1, { method: 'create', resource: 'ports', body });
    assert.deepEqual([port.mac_address, port.project_id], ['02:42:00:00:00:07', 'demo']);
    await ask(h1, { method: 'remove', resource: 'ports', id: port.id });
    const theirs = await makeNetwork(world, '10.0.0.0/24', testCaller('eve'));
    await assert.rejects(
      ask(h1, { method: 'add-tag', resource: 'networks', id: theirs.id, tag: 'kuryr.a' }),
      failsWith('network-not-found'),
    );
  });

  test('cannot touch ports of another host or another project', async () => {
    await using world = await createTestNetwork();
    const { h1, h2 } = await connect(world);
    const net = await makeNetwork(world, '10.0.0.0/24');
    const theirs = await makeNetwork(world, '10.0.0.0/24', testCaller('eve'));
    const port = await ask(h1, { method: 'create', resource: 'ports', body: { network_id: net.id } });
    const { id } = port;
    const refused = failsWith('policy-not-authorized');
    const name = { name: 'x' };
    await assert.rejects(ask(h2, { method: 'update', resource: 'ports', id, body: name }), refused);
    await assert.rejects(ask(h2, { method: 'remove', resource: 'ports', id }), refused);
    await assert.rejects(ask(h2, { method: 'add-tag', resource: 'ports', id, tag: 't' }), refused);
    const owner = { device_owner: 'network:router_interface' };
    await assert.rejects(ask(h1, { method: 'update', resource: 'ports', id, body: owner }), refused);
    const onTheirs = { network_id: theirs.id };
    await assert.rejects(
      ask(h1, { method: 'create', resource: 'ports', body: onTheirs }),
      failsWith('network-not-found'),
    );
  });
});
