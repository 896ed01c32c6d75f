/**
 * The file that the end of a deleted container's log is kept in: one line of JSON about it, then the entries as the Engine frames them
 * (src/docker/frames.ts), each a time, a blank, and what was written.
 *
 * What is read of it is what Docker would have answered with the same parameters: the last entries first, of those the ones since the
 * time, of those the ones of the streams.
 */

import type { LogOptions } from '../../docker/engine.ts';
import { encodeFrame, type Frame, FrameDecoder, frameHeaderBytes } from '../../docker/frames.ts';

export interface KeptAbout {
  readonly projectId: string;
  /** Milliseconds since 1970. */
  readonly keptAt: number;
  /** The log was longer. */
  readonly isCut: boolean;
}

/** The shortest entry: a time, a blank, and nothing. */
const leastEntryBytes = frameHeaderBytes + '2030-01-01T00:00:00.000000000Z '.length;

/** As many entries as `limit` bytes hold if they are all empty, and one more, so that a longer log is seen to be longer. */
export function mostEntries(limit: number): number {
  return Math.floor(limit / leastEntryBytes) + 1;
}

/** The last ones that `limit` bytes hold, framed; hardly more than those are in memory at any time. */
export async function lastEntries(
  entries: AsyncIterable<Frame>,
  limit: number,
): Promise<{ readonly frames: readonly Buffer[]; readonly isCut: boolean }> {
  const frames: Buffer[] = [];
  let bytes = 0;
  let isCut = false;
  for await (const entry of entries) {
    const frame = encodeFrame(entry);
    frames.push(frame);
    bytes += frame.length;
    while (bytes > limit) {
      bytes -= frames.shift()?.length ?? 0;
      isCut = true;
    }
  }
  return { frames, isCut };
}

export function encodeKept(about: KeptAbout, frames: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(about)}\n`), ...frames]);
}

/** Throws when it is no such file. */
export function decodeAbout(file: Buffer): KeptAbout {
  const { projectId, keptAt, isCut } = JSON.parse(file.toString('utf8', 0, endOfAbout(file))) as KeptAbout;
  if (typeof projectId !== 'string' || !Number.isFinite(keptAt)) throw new Error('not about a log');
  return { projectId, keptAt, isCut: isCut === true };
}

function endOfAbout(file: Buffer): number {
  const end = file.indexOf(10);
  if (end < 0) throw new Error('no first line');
  return end;
}

/** What Docker would have answered; a log that was longer says so at its beginning. */
export function readKept(file: Buffer, { tail, since, ...wanted }: LogOptions): string {
  const { isCut } = decodeAbout(file);
  const all = entriesOf(file.subarray(endOfAbout(file) + 1));
  const last = tail === null ? all : all.slice(Math.max(0, all.length - tail));
  const chosen = last
    .filter(({ seconds }) => since === null || seconds >= since)
    .filter(({ isError }) => (isError ? wanted.stderr : wanted.stdout));
  const text = Buffer.concat(
    chosen.map((entry) => (wanted.timestamps ? entry.whole : entry.said)),
  ).toString();
  return isCut && tail === null && since === null ? `[only the end of the log was kept]\n${text}` : text;
}

interface Entry {
  readonly isError: boolean;
  readonly whole: Buffer;
  /** Without its time. */
  readonly said: Buffer;
  readonly seconds: number;
}

const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d) /;

/** What has no time is a piece of a line that goes on, and of the time of its beginning. */
function entriesOf(frames: Buffer): Entry[] {
  const entries: Entry[] = [];
  let seconds = 0;
  for (const { isError, payload } of new FrameDecoder().frames(frames)) {
    const found = stamp.exec(payload.toString('latin1', 0, 40))?.[0] ?? '';
    if (found !== '') seconds = Date.parse(found.trimEnd()) / 1000;
    entries.push({ isError, whole: payload, said: payload.subarray(found.length), seconds });
  }
  return entries;
}
