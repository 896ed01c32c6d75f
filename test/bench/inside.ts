/**
 * The measures, in order, on the simulated machine. Arguments: a folder for its state, then words of which a section's name
 * must have one (none = all). Prints what it is doing on stderr and the figures as one line of JSON on stdout.
 */
import { statePaths } from '../../src/base/state-paths.ts';
import type { Cloud } from '../../src/client/cloud.ts';
import { cniFigures } from './cni.ts';
import { cnmFigures } from './cnm.ts';
import { commandLineFigures } from './command-line.ts';
import { createFigures } from './create.ts';
import { dockerNetworkFigures } from './docker-networks.ts';
import { type Figure, median } from './figures.ts';
import { inFlightFigures } from './in-flight.ts';
import { listFigures } from './lists.ts';
import { makeNetwork, occupy } from './network.ts';
import { placementFigures } from './placements.ts';
import { pluginFigures } from './plugin.ts';
import { readFigures } from './reads.ts';
import { requestFigures } from './requests.ts';
import { ruleFigures } from './rules.ts';
import { seedContainers } from './seed.ts';
import { Server } from './server.ts';
import { trafficFigures } from './traffic.ts';
import { watcherFigures } from './watchers.ts';

const [disk = '', ...words] = process.argv.slice(2);
const server = new Server(disk);
const figures: Figure[] = [];
let seeded = 0;

interface Stage {
  readonly cloud: Cloud;
  readonly network: string;
}

interface Section {
  readonly name: string;
  readonly work: (stage: Stage) => Figure[] | Promise<Figure[]>;
}

/** Sections that share a run of the server. */
interface Run {
  readonly logLevel: string;
  /** Before the server starts. */
  readonly prepare?: (stage: Stage) => Promise<void>;
  readonly sections: readonly Section[];
}

const runs: readonly Run[] = [
  {
    logLevel: 'info',
    sections: [
      { name: 'creates', work: ({ cloud, network }) => createFigures(cloud, network) },
      { name: 'traffic', work: ({ cloud }) => trafficFigures(cloud) },
      { name: 'command line', work: () => commandLineFigures(server) },
      { name: 'docker networks', work: dockerNetworkFigures },
      { name: 'cni', work: ({ network }) => cniFigures(server, network) },
      { name: 'cnm', work: () => cnmFigures(server) },
      requestsAmong(0),
      { name: 'creates in flight', work: (stage) => inFlightFigures({ server, ...stage }) },
    ],
  },
  {
    logLevel: 'debug',
    sections: [
      { name: 'network driver', work: ({ cloud, network }) => pluginFigures(server, cloud, network) },
    ],
  },
  {
    logLevel: 'info',
    prepare: seedUpTo(1000),
    sections: [
      { name: 'reads', work: ({ cloud }) => readFigures(server, cloud) },
      { name: 'memory', work: memoryFigures },
      requestsAmong(1000),
      { name: 'watchers', work: ({ cloud }) => watcherFigures(server, cloud) },
    ],
  },
  { logLevel: 'info', prepare: seedUpTo(10_000), sections: [requestsAmong(10_000)] },
  {
    logLevel: 'debug',
    sections: [{ name: 'rules and ports', work: ({ cloud }) => ruleFigures(server, cloud) }],
  },
  {
    logLevel: 'info',
    sections: [
      { name: 'long lists', work: ({ cloud }) => listFigures(server, cloud) },
      { name: 'placements', work: placementFigures },
    ],
  },
];

function requestsAmong(containers: number): Section {
  return {
    name: `requests among ${containers}`,
    work: (stage) => requestFigures({ server, ...stage }, containers),
  };
}

/** So many containers are there afterwards, those of earlier runs among them. */
function seedUpTo(count: number): NonNullable<Run['prepare']> {
  return async ({ cloud }) => {
    const { userId, projectId = '' } = await cloud.session.token();
    await seedContainers(statePaths(server.stateDir).database, { userId, projectId }, count - seeded);
    seeded = count;
  };
}

const isChosen = (name: string) => words.length === 0 || words.some((word) => name.includes(word));

async function measure({ name, work }: Section, stage: Stage): Promise<void> {
  process.stderr.write(`measuring ${name}\n`);
  figures.push(...(await work(stage)));
}

/** The first start makes the state; the next ones are what somebody waits for. */
async function startFigures(): Promise<Figure[]> {
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

/** A network that is in use on this host, as Docker's bridge is. */
async function makeStage(): Promise<Stage> {
  const cloud = await server.cloud();
  const network = await makeNetwork(cloud, '10.77.0.0/16');
  await occupy(cloud, network, 'resident');
  return { cloud, network };
}

async function runSections({ logLevel, prepare, sections }: Run, stage: Stage): Promise<void> {
  const chosen = sections.filter(({ name }) => isChosen(name));
  if (chosen.length === 0) return;
  await server.stop();
  await prepare?.(stage);
  await server.start(logLevel);
  for (const section of chosen) await measure(section, stage);
}

try {
  await server.start();
  const stage = await makeStage();
  if (isChosen('start')) await measure({ name: 'start', work: startFigures }, stage);
  for (const run of runs) await runSections(run, stage);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  await server.stop();
}
