/**
 * One command inside a running container, with an end: the Engine has no call that stops an exec'd process, and
 * leaving the stream leaves the process running. So its process group is killed from outside, after a check
 * that the process still belongs to that container (its cgroup names the container's id).
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../model/failure.ts';
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
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<{ output: string; exitCode: number }> {
  const { Id } = await socket.request<{ Id: string }>(`execute in ${containerId}`, {
    method: 'POST',
    path: ['containers', containerId, 'exec'],
    body: { AttachStdout: true, AttachStderr: true, Cmd: command },
  });
  const stream = await socket.stream(`start exec ${Id}`, {
    method: 'POST',
    path: ['exec', Id, 'start'],
    body: { Detach: false, Tty: false },
  });
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
