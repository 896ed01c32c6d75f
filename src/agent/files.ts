/**
 * Files that the owner wants inside the container before its first start, as one tar archive.
 *
 * A destination is an absolute path without `..`; the Engine unpacks inside the container's root, so a link in the
 * image cannot lead out of it either.
 */
import tar from 'tar-stream';
import type { InjectedFile } from '../model/container.ts';
import { Failure } from '../model/failure.ts';

const longestPath = 4096;

/** To be unpacked at `/`. Throws `invalid-value` naming the destination that is wrong. */
export async function archiveOf(files: readonly InjectedFile[]): Promise<Buffer> {
  for (const { destination } of files) assertDestination(destination);
  const pack = tar.pack();
  for (const { destination, contentBase64 } of files) {
    pack.entry({ name: destination.replace(/^\/+/, ''), mode: 0o644 }, Buffer.from(contentBase64, 'base64'));
  }
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function assertDestination(path: string): void {
  const isGood =
    path.startsWith('/') &&
    path.length <= longestPath &&
    !path.endsWith('/') &&
    !path.includes('\0') &&
    !path.split('/').includes('..');
  if (isGood) return;
  throw new Failure(
    'invalid-value',
    `file destination ${JSON.stringify(path)}: expected an absolute path of a file, without ".."`,
  );
}
