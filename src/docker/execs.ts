/**
 * Commands that `docker exec` runs: made, looked at, and ended.
 *
 * The Engine has no call that stops one, and leaving its stream leaves it running. So its process group is signalled from
 * outside, after a check that the process still belongs to that container (its cgroup names the container's id).
 */
import { readFile } from 'node:fs/promises';
import { Failure, isFailure } from '../model/failure.ts';
import type { ExecOptions } from './engine.ts';
import { statusOf } from './failures.ts';
import type { EngineSocket } from './socket.ts';

export interface ExecAnswer {
  readonly ContainerID: string;
  readonly Running: boolean;
  /** Null = it was not started, or runs. */
  readonly ExitCode: number | null;
  /** 0 while there is none. */
  readonly Pid: number;
  readonly ProcessConfig: { readonly tty: boolean };
}

export interface ExecName {
  readonly containerId: string;
  readonly execId: string;
}

/** Returns its id. */
export async function createExec(
  socket: EngineSocket,
  containerId: string,
  command: readonly string[],
  options: ExecOptions & { readonly interactive: boolean },
): Promise<string> {
  const { interactive, tty, environment, user, workdir } = options;
  const { Id } = await socket.request<{ Id: string }>(`execute in ${containerId}`, {
    method: 'POST',
    path: ['containers', containerId, 'exec'],
    body: {
      AttachStdout: true,
      AttachStderr: true,
      Cmd: command,
      ...(interactive && { AttachStdin: true }),
      ...(tty && { Tty: true }),
      ...(environment && { Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`) }),
      ...(user !== undefined && { User: user }),
      ...(workdir !== undefined && { WorkingDir: workdir }),
    },
  });
  return Id;
}

export const inspectExec = (socket: EngineSocket, execId: string) =>
  socket.request<ExecAnswer>(`inspect exec ${execId}`, { method: 'GET', path: ['exec', execId, 'json'] });

/** Throws `invalid-value` when the container has no such command. */
export async function getExec(socket: EngineSocket, { containerId, execId }: ExecName): Promise<ExecAnswer> {
  const none = new Failure('invalid-value', `no such exec instance: ${execId}`);
  try {
    const exec = await inspectExec(socket, execId);
    if (exec.ContainerID !== containerId) throw none;
    return exec;
  } catch (error) {
    throw isFailure(error) && statusOf(error.cause) === 404 ? none : error;
  }
}

/** To the process and its group. False = there is none any more. */
export async function signalExec(
  socket: EngineSocket,
  { containerId, execId }: ExecName,
  signal: NodeJS.Signals,
): Promise<boolean> {
  const { Running, Pid } = await inspectExec(socket, execId);
  if (!Running || Pid <= 1) return false;
  const cgroup = await readFile(`/proc/${Pid}/cgroup`, 'utf8').catch(() => '');
  if (!cgroup.includes(containerId)) return false;
  try {
    // The runtime makes an exec'd process the leader of a session of its own, so its children go with it.
    process.kill(-Pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
