/**
 * Runs on a simulated machine (test/engine/streams.test.ts): iperf3 from outside through a floating IP into a container,
 * TCP and UDP, again and again until all changes are made that have nothing to do with it: rules of its own group and of
 * others, ports, other floating IPs, networks joined to its router and taken away. Argument: the state folder.
 * Prints what the streams saw as one line of JSON.
 */

import { findCloud } from '../../src/cli/cloud/sources.ts';
import { fixedAddresses } from '../../src/cli/commands/container-view.ts';
import { processWorld } from '../../src/cli/world.ts';
import { type Cloud, connect } from '../../src/client/cloud.ts';
import type { FloatingIpObject } from '../../src/client/networks.ts';
import { at, makeOutside, type Place, placeOf, start } from './places.ts';
import { until } from './until.ts';

const [stateDir = ''] = process.argv.slice(2);
const changesWanted = 500;
/** Made and not yet taken back, of each kind. */
const alive = 5;
const streamSeconds = '8';
const command = ['sh', '-c', "trap 'exit 0' TERM; sleep 3600 & wait"];

export interface StreamReport {
  readonly protocol: 'tcp' | 'udp';
  readonly error: string | undefined;
  readonly bytes: number;
  /** Of UDP. */
  readonly packets: number;
  readonly lost: number;
}

async function cloudOf(osCloud: string): Promise<Cloud> {
  const { credentials } = await findCloud({ stateDir, osCloud }, processWorld(process.cwd()));
  return connect({ credentials });
}

const cloud = await cloudOf('berth');
const admin = await cloudOf('berth-admin');
const { networks } = cloud;

async function makeNetwork(name: string, cidr: string): Promise<{ id: string; subnet: string }> {
  const { id } = await networks.create('networks', { name });
  const { id: subnet } = await networks.create('subnets', { network_id: id, ip_version: 4, cidr });
  return { id, subnet };
}

async function makeContainer(name: string, network: string, group: string) {
  const { uuid } = await cloud.containers.create(
    { name, image: 'busybox', command, memory: '64', nets: [{ network }] },
    { run: true },
  );
  await until(`${name} runs`, async () => (await cloud.containers.get(uuid)).status === 'Running');
  const [port] = await networks.list('ports', { device_id: uuid });
  if (!port) throw new Error(`${name} has no port`);
  await networks.update('ports', port.id, { security_groups: [group] });
  const address = fixedAddresses(await cloud.containers.get(uuid))[0] ?? '';
  return { port: port.id, address, place: await placeOf(`zun-${uuid}`) };
}

async function makeGroup(name: string): Promise<string> {
  return (await networks.create('security-groups', { name })).id;
}

const rule = (group: string, protocol: string, port: number) =>
  networks.create('security-group-rules', {
    security_group_id: group,
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol,
    port_range_min: port,
    port_range_max: port,
  });

const [external] = await networks.list('networks', { 'router:external': true });
const near = await makeNetwork('near', '10.90.0.0/24');
const router = await networks.create('routers', {
  name: 'edge',
  external_gateway_info: { network_id: external?.id },
});
await networks.act('routers', router.id, 'add_router_interface', { subnet_id: near.subnet });
const [own, other] = [await makeGroup('own'), await makeGroup('other')];
for (const protocol of ['tcp', 'udp']) await rule(own, protocol, 5201);
const server = await makeContainer('server', near.id, own);
const neighbour = await makeContainer('neighbour', near.id, other);
const float = (port: string) =>
  networks.create<FloatingIpObject>('floatingips', { floating_network_id: external?.id, port_id: port });
const { floating_ip_address: floating } = await float(server.port);
const { 'binding:host_id': host } = await admin.networks.get('ports', server.port);

/** Each makes something and returns how to take it back: two changes. */
const makers: readonly ((round: number) => Promise<() => Promise<unknown>>)[] = [
  async (round) => {
    const { id } = await rule(own, 'tcp', 10_000 + round);
    return () => networks.remove('security-group-rules', id);
  },
  async (round) => {
    const { id } = await rule(other, 'udp', 10_000 + round);
    return () => networks.remove('security-group-rules', id);
  },
  async () => {
    const port = { network_id: near.id, security_groups: [own], 'binding:host_id': host };
    const { id } = await admin.networks.create('ports', port);
    return () => admin.networks.remove('ports', id);
  },
  async () => {
    const { id } = await networks.create<FloatingIpObject>('floatingips', {
      floating_network_id: external?.id,
    });
    await networks.update('floatingips', id, { port_id: neighbour.port });
    return () => networks.remove('floatingips', id);
  },
  async (round) => {
    const { id, subnet } = await makeNetwork(`beside-${round}`, `10.91.${round % 256}.0/24`);
    await networks.act('routers', router.id, 'add_router_interface', { subnet_id: subnet });
    return async () => {
      await networks.act('routers', router.id, 'remove_router_interface', { subnet_id: subnet });
      await networks.remove('networks', id);
    };
  },
  async (round) => {
    const routes = [{ destination: `10.92.${round % 256}.0/24`, nexthop: neighbour.address }];
    await networks.update('routers', router.id, { routes });
    return () => networks.update('routers', router.id, { routes: [] });
  },
];

async function makeChanges(): Promise<number> {
  const undo = makers.map((): (() => Promise<unknown>)[] => []);
  let changes = 0;
  for (let round = 0; changes < changesWanted; round += 1) {
    for (const [kind, make] of makers.entries()) {
      const made = undo[kind] ?? [];
      // A port has one floating IP, and a router one list of routes.
      const most = kind === 3 || kind === 5 ? 1 : alive;
      while (made.length >= most) {
        await made.shift()?.();
        changes += 1;
      }
      made.push(await make(round));
      changes += 1;
    }
  }
  for (const take of undo.flat()) {
    await take();
    changes += 1;
  }
  return changes;
}

interface Report {
  readonly error?: string;
  readonly end: {
    readonly sum_received?: { readonly bytes: number };
    readonly sum?: { readonly packets: number; readonly lost_packets: number };
  };
}

/** What the receiver's own socket had no room for: its process had to wait for a processor. */
async function overflowed(place: Place): Promise<number> {
  const [names = '', values = ''] = (await at(place, 'cat', '/proc/net/snmp'))
    .split('\n')
    .filter((line) => line.startsWith('Udp:'));
  return Number(values.split(' ')[names.split(' ').indexOf('RcvbufErrors')]);
}

async function stream(from: Place, protocol: 'tcp' | 'udp', port: string): Promise<StreamReport> {
  const before = await overflowed(server.place);
  const options = protocol === 'udp' ? ['-u', '-b', '4M', '-l', '400'] : ['-b', '50M'];
  const said = await at(
    from,
    'sh',
    '-c',
    '"$@" || true',
    'sh',
    'iperf3',
    '-c',
    floating,
    '-p',
    port,
    '-t',
    streamSeconds,
    '-J',
    ...options,
  );
  const { error, end } = JSON.parse(said) as Report;
  return {
    protocol,
    error,
    bytes: end.sum_received?.bytes ?? 0,
    packets: end.sum?.packets ?? 0,
    lost: (end.sum?.lost_packets ?? 0) - ((await overflowed(server.place)) - before),
  };
}

const outside = await makeOutside();
const ports = { tcp: '5201', udp: '5202' } as const;
for (const protocol of ['tcp', 'udp']) await rule(own, protocol, 5202);
const servers = await Promise.all(
  Object.values(ports).map((port) => start(server.place, 'iperf3', '-s', '-p', port, '--forceflush')),
);
await until('the floating IP leads to the server', () => at(outside, 'iperf3', '-c', floating, '-n', '1K'));

const changes = makeChanges();
let isOver = false;
void changes.finally(() => {
  isOver = true;
});
const reports: StreamReport[] = [];
await Promise.all(
  (['tcp', 'udp'] as const).map(async (protocol) => {
    while (!isOver) {
      reports.push(await stream(outside, protocol, ports[protocol]));
    }
  }),
);
for (const one of servers) one.kill();
process.stdout.write(`${JSON.stringify({ changes: await changes, reports })}\n`);
