import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  createNetwork,
  type NetworkRequest,
  removeNetwork,
  startContainer,
  stopContainer,
} from '../../../test/helpers/docker-flows.ts';
import { DockerdCalls } from '../../../test/helpers/dockerd.ts';
import { KuryrWorld } from '../../../test/helpers/kuryr-world.ts';
import { until } from '../../../test/helpers/until.ts';

const id = (digit: string) => digit.repeat(64);
const plain: NetworkRequest = { id: id('a'), subnets: [{ pool: '10.77.0.0/16' }] };
const mac = '02:42:00:00:00:01';
const container = { endpointId: id('e'), mac };
const blueSubnet = { name: 'blue-v4', ip_version: 4, cidr: '10.5.0.0/24' };
/** Of each resource that there is any of. */
function thereIs({ service }: KuryrWorld): object {
  return Object.fromEntries(Object.entries(service.inventory()).filter(([, rows]) => rows.length > 0));
}

/** Nothing is left, of whatever there ever was. */
function assertNothing(world: KuryrWorld, why?: string): void {
  assert.deepEqual(Object.values(world.service.inventory()).flat(), [], why);
}

test('a network made by hand is a network and a subnet with names and tags that lead back to it', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, plain);
    const { networks, subnets, subnetpools } = world.service.inventory();
    assert.deepEqual(
      networks?.map(({ name, tags }) => ({ name, tags })),
      [
        {
          name: 'kuryr-net-aaaaaaaa',
          tags: [
            `kuryr.host.${'a'.repeat(12)}:here`,
            `kuryr.net.uuid.lh:${'a'.repeat(32)}`,
            `kuryr.net.uuid.uh:${'a'.repeat(32)}`,
          ],
        },
      ],
    );
    assert.deepEqual(
      subnets?.map(({ name, cidr, gateway_ip, tags }) => ({ name, cidr, gateway_ip, tags })),
      [
        {
          name: 'kuryr-subnet-10.77.0.0/16',
          cidr: '10.77.0.0/16',
          gateway_ip: '10.77.0.1',
          tags: [network.pools[0]?.poolId],
        },
      ],
    );
    assert.deepEqual(
      subnetpools?.map(({ id, name, prefixes, default_prefixlen }) => ({
        id,
        name,
        prefixes,
        default_prefixlen,
      })),
      [
        {
          id: network.pools[0]?.poolId,
          name: 'kuryrPool-10.77.0.0/16',
          prefixes: ['10.77.0.0/16'],
          default_prefixlen: 16,
        },
      ],
    );
    assert.equal(subnets?.[0]?.subnetpool_id, subnetpools?.[0]?.id);
    await removeNetwork(world, network);
    assertNothing(world);
  }));

test('a container by hand gets a port with its MAC, a link and the gateway; all goes with it', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, {
      ...plain,
      subnets: [{ pool: '10.77.0.0/16', gateway: '10.77.0.9' }],
    });
    const started = await startContainer(world, network, { ...container, ip: '10.77.0.50' });
    const [port] = world.service.inventory().ports ?? [];
    assert.deepEqual(
      [port?.mac_address, port?.device_id, port?.device_owner, port?.name],
      [mac, id('e'), 'compute:kuryr', `${id('e')}-port`],
    );
    assert.deepEqual(started.addresses[0]?.address, '10.77.0.50/16');
    assert.deepEqual(started.join, {
      InterfaceName: { SrcName: `c${port?.id.slice(0, 8)}`, DstPrefix: 'eth' },
      Gateway: '10.77.0.9',
      GatewayIPv6: '',
      StaticRoutes: [{ Destination: '169.254.169.253/32', RouteType: 1 }],
      DisableGatewayService: true,
    });
    assert.equal(world.host.plugged.get(id('e')), port?.id);
    await stopContainer(world, network, started);
    assert.deepEqual([...world.host.plugged], []);
    await removeNetwork(world, network);
    assertNothing(world);
  }));

test('a container of two families has one port with both addresses', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, { ...plain, v6: [{ pool: 'fd00:77::/64' }] });
    const started = await startContainer(world, network, { ...container, ip6: 'fd00:77::5' });
    const { ports = [] } = world.service.inventory();
    assert.equal(ports.length, 1);
    assert.deepEqual(
      (ports[0]?.fixed_ips as { ip_address: string }[] | undefined)?.map((ip) => ip.ip_address),
      ['10.77.0.2', 'fd00:77::5'],
    );
    assert.deepEqual([started.join.Gateway, started.join.GatewayIPv6], ['10.77.0.1', 'fd00:77::1']);
    await stopContainer(world, network, started);
    await removeNetwork(world, network);
    assertNothing(world);
  }));

test('a container with the gateway’s address has no gateway', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, { ...plain, v6: [{ pool: 'fd00:77::/64' }] });
    const started = await startContainer(world, network, {
      ...container,
      ip: '10.77.0.1',
      ip6: 'fd00:77::5',
    });
    assert.deepEqual([started.join.Gateway, started.join.GatewayIPv6], ['', 'fd00:77::1']);
  }));

const own = {
  networkId: '11111111-1111-4111-8111-111111111111',
  subnetId: '22222222-2222-4222-8222-222222222222',
  portId: '33333333-3333-4333-8333-333333333333',
};
const ownMac = 'fa:16:3e:01:02:03';
const ownOptions = { 'neutron.net.uuid': own.networkId, 'neutron.subnet.uuid': own.subnetId };
const ownNetwork: NetworkRequest = {
  id: id('b'),
  subnets: [{ pool: '10.0.0.0/24' }],
  options: ownOptions,
  ipamOptions: ownOptions,
};

function serveOwn(world: KuryrWorld): void {
  world.host.subnets.push({
    id: own.subnetId,
    networkId: own.networkId,
    ipVersion: 4,
    cidr: '10.0.0.0/24',
    gatewayIp: '10.0.0.1',
    hostRoutes: [{ destination: '10.8.0.0/16', nexthop: '10.0.0.200' }],
  });
  world.host.ports.push({
    id: own.portId,
    networkId: own.networkId,
    macAddress: ownMac,
    fixedIps: [{ address: '10.0.0.5', subnetId: own.subnetId }],
    deviceOwner: 'compute:berth',
  });
}

test("Berth's own container starts and stops without a question to the network service", () =>
  KuryrWorld.with(async (world) => {
    serveOwn(world);
    const network = await createNetwork(world, ownNetwork);
    const asked = { endpointId: id('e'), mac: ownMac, ip: '10.0.0.5' };
    const started = await startContainer(world, network, asked);
    assert.equal(world.host.plugged.get(id('e')), own.portId);
    assert.equal(started.join.Gateway, '10.0.0.1');
    assert.deepEqual(started.join.StaticRoutes, [
      { Destination: '10.8.0.0/16', RouteType: 0, NextHop: '10.0.0.200' },
      { Destination: '169.254.169.253/32', RouteType: 1 },
    ]);
    await stopContainer(world, network, started);
    assert.deepEqual([...world.host.plugged], []);
    assert.deepEqual(world.service.calls, []);
  }));

test("the address of Berth's own port is not given to another MAC", () =>
  KuryrWorld.with(async (world) => {
    serveOwn(world);
    const network = await createNetwork(world, ownNetwork);
    await assert.rejects(
      startContainer(world, network, { ...container, ip: '10.0.0.5' }),
      /port 33333333.*MAC address is fa:16:3e:01:02:03, not 02:42:00:00:00:01/,
    );
  }));

test("two tenants' ports of the same address and MAC are told apart by their networks", () =>
  KuryrWorld.with(async (world) => {
    serveOwn(world);
    const [network, subnet, port] = ['4', '5', '6'].map((digit) => own.networkId.replaceAll('1', digit));
    assert.ok(network && subnet && port);
    const [mine, myPort] = [world.host.subnets[0], world.host.ports[0]];
    assert.ok(mine && myPort);
    world.host.subnets.push({ ...mine, id: subnet, networkId: network });
    world.host.ports.push({
      ...myPort,
      id: port,
      networkId: network,
      fixedIps: [{ address: '10.0.0.5', subnetId: subnet }],
    });
    const options = { 'neutron.net.uuid': network, 'neutron.subnet.uuid': subnet };
    const first = await createNetwork(world, ownNetwork);
    const second = await createNetwork(world, { ...ownNetwork, id: id('c'), options, ipamOptions: options });
    await startContainer(world, first, { endpointId: id('e'), mac: ownMac, ip: '10.0.0.5' });
    await startContainer(world, second, { endpointId: id('f'), mac: ownMac, ip: '10.0.0.5' });
    assert.deepEqual([...world.host.plugged.values()], [own.portId, port]);
  }));

test('nothing is forgotten when the driver restarts before any call', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, { ...plain, v6: [{ pool: 'fd00:77::/64' }] });
    serveOwn(world);
    const mine = await createNetwork(world, ownNetwork);
    world.beforeCall = () => world.restart();
    const started = await startContainer(world, network, container);
    await stopContainer(world, network, started);
    await removeNetwork(world, network);
    assertNothing(world);
    assert.deepEqual([...world.host.plugged], []);
    const { call } = { call: world.call.bind(world) };
    const address = { PoolID: own.subnetId, Address: '10.0.0.5' };
    const request = { ...address, Options: { 'com.docker.network.endpoint.macaddress': ownMac } };
    assert.equal((await call('IpamDriver.RequestAddress', request)).Address, '10.0.0.5/24');
    await call('IpamDriver.ReleaseAddress', address);
    await removeNetwork(world, mine);
    assertNothing(world);
  }));

test('whatever question to the service fails, nothing is left when Docker has rolled back', () =>
  KuryrWorld.with(async (world) => {
    const life = async () => {
      const network = await createNetwork(world, {
        ...plain,
        v6: [{ pool: 'fd00:77::/64' }],
        auxiliary: { web: '10.77.3.9' },
      });
      try {
        const started = await startContainer(world, network, container);
        await stopContainer(world, network, started);
      } finally {
        await removeNetwork(world, network);
      }
    };
    await life();
    const count = world.service.calls.length;
    assert.ok(count > 15, `${count} questions`);
    let refused = 0;
    for (let failing = 1; failing <= count; failing += 1) {
      let left = failing;
      world.service.before = (call) => {
        left -= 1;
        // Docker ignores failed releases, so those are no roll-backs of ours.
        if (left === 0 && !call.startsWith('remove')) throw new Error('broken on purpose');
      };
      await life().catch(() => {
        refused += 1;
      });
      world.service.before = () => undefined;
      // A look-up failed within a release, which Docker does not repeat.
      await world.sweep();
      assertNothing(world, `call ${failing} of ${count}`);
      assert.deepEqual([...world.host.plugged], [], `call ${failing} of ${count}`);
    }
    assert.ok(refused > 8, `${refused} refused`);
  }));

test('a container whose link cannot be made leaves no port', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, plain);
    world.host.failPlug = true;
    await assert.rejects(startContainer(world, network, container), /internal error of the network driver/);
    assert.deepEqual([...world.host.plugged], []);
    assert.deepEqual(world.service.inventory().ports, []);
  }));

test('automatic pools differ, and avoid what is taken', () =>
  KuryrWorld.with(async (world) => {
    const request = { AddressSpace: 'kuryr', Pool: '', SubPool: '', Options: null, V6: false };
    const pools = new Set<string>();
    for (let i = 0; i < 5; i += 1) pools.add((await world.call('IpamDriver.RequestPool', request)).Pool);
    assert.equal(pools.size, 5);
    assert.ok(pools.has('10.192.0.0/24'));
    const { Pool } = await world.call('IpamDriver.RequestPool', { ...request, V6: true });
    assert.equal(Pool, 'fd6b:7572:7972::/64');
    const [taken] = pools;
    await world.restart();
    await createNetwork(world, { id: id('a'), subnets: [{ pool: taken ?? '' }] });
    await world.restart();
    assert.notEqual((await world.call('IpamDriver.RequestPool', request)).Pool, taken);
  }));

test('the same subnet offered twice without --subnet is an error, not an endless loop', () =>
  KuryrWorld.with(async (world) => {
    serveOwn(world);
    const request = { AddressSpace: 'kuryr', Pool: '', SubPool: '', Options: ownOptions, V6: false };
    await world.call('IpamDriver.RequestPool', request);
    const { status, body } = await world.ask('IpamDriver.RequestPool', request);
    assert.equal(status, 409);
    assert.match(body.Error, /overlaps a route of this host.*give --subnet 10.0.0.0\/24/);
  }));

test('a subnet by name serves the next network as soon as it has served one', () =>
  KuryrWorld.with(async (world) => {
    const network = await world.service.create('networks', { name: 'blue' });
    await world.service.create('subnets', { ...blueSubnet, network_id: network.id });
    const options = { 'neutron.net.name': 'blue', 'neutron.subnet.name': 'blue-v4' };
    for (const dockerId of [id('a'), id('b')]) {
      const { pools } = await createNetwork(world, { id: dockerId, options, ipamOptions: options });
      assert.deepEqual(
        pools.map(({ pool }) => pool),
        ['10.5.0.0/24'],
      );
    }
  }));

for (const [what, request, refusal] of [
  [
    'a subnet that only the network driver hears of',
    { options: { 'neutron.net.name': 'blue', 'neutron.subnet.name': 'blue-v4' } },
    /the network has no subnet blue-v4 of 10.192.0.0.24: name .* by --ipam-opt, too/,
  ],
  [
    'a subnet that only the IPAM driver hears of',
    { ipamOptions: { 'neutron.subnet.name': 'blue-v4' } },
    /kuryrPool-10.5.0.0.24\) does not exist. A subnet named by --ipam-opt has to be named by -o, too, and its network/,
  ],
  [
    'an option of the driver that there is not',
    { options: { 'berth.security-group': 'web' } },
    /there is no option berth.security-group here: there are .*berth.security-groups/,
  ],
  [
    'an option of the IPAM driver that there is not',
    { ipamOptions: { 'neutron.subnet.id': 'x' } },
    /there is no option neutron.subnet.id here: there are .*neutron.subnet.uuid/,
  ],
  [
    'an auxiliary address that is the gateway’s',
    { subnets: [{ pool: '10.77.0.0/24', gateway: '10.77.0.9' }], auxiliary: { web: '10.77.0.9' } },
    /auxiliary address web=10.77.0.9: it is the address of the gateway already/,
  ],
  [
    'an auxiliary address twice',
    { subnets: [{ pool: '10.77.0.0/24' }], auxiliary: { web: '10.77.0.9', db: '10.77.0.9' } },
    /auxiliary address db=10.77.0.9: it is the address of web already/,
  ],
] as const) {
  test(`${what} is refused, and nothing is made`, () =>
    KuryrWorld.with(async (world) => {
      const network = await world.service.create('networks', { name: 'blue' });
      await world.service.create('subnets', { ...blueSubnet, network_id: network.id });
      const before = thereIs(world);
      await assert.rejects(createNetwork(world, { id: id('a'), ...request }), refusal);
      assert.deepEqual(thereIs(world), before);
    }));
}

test('an endpoint option in our words that there is not is refused; those of others pass', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, plain);
    const endpoint = (options: object) => ({
      NetworkID: plain.id,
      EndpointID: id('e'),
      Interface: { Address: '10.77.0.9/16', MacAddress: mac },
      Options: options,
    });
    const { status, body } = await world.ask(
      'NetworkDriver.CreateEndpoint',
      endpoint({ 'berth.security-group': 'web' }),
    );
    assert.equal(status, 400);
    assert.match(
      body.Err,
      /no option berth.security-group here: there are berth.security-groups, neutron.port.uuid/,
    );
    await world.call('NetworkDriver.CreateEndpoint', endpoint({ 'org.example.colour': 'red' }));
    await world.call('NetworkDriver.DeleteEndpoint', { NetworkID: plain.id, EndpointID: id('e') });
    await removeNetwork(world, network);
    assertNothing(world);
  }));

test('two networks of one CIDR live side by side; two at the very same time do not', () =>
  KuryrWorld.with(async (world) => {
    const first = await createNetwork(world, plain);
    const second = await createNetwork(world, { ...plain, id: id('b') });
    const one = await startContainer(world, first, { ...container, ip: '10.77.0.7' });
    const two = await startContainer(world, second, { endpointId: id('f'), mac, ip: '10.77.0.7' });
    const networks = (world.service.inventory().ports ?? []).map((port) => port.network_id);
    assert.equal(new Set(networks).size, 2);
    await stopContainer(world, first, one);
    await stopContainer(world, second, two);
    const request = { AddressSpace: 'kuryr', Pool: '10.9.0.0/24', SubPool: '', Options: {}, V6: false };
    await world.call('IpamDriver.RequestPool', request);
    assert.match((await world.ask('IpamDriver.RequestPool', request)).body.Err, /is just being made/);
  }));

test('an existing network is adopted by name, with its subnet, and left as it was', () =>
  KuryrWorld.with(async (world) => {
    const network = await world.service.create('networks', { name: 'blue' });
    await world.service.create('subnets', { ...blueSubnet, network_id: network.id });
    const before = thereIs(world);
    const request = {
      id: id('a'),
      subnets: [{ pool: '10.5.0.0/24' }],
      options: { 'neutron.net.name': 'blue' },
    };
    const adopted = await createNetwork(world, request);
    assert.ok(world.service.inventory().networks?.[0]?.tags.includes('kuryr.net.existing:aaaaaaaaaaaa'));
    const started = await startContainer(world, adopted, container);
    await stopContainer(world, adopted, started);
    await removeNetwork(world, adopted);
    assert.deepEqual(thereIs(world), before);
    await assert.rejects(
      createNetwork(world, { ...request, options: { 'neutron.net.name': 'green' } }),
      /Specified network id\/name\(green\) does not exist/,
    );
    await assert.rejects(
      createNetwork(world, { ...request, subnets: [{ pool: '10.5.0.0/24', gateway: '10.5.0.77' }] }),
      /Requested gateway 10.5.0.77 does not match with gateway 10.5.0.1/,
    );
    assert.deepEqual(thereIs(world), before);
  }));

test('an unused port is adopted by its address and given back; a used one is not taken', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, plain);
    const [subnet] = world.service.inventory().subnets ?? [];
    assert.ok(subnet);
    const make = (address: string, device: string) =>
      world.service.create('ports', {
        name: 'mine',
        network_id: String(subnet.network_id),
        fixed_ips: [{ subnet_id: subnet.id, ip_address: address }],
        device_id: device,
      });
    await make('10.77.0.50', '');
    await make('10.77.0.51', 'a-virtual-machine');
    for (const beforeCall of [() => world.restart(), async () => undefined]) {
      world.beforeCall = beforeCall;
      const started = await startContainer(world, network, { ...container, ip: '10.77.0.50' });
      await stopContainer(world, network, started);
      const { ports = [] } = world.service.inventory();
      assert.deepEqual(
        ports.map((port) => [port.name, port.device_id, port.device_owner, port.tags]),
        [
          ['mine', '', '', []],
          ['mine', 'a-virtual-machine', '', []],
        ],
      );
    }
    await assert.rejects(
      startContainer(world, network, { ...container, ip: '10.77.0.51' }),
      /address 10.77.0.51 of subnet .* is in use by port/,
    );
    assert.equal(world.service.inventory().ports?.length, 2);
  }));

test('auxiliary addresses become ports, an address range the allocation pool', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, {
      id: id('a'),
      subnets: [{ pool: '10.77.0.0/16', range: '10.77.3.0/24', gateway: '10.77.3.1' }],
      auxiliary: { web: '10.77.3.2' },
    });
    const { ports, subnets } = world.service.inventory();
    assert.deepEqual(subnets?.[0]?.allocation_pools, [{ start: '10.77.3.2', end: '10.77.3.254' }]);
    assert.deepEqual(
      ports?.map((port) => [port.name, port.fixed_ips]),
      [['kuryr-aux-web', [{ subnet_id: subnets?.[0]?.id, ip_address: '10.77.3.2' }]]],
    );
    await removeNetwork(world, network);
    assertNothing(world);
  }));

test('a network without IPv4 gets the pool and the address that mean none', () =>
  KuryrWorld.with(async (world) => {
    serveOwn(world);
    const v6 = { ...world.host.subnets[0], id: own.subnetId, cidr: 'fd00:5::/64', gatewayIp: 'fd00:5::1' };
    world.host.subnets.splice(0, 1, { ...v6, networkId: own.networkId, ipVersion: 6, hostRoutes: [] });
    const options = { 'neutron.net.uuid': own.networkId, 'neutron.subnet.v6.uuid': own.subnetId };
    world.host.ports.splice(0, 1, {
      id: own.portId,
      networkId: own.networkId,
      macAddress: ownMac,
      fixedIps: [{ address: 'fd00:5::9', subnetId: own.subnetId }],
      deviceOwner: 'compute:berth',
    });
    const network = await createNetwork(world, {
      id: id('a'),
      v6: [{ pool: 'fd00:5::/64' }],
      options,
      ipamOptions: options,
    });
    assert.equal(network.pools[0]?.pool, '0.0.0.0/0');
    const started = await startContainer(world, network, {
      endpointId: id('e'),
      mac: ownMac,
      ip6: 'fd00:5::9',
    });
    assert.deepEqual(
      started.addresses.map(({ address }) => address),
      ['0.0.0.0/32', 'fd00:5::9/64'],
    );
    assert.deepEqual([started.join.Gateway, started.join.GatewayIPv6], ['', 'fd00:5::1']);
    await stopContainer(world, network, started);
    assert.deepEqual(world.service.calls, []);
    await assert.rejects(
      startContainer(world, network, { endpointId: id('e'), mac: ownMac, ip: '10.0.0.3' }),
      /no IPv4 subnet/,
    );
  }));

test('with another IPAM driver the port is made and deleted with the endpoint', () =>
  KuryrWorld.with(async (world) => {
    const ids = { NetworkID: id('a'), EndpointID: id('e') };
    await world.call('NetworkDriver.CreateNetwork', {
      NetworkID: id('a'),
      Options: { 'com.docker.network.generic': {} },
      IPv4Data: [{ AddressSpace: 'LocalDefault', Pool: '172.30.0.0/16', Gateway: '172.30.0.1/16' }],
      IPv6Data: null,
    });
    const { Interface } = await world.call('NetworkDriver.CreateEndpoint', {
      ...ids,
      Interface: { Address: '172.30.0.2/16' },
      Options: null,
    });
    const [port] = world.service.inventory().ports ?? [];
    assert.equal(Interface.MacAddress, port?.mac_address);
    assert.equal((await world.call('NetworkDriver.Join', ids)).Gateway, '172.30.0.1');
    world.host.secondary.add(String(port?.id));
    assert.equal((await world.call('NetworkDriver.Join', ids)).Gateway, '', 'another port has the gateway');
    await world.restart();
    await world.call('NetworkDriver.DeleteEndpoint', ids);
    assert.deepEqual(world.service.inventory().ports, []);
    await world.call('NetworkDriver.DeleteNetwork', { NetworkID: id('a') });
    assertNothing(world);
  }));

test('the same call twice is as good as once, and what is unknown is deleted already', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, plain);
    const body = {
      NetworkID: network.id,
      Options: { 'com.docker.network.generic': {} },
      IPv4Data: [{ AddressSpace: 'kuryr', Pool: '10.77.0.0/16', Gateway: '10.77.0.1/16' }],
      IPv6Data: [],
    };
    await world.call('NetworkDriver.CreateNetwork', body);
    assert.equal(world.service.inventory().networks?.length, 1);
    assert.equal(world.service.inventory().subnets?.length, 1);
    const ids = { NetworkID: id('9'), EndpointID: id('9') };
    await world.call('NetworkDriver.Leave', ids);
    await world.call('NetworkDriver.DeleteEndpoint', ids);
    await world.call('NetworkDriver.DeleteNetwork', ids);
    await world.call('IpamDriver.ReleaseAddress', { PoolID: 'no-such-pool', Address: '10.0.0.1' });
    await world.call('IpamDriver.ReleasePool', { PoolID: 'no-such-pool' });
  }));

/** Docker lost its endpoints while the driver was away: the machine lost power. */
/** Docker, back before the driver, releases in vain and forgets. */
async function losePower(world: KuryrWorld): Promise<void> {
  world.host.plugged.clear();
  world.host.endpoints.clear();
  await world.restart();
}

for (const ask of [{ ip: '10.77.0.50' }, {}]) {
  test(`a port that a power cut left gives way to the next container, ${ask.ip ?? 'by its MAC'}`, () =>
    KuryrWorld.with(async (world) => {
      const network = await createNetwork(world, plain);
      await startContainer(world, network, { ...container, ...ask });
      await losePower(world);
      const started = await startContainer(world, network, { endpointId: id('f'), mac, ...ask });
      assert.deepEqual(
        world.service.inventory().ports?.map((port) => port.device_id),
        [id('f')],
      );
      await stopContainer(world, network, started);
      assert.deepEqual(world.service.inventory().ports, []);
    }));
}

test('ports that nobody released are swept; those in use or auxiliary are not', () =>
  KuryrWorld.with(async (world) => {
    const network = await createNetwork(world, { ...plain, auxiliary: { web: '10.77.3.9' } });
    await startContainer(world, network, { ...container, ip: '10.77.0.50' });
    await losePower(world);
    await startContainer(world, network, { endpointId: id('f'), mac: '02:42:00:00:00:02', ip: '10.77.0.51' });
    await world.stop();
    await world.start(5_000, 20);
    const addresses = () =>
      (world.service.inventory().ports ?? []).flatMap((port) =>
        (port.fixed_ips as { ip_address: string }[]).map((ip) => ip.ip_address),
      );
    await until('the lost port is gone', async () => !addresses().includes('10.77.0.50'));
    assert.deepEqual(addresses().toSorted(), ['10.77.0.51', '10.77.3.9']);
  }));

test('an endpoint that names its port gets that port’s MAC, and nothing of another port', () =>
  KuryrWorld.with(async (world) => {
    serveOwn(world);
    const ports = new DockerdCalls(join(world.pluginDir, 'kuryr-ports.sock'));
    const asked = async (call: string, body?: unknown) => (await ports.ask(call, body)).body;
    assert.deepEqual(await asked('Plugin.Activate'), { Implements: ['IpamDriver'] });
    const capabilities = await asked('IpamDriver.GetCapabilities');
    assert.deepEqual(capabilities, { RequiresMACAddress: false, RequiresRequestReplay: false });
    const { PoolID } = await asked('IpamDriver.RequestPool', {
      AddressSpace: 'kuryr',
      Pool: '10.0.0.0/24',
      SubPool: '',
      Options: ownOptions,
      V6: false,
    });
    const [port] = world.host.ports;
    const address = port?.fixedIps[0]?.address ?? '';
    const request = (text: string) => ports.ask('IpamDriver.RequestAddress', { PoolID, Address: text });
    assert.deepEqual((await request(address)).body, { Address: `${address}/24`, Data: {} });
    for (const wrong of ['10.0.0.99', '']) assert.notEqual((await request(wrong)).status, 200, wrong);
    await world.call('NetworkDriver.CreateNetwork', {
      NetworkID: ownNetwork.id,
      Options: { 'com.docker.network.generic': ownOptions },
      IPv4Data: [{ AddressSpace: 'kuryr', Pool: '10.0.0.0/24', Gateway: '10.0.0.1/24' }],
      IPv6Data: [],
    });
    const create = (Interface: object) =>
      world.ask('NetworkDriver.CreateEndpoint', {
        NetworkID: ownNetwork.id,
        EndpointID: id('c'),
        Interface,
        Options: { 'neutron.port.uuid': own.portId },
      });
    assert.notEqual((await create({ Address: '10.0.0.99/24' })).status, 200);
    assert.notEqual((await create({ Address: `${address}/24`, MacAddress: mac })).status, 200);
    assert.deepEqual((await create({ Address: `${address}/24` })).body, {
      Interface: { MacAddress: ownMac },
    });
    assert.equal(world.host.plugged.get(id('c')), own.portId);
    assert.deepEqual(Object.values(world.service.inventory()).flat(), []);
  }));
