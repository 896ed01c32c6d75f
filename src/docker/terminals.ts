/** Sizes of terminals, of a container and of commands in it. */
import { Failure, isFailure } from '../model/failure.ts';
import type { TerminalSize } from './engine.ts';
import { statusOf } from './failures.ts';
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
  const none = new Failure('invalid-value', `no such exec instance: ${execId}`);
  try {
    const path = ['exec', execId, 'json'];
    const { ContainerID, Running } = await socket.request<{ ContainerID: string; Running: boolean }>(
      `inspect exec ${execId}`,
      { method: 'GET', path },
    );
    if (ContainerID !== id || !Running) throw none;
    await resize(socket, ['exec', execId], size);
  } catch (error) {
    throw isFailure(error) && statusOf(error.cause) === 404 ? none : error;
  }
}

async function resize(socket: EngineSocket, of: readonly string[], size: TerminalSize): Promise<void> {
  const query = { h: size.height, w: size.width };
  await socket.request(`resize ${of.join(' ')}`, { method: 'POST', path: [...of, 'resize'], query });
}
