/** One command inside a running container, with an end, and all of its output. */
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../model/failure.ts';
import type { ExecuteOptions } from './engine.ts';
import { createExec, inspectExec, signalExec } from './execs.ts';
import { readOutput } from './frames.ts';
import type { EngineSocket } from './socket.ts';

const outputLimitBytes = 4 * 1024 * 1024;

export async function executeIn(
  socket: EngineSocket,
  containerId: string,
  command: readonly string[],
  options: ExecuteOptions,
): Promise<{ output: string; exitCode: number }> {
  const { timeoutMs, signal, stdin, tty = false } = options;
  const interactive = stdin !== undefined;
  const execId = await createExec(socket, containerId, command, { ...options, interactive });
  const stream = await start(socket, execId, { stdin, tty });
  let isLate = false;
  const expire = () => {
    isLate = true;
    stream.destroy();
  };
  const timer = setTimeout(expire, timeoutMs);
  signal?.addEventListener('abort', expire);
  try {
    const output = await readOutput(stream, { isRaw: tty, limit: outputLimitBytes });
    return { output, exitCode: await exitCodeOf(socket, execId) };
  } catch (error) {
    if (!isLate) throw error;
    await signalExec(socket, { containerId, execId }, 'SIGKILL');
    throw new Failure('conflict', `Timeout on executing command: ${command.join(' ')}`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', expire);
  }
}

/** What the command writes. Its input ends after `stdin`; a command that does not read all of it is no error. */
async function start(
  socket: EngineSocket,
  execId: string,
  { stdin, tty }: { readonly stdin: string | undefined; readonly tty: boolean },
): Promise<Readable> {
  const body = { Detach: false, Tty: tty };
  const request = { method: 'POST', path: ['exec', execId, 'start'], body } as const;
  if (stdin === undefined) return socket.stream(`start exec ${execId}`, request);
  const connection = await socket.upgrade(`start exec ${execId}`, request);
  connection.end(stdin);
  return connection;
}

/** The output can end a moment before the Engine has noted the exit code. */
async function exitCodeOf(socket: EngineSocket, execId: string): Promise<number> {
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 100)) {
    const { Running, ExitCode } = await inspectExec(socket, execId);
    if (!Running && ExitCode !== null) return ExitCode;
    await delay(waitMs);
  }
}
