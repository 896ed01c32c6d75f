/** A program on a terminal, as somebody at a keyboard uses it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { until } from './until.ts';

const driver = join(import.meta.dirname, 'on-terminal.py');

export interface PtyOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly rows?: number;
  readonly columns?: number;
  /** What runs the program elsewhere, e.g. in a simulated machine. */
  readonly through?: readonly string[];
}

export class Pty {
  /** Exit code of the program. */
  readonly exited: Promise<number>;
  readonly #process: ChildProcess;
  #seen = '';

  constructor(file: string, args: readonly string[], options: PtyOptions = {}) {
    const { env = process.env, rows = 24, columns = 80, through = [] } = options;
    const [first = '', ...rest] = [
      ...through,
      ...['/usr/bin/python3', driver, String(rows), String(columns), file, ...args],
    ];
    this.#process = spawn(first, rest, { env, stdio: ['pipe', 'pipe', 'inherit', 'pipe'] });
    this.#process.stdin?.on('error', () => undefined);
    this.#process.stdout?.on('data', (chunk: Buffer) => {
      this.#seen += chunk.toString();
    });
    this.exited = new Promise((resolve, reject) => {
      this.#process.once('error', reject);
      this.#process.once('close', (code) => resolve(code ?? -1));
    });
  }

  type(text: string): void {
    this.#process.stdin?.write(text);
  }

  resize(rows: number, columns: number): void {
    (this.#process.stdio[3] as Writable).write(`${rows} ${columns}\n`);
  }

  /** Whether the screen has shown it, since it was last looked at; what was seen until then is forgotten. */
  hasSeen(what: RegExp): string | undefined {
    const match = what.exec(this.#seen);
    if (!match) return undefined;
    const end = match.index + match[0].length;
    const before = this.#seen.slice(0, end);
    this.#seen = this.#seen.slice(end);
    return before;
  }

  async sees(what: RegExp): Promise<string> {
    try {
      return await until(`${what} is seen`, async () => this.hasSeen(what));
    } catch (error) {
      throw new Error(`${(error as Error).message}; the screen shows: ${this.#seen}`);
    }
  }

  /** The window is closed. */
  close(): void {
    this.#process.stdin?.end();
  }
}
