/**
 * Somebody else's archive → one of our own making that is safe to unpack.
 *
 * Entries are read and written anew, so the Engine never sees what two readers of the format might understand differently:
 * no sparse files that grow while they are unpacked, no compression, no extended attributes. Refused, by name: paths that are absolute
 * or lead upwards, links that lead out of the archive, devices, and more bytes or entries than allowed.
 */
import type { Readable } from 'node:stream';
import tar, { type Header } from 'tar-stream';
import { Failure, isFailure } from '../model/failure.ts';

type Entry = ReturnType<typeof tar.extract> extends AsyncIterable<infer Each> ? Each : never;
type NewHeader = Parameters<tar.Pack['entry']>[0];

const mostEntries = 100_000;
const longestPath = 4096;

const kinds = ['file', 'contiguous-file', 'directory', 'symlink', 'link'] as const;
type Kind = (typeof kinds)[number];

/** Throws `invalid-value` naming the entry, `payload-too-large`, or what the source ends with. */
export async function* checkedTar(source: Readable, limitBytes: number): AsyncGenerator<Buffer> {
  const pack = tar.pack();
  pack.on('error', () => undefined);
  let failure: unknown;
  const copying = copyEntries(source, pack, limitBytes).catch((error: unknown) => {
    failure = error;
    pack.destroy(error as Error);
  });
  try {
    yield* pack as AsyncIterable<Buffer>;
    await copying;
  } catch (error) {
    // The archive that is written breaks a moment before what broke it is known.
    source.destroy();
    await copying;
    throw failure ?? error;
  } finally {
    source.destroy();
    pack.destroy();
  }
}

async function copyEntries(source: Readable, pack: tar.Pack, limitBytes: number): Promise<void> {
  const entries = tar.extract();
  let sourceError: unknown;
  entries.on('error', () => undefined);
  source.on('error', (error) => {
    sourceError ??= error;
    entries.destroy(error);
  });
  // Anything that arrives counts, also what stands between the entries.
  let received = 0;
  source.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received > limitBytes) source.destroy(tooLarge(limitBytes));
  });
  source.pipe(entries);
  let count = 0;
  try {
    for await (const entry of entries) {
      count += 1;
      if (count > mostEntries) throw refused(entry.header.name, `more than ${mostEntries} entries`);
      await copyEntry(entry, pack);
    }
  } catch (error) {
    if (isFailure(sourceError)) throw sourceError;
    if (isFailure(error)) throw error;
    const why = (error as Error).message;
    throw new Failure('invalid-value', `This is not a tar archive: ${why}`, { cause: error });
  }
  pack.finalize();
}

async function copyEntry(entry: Entry, pack: tar.Pack): Promise<void> {
  const header = safeHeader(entry.header);
  await new Promise<void>((resolve, reject) => {
    const sink = pack.entry(header, (error) => (error ? reject(error) : resolve()));
    // Each stream of a chain that breaks says so; one that nobody listens to would end the process.
    sink.on('error', reject);
    entry.on('error', reject);
    if (header.type === 'file') entry.pipe(sink);
    else entry.resume();
  });
}

function safeHeader({ name, type, linkname, size, mode, uid, gid, mtime, pax }: Header): NewHeader {
  const kind = kinds.find((known) => known === type);
  if (!kind) throw refused(name, `${type ?? 'an unknown kind of entry'} is not allowed`);
  assertPath(name);
  const target = linkname ?? '';
  assertLink(name, kind, target);
  if (Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse'))) {
    throw refused(name, 'sparse files are not allowed');
  }
  const isFile = kind === 'file' || kind === 'contiguous-file';
  return {
    name,
    type: isFile ? 'file' : kind,
    size: isFile ? (size ?? 0) : 0,
    ...(kind === 'symlink' || kind === 'link' ? { linkname: target } : {}),
    ...(mode === undefined ? {} : { mode }),
    uid: uid ?? 0,
    gid: gid ?? 0,
    ...(mtime === undefined ? {} : { mtime }),
  };
}

function assertPath(name: string): void {
  if (name === '' || name.length > longestPath || name.includes('\0')) throw refused(name, 'this is no path');
  if (name.startsWith('/')) throw refused(name, 'an absolute path');
  if (name.split('/').includes('..')) throw refused(name, 'a path that leads upwards');
}

/** Hard links name an entry of the archive; symbolic ones start where they stand. */
function assertLink(name: string, kind: Kind, target: string): void {
  if (kind !== 'symlink' && kind !== 'link') return;
  if (target === '' || target.length > longestPath || target.includes('\0')) {
    throw refused(name, 'a link to nothing');
  }
  const leavesRoot = target.startsWith('/') || leaves(target, kind === 'link' ? 0 : partsOf(name).length - 1);
  if (leavesRoot)
    throw refused(name, `a link out of the archive, to ${JSON.stringify(target.slice(0, 200))}`);
}

function leaves(target: string, startDepth: number): boolean {
  let depth = startDepth;
  return partsOf(target).some((part) => {
    depth += part === '..' ? -1 : 1;
    return depth < 0;
  });
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function refused(name: string, why: string): Failure {
  const shown = JSON.stringify(name.slice(0, 200));
  return new Failure('invalid-value', `The archive is refused: entry ${shown}: ${why}.`);
}

function tooLarge(limitBytes: number): Failure {
  return new Failure(
    'payload-too-large',
    `The archive is larger than ${limitBytes} bytes, which is the limit here.`,
  );
}
