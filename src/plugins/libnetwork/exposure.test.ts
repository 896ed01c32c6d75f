/** Ports that Docker exposes and publishes: security groups and floating IPs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createNetwork,
  removeNetwork,
  startContainer,
  stopContainer,
} from '../../../test/helpers/docker-flows.ts';
import { KuryrWorld } from '../../../test/helpers/kuryr-world.ts';

const id = (digit: string) => digit.repeat(64);
const plain = { id: id('a'), subnets: [{ pool: '10.77.0.0/16' }] };
const mac = '02:42:00:00:00:01';
const container = { endpointId: id('e'), mac };

/** Nothing is left, of whatever there ever was. */
function assertNothing(world: KuryrWorld, why?: string): void {
  assert.deepEqual(Object.values(world.service.inventory()).flat(), [], why);
}

/** `--expose 91/udp -p 8080:80 -p 8081:81 -p 82/sctp` as dockerd tells it. */
const labels = {
  'com.docker.network.endpoint.exposedports': [
    { Proto: 17, Port: 91 },
    { Proto: 6, Port: 81 },
    { Proto: 6, Port: 80 },
    { Proto: 132, Port: 82 },
  ],
  'com.docker.network.portmap': [
    { Proto: 6, IP: '', Port: 80, HostIP: '', HostPort: 8080, HostPortEnd: 8080 },
    { Proto: 6, IP: '', Port: 80, HostIP: '::', HostPort: 8080, HostPortEnd: 8080 },
    { Proto: 6, IP: '', Port: 81, HostIP: '', HostPort: 0, HostPortEnd: 0 },
  ],
};

test('exposed and published ports are let in by a group of the port’s own, of each of its families', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, { ...plain, v6: [{ pool: 'fd00:77::/64' }] });
    const started = await startContainer(world, network, { ...container, labels });
    const { ports, 'security-groups': groups, 'security-group-rules': rules } = world.service.inventory();
    assert.deepEqual(
      groups?.map(({ name, description }) => [name, description]),
      [[`${ports?.[0]?.id}-exposed_ports`, 'Docker exposed ports created by Kuryr.']],
    );
    assert.deepEqual(ports?.[0]?.security_groups, ['default', groups?.[0]?.id]);
    const shown = rules?.map((rule) => [
      rule.ethertype,
      rule.protocol,
      rule.port_range_min,
      rule.port_range_max,
    ]);
    const of = (family: string) => [
      [family, 'sctp', 82, 82],
      [family, 'tcp', 80, 81],
      [family, 'udp', 91, 91],
    ];
    assert.deepEqual(shown, [...of('IPv4'), ...of('IPv6')]);
    const ids = { NetworkID: network.id, EndpointID: started.endpointId };
    assert.deepEqual(await world.call('NetworkDriver.EndpointOperInfo', ids), { Value: { status: 'DOWN' } });
    await world.restart();
    await world.call('NetworkDriver.ProgramExternalConnectivity', { ...ids, Options: labels });
    assert.equal(world.service.inventory()['security-groups']?.length, 1, 'asked twice');
    await world.restart();
    await stopContainer(world, network, started);
    await removeNetwork(world, network);
    assertNothing(world);
  }));

test('a network may publish by floating IPs, have its own security groups, or let nothing in', () =>
  KuryrWorld.with(async (world) => {
    const { service } = world;
    const outside = await service.create('networks', { name: 'public', 'router:external': true });
    const web = await service.create('security-groups', { name: 'web' });
    const db = await service.create('security-groups', { name: 'db' });
    const before = world.service.inventory();
    const ask = (digit: string, options: Record<string, string>) =>
      createNetwork(world, { ...plain, id: id(digit), options });
    const first = await ask('a', {
      'berth.publish': 'floating-ip',
      'berth.security-groups': `web, ${db.id}`,
    });
    const second = await ask('b', { 'berth.publish': 'none' });
    world.beforeCall = () => world.restart();
    const one = await startContainer(world, first, { ...container, labels });
    const options = { 'berth.security-groups': 'db' };
    const two = await startContainer(world, second, { ...container, endpointId: id('f'), labels, options });
    const { ports, floatingips, 'security-groups': groups } = service.inventory();
    assert.deepEqual(
      ports?.map(({ security_groups }) => security_groups),
      [[web.id, db.id, groups?.[2]?.id], [db.id]],
    );
    assert.deepEqual(
      floatingips?.map((each) => [each.floating_network_id, each.description]),
      [[outside.id, `Docker published ports of ${ports?.[0]?.id}`]],
    );
    const forwarding = {
      protocol: 'tcp',
      internal_port_id: ports?.[0]?.id,
      internal_ip_address: '10.77.0.2',
    };
    assert.deepEqual(
      [...service.forwardings.values()],
      [
        [
          { ...forwarding, internal_port: 80, external_port: 8080 },
          { ...forwarding, internal_port: 81, external_port: 81 },
        ],
      ],
    );
    await stopContainer(world, first, one);
    await stopContainer(world, second, two);
    await removeNetwork(world, first);
    await removeNetwork(world, second);
    const { subnets, subnetpools, ...left } = service.inventory();
    assert.deepEqual([subnets, subnetpools, left.ports], [[], [], []]);
    assert.deepEqual(left.networks, before.networks);
    assert.deepEqual(left['security-groups'], before['security-groups']);
    assert.deepEqual(left.floatingips, []);
  }));

for (const [option, value, problem] of [
  ['berth.publish', 'yes', /berth.publish is none, ports, floating-ip, not "yes"/],
  ['berth.publish', 'floating-ip', /there is no external network: name one by option berth.external-network/],
  ['berth.security-groups', 'web', /there is no security group "web"/],
] as const) {
  test(`option ${option}=${value} that cannot be is refused, and nothing is left`, () =>
    KuryrWorld.with(async (world) => {
      await assert.rejects(createNetwork(world, { ...plain, options: { [option]: value } }), problem);
      assertNothing(world);
    }));
}

test('ports cannot be let in: the container does not start, and nothing is left', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, plain);
    for (const failing of ['create security-groups', 'create security-group-rules', 'get ports']) {
      world.service.before = (call) => {
        if (call === failing) throw new Error('broken on purpose');
      };
      await assert.rejects(
        startContainer(world, network, { ...container, labels }),
        /internal error/,
        failing,
      );
      const { ports, 'security-groups': groups = [] } = world.service.inventory();
      assert.deepEqual([ports, groups], [[], []], failing);
    }
  }));

test('groups and floating IPs of ports that are gone are freed', () =>
  KuryrWorld.with(async (world) => {
    await world.service.create('networks', { name: 'public', 'router:external': true });
    const network = await createNetwork(world, { ...plain, options: { 'berth.publish': 'floating-ip' } });
    await startContainer(world, network, { ...container, labels });
    for (const { id: portId } of world.service.inventory().ports ?? []) {
      await world.service.remove('ports', portId);
    }
    assert.deepEqual(
      (await world.sweep()).map(({ kind }) => kind),
      ['link', 'floating IP', 'security group'],
    );
    assert.deepEqual(world.service.inventory()['security-groups'], []);
  }));
