/**
 * The Engine's multiplexed streams: without a terminal, stdout and stderr share one connection in frames of an
 * 8-byte header (stream, three zeros, length) and a payload. Frames and chunks do not line up.
 */
import type { Readable } from 'node:stream';

export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);

  /** Payloads that are complete after this chunk, in order. */
  *push(chunk: Buffer): Generator<Buffer> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 8) {
      const end = 8 + this.#rest.readUInt32BE(4);
      if (this.#rest.length < end) return;
      yield this.#rest.subarray(8, end);
      this.#rest = this.#rest.subarray(end);
    }
  }
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
