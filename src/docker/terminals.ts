/** Sizes of terminals, of a container and of commands in it. */
import { Failure } from '../model/failure.ts';
import type { TerminalSize } from './engine.ts';
import { getExec } from './execs.ts';
import type { EngineSocket } from './socket.ts';

export async function resizeContainer(socket: EngineSocket, id: string, size: TerminalSize): Promise<void> {
  const path = ['containers', id, 'json'];
  const { Config } = await socket.request<{ Config: { Tty: boolean } }>(`inspect ${id}`, {
    method: 'GET',
    path,
  });
  // The Engine answers 200 to a container without a terminal, and does nothing.
  if (!Config.Tty)
    throw new Failure('invalid-value', 'The container has no terminal: it was not created with tty.');
  await resize(socket, ['containers', id], size);
}

export async function resizeExec(
  socket: EngineSocket,
  id: string,
  execId: string,
  size: TerminalSize,
): Promise<void> {
  const { Running } = await getExec(socket, { containerId: id, execId });
  if (!Running) throw new Failure('invalid-value', `no such exec instance: ${execId}`);
  await resize(socket, ['exec', execId], size);
}

async function resize(socket: EngineSocket, of: readonly string[], size: TerminalSize): Promise<void> {
  const query = { h: size.height, w: size.width };
  await socket.request(`resize ${of.join(' ')}`, { method: 'POST', path: [...of, 'resize'], query });
}
