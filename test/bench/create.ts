/** Containers, one after another and twenty at once, through our API and through Docker's. */
import Docker from 'dockerode';
import type { Cloud } from '../../src/client/cloud.ts';
import { type Figure, median, timed } from './figures.ts';
import { command, cpu, image, memoryMiB } from './network.ts';
import { untilGone, untilRunning } from './records.ts';

const docker = new Docker();

/** Its containers have a name server of their own, as ours do; those on the usual bridge have none. */
const ownNetwork = 'bench-own';

export async function createFigures(cloud: Cloud, network: string): Promise<Figure[]> {
  await docker.createNetwork({ Name: ownNetwork });
  const [one, many] = [await interleaved(cloud, network, 1), await interleaved(cloud, network, 20)];
  return [
    ...rows('create → Running through the API', one, 1.15),
    ...rows('20 creates at once until all run', many, 1.25),
    { what: 'POST create answered', ours: median(one.posts), unit: 'ms', target: { atMost: 15 } },
    {
      what: 'POST create answered, 20 at once',
      ours: median(many.posts),
      unit: 'ms',
      target: { atMost: 60 },
    },
  ];
}

interface Times {
  readonly ours: number[];
  readonly posts: number[];
  readonly bridge: number[];
  readonly own: number[];
}

/** In turn, so that what else happens on the machine happens to all. */
async function interleaved(cloud: Cloud, network: string, count: number): Promise<Times> {
  const times: Times = { ours: [], posts: [], bridge: [], own: [] };
  const rounds = count === 1 ? 16 : 4;
  for (let i = 0; i < rounds; i++) {
    const bridge = await dockerRun('bridge', count);
    const own = await dockerRun(ownNetwork, count);
    const { runningMs, postMs } = await berthRun(cloud, network, count);
    // The first round warms all up.
    if (i === 0) continue;
    times.bridge.push(bridge);
    times.own.push(own);
    times.ours.push(runningMs);
    times.posts.push(...postMs);
  }
  return times;
}

function rows(what: string, { ours, bridge, own }: Times, atMostTimes: number): Figure[] {
  const row = { what, ours: median(ours), unit: 'ms', target: { atMostTimes } };
  return [
    { ...row, peer: { name: 'Docker, its bridge', value: median(bridge) } },
    { ...row, peer: { name: 'Docker, own network', value: median(own) } },
  ];
}

/** Starts `count` containers at once, waits until all run, and removes them again. */
export async function berthRun(
  cloud: Cloud,
  network: string,
  count: number,
): Promise<{ runningMs: number; postMs: number[] }> {
  const name = `bench-${crypto.randomUUID().slice(0, 8)}`;
  const postMs: number[] = [];
  const request = { name, image, command, memory: String(memoryMiB), cpu, nets: [{ network }] };
  const runningMs = await timed(async () => {
    await Promise.all(
      Array.from({ length: count }, async () => {
        postMs.push(await timed(() => cloud.containers.create(request, { run: true })));
      }),
    );
    await untilRunning(cloud, name, count);
  });
  const made = await cloud.containers.list({ name });
  await Promise.all(made.map(({ uuid }) => cloud.containers.remove(uuid, { stop: true })));
  await untilGone(cloud, name);
  return { runningMs, postMs };
}

async function dockerRun(network: string, count: number): Promise<number> {
  const made: Docker.Container[] = [];
  const ms = await timed(() =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const container = await docker.createContainer({
          Image: image,
          Cmd: command,
          HostConfig: {
            NetworkMode: network,
            Memory: memoryMiB * 1024 * 1024,
            CpuShares: Math.round(cpu * 1024),
          },
        });
        made.push(container);
        await container.start();
      }),
    ),
  );
  await Promise.all(made.map((container) => container.remove({ force: true })));
  return ms;
}
