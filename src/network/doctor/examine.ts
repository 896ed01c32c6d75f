/**
 * Reads the kernel and compares it with steps that ensure what is wanted. Changes nothing, but for a namespace of its
 * own (`scratch`), in which the kernel is asked how it spells the wanted rules.
 */
import type { Kernel, KernelStep } from '../../host/kernel.ts';
import { differencesOf, foreignTables, type Listing, readListing } from './listing.ts';
import { type Difference, type Reading, type Readings, stateDifferences, surplus } from './state.ts';

export interface Examination {
  /** All that should be there, in the order that makes it; `nft` steps replace whole tables. */
  readonly steps: readonly KernelStep[];
  /** Name of a namespace that nobody else uses. */
  readonly scratch: string;
}

export async function examine(kernel: Kernel, { steps, scratch }: Examination): Promise<Difference[]> {
  const readings = await readAll(kernel, steps);
  const rules = await ruleDifferences(kernel, { steps, scratch }, readings);
  return [...stateDifferences(steps, readings), ...rules, ...surplus(steps, readings)];
}

function netnsOf(step: KernelStep): string {
  if (step.do === 'ensure-netns' || step.do === 'delete-netns') return step.name;
  return ('netns' in step ? step.netns : undefined) ?? '';
}

function within(netns: string): string | undefined {
  return netns === '' ? undefined : netns;
}

async function readAll(kernel: Kernel, steps: readonly KernelStep[]): Promise<Readings> {
  const present = new Set(['', ...(await kernel.namespaces())]);
  const peers = steps.flatMap((step) => (step.do === 'ensure-veth' ? (step.peer.netns ?? []) : []));
  const wanted = new Set([...steps.map(netnsOf), ...peers]);
  const readings = new Map<string, Reading>();
  for (const netns of wanted) {
    if (present.has(netns)) readings.set(netns, await readOne(kernel, netns, steps));
  }
  return readings;
}

async function readOne(kernel: Kernel, netns: string, steps: readonly KernelStep[]): Promise<Reading> {
  const where = within(netns);
  const [links, addresses, routes, limits] = await Promise.all([
    kernel.links(where),
    kernel.addresses(where),
    kernel.routes(where),
    kernel.limits(where),
  ]);
  const settings = new Map<string, string>();
  for (const step of steps) {
    if (step.do !== 'sysctl' || netnsOf(step) !== netns) continue;
    // What the kernel does not know is not set: told as a difference.
    const value = await kernel.readSysctl(step.key, where).catch(() => undefined);
    if (value !== undefined) settings.set(step.key, value.trim());
  }
  return { links, addresses, routes, limits, settings };
}

async function ruleDifferences(
  kernel: Kernel,
  { steps, scratch }: Examination,
  readings: Readings,
): Promise<Difference[]> {
  const scripts = Map.groupBy(
    steps.filter((step) => step.do === 'nft'),
    netnsOf,
  );
  const found: Difference[] = [];
  for (const [netns, asked] of scripts) {
    if (!readings.has(netns)) continue;
    const wanted = await wantedListing(kernel, scratch, asked);
    const there = readListing(await kernel.rules(within(netns)));
    const [fix] = asked;
    found.push(...differencesOf(wanted, there).map((text) => ({ netns, text, ...(fix ? { fix } : {}) })));
    // The host's own namespace is everybody's; ours hold nothing but our tables.
    const foreign = netns === '' ? [] : foreignTables(wanted, there);
    found.push(...foreign.map((name) => ({ netns, text: `${name} is not ours (left as it is)` })));
  }
  return found;
}

/** The kernel's own spelling of the rules. */
async function wantedListing(
  kernel: Kernel,
  scratch: string,
  scripts: readonly (KernelStep & { readonly do: 'nft' })[],
): Promise<Listing> {
  try {
    await kernel.apply([
      // One that a crash has left holds old rules.
      { do: 'delete-netns', name: scratch },
      { do: 'ensure-netns', name: scratch },
      ...scripts.map(({ script }): KernelStep => ({ do: 'nft', netns: scratch, script })),
    ]);
    return readListing(await kernel.rules(scratch));
  } finally {
    await kernel.apply([{ do: 'delete-netns', name: scratch }]);
  }
}
