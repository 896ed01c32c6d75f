/** Containers, one after another and twenty at once, through our API and through Docker's on Docker's own bridge. */
import Docker from 'dockerode';
import type { Cloud } from '../../src/client/cloud.ts';
import { type Figure, median, timed } from './figures.ts';
import { untilGone, untilRunning } from './records.ts';

const image = 'busybox';
/** Ends at once when it is told to stop. */
const command = ['sh', '-c', "trap 'exit 0' TERM; sleep 3600 & wait"];
const memoryMiB = 32;
const cpu = 0.1;

const docker = new Docker();

export async function createFigures(cloud: Cloud, network: string): Promise<Figure[]> {
  const ours: number[] = [];
  const posts: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < 16; i++) {
    const peer = await dockerRun();
    const mine = await berthRun(cloud, network, 1);
    // The first pair warms both up.
    if (i === 0) continue;
    theirs.push(peer);
    ours.push(mine.runningMs);
    posts.push(...mine.postMs);
  }
  const many: number[] = [];
  const manyPosts: number[] = [];
  const manyTheirs: number[] = [];
  for (let i = 0; i < 3; i++) {
    manyTheirs.push(await dockerRun(20));
    const mine = await berthRun(cloud, network, 20);
    many.push(mine.runningMs);
    manyPosts.push(...mine.postMs);
  }
  const dockerIs = (values: readonly number[]) => ({ name: 'Docker', value: median(values) });
  return [
    {
      what: 'create → Running through the API',
      ours: median(ours),
      unit: 'ms',
      peer: dockerIs(theirs),
      target: { atMostTimes: 1.15 },
    },
    {
      what: '20 creates at once until all run',
      ours: median(many),
      unit: 'ms',
      peer: dockerIs(manyTheirs),
      target: { atMostTimes: 1.25 },
    },
    { what: 'POST create answered', ours: median(posts), unit: 'ms', target: { atMost: 15 } },
    {
      what: 'POST create answered, 20 at once',
      ours: median(manyPosts),
      unit: 'ms',
      target: { atMost: 60 },
    },
  ];
}

/** A container that stays: its network is on this host from now on, as Docker's bridge is. Returns its id. */
export async function occupy(cloud: Cloud, network: string): Promise<string> {
  const name = 'bench-resident';
  const request = { name, image, command, memory: String(memoryMiB), cpu, nets: [{ network }] };
  const { uuid } = await cloud.containers.create(request, { run: true });
  await untilRunning(cloud, name, 1);
  return uuid;
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

async function dockerRun(count = 1): Promise<number> {
  const made: Docker.Container[] = [];
  const ms = await timed(() =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const container = await docker.createContainer({
          Image: image,
          Cmd: command,
          HostConfig: { Memory: memoryMiB * 1024 * 1024, CpuShares: Math.round(cpu * 1024) },
        });
        made.push(container);
        await container.start();
      }),
    ),
  );
  await Promise.all(made.map((container) => container.remove({ force: true })));
  return ms;
}
