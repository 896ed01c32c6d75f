/** What a forwarded port must be like: a draft in, a complete forwarding out, or a Failure. Pure. */
import { canonicalAddress } from '../../../ipam/address.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import type { PortForwarding, PortRange } from '../../../model/network.ts';
import { badRequest } from '../collection.ts';

/** Protocols with ports that every host can translate. */
export const forwardedProtocols = ['tcp', 'udp', 'sctp'] as const;
export type ForwardedProtocol = (typeof forwardedProtocols)[number];

export interface PortForwardingDraft {
  readonly protocol?: ForwardedProtocol;
  /** One port or a range; when both are given they say the same. Null as if absent. */
  readonly externalPort?: number | null;
  readonly externalPortRange?: PortRange | null;
  readonly internalPort?: number | null;
  readonly internalPortRange?: PortRange | null;
  /** Absent = the port's first IPv4 address. */
  readonly internalIpAddress?: string | null;
  readonly internalPortId?: Uuid;
  readonly description?: string;
}

export interface CompiledForwarding
  extends Pick<
    PortForwarding,
    'protocol' | 'externalPorts' | 'internalPorts' | 'internalPortId' | 'description'
  > {
  readonly internalIpAddress: string | undefined;
}

/** The draft, with what it leaves open as it was before. */
export function compileForwarding(
  draft: PortForwardingDraft,
  before: PortForwarding | undefined,
): CompiledForwarding {
  const internalPortId = draft.internalPortId ?? before?.internalPortId ?? required('internal_port_id');
  const isSamePort = internalPortId === before?.internalPortId;
  const address = draft.internalIpAddress ?? (isSamePort ? before.internalIpAddress : undefined);
  const compiled = {
    protocol: draft.protocol ?? before?.protocol ?? required('protocol'),
    externalPorts:
      rangeOf('external', draft.externalPort, draft.externalPortRange) ??
      before?.externalPorts ??
      required('external_port'),
    internalPorts:
      rangeOf('internal', draft.internalPort, draft.internalPortRange) ??
      before?.internalPorts ??
      required('internal_port'),
    internalPortId,
    internalIpAddress: address === undefined ? undefined : canonicalAddress(address),
    description: draft.description ?? before?.description ?? '',
  };
  checkRelation(compiled);
  return compiled;
}

function required(name: string): never {
  throw new Failure('invalid-value', `Failed to parse request. Required attribute '${name}' not specified`);
}

function rangeOf(
  side: 'external' | 'internal',
  port: number | null | undefined,
  range: PortRange | null | undefined,
): PortRange | undefined {
  const single = port == null ? undefined : { from: port, to: port };
  if (range == null) return single;
  if (!single || (single.from === range.from && single.to === range.to)) return range;
  throw badRequest(
    'port_forwarding',
    `${side}_port ${port} contradicts ${side}_port_range ${range.from}:${range.to}`,
  );
}

function checkRelation({ externalPorts, internalPorts }: CompiledForwarding): void {
  const [outer, inner] = [externalPorts.to - externalPorts.from, internalPorts.to - internalPorts.from];
  if (inner === 0 || inner === outer) return;
  throw badRequest(
    'port_forwarding',
    'Invalid ranges of internal and/or external ports. The relation between internal and external ports must ' +
      'be N-N or 1-N',
  );
}

/** Throws when a port would lead to two places, or two ports of the outside to the same place. */
export function refuseCollisions(
  forwarding: Omit<PortForwarding, 'id' | 'floatingIpId' | 'createdAt' | 'updatedAt'>,
  ofSamePort: readonly PortForwarding[],
  ofSameAddress: readonly PortForwarding[],
): void {
  const sameProtocol = ({ protocol }: PortForwarding) => protocol === forwarding.protocol;
  for (const { internalPorts, internalIpAddress } of ofSamePort.filter(sameProtocol)) {
    if (internalIpAddress === forwarding.internalIpAddress) {
      refuseCollision('internal_port_range', internalPorts, forwarding.internalPorts);
    }
  }
  for (const { externalPorts } of ofSameAddress.filter(sameProtocol)) {
    refuseCollision('external_port_range', externalPorts, forwarding.externalPorts);
  }
}

function refuseCollision(name: string, present: PortRange, added: PortRange): void {
  if (present.from > added.to || added.from > present.to) return;
  throw badRequest(
    'port_forwarding',
    `There is a port collision with the ${name}. The following ranges collides: ` +
      `${formatRange(present)} and ${formatRange(added)}`,
  );
}

export function formatRange({ from, to }: PortRange): string {
  return `${from}:${to}`;
}
