/**
 * Unix sockets that take one line of JSON and answer with one, both ends: what programs of one machine and one release
 * say to each other. Only the owner of the file (mode 0600) can ask.
 *
 * A socket may only be opened by the process that holds the state folder's lock: a file that is already there belongs to
 * a process that is gone, and is replaced.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { Failure } from '../model/failure.ts';
import type { Log } from './log.ts';

export interface LineAnswer {
  readonly reply: unknown;
  /** Called when the reply is on its way; the connection then stays open until the process ends, and does not hold it up. */
  readonly keep?: () => void;
}

export interface LineSocketOptions {
  readonly path: string;
  /** What is longer and has no end is given up: the answer is to an empty line. */
  readonly mostBytes: number;
  readonly log: Log;
  /** Must not throw. */
  readonly answer: (line: string) => Promise<LineAnswer>;
}

export interface LineSocket {
  /** Takes no more calls; resolves when those under way are answered. */
  close(): Promise<void>;
  /** It does not keep the process running. */
  unref(): void;
}

/** The kernel's limit for the path of a unix socket. */
const maxPathBytes = 107;

/** Throws `invalid-value` when the kernel could not take the path. */
export async function openLineSocket(options: LineSocketOptions): Promise<LineSocket> {
  const { path } = options;
  if (Buffer.byteLength(path) > maxPathBytes) {
    throw new Failure(
      'invalid-value',
      `setting stateDir: the path of the socket ${path} is longer than ${maxPathBytes} bytes; choose a shorter folder`,
    );
  }
  rmSync(path, { force: true });
  const underWay = new Set<Promise<void>>();
  const server = createServer({ allowHalfOpen: true }, (socket) =>
    receive(socket, options, (line) => {
      const done = options.answer(line).then((said) => reply(socket, said));
      underWay.add(done);
      void done.then(() => underWay.delete(done));
    }),
  );
  await listen(server, path);
  return {
    async close() {
      server.close();
      await Promise.all(underWay);
    },
    unref: () => void server.unref(),
  };
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
}

function receive(socket: Socket, { mostBytes, log }: LineSocketOptions, take: (line: string) => void): void {
  let received = '';
  socket.setEncoding('utf8');
  socket.on('error', (error) => log.debug({ error }, 'a connection of a line socket broke'));
  // Whoever leaves before his line is complete is not waited for.
  socket.once('end', () => socket.end());
  socket.on('data', (chunk: string) => {
    received += chunk;
    const end = received.indexOf('\n');
    if (end < 0 && received.length < mostBytes) return;
    socket.removeAllListeners('data').removeAllListeners('end').resume();
    take(received.slice(0, Math.max(end, 0)));
  });
}

function reply(socket: Socket, { reply: value, keep }: LineAnswer): void {
  const line = `${JSON.stringify(value)}\n`;
  if (!keep) {
    socket.end(line);
    return;
  }
  socket.unref();
  socket.write(line, () => keep());
}

export interface LineExchange {
  /** Undefined when the other end closed without a line. */
  readonly line: string | undefined;
  /** Still open, for whoever waits for its end; to be destroyed. */
  readonly socket: Socket;
}

/** Asks once. Throws what the connection fails with (ENOENT, ECONNREFUSED: nobody is there); ETIMEDOUT after the deadline. */
export function exchangeLine(path: string, request: object, deadlineMs?: number): Promise<LineExchange> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    let received = '';
    const read = (chunk: string): void => {
      received += chunk;
      const end = received.indexOf('\n');
      if (end < 0) return;
      socket.off('data', read).setTimeout(0);
      resolve({ line: received.slice(0, end), socket });
    };
    if (deadlineMs !== undefined) {
      const late = Object.assign(new Error(`${path} does not answer`), { code: 'ETIMEDOUT' });
      socket.setTimeout(deadlineMs, () => socket.destroy(late));
    }
    socket.setEncoding('utf8').on('data', read);
    socket.on('error', reject);
    socket.once('close', () => resolve({ line: undefined, socket }));
    socket.write(`${JSON.stringify(request)}\n`);
  });
}

/** Nobody listens: the socket is not there, or was left behind by a process that is gone. */
export function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ECONNREFUSED', 'ENOTSOCK'].includes((error as NodeJS.ErrnoException).code ?? '');
}
