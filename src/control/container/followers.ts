/** Streams that end only when a container does: whoever reads them must not keep the server from stopping. */
import type { Readable } from 'node:stream';

export class Followers {
  readonly #open = new Set<Readable>();

  add(stream: Readable): Readable {
    this.#open.add(stream);
    stream.once('close', () => this.#open.delete(stream));
    return stream;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Their readers see an end that is none of the container's: the connection breaks. */
  endAll(): void {
    for (const stream of this.#open) stream.destroy(new Error('the server stops'));
  }
}
