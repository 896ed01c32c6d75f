/**
 * What travels between server and agent as a stream of bytes, beside the bus: archives, logs, terminals.
 *
 * A stream is opened with a request, answered with a head (small, checked), and then bytes flow one way: `download` from the
 * agent, or an `upload` to it, which the agent has taken in whole before it answers; or, over a duplex stream, both ways
 * after the head.
 */
import Type, { type Static, type TSchema } from 'typebox';
import { containerLogs } from './agent-questions.ts';

export interface StreamDefinition<Request extends TSchema = TSchema, Head extends TSchema = TSchema> {
  readonly name: string;
  readonly request: Request;
  readonly head: Head;
  /** Until the head is there; for uploads that includes all of it, unless the stream is duplex. */
  readonly deadlineMs: number;
  /** The upload goes on after the head, until either side lets go. */
  readonly isDuplex?: true;
}

export type StreamRequestOf<S extends StreamDefinition> = Static<S['request']>;
export type StreamHeadOf<S extends StreamDefinition> = Static<S['head']>;

function defineStream<Request extends TSchema, Head extends TSchema>(
  definition: StreamDefinition<Request, Head>,
): StreamDefinition<Request, Head> {
  return definition;
}

const Place = Type.Object({ uuid: Type.String(), path: Type.String() });

/** What the Engine says of the file or folder that an archive is made of. */
export const PathStatShape = Type.Object({
  name: Type.String(),
  size: Type.Number(),
  mode: Type.Number(),
  mtime: Type.String(),
  linkTarget: Type.String(),
});
export type PathStat = Static<typeof PathStatShape>;

/** A file or folder of a container as a tar archive. */
export const readArchive = defineStream({
  name: 'read-archive',
  request: Place,
  head: Type.Object({ stat: PathStatShape }),
  deadlineMs: 20_000,
});

/** A tar archive to be unpacked in a folder of a container: all of it is checked before any of it is unpacked. */
export const writeArchive = defineStream({
  name: 'write-archive',
  request: Type.Object({ ...Place.properties, limitBytes: Type.Number() }),
  head: Type.Object({}),
  deadlineMs: 900_000,
});

/** What a container writes, until it ends. */
export const followLogs = defineStream({
  name: 'follow-logs',
  request: containerLogs.request,
  head: Type.Object({}),
  deadlineMs: 20_000,
});

/** What is typed into a running container, and what it writes from now on; without the Engine's framing. Letting go leaves it running. */
export const attachContainer = defineStream({
  name: 'attach-container',
  request: Type.Object({ uuid: Type.String() }),
  head: Type.Object({}),
  isDuplex: true,
  deadlineMs: 20_000,
});

/**
 * Starts a command that `execCreate` (./agent.ts) made ready, and talks with it. The head means that it runs, or has run
 * already. Letting go before it has ended hangs it up, as closing a terminal does.
 */
export const startExec = defineStream({
  name: 'start-exec',
  request: Type.Object({ uuid: Type.String(), execId: Type.String() }),
  head: Type.Object({}),
  isDuplex: true,
  deadlineMs: 20_000,
});
