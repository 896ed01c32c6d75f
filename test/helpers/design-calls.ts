/**
 * The calls that Kuryr's design shows between dockerd and the driver, with its JSON, and what is answered to each.
 *
 * Where the answers differ from the design's (of 2016), the guide says so: a pool is the whole subnet, of which `--ip-range`
 * only limits what is handed out, so addresses carry the subnet's length. dockerd names the address space in all calls by now.
 */
import assert from 'node:assert/strict';
import type { NetworkService } from '../../src/wire/network-service.ts';
import type { DockerWorld } from './docker-flows.ts';

const networkId = '286eddb51ebca09339cb17aaec05e48ffe60659ced6f3fc41b020b0eb506d364';
const endpointId = 'edb23d36d77336d780fe25cdb5cf0411e5edd91b0777982b4b28ad125e28a4dd';
const macAddress = '08:22:e0:a8:7d:db';
const ids = { NetworkID: networkId, EndpointID: endpointId };

type CallsWorld = DockerWorld & { readonly service: NetworkService };

/** Leaves nothing. */
export async function playDesignCalls(world: CallsWorld): Promise<void> {
  const { service } = world;
  const poolId = await createPool(world);
  let address = '';
  try {
    await createNetwork(world, poolId);
    const [network] = await service.list('networks', { name: 'kuryr-net-286eddb5' });
    assert.ok(network);
    address = await createEndpoint(world, poolId);
    world.host.endpoints.set(endpointId, macAddress);
    await join(world, network.id, address);
    await removeEndpoint(world, poolId, address);
    await removeNetwork(world, poolId);
    assert.deepEqual(await service.list('networks', { id: network.id }), []);
    assert.deepEqual(await service.list('subnetpools', { id: poolId }), []);
  } finally {
    // Repeating what is done already does no harm.
    await removeEndpoint(world, poolId, address || '10.0.0.2');
    await removeNetwork(world, poolId);
  }
}

async function createPool({ call }: CallsWorld): Promise<string> {
  const { PoolID, ...pool } = await call('IpamDriver.RequestPool', {
    AddressSpace: 'kuryr',
    Pool: '10.0.0.0/16',
    SubPool: '10.0.0.0/24',
    Options: {},
    V6: false,
  });
  assert.deepEqual(pool, { Pool: '10.0.0.0/16', Data: {} });
  return PoolID;
}

async function createNetwork({ call, host }: CallsWorld, poolId: string): Promise<void> {
  const gateway = await call('IpamDriver.RequestAddress', {
    Address: '10.0.0.1',
    PoolID: poolId,
    Options: { RequestAddressType: 'com.docker.network.gateway' },
  });
  assert.deepEqual(gateway, { Address: '10.0.0.1/16', Data: {} });
  const created = await call('NetworkDriver.CreateNetwork', {
    NetworkID: networkId,
    IPv4Data: [{ Pool: '10.0.0.0/16', Gateway: '10.0.0.1/16', AddressSpace: 'kuryr' }],
    IPv6Data: [],
    Options: { 'com.docker.network.enable_ipv6': false, 'com.docker.network.generic': {} },
  });
  assert.deepEqual(created, {});
  host.networks.add(networkId);
}

/** Returns the address without its length: which one it is, the network service says. */
async function createEndpoint({ call }: CallsWorld, poolId: string): Promise<string> {
  const { Address, Data } = await call('IpamDriver.RequestAddress', {
    Address: '',
    PoolID: poolId,
    Options: { 'com.docker.network.endpoint.macaddress': macAddress },
  });
  assert.match(Address, /^10\.0\.0\.\d+\/16$/);
  assert.deepEqual(Data, {});
  const created = await call('NetworkDriver.CreateEndpoint', {
    ...ids,
    Interface: { AddressIPv6: '', MacAddress: macAddress, Address },
    Options: { 'com.docker.network.endpoint.exposedports': [], 'com.docker.network.portmap': [] },
  });
  // Absent is empty for dockerd.
  assert.deepEqual({ MacAddress: '', ...created.Interface }, { MacAddress: '' });
  return Address.split('/')[0];
}

async function join({ call, service }: CallsWorld, networkId: string, address: string): Promise<void> {
  const [port] = await service.list('ports', { network_id: networkId, device_id: endpointId });
  assert.deepEqual(
    [port?.device_owner, port?.mac_address, port?.fixed_ips.map((ip) => ip.ip_address)],
    ['compute:kuryr', macAddress, [address]],
  );
  const SandboxKey = '/var/run/docker/netns/052b9aa6e9cd';
  assert.deepEqual(await call('NetworkDriver.Join', { ...ids, SandboxKey, Options: null }), {
    InterfaceName: { SrcName: `t_c${port?.id.slice(0, 11)}`, DstPrefix: 'eth' },
    Gateway: '10.0.0.1',
    GatewayIPv6: '',
    StaticRoutes: [],
    DisableGatewayService: true,
  });
}

async function removeEndpoint(world: CallsWorld, poolId: string, address: string): Promise<void> {
  const { call, service, host } = world;
  host.endpoints.delete(endpointId);
  assert.deepEqual(await call('NetworkDriver.Leave', ids), {});
  assert.deepEqual(await call('NetworkDriver.DeleteEndpoint', ids), {});
  assert.deepEqual(await call('IpamDriver.ReleaseAddress', { Address: address, PoolID: poolId }), {});
  assert.deepEqual(await service.list('ports', { device_id: endpointId }), []);
}

async function removeNetwork({ call, host }: CallsWorld, poolId: string): Promise<void> {
  host.networks.delete(networkId);
  assert.deepEqual(await call('NetworkDriver.DeleteNetwork', { NetworkID: networkId }), {});
  assert.deepEqual(await call('IpamDriver.ReleaseAddress', { Address: '10.0.0.1', PoolID: poolId }), {});
  assert.deepEqual(await call('IpamDriver.ReleasePool', { PoolID: poolId }), {});
}
