/**
 * What carries a network: a VXLAN segment between hosts, or (for external networks, by an administrator) what lies
 * outside, `flat` under a physical network's name.
 *
 * Every network has a VXLAN identifier of its own, chosen at random: no counter to fight for. That of a flat network
 * is never shown.
 */
import { Failure } from '../../model/failure.ts';
import type { Network } from '../../model/network.ts';
import type { Trx } from '../../store/database.ts';
import { everything } from '../../store/network/common.ts';
import { findNetworks } from '../../store/network/networks.ts';
import { invalidInput } from './collection.ts';
import type { NetworkContext } from './context.ts';

/** 24 bits; 0 is not used. */
export const largestSegmentationId = 0xff_ffff;

export interface SegmentDraft {
  readonly networkType?: string;
  readonly physicalNetwork?: string;
  readonly segmentationId?: number;
  readonly external?: boolean;
}

type Segment = Pick<Network, 'networkType' | 'physicalNetwork' | 'segmentationId'>;

export async function chooseSegment(
  context: NetworkContext,
  trx: Trx,
  draft: SegmentDraft,
): Promise<Segment> {
  const { networkType, physicalNetwork, segmentationId } = draft;
  if (!networkType && !physicalNetwork && segmentationId === undefined) return vxlan(context, trx, draft);
  if (!networkType) throw invalidInput('network_type required.');
  if (networkType === 'vxlan') return vxlan(context, trx, draft);
  if (networkType === 'flat') return flat(context, trx, draft);
  throw invalidInput(`network_type value '${networkType}' not supported.`);
}

async function vxlan(
  { random }: NetworkContext,
  trx: Trx,
  { physicalNetwork, segmentationId }: SegmentDraft,
): Promise<Segment> {
  if (physicalNetwork) throw invalidInput('provider:physical_network specified for VXLAN network.');
  const shape = { networkType: 'vxlan', physicalNetwork: null } as const;
  if (segmentationId === undefined) return { ...shape, segmentationId: randomSegment(random) };
  if ((await findNetworks(trx, everything, { segmentation_id: [segmentationId] })).length > 0) {
    throw new Failure(
      'segmentation-id-in-use',
      `Unable to create the network. The tunnel ID ${segmentationId} is in use.`,
    );
  }
  return { ...shape, segmentationId };
}

async function flat(
  { random }: NetworkContext,
  trx: Trx,
  { physicalNetwork, segmentationId, external }: SegmentDraft,
): Promise<Segment> {
  if (!physicalNetwork) throw invalidInput('physical_network required for flat provider network.');
  if (segmentationId !== undefined) {
    throw invalidInput('segmentation_id prohibited for flat provider network.');
  }
  if (!external) throw invalidInput('network_type flat is for external networks: set router:external too.');
  if ((await findNetworks(trx, everything, { physical_network: [physicalNetwork] })).length > 0) {
    throw new Failure(
      'physical-network-in-use',
      `Unable to create the flat network. Physical network ${physicalNetwork} is in use.`,
    );
  }
  return { networkType: 'flat', physicalNetwork, segmentationId: randomSegment(random) };
}

function randomSegment(random: NetworkContext['random']): number {
  const [a = 0, b = 0, c = 0] = random(3);
  return 1 + (((a << 16) | (b << 8) | c) % largestSegmentationId);
}
