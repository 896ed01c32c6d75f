/**
 * The measures, in order, on the simulated machine. Argument: a folder for its state. Prints what it is doing on
 * stderr and the figures as one line of JSON on stdout.
 */
import { statePaths } from '../../src/base/state-paths.ts';
import { commandLineFigures } from './command-line.ts';
import { createFigures } from './create.ts';
import { type Figure, median } from './figures.ts';
import { makeNetwork, occupy } from './network.ts';
import { placementFigures } from './placements.ts';
import { pluginFigures } from './plugin.ts';
import { readFigures } from './reads.ts';
import { ruleFigures } from './rules.ts';
import { seedContainers } from './seed.ts';
import { Server } from './server.ts';
import { throughputFigures } from './throughput.ts';

const disk = process.argv[2] ?? '';
const server = new Server(disk);
const figures: Figure[] = [];

async function measure(what: string, work: () => Figure[] | Promise<Figure[]>): Promise<void> {
  process.stderr.write(`measuring ${what}\n`);
  figures.push(...(await work()));
}

/** The first start makes the state; the next ones are what somebody waits for. */
async function startFigures(): Promise<Figure[]> {
  await server.start();
  const starts: number[] = [];
  for (let i = 0; i < 3; i++) {
    await server.stop();
    starts.push(await server.start());
  }
  return [{ what: 'start to first answer', ours: median(starts), unit: 'ms', target: { atMost: 1500 } }];
}

function memoryFigures(): Figure[] {
  return [
    {
      what: 'resident memory of everything, after all this',
      ours: server.residentMb(),
      unit: 'MB',
      target: { atMost: 180 },
    },
  ];
}

try {
  await measure('the start', startFigures);
  const cloud = await server.cloud();
  const network = await makeNetwork(cloud, '10.77.0.0/16');
  await occupy(cloud, network, 'resident');
  await measure('creates', () => createFigures(cloud, network));
  await measure('throughput', () => throughputFigures(cloud, network, disk));
  await measure('the command line', () => commandLineFigures(server));
  await server.stop();

  await server.start('debug');
  await measure('the network driver', () => pluginFigures(server, cloud, network));
  const { userId, projectId = '' } = await cloud.session.token();
  await server.stop();

  await seedContainers(statePaths(server.stateDir).database, { userId, projectId }, 1000);
  await server.start();
  await measure('reads', () => readFigures(server, cloud));
  await measure('memory', memoryFigures);
  await measure('rules', () => ruleFigures(server, cloud));
  await measure('placements', placementFigures);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  await server.stop();
}
