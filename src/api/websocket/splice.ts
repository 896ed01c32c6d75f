/**
 * A WebSocket and a stream of bytes, put together: what one says, the other hears, at the pace of the slower.
 *
 * Subprotocol `binary`: bytes as they are, in binary messages; text messages count as their UTF-8. Subprotocol `base64`: text messages
 * in base64. The socket is closed with 1000 when the stream has ended, 1011 when it broke, 1008 when its user lost the right to it or
 * said nothing for too long, 1001 when the server stops, 1007 for what is no base64.
 */
import { pipeline, type Readable, type Writable } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { wholeCharacters } from './characters.ts';
import type { Subprotocol } from './upgrades.ts';

export interface SpliceEnds {
  readonly output: Readable;
  /** Absent = what the client says is not listened to. */
  readonly input?: Writable;
  /** Asked now and then. */
  readonly isWelcome?: () => Promise<boolean>;
  /** After the output's end: what to close with. */
  readonly farewell?: () => Promise<string>;
}

export interface SpliceRules {
  readonly protocol: Subprotocol;
  readonly pingMs: number;
  /** 0 = for ever. */
  readonly idleMs: number;
  /** Whether the client can be pinged without harm. */
  readonly isPinged: boolean;
}

const closing = { ended: 1000, stopping: 1001, malformed: 1007, refused: 1008, broken: 1011 } as const;
type Closing = keyof typeof closing;

/** How long a client may take to answer a close. */
const closeGraceMs = 2_000;
/** What a close may say, by RFC 6455. */
const reasonLimitBytes = 123;

export class Splice {
  readonly #socket: WebSocket;
  readonly #ends: SpliceEnds;
  readonly #rules: SpliceRules;
  readonly #beat: NodeJS.Timeout;
  #lastSaidAt = performance.now();
  #awaitsPong = false;

  constructor(socket: WebSocket, ends: SpliceEnds, rules: SpliceRules) {
    this.#socket = socket;
    this.#ends = ends;
    this.#rules = rules;
    this.#beat = setInterval(() => void this.#look(), rules.pingMs);
    socket.on('message', (data, isBinary) => this.#hear(data, isBinary));
    socket.on('pong', () => {
      this.#awaitsPong = false;
    });
    // What is wrong with it closes it, too.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#letGo());
    ends.input?.on('error', () => undefined);
    void this.#speak();
  }

  close(why: Closing, reason: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    // One that is not listened to would not be heard saying goodbye.
    this.#socket.resume();
    this.#socket.close(closing[why], cut(reason));
    const timer = setTimeout(() => this.#socket.terminate(), closeGraceMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  async #speak(): Promise<void> {
    const { output, farewell } = this.#ends;
    try {
      const chunks = pipeline(output, wholeCharacters(), () => undefined);
      for await (const chunk of chunks as AsyncIterable<Buffer>) {
        this.#lastSaidAt = performance.now();
        await this.#send(chunk);
      }
    } catch {
      // Its own end may be why; else the reason is the agent's or the Engine's, which have logged it.
      return this.close('broken', 'The connection to the container broke.');
    }
    this.close('ended', (await farewell?.().catch(() => undefined)) ?? 'Target closed');
  }

  #send(chunk: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const isText = this.#rules.protocol === 'base64';
      this.#socket.send(isText ? chunk.toString('base64') : chunk, { binary: !isText }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  #hear(data: RawData, isBinary: boolean): void {
    const { input } = this.#ends;
    this.#lastSaidAt = performance.now();
    const bytes = this.#decode(data as Buffer, isBinary);
    if (!bytes) this.close('malformed', 'This is no base64.');
    if (!bytes || !input?.writable || input.write(bytes)) return;
    this.#socket.pause();
    input.once('drain', () => this.#socket.resume());
  }

  #decode(data: Buffer, isBinary: boolean): Buffer | undefined {
    if (isBinary || this.#rules.protocol === 'binary') return data;
    const text = data.toString('latin1');
    return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0
      ? Buffer.from(text, 'base64')
      : undefined;
  }

  async #look(): Promise<void> {
    const { idleMs, isPinged } = this.#rules;
    if (idleMs > 0 && performance.now() - this.#lastSaidAt >= idleMs)
      return this.close('refused', `Nothing was said for ${Math.round(idleMs / 1000)} seconds.`);
    // Who cannot be asked is not known to be gone.
    if ((await this.#ends.isWelcome?.().catch(() => true)) === false)
      return this.close('refused', 'You may no longer use this.');
    if (!isPinged || this.#socket.readyState !== this.#socket.OPEN) return;
    // The answer of one that is not listened to is not heard.
    if (this.#awaitsPong && !this.#socket.isPaused) return this.#socket.terminate();
    this.#awaitsPong = true;
    this.#socket.ping();
  }

  #letGo(): void {
    clearInterval(this.#beat);
    this.#ends.output.destroy();
    this.#ends.input?.destroy();
  }
}

function cut(reason: string): string {
  return Buffer.from(reason)
    .subarray(0, reasonLimitBytes)
    .toString()
    .replace(/\uFFFD$/, '');
}
