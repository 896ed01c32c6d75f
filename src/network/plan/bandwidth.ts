/**
 * Limits of ports (Neutron's bandwidth-limit rules) as steps. Pure.
 *
 * What a container receives waits at the host end of its pair; what it sends waits on a detour (host/kernel,
 * `limit-link`). Waiting rather than dropping is what TCP gets along with: docs/adr/0011-shaping-both-directions.md.
 */
import type { Bucket, KernelStep } from '../../host/kernel.ts';
import { limitLink, linkOwner, networkNamespace, portLink } from '../../model/host-names.ts';
import type { WantedBandwidth, WantedNetwork, WantedPort } from '../../wire/host-network.ts';
import { idWord } from './words.ts';

const bytesPerKilobit = 125;
/** Neutron's advice for TCP where no burst is given. */
const burstShare = 0.8;
/** How long a packet may wait, while the queue has room for one packet of the largest size that TCP hands down. */
const patienceSeconds = 0.05;
const largestPacket = 1 << 16;
/** Ethernet's header, with a tag, and some room. */
const frameOverhead = 32;

/** What is limited, port by port, as text: compared to find what changed. */
export type Limits = ReadonlyMap<string, string>;

export function limitsOf(network: WantedNetwork): Limits {
  const limited = network.ports.filter(isLimited);
  return new Map(limited.map(({ id, bandwidth }) => [id, JSON.stringify([network.mtu, bandwidth])]));
}

/** For the ports whose limits changed since `before`; for all when that is unknown. */
export function limitSteps(
  instance: string,
  network: WantedNetwork,
  before: Limits | undefined,
): KernelStep[] {
  const now = limitsOf(network);
  return network.ports
    .filter(({ id }) => !before || before.get(id) !== now.get(id))
    .map((port) => limitStep(instance, network, port));
}

/** What a port needs before it is up: nothing when it has no limit. */
export function firstLimitSteps(instance: string, network: WantedNetwork, port: WantedPort): KernelStep[] {
  return isLimited(port) ? [limitStep(instance, network, port)] : [];
}

/** The port whose detour a link is. */
export function parseLimitAlias(instance: string, alias: string): string | undefined {
  const [berth, owner, kind, portId] = alias.split(' ');
  return berth === 'berth' && owner === instance && kind === 'limit' ? portId : undefined;
}

function limitStep(instance: string, network: WantedNetwork, port: WantedPort): KernelStep {
  const { egress, ingress } = port.bandwidth;
  return {
    do: 'limit-link',
    netns: networkNamespace(instance, network.id),
    name: portLink(idWord(port.id)),
    leaving: bucketOf(ingress, network.mtu),
    arriving: bucketOf(egress, network.mtu),
    detour: { name: limitLink(port.id), alias: linkOwner(instance, 'limit', port.id) },
  };
}

function bucketOf(limit: WantedBandwidth | null, mtu: number): Bucket | null {
  if (!limit?.kilobitsPerSecond) return null;
  const bytesPerSecond = limit.kilobitsPerSecond * bytesPerKilobit;
  const burst = limit.burstKilobits * bytesPerKilobit || bytesPerSecond * burstShare;
  return {
    bytesPerSecond,
    // A packet that is larger than the bucket never passes.
    burstBytes: Math.max(burst, 2 * (mtu + frameOverhead)),
    queueBytes: Math.max(bytesPerSecond * patienceSeconds, largestPacket),
  };
}

/** A rate of 0 is no limit, as everywhere in traffic control. */
function isLimited({ bandwidth }: WantedPort): boolean {
  return [bandwidth.egress, bandwidth.ingress].some((limit) => limit?.kilobitsPerSecond);
}
