/**
 * The server's end of the control socket (wire/control.ts).
 *
 * Owns the socket file. It may only be opened by the process that holds the state folder's lock: a file that is
 * already there belongs to a process that is gone, and is replaced. Whoever asked for `stop` is kept connected until
 * the process ends; nothing here ends it.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../base/log.ts';
import { Failure } from '../model/failure.ts';
import { type ControlReply, parseControlRequest, type ServerStatus } from '../wire/control.ts';

export interface ControlSocketOptions {
  readonly path: string;
  readonly log: Log;
  readonly status: () => Promise<ServerStatus>;
  /** Called once per `stop` that arrives; must return at once. */
  readonly stop: () => void;
}

export interface ControlSocket {
  /** Stops accepting; those who wait for the end of the process keep waiting. */
  close(): void;
}

/** The kernel's limit for the path of a unix socket. */
const maxPathBytes = 107;
const maxLineBytes = 4096;

export async function openControlSocket(options: ControlSocketOptions): Promise<ControlSocket> {
  if (Buffer.byteLength(options.path) > maxPathBytes) {
    throw new Failure(
      'invalid-value',
      `setting stateDir: the path of the control socket ${options.path} is longer than ${maxPathBytes} bytes; choose a shorter folder`,
    );
  }
  rmSync(options.path, { force: true });
  const server = createServer((socket) => serve(socket, options));
  await listen(server, options.path);
  return { close: () => server.close() };
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  server.unref();
}

function serve(socket: Socket, options: ControlSocketOptions): void {
  let received = '';
  socket.unref();
  socket.setEncoding('utf8');
  socket.on('error', (error) => options.log.debug({ error }, 'control connection broke'));
  socket.on('data', (chunk: string) => {
    received += chunk;
    const end = received.indexOf('\n');
    if (end < 0 && received.length < maxLineBytes) return;
    socket.removeAllListeners('data').resume();
    void answer(received.slice(0, Math.max(end, 0)), socket, options);
  });
}

async function answer(line: string, socket: Socket, options: ControlSocketOptions): Promise<void> {
  const say = (reply: ControlReply) => `${JSON.stringify(reply)}\n`;
  try {
    const request = parseControlRequest(line);
    const reply = say({ status: await options.status() });
    if (request.do === 'status') return void socket.end(reply);
    socket.write(reply, () => options.stop());
  } catch (error) {
    socket.end(say({ error: error instanceof Error ? error.message : String(error) }));
  }
}
