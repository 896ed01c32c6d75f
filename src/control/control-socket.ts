/**
 * The server's end of the control socket (wire/control.ts).
 *
 * Whoever asked for `stop` is kept connected until the process ends; nothing here ends it.
 */
import { type LineAnswer, openLineSocket } from '../base/line-socket.ts';
import type { Log } from '../base/log.ts';
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

const mostBytes = 4096;

export async function openControlSocket(options: ControlSocketOptions): Promise<ControlSocket> {
  const { path, log } = options;
  const socket = await openLineSocket({ path, log, mostBytes, answer: (line) => answer(line, options) });
  socket.unref();
  return { close: () => void socket.close() };
}

async function answer(line: string, { status, stop }: ControlSocketOptions): Promise<LineAnswer> {
  const say = (reply: ControlReply): LineAnswer => ({ reply });
  try {
    const request = parseControlRequest(line);
    const said = say({ status: await status() });
    return request.do === 'stop' ? { ...said, keep: stop } : said;
  } catch (error) {
    return say({ error: error instanceof Error ? error.message : String(error) });
  }
}
