/**
 * The Engine's multiplexed streams: without a terminal, stdout and stderr share one connection in frames of an
 * 8-byte header (stream, three zeros, length) and a payload. Frames and chunks do not line up.
 */
import { pipeline, type Readable, Transform } from 'node:stream';

export const frameHeaderBytes = 8;

export interface Frame {
  readonly isError: boolean;
  readonly payload: Buffer;
}

export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);

  /** Payloads that are complete after this chunk, in order. */
  *push(chunk: Buffer): Generator<Buffer> {
    for (const { payload } of this.frames(chunk)) yield payload;
  }

  /** The same, with the stream that each is of. */
  *frames(chunk: Buffer): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= frameHeaderBytes) {
      const end = frameHeaderBytes + this.#rest.readUInt32BE(4);
      if (this.#rest.length < end) return;
      yield { isError: this.#rest[0] === 2, payload: this.#rest.subarray(frameHeaderBytes, end) };
      this.#rest = this.#rest.subarray(end);
    }
  }
}

export function encodeFrame({ isError, payload }: Frame): Buffer {
  const header = Buffer.alloc(frameHeaderBytes);
  header[0] = isError ? 2 : 1;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** Keeps the last `limit` bytes of what is pushed. */
export class Tail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #length = 0;
  #isCut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length > this.#limit) {
      const first = this.#chunks[0] as Buffer;
      const surplus = this.#length - this.#limit;
      this.#isCut = true;
      if (first.length > surplus) this.#chunks[0] = first.subarray(surplus);
      else this.#chunks.shift();
      this.#length -= Math.min(first.length, surplus);
    }
  }

  /** As text; when something was dropped, the first line says so and starts at a line's beginning. */
  toString(): string {
    const text = Buffer.concat(this.#chunks).toString('utf8');
    if (!this.#isCut) return text;
    return `[only the last ${this.#limit} bytes are kept]\n${text.slice(text.indexOf('\n') + 1)}`;
  }
}

/** The Engine writes lines down in pieces of 16 KiB at most, each with its own time in front: `2030-01-01T00:00:00.000000000Z `. */
const longestPiece = 31 + 16_384;

/** Takes a log with times apart into its entries: a terminal's has no frames, only lines and pieces of lines. */
export async function* entriesOf(
  stream: AsyncIterable<Buffer>,
  { isRaw }: { readonly isRaw: boolean },
): AsyncGenerator<Frame> {
  const decoder = new FrameDecoder();
  let rest = Buffer.alloc(0);
  for await (const chunk of stream) {
    if (isRaw) rest = yield* linesOf(Buffer.concat([rest, chunk]));
    else yield* decoder.frames(chunk);
  }
  if (rest.length > 0) yield { isError: false, payload: rest };
}

/** Returns what comes after the last one that is whole. */
function* linesOf(text: Buffer): Generator<Frame, Buffer<ArrayBuffer>> {
  let from = 0;
  for (;;) {
    const newline = text.subarray(from, from + longestPiece).indexOf(10);
    const isLong = newline < 0 && text.length - from >= longestPiece;
    if (newline < 0 && !isLong) return Buffer.from(text.subarray(from));
    const end = from + (isLong ? longestPiece : newline + 1);
    yield { isError: false, payload: text.subarray(from, end) };
    from = end;
  }
}

/** Reads a stream to its end, taking frames apart unless the container has a terminal. */
export async function readOutput(
  stream: Readable,
  options: { readonly isRaw: boolean; readonly limit: number },
): Promise<string> {
  const tail = new Tail(options.limit);
  const decoder = new FrameDecoder();
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (options.isRaw) tail.push(chunk);
    else for (const payload of decoder.push(chunk)) tail.push(payload);
  }
  return tail.toString();
}

/** What the processes wrote, as it comes. Whichever of the two streams goes first takes the other with it, with its error. */
export function unframed(stream: Readable, isRaw: boolean): Readable {
  return pipeline(stream, isRaw ? asItIs() : withoutFrames(), () => undefined);
}

function asItIs(): Transform {
  return new Transform({ transform: (chunk: Buffer, _encoding, done) => done(null, chunk) });
}

function withoutFrames(): Transform {
  const decoder = new FrameDecoder();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (const payload of decoder.push(chunk)) this.push(payload);
      done();
    },
  });
}
