/** What a container writes from now on, until it ends or nobody reads any more. */
import type { Readable } from 'node:stream';
import type { LogOptions } from './engine.ts';
import { unframed } from './frames.ts';
import type { EngineSocket } from './socket.ts';

export async function followLogs(
  socket: EngineSocket,
  container: { readonly id: string; readonly tty: boolean },
  { tail, since, ...which }: LogOptions,
): Promise<Readable> {
  const query = { ...which, tail: tail ?? 'all', since: since ?? 0, follow: true };
  const path = ['containers', container.id, 'logs'];
  const frames = await socket.stream(`logs of ${container.id}`, { method: 'GET', path, query });
  return unframed(frames, container.tty);
}
