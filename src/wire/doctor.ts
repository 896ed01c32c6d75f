/** The wanted dataplane of a host compared with its kernel, and mended when asked to: a question to the host's agent. */
import Type, { type Static } from 'typebox';
import { defineCall } from './call.ts';

export const FindingShape = Type.Object({
  /** A network namespace of the host, or `host` for its own. */
  where: Type.String(),
  /** What differs, for people. */
  text: Type.String(),
  isRepaired: Type.Boolean(),
});
export type Finding = Static<typeof FindingShape>;

export const networkDoctor = defineCall({
  name: 'network-doctor',
  to: 'agent',
  request: Type.Object({ repair: Type.Boolean() }),
  reply: Type.Object({
    /** How many networks were looked at, with their routers. */
    networks: Type.Number(),
    findings: Type.Array(FindingShape),
  }),
  // A look at 1,000 networks takes some 20 s; one that takes longer goes on by itself.
  deadlineMs: 50_000,
});
