/**
 * Streams of bytes between server and agent: bulk data that must not go over the bus (wire/streams.ts).
 *
 * One contract for every implementation: whoever opens a stream is authenticated as on the bus; request and head are
 * checked on both sides; opening ends in the head, in the handler's Failure (`remote` is set, except for a Failure of the
 * opener's own upload), in `timeout`, or in `unavailable` when nobody serves it. A stream that ends early is destroyed with an error
 * at its other end, and what the opener lets go of is destroyed at the agent.
 *
 * Over a duplex stream the upload goes on after the head. Ending it is told to the agent and leaves the download open; when the
 * download has ended, or was destroyed by either side, the upload is destroyed.
 */
import type { Readable } from 'node:stream';
import type { StreamDefinition, StreamHeadOf, StreamRequestOf } from '../wire/streams.ts';

export interface Opened<S extends StreamDefinition> {
  readonly head: StreamHeadOf<S>;
  /** To be read or destroyed. Ended at once for uploads. */
  readonly download: Readable;
}

export interface StreamContext {
  /** Ended at once for downloads. */
  readonly upload: Readable;
  /** Aborts when the opener's deadline passes, and for streams that are not duplex when they are open. */
  readonly signal: AbortSignal;
}

export type StreamHandler<S extends StreamDefinition> = (
  request: StreamRequestOf<S>,
  context: StreamContext,
) => Promise<{ readonly head: StreamHeadOf<S>; readonly download?: Readable }>;

export interface Streams {
  /** To the agent of a host. */
  open<S extends StreamDefinition>(
    host: string,
    stream: S,
    request: StreamRequestOf<S>,
    upload?: Readable,
  ): Promise<Opened<S>>;
  /** Agents only. */
  serve<S extends StreamDefinition>(stream: S, handler: StreamHandler<S>): void;
}
