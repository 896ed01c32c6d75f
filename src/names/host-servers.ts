/** The servers of the machine itself: `nameserver` lines of resolv.conf, read again when the file changed. */
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Server } from './upstream.ts';

const port = 53;

export class HostServers {
  readonly #path: string;
  #stamp = '';
  #servers: readonly Server[] = [];

  constructor(path = '/etc/resolv.conf') {
    this.#path = path;
  }

  /** A file that is not there names nobody. */
  list(): readonly Server[] {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    const stamp = found ? `${found.ino} ${found.mtimeMs} ${found.size}` : '';
    if (stamp !== this.#stamp) {
      this.#servers = found ? parseResolvConf(readFileSync(this.#path, 'utf8')) : [];
      this.#stamp = stamp;
    }
    return this.#servers;
  }
}

export function parseResolvConf(text: string): Server[] {
  return text
    .split('\n')
    .flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
    .filter((address) => isIP(address.replace(/%.*$/, '')) !== 0)
    .map((address) => ({ address, port }));
}
