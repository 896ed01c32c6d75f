/**
 * The ends of logs of containers that were deleted, as files of this host: one per container, named after its id, readable by its owner only.
 *
 * - A file is complete or not there: it is written beside and then renamed. Keeping again what is kept does no harm.
 * - That something cannot be kept stands in nobody's way: it is said, and the delete goes on.
 * - All of them together stay below a limit. Room is made at the expense of the project that takes most of it, oldest first, so that nobody
 *   pushes out what others have; and what is old goes.
 */
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Config } from '../../base/config-schema.ts';
import { KeyedQueue } from '../../base/keyed-queue.ts';
import type { Log } from '../../base/log.ts';
import type { Engine, LogOptions } from '../../docker/engine.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import { dockerContainerName } from '../../model/host-names.ts';
import { looksLikeUuid } from '../../model/ids.ts';
import type { LogsLeft } from '../../model/kept-logs.ts';
import { decodeAbout, encodeKept, lastEntries, mostEntries, readKept } from './file.ts';

export interface KeptLogsOptions {
  readonly dir: string;
  readonly settings: Config['containers']['keptLogs'];
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Log;
}

interface Kept {
  readonly projectId: string;
  readonly keptAt: number;
  readonly bytes: number;
}

const blockBytes = 4096;
/** A delete waits no longer for it. */
const deadlineMs = 30_000;
const dayMs = 86_400_000;

export class KeptLogs {
  readonly #options: KeptLogsOptions;
  readonly #queue = new KeyedQueue();
  readonly #reasons = new Map<string, string>();
  #loaded: Promise<Map<string, Kept>> | undefined;
  #drops = 0;

  constructor(options: KeptLogsOptions) {
    this.#options = options;
  }

  get isOn(): boolean {
    const { days, bytesPerContainer, bytesPerHost } = this.#options.settings;
    return days > 0 && bytesPerContainer > 0 && bytesPerHost > 0;
  }

  /** How many were dropped so far. */
  get drops(): number {
    return this.#drops;
  }

  /** Keeps the end of what the container wrote, which Docker still has. Never throws. */
  async keep({ uuid, projectId }: { readonly uuid: string; readonly projectId: string }): Promise<void> {
    if (!this.isOn) return;
    try {
      await this.#keep(uuid, projectId);
      this.#reasons.delete(uuid);
    } catch (error) {
      this.#options.log.warn({ container: uuid, error }, 'logs not kept');
      const why = isFailure(error) ? error.message : 'the log of its host says why';
      this.#reasons.set(uuid, `The logs could not be kept: ${why}`);
    }
  }

  /** What became of the logs of a container that was just removed; undefined = none are kept here at all. Never throws. */
  async endOf(uuid: string): Promise<LogsLeft | undefined> {
    if (!this.isOn) return undefined;
    const reason = this.#reasons.get(uuid) ?? 'Docker no longer had the container.';
    this.#reasons.delete(uuid);
    const kept = await this.#load().then(
      (index) => index.get(uuid),
      () => undefined,
    );
    return kept ? { bytes: kept.bytes, reason: null } : { bytes: null, reason };
  }

  /** Throws `resource-not-found` when they are not kept here, or no longer. */
  async read(uuid: string, options: LogOptions): Promise<string> {
    const kept = (await this.#load()).has(uuid);
    if (!kept) throw new Failure('resource-not-found', `The logs of container ${uuid} are no longer kept.`);
    return readKept(await readFile(this.#pathOf(uuid)), options);
  }

  async list(): Promise<string[]> {
    return [...(await this.#load()).keys()];
  }

  /** Gone already is success. */
  async drop(uuids: readonly string[]): Promise<void> {
    const index = await this.#load();
    for (const uuid of uuids) {
      await rm(this.#pathOf(uuid), { force: true });
      if (index.delete(uuid)) this.#drops += 1;
    }
  }

  /** Removes what is too old, and what is too much because less is allowed than before. */
  async tidy(): Promise<void> {
    const { clock, settings, log } = this.#options;
    const oldest = clock.now().getTime() - settings.days * dayMs;
    const old = [...(await this.#load())].filter(([, { keptAt }]) => keptAt < oldest).map(([uuid]) => uuid);
    if (old.length > 0) log.info({ containers: old.length }, 'kept logs are old: removed');
    await this.drop(old);
    await this.#queue.run('write', () => this.#makeRoom({ projectId: '', bytes: 0 }));
  }

  async #keep(uuid: string, projectId: string): Promise<void> {
    const { engine, settings, clock } = this.#options;
    const index = await this.#load();
    const limit = Math.min(settings.bytesPerContainer, settings.bytesPerHost);
    const entries = await engine.logEntries(dockerContainerName(uuid), {
      most: mostEntries(limit),
      deadlineMs,
    });
    const { frames, isCut } = await lastEntries(entries, limit);
    const keptAt = clock.now().getTime();
    const content = encodeKept({ projectId, keptAt, isCut }, frames);
    const kept = { projectId, keptAt, bytes: content.length };
    await this.#queue.run('write', async () => {
      index.delete(uuid);
      await this.#makeRoom(kept);
      await this.#write(uuid, content);
      index.set(uuid, kept);
    });
  }

  async #write(uuid: string, content: Buffer): Promise<void> {
    const path = this.#pathOf(uuid);
    const part = `${path}.part`;
    try {
      const file = await open(part, 'w', 0o600);
      try {
        await file.writeFile(content);
        // The container's own log goes next.
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  /** Before a file of that size: whoever has most, with it, gives up their oldest. */
  async #makeRoom(coming: Pick<Kept, 'projectId' | 'bytes'>): Promise<void> {
    const index = await this.#load();
    for (;;) {
      const victim = victimOf(index, coming, this.#options.settings.bytesPerHost);
      if (victim === undefined) return;
      this.#options.log.info({ container: victim }, 'kept logs give way to others');
      await this.drop([victim]);
    }
  }

  #pathOf(uuid: string): string {
    if (!looksLikeUuid(uuid))
      throw new Failure('invalid', `${JSON.stringify(uuid)} is not a container's uuid`);
    return join(this.#options.dir, `${uuid}.log`);
  }

  #load(): Promise<Map<string, Kept>> {
    this.#loaded ??= this.#readFolder().catch((error) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }

  /** What is no complete file of ours is the rest of a write that a crash ended. */
  async #readFolder(): Promise<Map<string, Kept>> {
    const { dir, log } = this.#options;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await chmod(dir, 0o700);
    const index = new Map<string, Kept>();
    for (const name of await readdir(dir)) {
      try {
        const uuid = name.replace(/\.log$/, '');
        index.set(uuid, await readAbout(this.#pathOf(uuid)));
      } catch (error) {
        log.warn({ file: name, error }, 'no kept log: removed');
        await rm(join(dir, name), { force: true, recursive: true });
      }
    }
    return index;
  }
}

/** Long enough for the first line of any file. */
const headBytes = 4096;

async function readAbout(path: string): Promise<Kept> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(headBytes) });
    return { ...decodeAbout(buffer.subarray(0, bytesRead)), bytes: (await file.stat()).size };
  } finally {
    await file.close();
  }
}

/** Small files take a block, too. */
function onDisk(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

/** Undefined = all fit. */
function victimOf(
  index: ReadonlyMap<string, Kept>,
  coming: Pick<Kept, 'projectId' | 'bytes'>,
  limit: number,
): string | undefined {
  const taken = new Map([[coming.projectId, onDisk(coming.bytes)]]);
  const share = (projectId: string) => taken.get(projectId) ?? 0;
  for (const { projectId, bytes } of index.values()) taken.set(projectId, share(projectId) + onDisk(bytes));
  if ([...taken.values()].reduce((total, each) => total + each, 0) <= limit) return undefined;
  let victim: (Kept & { readonly uuid: string }) | undefined;
  for (const [uuid, kept] of index) {
    const more = victim ? share(kept.projectId) - share(victim.projectId) : 1;
    if (!victim || more > 0 || (more === 0 && kept.keptAt < victim.keptAt)) victim = { uuid, ...kept };
  }
  return victim?.uuid;
}
