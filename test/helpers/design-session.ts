/**
 * The session by which Kuryr's design explains itself, command by command, on any network service: a network `foo`, a container
 * on it, another one connected and disconnected, all removed. What Docker shows and what the network service has is compared in full.
 *
 * The design says what the commands do to Neutron in https://docs.openstack.org/kuryr-libnetwork/latest/devref/libnetwork_remote_driver_design.html
 */
import assert from 'node:assert/strict';
import type { NetworkService, PortView } from '../../src/wire/network-service.ts';

export interface DesignWorld {
  /** Docker's command line: what it printed; it has to succeed. */
  docker(...args: readonly string[]): Promise<string>;
  readonly service: NetworkService;
  /** The name of this host among the network service's agents. */
  readonly host: string;
  readonly driver: string;
  readonly image: string;
  /** Before all names of Docker's objects. */
  readonly prefix: string;
}

const subnet = { Subnet: '10.0.0.0/16', IPRange: '10.0.0.0/24', Gateway: '10.0.0.1' };
const pools = [{ start: '10.0.0.2', end: '10.0.0.254' }];

/** Expects a network service without objects of Kuryr, and leaves it so. */
export async function playDesignSession(world: DesignWorld): Promise<void> {
  const { docker, prefix } = world;
  const [foo, other] = [`${prefix}foo`, `${prefix}bar`];
  const [first, second] = [`${prefix}container1`, `${prefix}container2`];
  try {
    const networkId = await createNetwork(world, foo, [
      ...['--subnet', subnet.Subnet],
      ...['--gateway', subnet.Gateway],
      ...['--ip-range', subnet.IPRange],
    ]);
    const made = await assertNetwork(world, networkId);
    await runContainer(world, first, foo);
    await assertEndpoint(world, { container: first, network: foo, ...made });
    await assertInspect(world, foo, [first]);
    await createNetwork(world, other, ['--subnet', '10.1.0.0/24']);
    await runContainer(world, second, other);
    await docker('network', 'connect', '--ip', '10.0.9.9', foo, second);
    await assertEndpoint(world, { container: second, network: foo, ...made });
    await assertInspect(world, foo, [first, second]);
    await docker('exec', first, 'ping', '-c', '1', '-W', '10', '10.0.9.9');
    assert.equal((await portsOf(world)).length, 3);
    await docker('network', 'disconnect', foo, second);
    assert.deepEqual(
      (await portsOf(world, { network_id: made.networkId })).map(({ device_id }) => device_id),
      [(await endpointOf(world, first, foo)).EndpointID],
    );
    await assertInspect(world, foo, [first]);
    for (const name of [first, second]) await docker('rm', '--force', name);
    assert.deepEqual(await portsOf(world), []);
    await assertNetwork(world, networkId);
    for (const name of [foo, other]) await docker('network', 'rm', name);
    assert.deepEqual(await world.service.list('networks', { name: nameOf(networkId) }), []);
    assert.deepEqual(await world.service.list('subnetpools', {}), []);
  } finally {
    for (const name of [first, second]) await docker('rm', '--force', name).catch(() => undefined);
    for (const name of [foo, other]) await docker('network', 'rm', name).catch(() => undefined);
  }
}

const nameOf = (networkId: string) => `kuryr-net-${networkId.slice(0, 8)}`;

async function createNetwork(world: DesignWorld, name: string, options: readonly string[]): Promise<string> {
  const drivers = ['--driver', world.driver, '--ipam-driver', world.driver];
  return (await world.docker('network', 'create', ...drivers, ...options, name)).trim();
}

async function runContainer({ docker, image }: DesignWorld, name: string, network: string): Promise<void> {
  await docker('run', '--net', network, '-itd', '--name', name, image, 'sleep', '100000');
}

function portsOf({ service }: DesignWorld, query: Record<string, string> = {}): Promise<PortView[]> {
  return service.list('ports', { device_owner: 'compute:kuryr', ...query });
}

interface Made {
  readonly networkId: string;
  readonly subnetId: string;
}

/** The network, subnet and subnet pool of `foo`. */
async function assertNetwork({ service, host }: DesignWorld, networkId: string): Promise<Made> {
  const [network, ...others] = await service.list('networks', { name: nameOf(networkId) });
  assert.ok(network);
  assert.deepEqual(others, []);
  assert.deepEqual(network.tags.toSorted(), [
    `kuryr.host.${networkId.slice(0, 12)}:${host}`,
    `kuryr.net.uuid.lh:${networkId.slice(0, 32)}`,
    `kuryr.net.uuid.uh:${networkId.slice(32)}`,
  ]);
  const [made] = await service.list('subnets', { network_id: network.id });
  const [pool] = await service.list('subnetpools', { id: String(made?.subnetpool_id) });
  assert.ok(made && pool);
  assert.deepEqual([pool.name, pool.prefixes], [`kuryrPool-${subnet.Subnet}`, [subnet.Subnet]]);
  assert.deepEqual(
    [made.name, made.cidr, made.gateway_ip, made.tags, made.allocation_pools],
    [`kuryr-subnet-${subnet.Subnet}`, subnet.Subnet, subnet.Gateway, [pool.id], pools],
  );
  return { networkId: network.id, subnetId: made.id };
}

interface Endpoint {
  readonly EndpointID: string;
  readonly IPAddress: string;
  readonly IPPrefixLen: number;
  readonly Gateway: string;
  readonly MacAddress: string;
}

async function endpointOf({ docker }: DesignWorld, container: string, network: string): Promise<Endpoint> {
  const [{ NetworkSettings }] = JSON.parse(await docker('inspect', container));
  return NetworkSettings.Networks[network];
}

/** The port is what Docker says of the endpoint. */
async function assertEndpoint(
  world: DesignWorld,
  where: Made & { readonly container: string; readonly network: string },
): Promise<void> {
  const endpoint = await endpointOf(world, where.container, where.network);
  const [port, ...others] = await portsOf(world, { device_id: endpoint.EndpointID });
  assert.ok(port);
  assert.deepEqual(others, []);
  assert.deepEqual([endpoint.IPPrefixLen, endpoint.Gateway], [16, subnet.Gateway]);
  assert.deepEqual(
    [port.name, port.network_id, port.mac_address, port['binding:host_id'], port.fixed_ips],
    [
      `${endpoint.EndpointID}-port`,
      where.networkId,
      endpoint.MacAddress,
      world.host,
      [{ subnet_id: where.subnetId, ip_address: endpoint.IPAddress }],
    ],
  );
}

/** `docker network inspect`, all that the design shows of it. */
async function assertInspect(
  world: DesignWorld,
  network: string,
  containers: readonly string[],
): Promise<void> {
  const { docker, driver } = world;
  const [shown] = JSON.parse(await docker('network', 'inspect', network));
  const { Name, Scope, Driver, EnableIPv6, IPAM, Internal, Containers, Options, Labels } = shown;
  const expected = await Promise.all(
    containers.map(async (name) => {
      const endpoint = await endpointOf(world, name, network);
      const id = (await docker('inspect', '--format', '{{.Id}}', name)).trim();
      const { EndpointID, MacAddress, IPAddress, IPPrefixLen } = endpoint;
      const IPv4Address = `${IPAddress}/${IPPrefixLen}`;
      return [id, { Name: name, EndpointID, MacAddress, IPv4Address, IPv6Address: '' }];
    }),
  );
  assert.deepEqual(
    { Name, Scope, Driver, EnableIPv6, IPAM, Internal, Containers, Options, Labels },
    {
      Name: network,
      Scope: 'local',
      Driver: driver,
      EnableIPv6: false,
      IPAM: { Driver: driver, Options: {}, Config: [subnet] },
      Internal: false,
      Containers: Object.fromEntries(expected),
      Options: {},
      Labels: {},
    },
  );
}
