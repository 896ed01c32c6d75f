/** Archives of a container's files, as streams in both directions. */
import type { Readable } from 'node:stream';
import { Failure, isFailure } from '../model/failure.ts';
import type { EnginePathStat } from './engine.ts';
import { statusOf } from './failures.ts';
import type { EngineSocket } from './socket.ts';

/** The Engine reads the whole archive before it answers. */
const putDeadlineMs = 900_000;
const getDeadlineMs = 60_000;

export async function putArchive(
  socket: EngineSocket,
  id: string,
  path: string,
  file: Buffer | Readable,
): Promise<void> {
  const at = ['containers', id, 'archive'];
  const request = { method: 'PUT', path: at, query: { path }, file, deadlineMs: putDeadlineMs } as const;
  try {
    await socket.request(`write files to ${id}`, request);
  } catch (error) {
    throw pathFailure(path, error);
  }
}

export async function getArchive(
  socket: EngineSocket,
  id: string,
  path: string,
): Promise<{ stat: EnginePathStat; tar: Readable }> {
  const at = ['containers', id, 'archive'];
  const request = { method: 'GET', path: at, query: { path }, deadlineMs: getDeadlineMs } as const;
  try {
    const answer = await socket.stream(`read files of ${id}`, request);
    return { stat: statOf(answer.headers['x-docker-container-path-stat']), tar: answer };
  } catch (error) {
    throw pathFailure(path, error);
  }
}

function statOf(header: string | string[] | undefined): EnginePathStat {
  const text = Buffer.from(String(header ?? ''), 'base64').toString('utf8');
  const { name, size, mode, mtime, linkTarget } = JSON.parse(text) as EnginePathStat;
  return { name, size, mode, mtime, linkTarget };
}

/** What the Engine says of a path that is not there, no folder, or read-only is about the caller's input. */
function pathFailure(path: string, error: unknown): unknown {
  const status = isFailure(error) ? statusOf(error.cause) : undefined;
  const why = isFailure(error) ? error.message : '';
  const isAboutPath = status === 400 || status === 403 || status === 404 || /is not a directory/.test(why);
  if (!isAboutPath) return error;
  return new Failure('invalid-value', `path ${JSON.stringify(path)}: ${why}`, { cause: error });
}
