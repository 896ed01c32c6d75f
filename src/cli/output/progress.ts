/**
 * What is going on, on stderr: one line that is rewritten on a terminal; elsewhere every line once, since several things
 * may take turns in saying what they do.
 */
import type { TextStream } from '../world.ts';
import { printable } from './text.ts';

const clearLine = '\r\u001b[2K';

export class Progress {
  readonly #stream: TextStream;
  readonly #quiet: boolean;
  readonly #said = new Set<string>();
  #shown = '';

  constructor(stream: TextStream, quiet: boolean) {
    this.#stream = stream;
    this.#quiet = quiet;
  }

  /** Something that passes: the next step replaces it. */
  step(text: string): void {
    const line = printable(text);
    if (this.#quiet || line === this.#shown) return;
    this.#shown = line;
    if (this.#stream.isTTY) this.#stream.write(`${clearLine}${line}`);
    else if (!this.#said.has(line)) this.#stream.write(`${line}\n`);
    this.#said.add(line);
  }

  /** Something that stays. */
  note(text: string): void {
    this.clear();
    if (!this.#quiet) this.#stream.write(`${printable(text)}\n`);
  }

  /** Leaves the line free for what comes next. */
  clear(): void {
    if (this.#shown && this.#stream.isTTY) this.#stream.write(clearLine);
    this.#shown = '';
  }
}
