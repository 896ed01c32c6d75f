/**
 * The Kuryr driver for dockerd: a network driver and an IPAM driver of one name, where ./listen says: on a unix socket in
 * dockerd's plugin folder, or on TCP. Network → network, pool → subnet, endpoint → port. A second IPAM driver beside it, `<name>-ports`, serves
 * endpoints that name their port, as Berth's own do.
 *
 * Calls about one object are done in turn. Docker itself is never asked anything from here: dockerd holds its locks
 * while it waits for us. Contract: docs/guide/kuryr.md.
 */
import { KeyedQueue } from '../../base/keyed-queue.ts';
import type { Log } from '../../base/log.ts';
import { Failure } from '../../model/failure.ts';
import { portIpamDriver } from '../../model/host-names.ts';
import { Addresses } from './addresses.ts';
import type { KuryrBackend } from './backend.ts';
import { Endpoints } from './endpoints.ts';
import { Exposure } from './exposure.ts';
import type { TcpListen } from './listen.ts';
import { addressSpace } from './names.ts';
import { Networks } from './networks.ts';
import { Orphans, type Shelter } from './orphans.ts';
import { Pools } from './pools.ts';
import { portOrphans } from './port-orphans.ts';
import {
  type CreateEndpoint,
  type CreateNetwork,
  type EndpointRequest,
  type JoinRequest,
  type NetworkRequest,
  type ProgramRequest,
  type ReleaseAddress,
  type ReleasePool,
  type RequestAddress,
  type RequestPool,
  shapes,
} from './protocol.ts';
import { constant, type Method, method, servePlugin } from './server.ts';
import { Subnets } from './subnets.ts';

export interface KuryrPluginOptions {
  /** The driver's name for Docker, and the socket's. */
  readonly name: string;
  /** Where dockerd looks for plugins: `/run/docker/plugins`. */
  readonly pluginDir: string;
  /** An address of TCP instead of the socket, and the next one for the second driver. */
  readonly tcp?: TcpListen | undefined;
  readonly backend: KuryrBackend;
  readonly log: Log;
  /** A call is answered within this time, by an error if need be. */
  readonly deadlineMs: number;
  /** How often what Docker did not release is looked for, at the latest; every 10 minutes unless told. */
  readonly sweepMs?: number;
  /** How long something must have been seen to be such; a minute unless told. */
  readonly graceMs?: number;
  /** It is only logged. */
  readonly isDryRun?: boolean;
}

export interface KuryrPlugin {
  readonly orphans: Orphans;
  /** Docker answers, at first or after it was away: what it asked for before it may have forgotten. */
  dockerIsBack(): void;
  /** Stops answering and removes the socket; what was plugged stays. */
  close(): Promise<void>;
}

/** Throws `already-running` when another process serves the socket. */
export async function startKuryrPlugin(options: KuryrPluginOptions): Promise<KuryrPlugin> {
  const {
    name,
    pluginDir,
    tcp,
    deadlineMs,
    log,
    sweepMs = 600_000,
    graceMs = 60_000,
    isDryRun = false,
  } = options;
  const { kuryr, ports, shelters, forget } = driversOf(options);
  const orphans = new Orphans({ shelters, graceMs, everyMs: sweepMs, isDryRun, log });
  const shared = { pluginDir, deadlineMs, log };
  const server = await servePlugin({ ...shared, name, tcp, methods: kuryr });
  const second = await servePlugin({
    ...shared,
    name: portIpamDriver(name),
    tcp: tcp && { ...tcp, port: tcp.port && tcp.port + 1 },
    methods: ports,
  }).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  log.info({ at: server.at }, 'serving dockerd');
  orphans.lookSoon();
  return {
    orphans,
    dockerIsBack: () => {
      forget();
      orphans.lookSoon();
    },
    close: async () => {
      await Promise.all([orphans.stop(), server.close(), second.close()]);
    },
  };
}

interface Drivers {
  /** Network and IPAM driver for everybody. */
  readonly kuryr: ReadonlyMap<string, Method>;
  /** IPAM driver for endpoints that name their port. */
  readonly ports: ReadonlyMap<string, Method>;
  readonly shelters: readonly Shelter[];
  /** What Docker asked for and has not used yet. */
  readonly forget: () => void;
}

function driversOf({ backend, log }: KuryrPluginOptions): Drivers {
  const subnets = new Subnets(backend);
  const pools = new Pools(backend, subnets);
  const addresses = new Addresses(backend, pools);
  const networks = new Networks(backend, pools, log);
  const exposure = new Exposure(backend.service, log);
  const endpoints = new Endpoints({ backend, subnets, addresses, networks, exposure, log });
  const ipam = ipamMethods(pools, addresses);
  return {
    kuryr: new Map([...ipam, ...networkMethods(networks, endpoints), ...fixedMethods]),
    ports: new Map([...fixedMethods, ...ipam, ...portIpamMethods(addresses)]),
    shelters: [
      portOrphans({ backend, addresses, endpoints }),
      ...(backend.shelters ?? []),
      ...exposure.orphans(),
      networks.orphans(),
      ...pools.orphans(),
      staleEndpoints(backend),
    ],
    forget: () => {
      addresses.forgetHeld();
      pools.forgetClaims();
    },
  };
}

/** Endpoints that Docker has for no container: its network cannot be removed, and no driver can help. */
function staleEndpoints(backend: KuryrBackend): Shelter {
  return {
    kind: 'endpoint of Docker',
    find: async () =>
      (await backend.holdings()).endpoints.flatMap(({ id, remedy }) => (remedy ? [`${id}: ${remedy}`] : [])),
  };
}

/** What differs when the port is named: it is there already, and has its MAC address. */
function portIpamMethods(addresses: Addresses): [string, Method][] {
  return [
    ['Plugin.Activate', constant({ Implements: ['IpamDriver'] })],
    ['IpamDriver.GetCapabilities', constant({ RequiresMACAddress: false, RequiresRequestReplay: false })],
    [
      'IpamDriver.RequestAddress',
      method(shapes.requestAddress, (request: RequestAddress) => addresses.requestOfPort(request)),
    ],
    ['IpamDriver.ReleaseAddress', constant({})],
  ];
}

const noSwarm = method(shapes.any, async () => {
  throw new Failure(
    'not-implemented',
    'networks of a swarm are not offered: make the network on each host, with the same neutron.net.uuid',
  );
});

const fixedMethods: [string, Method][] = [
  ['Plugin.Activate', constant({ Implements: ['NetworkDriver', 'IpamDriver'] })],
  ['NetworkDriver.GetCapabilities', constant({ Scope: 'local', ConnectivityScope: 'global' })],
  ['NetworkDriver.DiscoverNew', constant({})],
  ['NetworkDriver.DiscoverDelete', constant({})],
  ['NetworkDriver.FreeNetwork', constant({})],
  ['NetworkDriver.AllocateNetwork', noSwarm],
  ['IpamDriver.GetCapabilities', constant({ RequiresMACAddress: true, RequiresRequestReplay: false })],
  [
    'IpamDriver.GetDefaultAddressSpaces',
    constant({ LocalDefaultAddressSpace: addressSpace, GlobalDefaultAddressSpace: addressSpace }),
  ],
];

function ipamMethods(pools: Pools, addresses: Addresses): [string, Method][] {
  const inTurn = new KeyedQueue();
  return [
    [
      'IpamDriver.RequestPool',
      // One at a time: each must see which CIDRs the ones before it have claimed.
      method(
        shapes.requestPool,
        (request: RequestPool) => inTurn.run('pools', () => pools.request(request)),
        (_, { PoolID }) => pools.release(PoolID),
      ),
    ],
    [
      'IpamDriver.ReleasePool',
      method(shapes.releasePool, async ({ PoolID }: ReleasePool) => {
        await pools.release(PoolID);
        return {};
      }),
    ],
    [
      'IpamDriver.RequestAddress',
      method(
        shapes.requestAddress,
        (request: RequestAddress) => addresses.request(request),
        ({ PoolID }, { Address }) => addresses.release({ PoolID, Address }),
      ),
    ],
    [
      'IpamDriver.ReleaseAddress',
      method(shapes.releaseAddress, async (request: ReleaseAddress) => {
        await addresses.release(request);
        return {};
      }),
    ],
  ];
}

const done = async (work: Promise<void>) => {
  await work;
  return {};
};

function externalMethods(endpoints: Endpoints, inTurn: KeyedQueue): [string, Method][] {
  const revoke = (request: EndpointRequest) =>
    inTurn.run(request.EndpointID, () => endpoints.revoke(request));
  return [
    [
      'NetworkDriver.ProgramExternalConnectivity',
      method(
        shapes.program,
        (request: ProgramRequest) => done(inTurn.run(request.EndpointID, () => endpoints.program(request))),
        revoke,
      ),
    ],
    [
      'NetworkDriver.RevokeExternalConnectivity',
      method(shapes.endpoint, (request: EndpointRequest) => done(revoke(request))),
    ],
    [
      'NetworkDriver.EndpointOperInfo',
      method(shapes.endpoint, (request: EndpointRequest) => endpoints.info(request)),
    ],
  ];
}

function networkMethods(networks: Networks, endpoints: Endpoints): [string, Method][] {
  const inTurn = new KeyedQueue();
  const deleteNetwork = ({ NetworkID }: NetworkRequest) =>
    inTurn.run(NetworkID, () => networks.delete(NetworkID));
  const deleteEndpoint = (request: EndpointRequest) =>
    inTurn.run(request.EndpointID, () => endpoints.delete(request));
  return [
    ...externalMethods(endpoints, inTurn),
    [
      'NetworkDriver.CreateNetwork',
      method(
        shapes.createNetwork,
        (request: CreateNetwork) => done(inTurn.run(request.NetworkID, () => networks.create(request))),
        deleteNetwork,
      ),
    ],
    [
      'NetworkDriver.DeleteNetwork',
      method(shapes.network, (request: NetworkRequest) => done(deleteNetwork(request))),
    ],
    [
      'NetworkDriver.CreateEndpoint',
      method(
        shapes.createEndpoint,
        (request: CreateEndpoint) => inTurn.run(request.EndpointID, () => endpoints.create(request)),
        deleteEndpoint,
      ),
    ],
    [
      'NetworkDriver.DeleteEndpoint',
      method(shapes.endpoint, (request: EndpointRequest) => done(deleteEndpoint(request))),
    ],
    [
      'NetworkDriver.Leave',
      method(shapes.endpoint, (request: EndpointRequest) => done(endpoints.leave(request))),
    ],
    [
      'NetworkDriver.Join',
      method(shapes.join, (request: JoinRequest) =>
        inTurn.run(request.EndpointID, () => endpoints.join(request)),
      ),
    ],
  ];
}
