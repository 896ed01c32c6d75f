/**
 * Asks the Berth that runs on this machine, through the control socket in its state folder (wire/control.ts).
 *
 * "Nobody answers" is a normal outcome (`undefined`), also when a dead process left its socket file behind.
 * Starting a server is not done here.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { exchangeLine, isAbsence } from '../base/line-socket.ts';
import type { ControlReply, ControlRequest, ServerStatus } from '../wire/control.ts';

/** It ended while it was asked. */
const endings = ['ECONNRESET', 'EPIPE'];

/** Who runs on this state folder, or undefined. Throws when the socket belongs to somebody else (EACCES). */
export async function askStatus(socketPath: string): Promise<ServerStatus | undefined> {
  return await converse(socketPath, { do: 'status' }, async (socket, reply) => {
    socket.destroy();
    return reply;
  });
}

/**
 * Asks the server to stop and waits until its process has ended. Returns what it said last, undefined when none
 * was there. Its containers go on running.
 */
export async function stopServer(socketPath: string): Promise<ServerStatus | undefined> {
  return await converse(socketPath, { do: 'stop' }, async (socket, reply) => {
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.resume();
    await closed;
    // The kernel closes a process's sockets a little before the process is gone.
    while (isAlive(reply.pid)) await setTimeout(5);
    return reply;
  });
}

/** A process that has ended but was not waited for by its parent is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return false;
    throw error;
  }
}

async function converse(
  socketPath: string,
  request: ControlRequest,
  then: (socket: Socket, status: ServerStatus) => Promise<ServerStatus>,
): Promise<ServerStatus | undefined> {
  try {
    const { line, socket } = await exchangeLine(socketPath, request);
    try {
      if (line === undefined) return undefined;
      const reply = JSON.parse(line) as ControlReply;
      if ('error' in reply) throw new Error(`control socket ${socketPath}: ${reply.error}`);
      return await then(socket, reply.status);
    } finally {
      socket.destroy();
    }
  } catch (error) {
    if (isAbsence(error) || endings.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
