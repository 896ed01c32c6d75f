/** Talking with a process in a container, over a connection that the Engine hands over: its own one, or one that `docker exec` runs. */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../model/failure.ts';
import type { Conversation } from './engine.ts';
import { type ExecAnswer, type ExecName, getExec, inspectExec, signalExec } from './execs.ts';
import { unframed } from './frames.ts';
import type { EngineSocket } from './socket.ts';

/** What a command may take to save its work when its terminal is closed. */
const hangUpGraceMs = 5_000;
/** The output can end a moment before the Engine has noted how. */
const resultGraceMs = 2_000;

export async function attachTo(
  socket: EngineSocket,
  { id, tty }: { readonly id: string; readonly tty: boolean },
): Promise<Conversation> {
  const query = { stream: true, stdin: true, stdout: true, stderr: true };
  const request = { method: 'POST', path: ['containers', id, 'attach'], query } as const;
  const connection = await socket.upgrade(`attach to ${id}`, request);
  return { input: connection, output: unframed(connection, tty) };
}

export async function startExec(socket: EngineSocket, name: ExecName): Promise<Conversation> {
  const { execId } = name;
  const { Running, ExitCode, ProcessConfig } = await getExec(socket, name);
  if (Running || ExitCode !== null)
    throw new Failure('conflict', `exec instance ${execId} was started before`);
  const { tty } = ProcessConfig;
  const body = { Detach: false, Tty: tty };
  const request = { method: 'POST', path: ['exec', execId, 'start'], body } as const;
  const connection = await socket.upgrade(`start exec ${execId}`, request);
  try {
    // The Engine hands the connection over before it starts the process, whose terminal cannot be resized so early.
    await untilExec(
      socket,
      execId,
      ({ Running: runs, ExitCode: code, Pid }) => (runs && Pid > 0) || code !== null,
    );
  } catch (error) {
    connection.destroy();
    throw error;
  }
  return { input: connection, output: unframed(connection, tty) };
}

export async function execResult(socket: EngineSocket, name: ExecName): Promise<number | null> {
  await getExec(socket, name);
  const { ExitCode } = await untilExec(socket, name.execId, ({ Running }) => !Running, resultGraceMs);
  return ExitCode;
}

export async function hangUpExec(socket: EngineSocket, name: ExecName): Promise<void> {
  if (!(await signalExec(socket, name, 'SIGHUP'))) return;
  const { Running } = await untilExec(socket, name.execId, (exec) => !exec.Running, hangUpGraceMs);
  if (Running) await signalExec(socket, name, 'SIGKILL');
}

/** Looks until it is so, or for as long as is said. */
async function untilExec(
  socket: EngineSocket,
  execId: string,
  isSo: (exec: ExecAnswer) => boolean,
  patienceMs = 10_000,
): Promise<ExecAnswer> {
  const end = performance.now() + patienceMs;
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 100)) {
    const exec = await inspectExec(socket, execId);
    if (isSo(exec) || performance.now() > end) return exec;
    await delay(waitMs);
  }
}
