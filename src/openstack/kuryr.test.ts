/** Kuryr alone, in front of a Neutron by credentials: our own network API over HTTP, with a kernel in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playDesignCalls } from '../../test/helpers/design-calls.ts';
import {
  createNetwork,
  removeNetwork,
  startContainer,
  stopContainer,
} from '../../test/helpers/docker-flows.ts';
import { withKuryrAlone } from '../../test/helpers/kuryr-alone.ts';
import { FakeKernel } from '../host/fake.ts';
import type { NetworkService } from '../wire/network-service.ts';

const id = (digit: string) => digit.repeat(64);
const container = { endpointId: id('e'), mac: '02:42:00:00:00:01' };
const labels = { 'com.docker.network.endpoint.exposedports': [{ Proto: 6, Port: 80 }] };

async function inventory(service: NetworkService): Promise<string[]> {
  const resources = [
    'networks',
    'subnets',
    'subnetpools',
    'ports',
    'security-groups',
    'floatingips',
  ] as const;
  const all = await Promise.all(resources.map((resource) => service.list(resource, {})));
  return all.flat().map((row) => `${row.name} ${row.tags}`);
}

test('the calls of Kuryr’s design: its JSON and its answers', () =>
  withKuryrAlone({ kernel: new FakeKernel() }, playDesignCalls));

test('a container of two families by HTTP alone: its objects, its links, and nothing afterwards', () => {
  const kernel = new FakeKernel();
  return withKuryrAlone({ kernel }, async (alone) => {
    const before = await inventory(alone.service);
    const request = {
      id: id('a'),
      subnets: [{ pool: '10.77.0.0/16', range: '10.77.1.0/24' }],
      v6: [{ pool: 'fd00:77::/64' }],
      auxiliary: { web: '10.77.1.9' },
    };
    const network = await createNetwork(alone, request);
    const started = await startContainer(alone, network, { ...container, labels });
    const ports = await alone.service.list('ports', { device_id: id('e') });
    const [port] = ports;
    assert.ok(port);
    assert.deepEqual(
      [port.device_owner, port['binding:host_id'], port.mac_address, port.fixed_ips.length],
      ['compute:kuryr', 'here', container.mac, 2],
    );
    assert.equal(port.security_groups.length, 2);
    const digits = port.id.slice(0, 11);
    assert.equal(started.join.InterfaceName.SrcName, `t_c${digits}`);
    const links = await kernel.links();
    const inner = links.find(({ name }) => name === `t_c${digits}`);
    const outer = links.find(({ name }) => name === `tap${digits}`);
    assert.deepEqual([inner?.mac, inner?.mtu, outer?.up], [container.mac, 1450, true]);
    assert.equal(outer?.alias, `kuryr berth ${port.id} ${id('e')}`);
    await alone.restart();
    await stopContainer(alone, network, started);
    assert.equal(
      (await kernel.links()).some(({ alias }) => alias.startsWith('kuryr')),
      false,
    );
    await removeNetwork(alone, network);
    assert.deepEqual(await inventory(alone.service), before);
  });
});

test('a network and its container that Docker forgot are freed', () => {
  const kernel = new FakeKernel();
  return withKuryrAlone({ kernel }, async (alone) => {
    const before = await inventory(alone.service);
    const network = await createNetwork(alone, { id: id('a'), subnets: [{ pool: '10.77.0.0/24' }] });
    await startContainer(alone, network, container);
    await alone.restart();
    alone.host.networks.clear();
    alone.host.endpoints.clear();
    assert.deepEqual(
      (await alone.sweep()).map(({ kind }) => kind),
      ['port', 'network'],
    );
    assert.deepEqual(await inventory(alone.service), before);
    const links = await kernel.links();
    assert.deepEqual(
      links.filter(({ alias }) => alias.startsWith('kuryr')),
      [],
    );
  });
});

test('a link whose port is gone stays while Docker has its endpoint, as another driver of this host may', () => {
  const kernel = new FakeKernel();
  return withKuryrAlone({ kernel }, async (alone) => {
    const alias = `kuryr berth ${'b'.repeat(36)} ${id('e')}`;
    const name = `tap${'b'.repeat(11)}`;
    await kernel.apply([
      { do: 'ensure-veth', name, mtu: 1500, alias, peer: { name: 'peer', mac: container.mac } },
    ]);
    const isThere = async () => (await kernel.links()).some((link) => link.name === name);
    alone.host.endpoints.set(id('e'), container.mac);
    assert.deepEqual(await alone.sweep(), []);
    assert.equal(await isThere(), true);
    alone.host.endpoints.clear();
    assert.deepEqual(
      (await alone.sweep()).map(({ kind }) => kind),
      ['link'],
    );
    assert.equal(await isThere(), false);
  });
});

test('a port that is not ours to wire is refused with advice, and nothing is left of it', () => {
  const kernel = new FakeKernel();
  return withKuryrAlone({ kernel, bindings: {} }, async (alone) => {
    const network = await createNetwork(alone, { id: id('a'), subnets: [{ pool: '10.77.0.0/24' }] });
    await assert.rejects(startContainer(alone, network, container), /binding "berth": .*`berth up`/);
    assert.deepEqual(await alone.service.list('ports', { device_owner: 'compute:kuryr' }), []);
    assert.equal(
      (await kernel.links()).some(({ alias }) => alias.startsWith('kuryr')),
      false,
    );
    await removeNetwork(alone, network);
  });
});

test('published ports are reached through a floating IP, which goes with the container', () =>
  withKuryrAlone({ kernel: new FakeKernel() }, async (alone) => {
    const { service, session } = alone;
    const ask = <T>(method: string, path: string, body: object) =>
      session.request<T>('network', { method, path, body });
    const outside = await service.create('networks', { name: 'public', 'router:external': true });
    await service.create('subnets', { network_id: outside.id, ip_version: 4, cidr: '192.0.2.0/24' });
    const network = await createNetwork(alone, {
      id: id('a'),
      subnets: [{ pool: '10.77.0.0/24' }],
      options: { 'berth.publish': 'floating-ip', 'berth.external-network': 'public' },
    });
    const [subnet] = await service.list('subnets', { cidr: '10.77.0.0/24' });
    const { router } = await ask<{ router: { id: string } }>('POST', '/routers', {
      router: { external_gateway_info: { network_id: outside.id } },
    });
    const inside = { subnet_id: subnet?.id };
    await ask('PUT', `/routers/${router.id}/add_router_interface`, inside);
    const before = await inventory(service);
    const published = {
      'com.docker.network.portmap': [
        { Proto: 6, Port: 80, HostPort: 8080 },
        { Proto: 17, Port: 53, HostPort: 0 },
      ],
    };
    const started = await startContainer(alone, network, { ...container, labels: published });
    const [floating] = await service.list('floatingips', {});
    const { port_forwardings: forwardings } = await session.request<{ port_forwardings: object[] }>(
      'network',
      { method: 'GET', path: `/floatingips/${floating?.id}/port_forwardings` },
    );
    const shown = forwardings as { protocol: string; external_port: number; internal_port: number }[];
    assert.deepEqual(
      shown.map((each) => [each.protocol, each.external_port, each.internal_port]).toSorted(),
      [
        ['tcp', 8080, 80],
        ['udp', 53, 53],
      ],
    );
    await stopContainer(alone, network, started);
    assert.deepEqual(await inventory(service), before);
    await ask('PUT', `/routers/${router.id}/remove_router_interface`, inside);
    await removeNetwork(alone, network);
    assert.deepEqual(await service.list('subnetpools', {}), []);
  }));
