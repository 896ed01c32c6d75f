/**
 * Tokens kept in the user's cache folder, mode 0600, one file per way of logging in.
 *
 * The file's name is a hash over everything that was said about the log-in, secrets included, so a changed
 * password or project never meets an old token. Trouble with the cache is never trouble for the command.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Token } from '../../client/authenticate.ts';
import type { Credentials } from '../../client/credentials.ts';
import type { TokenStore } from '../../client/session.ts';

export function tokenFile(cacheDir: string, credentials: Credentials): TokenStore {
  const folder = join(cacheDir, 'berth');
  const name = createHash('sha256').update(JSON.stringify(credentials)).digest('hex').slice(0, 32);
  const path = join(folder, `token-${name}.json`);
  return {
    load: () => attempt(() => checked(JSON.parse(readFileSync(path, 'utf8')))),
    save: (token) =>
      attempt(() => {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        // Written beside and moved, so that nobody reads half a token.
        const beside = `${path}.${process.pid}`;
        writeFileSync(beside, JSON.stringify(token), { mode: 0o600 });
        renameSync(beside, path);
      }),
    forget: () => attempt(() => rmSync(path, { force: true })),
  };
}

function checked(value: Token): Token | undefined {
  return typeof value?.value === 'string' && Array.isArray(value.catalog) ? value : undefined;
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
