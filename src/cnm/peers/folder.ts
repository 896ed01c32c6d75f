/**
 * A peer directory in a folder that all hosts share: a file per address, which comes into being whole and only when there
 * is none (link) or takes the place of the own one (rename).
 *
 * Changes of other hosts are not told by every file system: the folder is looked at again from time to time. Claims of a
 * host that is gone for ever stay until somebody removes its files.
 */
import { randomBytes } from 'node:crypto';
import {
  type FSWatcher,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Claim, PeerDirectory } from './directory.ts';

export interface FolderDirectoryOptions {
  readonly folder: string;
  readonly rescanMs?: number;
}

export class FolderDirectory implements PeerDirectory {
  readonly #folder: string;
  readonly #rescanMs: number;

  constructor({ folder, rescanMs = 5_000 }: FolderDirectoryOptions) {
    this.#folder = folder;
    this.#rescanMs = rescanMs;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  async claim(claim: Claim): Promise<boolean> {
    const [path, draft] = [this.#pathOf(claim), join(this.#folder, `.${randomBytes(8).toString('hex')}`)];
    writeFileSync(draft, JSON.stringify(claim), { flag: 'wx', mode: 0o600 });
    try {
      linkSync(draft, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const present = read(path);
      if (present !== undefined && present.host !== claim.host) return false;
      renameSync(draft, path);
      return true;
    } finally {
      rmSync(draft, { force: true });
    }
  }

  async release(claim: Pick<Claim, 'pool' | 'address' | 'host'>): Promise<void> {
    const path = this.#pathOf(claim);
    if (read(path)?.host === claim.host) rmSync(path, { force: true });
  }

  async list(): Promise<Claim[]> {
    const names = readdirSync(this.#folder).filter((name) => !name.startsWith('.'));
    return names.sort().flatMap((name) => read(join(this.#folder, name)) ?? []);
  }

  watch(changed: () => void): () => void {
    const watcher: FSWatcher = watch(this.#folder, { persistent: false }, () => changed());
    // The folder itself went away: the next look tells.
    watcher.on('error', () => changed());
    const timer = setInterval(changed, this.#rescanMs).unref();
    return () => {
      watcher.close();
      clearInterval(timer);
    };
  }

  async close(): Promise<void> {
    // It holds nothing open.
  }

  #pathOf({ pool, address }: Pick<Claim, 'pool' | 'address'>): string {
    return join(this.#folder, `${pool.replace('/', '-')} ${address}`);
  }
}

/** Undefined when it is gone, or is no claim. */
function read(path: string): Claim | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Claim;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
