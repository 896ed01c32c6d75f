/**
 * How long until a new rule of a security group holds on a host with 1,000 ports of that group: from sending the request
 * until a packet that the rule lets pass has arrived in a container.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import { fixedAddresses } from '../../src/cli/commands/container-view.ts';
import type { Cloud } from '../../src/client/cloud.ts';
import { type Figure, median } from './figures.ts';
import { makeNetwork, occupy } from './network.ts';
import type { Server } from './server.ts';

const portCount = 1000;
const portsPerRequest = 250;
const rounds = 5;
const udpPort = 9000;

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
  await makePorts(admin, { network, group, host, project: String(port.project_id) });

  const to = fixedAddresses(await cloud.containers.get(target))[0] ?? '';
  const receiver = await inContainer(target, receive);
  const sender = await inContainer(probe, send, to);
  try {
    const times: number[] = [];
    for (let i = 0; i < rounds; i++) times.push(await oneRound(cloud, group, receiver));
    return [
      {
        what: 'security-group rule holds on 1,000 ports',
        ours: median(times),
        unit: 'ms',
        target: { atMost: 100 },
      },
    ];
  } finally {
    sender.kill();
    receiver.kill();
  }
}

async function makePorts(
  admin: Cloud,
  { network, group, host, project }: { network: string; group: string; host: string; project: string },
): Promise<void> {
  const port = {
    network_id: network,
    project_id: project,
    security_groups: [group],
    device_owner: 'compute:bench',
    'binding:host_id': host,
  };
  const body = { ports: Array.from({ length: portsPerRequest }, () => port) };
  for (let made = 0; made < portCount; made += portsPerRequest) {
    await admin.session.request('network', { method: 'POST', path: '/ports', body });
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
