/** TCP between two containers of one network, with security groups, beside two containers on Docker's bridge. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { fixedAddresses } from '../../src/cli/commands/container-view.ts';
import type { Cloud } from '../../src/client/cloud.ts';
import { until } from '../helpers/until.ts';
import { type Figure, median } from './figures.ts';

const run = promisify(execFile);
const docker = new Docker();
const image = 'bench-iperf3';
const rounds = 3;
const seconds = '2';

interface Pair {
  readonly client: Docker.Container;
  readonly address: string;
}

export async function throughputFigures(cloud: Cloud, network: string, disk: string): Promise<Figure[]> {
  await makeImage(disk);
  const [ours, theirs] = [await berthPair(cloud, network), await dockerPair()];
  const figures: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let i = 0; i < rounds; i++) {
    figures.ours.push(await measure(ours));
    figures.theirs.push(await measure(theirs));
  }
  const left = await cloud.containers.list({ image });
  await Promise.all(left.map(({ uuid }) => cloud.containers.remove(uuid, { stop: true })));
  await until('they are gone', async () => (await cloud.containers.list({ image })).length === 0);
  return [
    {
      what: 'TCP between two containers, security groups on',
      ours: median(figures.ours),
      unit: 'Gbit/s',
      peer: { name: 'Docker', value: median(figures.theirs) },
      target: { atLeastTimes: 0.95 },
    },
  ];
}

/** The machine's own iperf3 with the libraries that it asks for. */
async function makeImage(disk: string): Promise<void> {
  const folder = join(disk, 'iperf3');
  const put = (file: string) => {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    copyFileSync(file, join(folder, file));
  };
  const { stdout } = await run('ldd', ['/usr/bin/iperf3']);
  for (const [file] of stdout.matchAll(/\/\S+/g)) put(file);
  put('/usr/bin/iperf3');
  put('/bin/busybox');
  symlinkSync('busybox', join(folder, 'bin/sh'));
  mkdirSync(join(folder, 'tmp'));
  await run('sh', ['-ec', 'tar -C "$0" -c . | docker import - "$1"', folder, image]);
  rmSync(folder, { recursive: true });
}

const serverCommand = ['sh', '-c', "trap 'exit 0' TERM; iperf3 -s & wait"];
const clientCommand = ['sh', '-c', "trap 'exit 0' TERM; busybox sleep 3600 & wait"];

async function berthPair(cloud: Cloud, network: string): Promise<Pair> {
  const request = { image, memory: '256', cpu: 1, nets: [{ network }] };
  const [server, client] = await Promise.all(
    [serverCommand, clientCommand].map((command) =>
      cloud.containers.create({ ...request, command }, { run: true }),
    ),
  );
  const running = await until('both run', async () => {
    const all = await cloud.containers.list({ image });
    return all.length === 2 && all.every(({ status }) => status === 'Running') && all;
  });
  const address = running.filter(({ uuid }) => uuid === server?.uuid).flatMap(fixedAddresses)[0] ?? '';
  return { client: docker.getContainer(`zun-${client?.uuid}`), address };
}

async function dockerPair(): Promise<Pair> {
  const [server, client] = await Promise.all(
    [serverCommand, clientCommand].map(async (Cmd) => {
      const container = await docker.createContainer({
        Image: image,
        Cmd,
        HostConfig: { Memory: 256 * 1024 * 1024, AutoRemove: true },
      });
      await container.start();
      return container;
    }),
  );
  if (!server || !client) throw new Error('no containers');
  return { client, address: (await server.inspect()).NetworkSettings.Networks.bridge?.IPAddress ?? '' };
}

/** In Gbit/s, as the receiver counts it. */
async function measure({ client, address }: Pair): Promise<number> {
  return until('iperf3 has measured', async () => {
    const { stdout } = await run('docker', ['exec', client.id, 'iperf3', '-c', address, '-t', seconds, '-J']);
    const { end } = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } };
    return end.sum_received.bits_per_second / 1e9;
  });
}
