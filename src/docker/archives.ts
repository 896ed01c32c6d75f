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

/** What goes wrong when an archive and the files that are there already do not go together; the Engine calls it an error of its own. */
const misfit =
  /^Error processing tar file.*?: (.*: (?:not a directory|is a directory|no such file or directory|file exists|directory not empty|file name too long|too many levels of symbolic links|too many links|invalid argument|operation not permitted|permission denied|read-only file system))$/is;

/** What the Engine says of a path that is not there, no folder, or read-only is about the caller's input. */
export function pathFailure(path: string, error: unknown): unknown {
  if (!isFailure(error)) return error;
  const status = statusOf(error.cause);
  const why = error.message;
  const about = (text: string) =>
    new Failure('invalid-value', `path ${JSON.stringify(path)}: ${text}`, { cause: error });
  const detail = misfit.exec(why)?.[1];
  if (detail !== undefined) return about(`the archive does not fit what is there: ${detail}`);
  if (/rootfs is marked read-only/.test(why)) return about('the container was created with read_only');
  const isAboutPath = status === 400 || status === 403 || status === 404 || /is not a directory/.test(why);
  return isAboutPath ? about(why) : error;
}
