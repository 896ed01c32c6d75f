/**
 * A host whose ports grow to 1,000: how long until a new rule of their security group holds (from sending the request until
 * a packet that the rule lets pass has arrived in a container), what our network driver takes of a container's start, and
 * what the server needs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import { fixedAddresses } from '../../src/cli/commands/container-view.ts';
import type { Cloud } from '../../src/client/cloud.ts';
import { type Figure, median } from './figures.ts';
import { makeNetwork, occupy } from './network.ts';
import { pluginSums } from './plugin.ts';
import type { Server } from './server.ts';

const counts = [10, 100, 1000];
const portsPerRequest = 250;
const rounds = 5;
const udpPort = 9000;
const idleSeconds = 10;

/** The server logs at level debug. */
export async function ruleFigures(server: Server, cloud: Cloud): Promise<Figure[]> {
  const network = await makeNetwork(cloud, '10.78.0.0/16');
  const target = await occupy(cloud, network, 'rule-target');
  const probe = await occupy(cloud, network, 'rule-probe');
  const admin = await server.cloud('berth-admin');
  const { id: group } = await cloud.networks.create('security-groups', { name: 'bench' });
  const [port] = await admin.networks.list('ports', { device_id: target });
  if (!port) throw new Error('the container has no port');
  const host = String(port['binding:host_id']);
  await cloud.networks.update('ports', port.id, { security_groups: [group] });

  const to = fixedAddresses(await cloud.containers.get(target))[0] ?? '';
  const receiver = await inContainer(target, receive);
  const sender = await inContainer(probe, send, to);
  const crowd = { network, security_groups: [group], 'binding:host_id': host, project_id: port.project_id };
  try {
    const figures: Figure[] = [];
    for (const [index, count] of counts.entries()) {
      await makePorts(admin, crowd, count - (counts[index - 1] ?? 0));
      const times: number[] = [];
      for (let i = 0; i < rounds; i++) times.push(await oneRound(cloud, group, receiver));
      const starts = await pluginSums({ server, cloud, network }, rounds);
      figures.push(...rowsOf(count, times, starts));
    }
    sender.kill();
    return [...figures, ...(await needsOf(server))];
  } finally {
    sender.kill();
    receiver.kill();
  }
}

function rowsOf(count: number, times: readonly number[], starts: readonly number[]): Figure[] {
  const among = `${count.toLocaleString('en')} ports`;
  const isMost = count === counts.at(-1);
  return [
    {
      what: `security-group rule holds on ${among}`,
      ours: median(times),
      unit: 'ms',
      ...(isMost ? { target: { atMost: 100 } } : {}),
    },
    { what: `all plugin calls of a start beside ${among}`, ours: median(starts), unit: 'ms' },
  ];
}

async function needsOf(server: Server): Promise<Figure[]> {
  const before = server.processorSeconds();
  await delay(idleSeconds * 1000);
  const percent = ((server.processorSeconds() - before) / idleSeconds) * 100;
  return [
    { what: 'processor time of everything, idle with 1,000 ports', ours: percent, unit: '% of a core' },
    { what: 'resident memory of everything with 1,000 ports', ours: server.residentMb(), unit: 'MB' },
  ];
}

export async function makePorts(
  admin: Cloud,
  { network, ...port }: { readonly network: string } & Readonly<Record<string, unknown>>,
  count: number,
): Promise<void> {
  const one = { network_id: network, device_owner: 'compute:bench', ...port };
  for (let left = count; left > 0; left -= portsPerRequest) {
    const ports = Array.from({ length: Math.min(left, portsPerRequest) }, () => one);
    await admin.session.request('network', { method: 'POST', path: '/ports', body: { ports } });
  }
}

async function oneRound({ networks }: Cloud, group: string, receiver: ChildProcess): Promise<number> {
  await silence(receiver);
  const arrived = once(receiver, 'message');
  const start = performance.now();
  const { id } = await networks.create('security-group-rules', {
    security_group_id: group,
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: 'udp',
    port_range_min: udpPort,
    port_range_max: udpPort,
  });
  await arrived;
  const ms = performance.now() - start;
  await networks.remove('security-group-rules', id);
  return ms;
}

/** Nothing has arrived for a while: the last rule is gone. */
async function silence(receiver: ChildProcess): Promise<void> {
  let hasHeard = true;
  const hear = () => {
    hasHeard = true;
  };
  receiver.on('message', hear);
  while (hasHeard) {
    hasHeard = false;
    await delay(300);
  }
  receiver.off('message', hear);
}

const receive = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', () => process.send('arrived'));
  socket.bind(${udpPort}, () => process.send('ready'));
`;

/** A packet every two milliseconds. */
const send = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.bind(() => process.send('ready'));
  setInterval(() => socket.send('x', ${udpPort}, process.argv[1]), 2);
`;

/** Runs a script in the container's network namespace; resolves when it says that it is ready. */
async function inContainer(uuid: string, script: string, ...args: readonly string[]): Promise<ChildProcess> {
  const { State } = await new Docker().getContainer(`zun-${uuid}`).inspect();
  const command = ['-t', String(State.Pid), '-n', process.execPath, '-e', script, ...args];
  const child = spawn('nsenter', command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}
