/**
 * One command inside a running container, with an end: the Engine has no call that stops an exec'd process, and
 * leaving the stream leaves the process running. So its process group is killed from outside, after a check
 * that the process still belongs to that container (its cgroup names the container's id).
 */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../model/failure.ts';
import type { ExecuteOptions } from './engine.ts';
import { readOutput } from './frames.ts';
import type { EngineSocket } from './socket.ts';

const outputLimitBytes = 4 * 1024 * 1024;

interface ExecAnswer {
  readonly Running: boolean;
  readonly ExitCode: number | null;
  readonly Pid: number;
}

export async function executeIn(
  socket: EngineSocket,
  containerId: string,
  command: readonly string[],
  options: ExecuteOptions,
): Promise<{ output: string; exitCode: number }> {
  const { Id } = await socket.request<{ Id: string }>(`execute in ${containerId}`, {
    method: 'POST',
    path: ['containers', containerId, 'exec'],
    body: toExecBody(command, options),
  });
  const stream = await start(socket, Id, options.stdin);
  const { timeoutMs, signal } = options;
  let isLate = false;
  const expire = () => {
    isLate = true;
    stream.destroy();
  };
  const timer = setTimeout(expire, timeoutMs);
  signal?.addEventListener('abort', expire);
  try {
    const output = await readOutput(stream, { isRaw: false, limit: outputLimitBytes });
    return { output, exitCode: await exitCodeOf(socket, Id) };
  } catch (error) {
    if (!isLate) throw error;
    await endProcess(socket, containerId, Id);
    throw new Failure('conflict', `Timeout on executing command: ${command.join(' ')}`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', expire);
  }
}

function toExecBody(command: readonly string[], { stdin, environment, user, workdir }: ExecuteOptions) {
  return {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: command,
    ...(stdin !== undefined && { AttachStdin: true }),
    ...(environment && { Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`) }),
    ...(user !== undefined && { User: user }),
    ...(workdir !== undefined && { WorkingDir: workdir }),
  };
}

/** What the command writes. Its input ends after `stdin`; a command that does not read all of it is no error. */
async function start(socket: EngineSocket, execId: string, stdin: string | undefined): Promise<Readable> {
  const request = {
    method: 'POST',
    path: ['exec', execId, 'start'],
    body: { Detach: false, Tty: false },
  } as const;
  if (stdin === undefined) return socket.stream(`start exec ${execId}`, request);
  const connection = await socket.upgrade(`start exec ${execId}`, request);
  connection.end(stdin);
  return connection;
}

const inspect = (socket: EngineSocket, execId: string) =>
  socket.request<ExecAnswer>(`inspect exec ${execId}`, { method: 'GET', path: ['exec', execId, 'json'] });

/** The output can end a moment before the Engine has noted the exit code. */
async function exitCodeOf(socket: EngineSocket, execId: string): Promise<number> {
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 100)) {
    const { Running, ExitCode } = await inspect(socket, execId);
    if (!Running && ExitCode !== null) return ExitCode;
    await delay(waitMs);
  }
}

async function endProcess(socket: EngineSocket, containerId: string, execId: string): Promise<void> {
  const { Running, Pid } = await inspect(socket, execId);
  if (!Running || Pid <= 1) return;
  const cgroup = await readFile(`/proc/${Pid}/cgroup`, 'utf8').catch(() => '');
  if (!cgroup.includes(containerId)) return;
  try {
    // The runtime makes an exec'd process the leader of a session of its own, so its children go with it.
    process.kill(-Pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
