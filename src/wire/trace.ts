/**
 * Where the first packet of a connection would go and who would drop it, as the wanted dataplane says: the question to
 * a host's agent, and its answer. No packet is sent. The evaluator is src/network/plan/trace.
 */
import Type, { type Static } from 'typebox';
import { defineCall } from './call.ts';
import { WantedRuleShape } from './host-network.ts';

export const TracedPacketShape = Type.Object({
  /** The port that sends it; null = somebody outside of the cloud. */
  portId: Type.Union([Type.String(), Type.Null()]),
  source: Type.String(),
  destination: Type.String(),
  /** IP protocol number. */
  protocol: Type.Number(),
  sourcePort: Type.Number(),
  /** Destination port. ICMP: type. */
  port: Type.Number(),
  /** ICMP: code. */
  code: Type.Number(),
});

/** Who decides or changes something. `id` names it; empty for `outside`. */
const tracePlaces = ['port', 'network', 'router', 'outside'] as const;
const traceWhats = [
  'state',
  'anti-spoofing',
  'egress',
  'route',
  'destination-nat',
  'source-nat',
  'forward',
  'deliver',
  'ingress',
  'answer',
] as const;
export type TraceWhat = (typeof traceWhats)[number];

export const TraceStepShape = Type.Object({
  at: Type.Enum(tracePlaces as unknown as string[]) as unknown as Type.TUnsafe<(typeof tracePlaces)[number]>,
  id: Type.String(),
  what: Type.Enum(traceWhats as unknown as string[]) as unknown as Type.TUnsafe<TraceWhat>,
  passes: Type.Boolean(),
  /** One sentence for people, without a full stop. */
  text: Type.String(),
  /** The security group and its rule that let it pass. */
  groupId: Type.Optional(Type.String()),
  rule: Type.Optional(WantedRuleShape),
});

export const TraceShape = Type.Object({
  /** False = the last step drops it. */
  passes: Type.Boolean(),
  steps: Type.Array(TraceStepShape),
  /** The packet as it was at the end: addresses and ports may have been translated. */
  packet: TracedPacketShape,
});

export type TracedPacket = Static<typeof TracedPacketShape>;
export type TraceStep = Static<typeof TraceStepShape>;
export type Trace = Static<typeof TraceShape>;

export const tracePacket = defineCall({
  name: 'trace-packet',
  to: 'agent',
  request: TracedPacketShape,
  reply: TraceShape,
  deadlineMs: 5_000,
});
