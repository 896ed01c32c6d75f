/** What dockerd calls for its commands, in its order, with its roll-back (20.10). */
import type { KuryrWorld } from './kuryr-world.ts';

/** Where the calls go, and Docker's own lists of its networks and endpoints. */
export type DockerWorld = Pick<KuryrWorld, 'call' | 'ask'> & {
  readonly host: { readonly networks: Set<string>; readonly endpoints: Map<string, string> };
};

export interface NetworkRequest {
  readonly id: string;
  readonly subnets?: readonly {
    readonly pool?: string;
    readonly range?: string;
    readonly gateway?: string;
  }[];
  readonly v6?: readonly { readonly pool?: string; readonly gateway?: string }[];
  readonly options?: Readonly<Record<string, string>>;
  readonly ipamOptions?: Readonly<Record<string, string>>;
  readonly auxiliary?: Readonly<Record<string, string>>;
  readonly internal?: boolean;
}

interface PoolOfDocker {
  readonly poolId: string;
  readonly pool: string;
  readonly gateway: string;
  readonly version: 4 | 6;
  readonly auxiliary: Record<string, string>;
}

export interface NetworkOfDocker {
  readonly id: string;
  readonly pools: readonly PoolOfDocker[];
}

const gatewayKey = 'com.docker.network.gateway';

export async function createNetwork(world: DockerWorld, request: NetworkRequest): Promise<NetworkOfDocker> {
  const pools: PoolOfDocker[] = [];
  const network = { id: request.id, pools };
  try {
    for (const subnet of request.subnets ?? [{}]) pools.push(await createPool(world, request, subnet, false));
    for (const subnet of request.v6 ?? []) pools.push(await createPool(world, request, subnet, true));
    const data = (version: number) =>
      pools
        .filter((pool) => pool.version === version)
        .map(({ pool, gateway, auxiliary }) => ({
          AddressSpace: 'kuryr',
          Pool: pool,
          Gateway: gateway,
          ...(Object.keys(auxiliary).length > 0 ? { AuxAddresses: auxiliary } : {}),
        }));
    await world.call('NetworkDriver.CreateNetwork', {
      NetworkID: request.id,
      Options: {
        'com.docker.network.enable_ipv6': request.v6 !== undefined,
        'com.docker.network.generic': request.options ?? {},
        ...(request.internal ? { 'com.docker.network.internal': true } : {}),
      },
      IPv4Data: data(4),
      IPv6Data: data(6),
    });
    world.host.networks.add(request.id);
    return network;
  } catch (error) {
    await releasePools(world, network);
    throw error;
  }
}

export async function removeNetwork(world: DockerWorld, network: NetworkOfDocker): Promise<void> {
  world.host.networks.delete(network.id);
  await releasePools(world, network);
  await world.ask('NetworkDriver.DeleteNetwork', { NetworkID: network.id });
}

export interface ContainerOfDocker {
  readonly endpointId: string;
  readonly addresses: readonly { readonly poolId: string; readonly address: string }[];
  // biome-ignore lint/suspicious/noExplicitAny: the answer to Join
  readonly join: any;
}

export interface ContainerRequest {
  readonly endpointId: string;
  readonly mac: string;
  readonly ip?: string;
  readonly ip6?: string;
  /** `--expose` and `-p`, as dockerd tells them. */
  readonly labels?: object;
  /** `--network name=…,driver-opt=…` */
  readonly options?: Readonly<Record<string, string>>;
}

export async function startContainer(
  world: DockerWorld,
  network: NetworkOfDocker,
  { endpointId, mac, ip, ip6, labels = {}, options = {} }: ContainerRequest,
): Promise<ContainerOfDocker> {
  const held: { poolId: string; address: string; version: 4 | 6 }[] = [];
  const ids = { NetworkID: network.id, EndpointID: endpointId };
  const release = () => releaseAddresses(world, held);
  try {
    for (const [version, asked] of [[4, ip] as const, [6, ip6] as const]) {
      const pool = network.pools.find((each) => each.version === version);
      if (!pool) continue;
      const { Address } = await world.call('IpamDriver.RequestAddress', {
        PoolID: pool.poolId,
        Address: asked ?? '',
        Options: { 'com.docker.network.endpoint.macaddress': mac },
      });
      held.push({ poolId: pool.poolId, address: Address, version });
    }
    const address = (version: number) => held.find((each) => each.version === version)?.address ?? '';
    const { Interface } = await world.call('NetworkDriver.CreateEndpoint', {
      ...ids,
      Interface: { Address: address(4), AddressIPv6: address(6), MacAddress: mac },
      Options: { ...labels, ...options },
    });
    if (Object.values(Interface ?? {}).some((value) => value !== ''))
      throw new Error('repeats what was asked');
    world.host.endpoints.set(endpointId, mac);
  } catch (error) {
    await release();
    throw error;
  }
  try {
    const join = await world.call('NetworkDriver.Join', { ...ids, SandboxKey: '/x/netns/1', Options: {} });
    await world.call('NetworkDriver.ProgramExternalConnectivity', { ...ids, Options: labels });
    await world.call('NetworkDriver.EndpointOperInfo', ids);
    return { endpointId, addresses: held, join };
  } catch (error) {
    world.host.endpoints.delete(endpointId);
    await world.ask('NetworkDriver.DeleteEndpoint', ids);
    await release();
    throw error;
  }
}

export async function stopContainer(
  world: DockerWorld,
  network: NetworkOfDocker,
  container: ContainerOfDocker,
): Promise<void> {
  const ids = { NetworkID: network.id, EndpointID: container.endpointId };
  world.host.endpoints.delete(container.endpointId);
  for (const call of ['RevokeExternalConnectivity', 'Leave', 'DeleteEndpoint']) {
    await world.ask(`NetworkDriver.${call}`, ids);
  }
  await releaseAddresses(world, container.addresses);
}

async function createPool(
  world: DockerWorld,
  request: NetworkRequest,
  subnet: { readonly pool?: string; readonly range?: string; readonly gateway?: string },
  isV6: boolean,
): Promise<PoolOfDocker> {
  const { PoolID, Pool, Data } = await world.call('IpamDriver.RequestPool', {
    AddressSpace: 'kuryr',
    Pool: subnet.pool ?? '',
    SubPool: subnet.range ?? '',
    Options: request.ipamOptions ?? {},
    V6: isV6,
  });
  let gateway: string = Data?.[gatewayKey] ?? '';
  try {
    if (!gateway || subnet.gateway) {
      const answer = await world.call('IpamDriver.RequestAddress', {
        PoolID,
        Address: subnet.gateway ?? '',
        Options: { RequestAddressType: gatewayKey },
      });
      gateway = answer.Address;
    }
    const auxiliary: Record<string, string> = {};
    for (const [name, address] of isV6 ? [] : Object.entries(request.auxiliary ?? {})) {
      const answer = await world.call('IpamDriver.RequestAddress', {
        PoolID,
        Address: address,
        Options: null,
      });
      auxiliary[name] = answer.Address;
    }
    return { poolId: PoolID, pool: Pool, gateway, version: isV6 ? 6 : 4, auxiliary };
  } catch (error) {
    await world.ask('IpamDriver.ReleasePool', { PoolID });
    throw error;
  }
}

async function releasePools(world: DockerWorld, { pools }: NetworkOfDocker): Promise<void> {
  for (const { poolId, gateway, auxiliary } of pools) {
    await releaseAddresses(
      world,
      [gateway, ...Object.values(auxiliary)].map((address) => ({ poolId, address })),
    );
    await world.ask('IpamDriver.ReleasePool', { PoolID: poolId });
  }
}

async function releaseAddresses(
  world: DockerWorld,
  held: readonly { readonly poolId: string; readonly address: string }[],
): Promise<void> {
  for (const { poolId, address } of held) {
    await world.ask('IpamDriver.ReleaseAddress', { PoolID: poolId, Address: address.split('/')[0] });
  }
}
