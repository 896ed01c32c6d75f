/** What our network driver takes of a container's start: the sum of its answers to dockerd, from its own log. */
import type { Cloud } from '../../src/client/cloud.ts';
import { berthRun } from './create.ts';
import { type Figure, median } from './figures.ts';
import type { Server } from './server.ts';

/** Upstream kuryr-libnetwork on Neutron, measured on the same kind of machine: reference figure, not this run. */
const upstreamMs = 1100;

const startCalls = [
  'NetworkDriver.CreateEndpoint',
  'NetworkDriver.EndpointOperInfo',
  'NetworkDriver.Join',
  'NetworkDriver.ProgramExternalConnectivity',
  'IpamDriver.RequestAddress',
];

/** The server logs at level debug. */
export async function pluginFigures(server: Server, cloud: Cloud, network: string): Promise<Figure[]> {
  const sums = await pluginSums({ server, cloud, network }, 8);
  return [
    {
      what: 'all plugin calls of one container start',
      ours: median(sums),
      unit: 'ms',
      peer: { name: 'kuryr-libnetwork, reference', value: upstreamMs },
      target: { atMost: 15 },
    },
  ];
}

interface Starts {
  readonly server: Server;
  readonly cloud: Cloud;
  readonly network: string;
}

/** In ms, of as many starts. */
export async function pluginSums({ server, cloud, network }: Starts, rounds: number): Promise<number[]> {
  await berthRun(cloud, network, 1);
  const sums: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const before = server.logLines().length;
    await berthRun(cloud, network, 1);
    const calls = server
      .logLines()
      .slice(before - 1)
      .flatMap(answered);
    if (calls.length === 0) throw new Error('the network driver logged no call: is the log level debug?');
    sums.push(calls.reduce((sum, { ms }) => sum + ms, 0));
  }
  return sums;
}

function answered(line: string): { call: string; ms: number }[] {
  if (!line.includes('answered dockerd')) return [];
  const { call, ms } = JSON.parse(line) as { call: string; ms: number };
  return startCalls.includes(call) ? [{ call, ms }] : [];
}
