/** Docker's own commands on Kuryr beside the same on its bridge driver: networks made and removed, containers run and joined. */
import Docker from 'dockerode';
import { type Figure, median, timed } from './figures.ts';
import { command, image } from './network.ts';

const docker = new Docker();
const rounds = 12;
const drivers = ['kuryr', 'bridge'] as const;
type DriverName = (typeof drivers)[number];

/** Work → what it took on each driver, in ms. */
type Times = Record<string, Record<DriverName, number[]>>;

export async function dockerNetworkFigures(): Promise<Figure[]> {
  const times: Times = {};
  for (let round = 0; round <= rounds; round++) {
    for (const driver of drivers) {
      const took = await oneRound(driver, round);
      // The first round warms all up.
      if (round === 0) continue;
      for (const [what, ms] of Object.entries(took)) {
        times[what] ??= { kuryr: [], bridge: [] };
        times[what][driver].push(ms);
      }
    }
  }
  return Object.entries(times).map(([what, { kuryr, bridge }]) => ({
    what: `${what}, Kuryr`,
    ours: median(kuryr),
    unit: 'ms',
    peer: { name: 'Docker’s bridge driver', value: median(bridge) },
  }));
}

async function oneRound(driver: DriverName, round: number): Promise<Record<string, number>> {
  const first = await make(driver, `10.84.${round}.0/24`);
  const second = await make(driver, `10.85.${round}.0/24`);
  const took: Record<string, number> = { 'docker network create': first.ms };
  const container = await docker.createContainer({
    Image: image,
    Cmd: command,
    HostConfig: { NetworkMode: first.network.id },
  });
  took['docker start'] = await timed(() => container.start());
  took['docker network connect'] = await timed(() => second.network.connect({ Container: container.id }));
  took['docker network disconnect'] = await timed(() =>
    second.network.disconnect({ Container: container.id }),
  );
  took['docker rm -f'] = await timed(() => container.remove({ force: true }));
  took['docker network rm'] = await timed(() => first.network.remove());
  await second.network.remove();
  return took;
}

async function make(driver: DriverName, subnet: string) {
  const start = performance.now();
  const network = await docker.createNetwork({
    Name: `bench-${driver}-${crypto.randomUUID().slice(0, 8)}`,
    Driver: driver,
    IPAM: { Driver: driver === 'kuryr' ? 'kuryr' : 'default', Config: [{ Subnet: subnet }] },
  });
  return { network, ms: performance.now() - start };
}
