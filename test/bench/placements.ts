/** How many placements over 1,000 hosts the scheduler decides in a second. */
import type { HostState } from '../../src/scheduler/filters.ts';
import { schedule } from '../../src/scheduler/schedule.ts';
import type { Figure } from './figures.ts';

const hosts: HostState[] = Array.from({ length: 1000 }, (_, index) => ({
  name: `host-${index}`,
  down: null,
  disabled: false,
  availabilityZone: 'nova',
  cpus: 64,
  memoryMiB: 262_144,
  diskGiB: 1000,
  diskQuotaSupported: true,
  labels: {},
  runtimes: ['runc'],
  usage: { containers: index % 40, cpu: index % 40, memoryMiB: (index % 40) * 512, diskGiB: index % 40 },
}));

const ask = {
  cpu: 1,
  cpuPolicy: 'shared',
  memoryMiB: 512,
  diskGiB: 10,
  runtime: 'runc',
  availabilityZone: 'nova',
  host: null,
  hostLabels: {},
} as const;

export function placementFigures(): Figure[] {
  const ratios = { cpu: 16, memory: 1.5, disk: 1 };
  const end = performance.now() + 1000;
  const start = performance.now();
  let count = 0;
  for (; performance.now() < end; count++) schedule(hosts, ask, ratios);
  const perSecond = count / ((performance.now() - start) / 1000);
  return [{ what: 'placements over 1,000 hosts', ours: perSecond, unit: '/s', target: { atLeast: 5000 } }];
}
