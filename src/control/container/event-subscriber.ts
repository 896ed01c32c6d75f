/** One who watches: a stream of Server-Sent Events with a bound on what waits for its reader. */
import { Readable } from 'node:stream';
import { type ContainerEvent, eventJson } from '../../model/container-event.ts';

/** How long somebody who was cut off may take to read why. */
const farewellMs = 10_000;

export function textOf(event: ContainerEvent): Buffer {
  return Buffer.from(`id: ${event.id}\nevent: container.${event.type}\ndata: ${eventJson(event)}\n\n`);
}

export class Subscriber {
  readonly stream: Readable;
  readonly #limitBytes: number;
  #hasEnded = false;
  #wantsMore: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitBytes: number, onGone: () => void) {
    this.#limitBytes = limitBytes;
    this.stream = new Readable({
      highWaterMark: 16_384,
      read: () => this.#wantsMore?.(),
      destroy: (error, done) => {
        this.#hasEnded = true;
        clearTimeout(this.#timer);
        this.#wantsMore?.();
        onGone();
        done(error);
      },
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Ends the stream when too much waits already. */
  push(chunk: Buffer | string): void {
    if (this.#hasEnded) return;
    if (this.stream.readableLength > this.#limitBytes) {
      const reason = `More than ${this.#limitBytes} bytes waited to be read. Come back with Last-Event-ID.`;
      this.stream.push(`event: cut-off\ndata: ${JSON.stringify({ reason })}\n\n`);
      this.end();
      return;
    }
    this.stream.push(chunk);
  }

  /** Waits for the reader: for what is old anyway. */
  async pushPatiently(chunk: Buffer): Promise<void> {
    if (this.#hasEnded) return;
    if (this.stream.push(chunk)) return;
    await new Promise<void>((resolve) => {
      this.#wantsMore = resolve;
    });
    this.#wantsMore = undefined;
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.stream.push(null);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.stream.destroy(), farewellMs).unref();
  }

  endAfter(seconds: number): void {
    this.#timer = setTimeout(() => this.end(), seconds * 1000);
  }
}
