/**
 * What containers can say to each other and to the world, beside Docker: within a network with security groups on and
 * across a router beside Docker's bridge, through a floating IP beside `-p`. Each round measures all in turn, so that
 * what else happens on the machine happens to all.
 *
 * Throughput is also given for each second of processor time that sender and receiver took: with more work than cores,
 * wall time measures the others' work, too.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import Docker from 'dockerode';
import { fixedAddresses } from '../../src/cli/commands/container-view.ts';
import type { Cloud } from '../../src/client/cloud.ts';
import type { FloatingIpObject } from '../../src/client/networks.ts';
import { at, hostAddress, makeOutside, type Place, placeOf, start } from '../helpers/places.ts';
import { type Figure, median } from './figures.ts';
import { command, image, makeNetwork, occupy } from './network.ts';

const rounds = 5;
const seconds = '1';
const talk = ['/usr/bin/python3', join(import.meta.dirname, 'talk.py')];
const ports = ['5201/tcp', '5201/udp', '7000/tcp', '7001/tcp'];

interface Path {
  readonly name: string;
  readonly ours: Way;
  readonly peer: Way & { readonly name: string };
}

interface Way {
  readonly from: Place;
  readonly to: string;
}

interface Measures {
  /** Gbit/s, and Gbit for each second of processor time. */
  readonly tcp: number;
  readonly tcpPerCpu: number;
  readonly udp: number;
  readonly udpPerCpu: number;
  /** µs. */
  readonly p50: number;
  readonly p99: number;
  /** Per second. */
  readonly connections: number;
}

export async function trafficFigures(cloud: Cloud): Promise<Figure[]> {
  await using disposer = new AsyncDisposableStack();
  const paths = await makePaths(cloud, disposer);
  const found = paths.map(() => ({ ours: [] as Measures[], peer: [] as Measures[] }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, path] of paths.entries()) {
      const [ours, peer] = [await measure(path.ours), await measure(path.peer)];
      // The first round warms all up.
      if (round === 0) continue;
      found[index]?.ours.push(ours);
      found[index]?.peer.push(peer);
    }
  }
  return paths.flatMap((path, index) => {
    const { ours = [], peer = [] } = found[index] ?? {};
    return rows.map(({ key, what, unit, target }) => ({
      what: `${what} ${path.name}`,
      ours: median(ours.map((one) => one[key])),
      unit,
      peer: { name: path.peer.name, value: median(peer.map((one) => one[key])) },
      ...(target && path.name === within ? { target } : {}),
    }));
  });
}

const within = 'within a network, groups on';

const rows: readonly {
  readonly key: keyof Measures;
  readonly what: string;
  readonly unit: string;
  readonly target?: Figure['target'];
}[] = [
  { key: 'tcp', what: 'TCP', unit: 'Gbit/s' },
  {
    key: 'tcpPerCpu',
    what: 'TCP per second of processor time,',
    unit: 'Gbit',
    target: { atLeastTimes: 0.95 },
  },
  { key: 'udp', what: 'UDP received', unit: 'Gbit/s' },
  {
    key: 'udpPerCpu',
    what: 'UDP per second of processor time,',
    unit: 'Gbit',
    target: { atLeastTimes: 0.9 },
  },
  { key: 'p50', what: 'TCP there and back, p50,', unit: 'µs' },
  { key: 'p99', what: 'TCP there and back, p99,', unit: 'µs' },
  { key: 'connections', what: 'TCP connections', unit: '/s' },
];

async function measure({ from, to }: Way): Promise<Measures> {
  const tcp = await iperf({ from, to });
  const udp = await iperf({ from, to }, '-u', '-b', '0', '-l', '1400');
  const [p50 = 0, p99 = 0] = (await at(from, ...talk, 'latency', to, '3000')).split(' ').map(Number);
  const connections = Number(await at(from, ...talk, 'connections', to, '0.5'));
  return {
    tcp: tcp.rate,
    tcpPerCpu: tcp.perCpu,
    udp: udp.rate,
    udpPerCpu: udp.perCpu,
    p50,
    p99,
    connections,
  };
}

interface Report {
  readonly end: {
    readonly sum_received: { readonly bytes: number; readonly seconds: number };
    readonly cpu_utilization_percent: { readonly host_total: number; readonly remote_total: number };
  };
}

/** In Gbit for each second, of the clock and of processor time, as the receiver counts them. */
async function iperf({ from, to }: Way, ...options: readonly string[]) {
  const { end } = JSON.parse(await at(from, 'iperf3', '-c', to, '-t', seconds, '-J', ...options)) as Report;
  const { bytes, seconds: took } = end.sum_received;
  const { host_total: here, remote_total: there } = end.cpu_utilization_percent;
  const gigabits = (bytes * 8) / 1e9;
  return { rate: gigabits / took, perCpu: gigabits / ((took * (here + there)) / 100) };
}

async function makePaths(cloud: Cloud, disposer: AsyncDisposableStack): Promise<Path[]> {
  const world = await makeBerthWorld(cloud);
  const [dockerServer, dockerClient] = [
    await dockerContainer(disposer, true),
    await dockerContainer(disposer, false),
  ];
  const outside = await makeOutside();
  for (const server of [world.server, world.beyond, dockerServer]) {
    const programs: ChildProcess[] = [
      await start(server.place, ...talk, 'serve'),
      await start(server.place, 'iperf3', '-s', '--forceflush'),
    ];
    disposer.defer(() => {
      for (const program of programs) program.kill();
    });
  }
  const bridge = { name: 'Docker’s bridge', from: dockerClient.place, to: dockerServer.address };
  return [
    { name: within, ours: { from: world.client, to: world.server.address }, peer: bridge },
    { name: 'across a router', ours: { from: world.client, to: world.beyond.address }, peer: bridge },
    {
      name: 'from outside, through a floating IP',
      ours: { from: outside, to: world.floating },
      peer: { name: 'Docker’s -p', from: outside, to: hostAddress },
    },
  ];
}

interface Server {
  readonly place: Place;
  readonly address: string;
}

/** Two networks joined by a router with a way out; a server on each, one of them with a floating IP. */
async function makeBerthWorld(cloud: Cloud) {
  const { networks } = cloud;
  const [near, far] = [await makeNetwork(cloud, '10.79.0.0/24'), await makeNetwork(cloud, '10.80.0.0/24')];
  const [external] = await networks.list('networks', { 'router:external': true });
  const router = await networks.create('routers', {
    name: 'bench',
    external_gateway_info: { network_id: external?.id },
  });
  for (const network of [near, far]) {
    const [subnet] = await networks.list('subnets', { network_id: network });
    await networks.act('routers', router.id, 'add_router_interface', { subnet_id: subnet?.id });
  }
  const { id: group } = await networks.create('security-groups', { name: 'bench-traffic' });
  for (const protocol of ['tcp', 'udp', 'icmp']) {
    const rule = { security_group_id: group, direction: 'ingress', ethertype: 'IPv4', protocol };
    await networks.create('security-group-rules', rule);
  }
  const make = async (name: string, network: string) => {
    const uuid = await occupy(cloud, network, name);
    const [port] = await networks.list('ports', { device_id: uuid });
    await networks.update('ports', port?.id ?? '', { security_groups: [group] });
    const address = fixedAddresses(await cloud.containers.get(uuid))[0] ?? '';
    return { place: await placeOf(`zun-${uuid}`), address, port: port?.id };
  };
  const client = await make('traffic-client', near);
  const server = await make('traffic-server', near);
  const beyond = await make('traffic-beyond', far);
  const { floating_ip_address: floating } = await networks.create<FloatingIpObject>('floatingips', {
    floating_network_id: external?.id,
    port_id: server.port,
  });
  return { client: client.place, server, beyond, floating };
}

async function dockerContainer(disposer: AsyncDisposableStack, isPublished: boolean): Promise<Server> {
  const bindings = Object.fromEntries(ports.map((port) => [port, [{ HostPort: port.split('/')[0] ?? '' }]]));
  const container = await new Docker().createContainer({
    Image: image,
    Cmd: [...command],
    ...(isPublished ? { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) } : {}),
    HostConfig: { AutoRemove: true, ...(isPublished ? { PortBindings: bindings } : {}) },
  });
  await container.start();
  disposer.defer(async () => {
    await container.remove({ force: true });
  });
  const { NetworkSettings } = await container.inspect();
  return {
    place: await placeOf(container.id),
    address: NetworkSettings.Networks.bridge?.IPAddress ?? '',
  };
}
