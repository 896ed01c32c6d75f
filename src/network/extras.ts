/** What the kernel does not have of what one port is to have besides its place in the network: host ports and limits. */
import type { Kernel } from '../host/kernel.ts';
import { externalBridge, networkNamespace } from '../model/host-names.ts';
import { ipProtocols } from '../model/ip-protocols.ts';
import type { WantedHostPort, WantedNetwork } from '../wire/host-network.ts';
import { stateDifferences } from './doctor/state.ts';
import { limitSteps } from './plan/bandwidth.ts';
import { externalTable } from './plan/external.ts';
import { hostPortElement, hostPortsOf } from './plan/host-ports.ts';

export interface Extras {
  /** Ports of the host that lead to the port. */
  readonly hostPorts: readonly WantedHostPort[];
  /** In words; empty = everything is as it should be. */
  readonly missing: readonly string[];
}

export interface ExtrasOptions {
  readonly kernel: Kernel;
  readonly instance: string;
}

export async function extrasOf(
  { kernel, instance }: ExtrasOptions,
  network: WantedNetwork,
  portId: string,
): Promise<Extras> {
  const hostPorts = hostPortsOf(network.routers).filter((one) => one.portId === portId);
  const missing = [
    ...(await missingLimits(kernel, instance, network, portId)),
    ...(await missingHostPorts(kernel, instance, hostPorts)),
  ];
  return { hostPorts, missing };
}

async function missingLimits(
  kernel: Kernel,
  instance: string,
  network: WantedNetwork,
  portId: string,
): Promise<string[]> {
  const netns = networkNamespace(instance, network.id);
  const ports = network.ports.filter(({ id }) => id === portId);
  const [links, limits] = [await kernel.links(netns), await kernel.limits(netns)];
  const nothing = { addresses: [], routes: [], settings: new Map<string, string>() };
  const readings = new Map([[netns, { ...nothing, links, limits }]]);
  const steps = limitSteps(instance, { ...network, ports }, undefined);
  return stateDifferences(steps, readings).map(({ text }) => text);
}

async function missingHostPorts(
  kernel: Kernel,
  instance: string,
  wanted: readonly WantedHostPort[],
): Promise<string[]> {
  const maps = new Map<string, ReadonlySet<string>>();
  const missing: string[] = [];
  for (const port of wanted) {
    const { map, key, value } = hostPortElement(port);
    const there = maps.get(map) ?? (await elementsOf(kernel, `map inet ${externalTable(instance)} ${map}`));
    maps.set(map, there);
    if (!there.has(`${key} : ${value}`))
      missing.push(`port ${port.hostPort} of the host does not lead to it`);
  }
  const isClosed =
    wanted.length > 0 &&
    !(await kernel.links()).some(({ name, up }) => name === externalBridge(instance) && up);
  return isClosed ? [...missing, `link ${externalBridge(instance)} is missing or down`] : missing;
}

/** As ./plan/host-ports spells them. */
async function elementsOf(kernel: Kernel, map: string): Promise<Set<string>> {
  const answer = (await kernel.nftables(map)) as { nftables?: { map?: { elem?: unknown[] } }[] } | undefined;
  const elements = (answer?.nftables ?? []).flatMap((one) => one.map?.elem ?? []);
  return new Set(elements.map((element) => (element as unknown[]).map(spell).join(' : ')));
}

function spell(part: unknown): string {
  const words = (part as { concat?: unknown[] }).concat ?? [part];
  return words.map((word) => ipProtocols[word as keyof typeof ipProtocols] ?? String(word)).join(' . ');
}
