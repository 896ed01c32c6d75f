/**
 * Files of containers as streams: read as they are, written only after all of the archive has been found harmless.
 *
 * What is to be written waits in a file without a name, which the kernel removes with the last descriptor, so that nothing is left
 * behind by a crash.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '../bus/bus.ts';
import type { Engine, EngineContainer } from '../docker/engine.ts';
import { readArchive, writeArchive } from '../wire/streams.ts';
import { checkedTar } from './tar-check.ts';

export interface ArchivesOptions {
  readonly bus: Bus;
  readonly engine: Engine;
  /** The container of ours with this uuid. Throws `invalid` when there is none. */
  readonly get: (uuid: string) => Promise<EngineContainer>;
}

export function serveArchives({ bus, engine, get }: ArchivesOptions): void {
  bus.streams.serve(readArchive, async ({ uuid, path }) => {
    const { id } = await get(uuid);
    const { stat, tar } = await engine.getArchive(id, path);
    return { head: { stat }, download: tar };
  });
  bus.streams.serve(writeArchive, async ({ uuid, path, limitBytes }, { upload }) => {
    const { id } = await get(uuid);
    const spool = await openSpool();
    try {
      for await (const chunk of checkedTar(upload, limitBytes)) await spool.appendFile(chunk);
      const tar = spool.createReadStream({ start: 0, autoClose: false });
      await engine.putArchive(id, path, tar);
    } finally {
      await spool.close();
    }
    return { head: {} };
  });
}

async function openSpool(): Promise<FileHandle> {
  const path = join(tmpdir(), `berth-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}
