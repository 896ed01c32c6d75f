/**
 * Files with names for those who enter a sandbox by `ip netns exec`: it puts what is in `/etc/netns/NAME` in the place of
 * the same files in `/etc`.
 *
 * They are written in place, never replaced: a program that runs has the file itself. Of the host's name servers those on
 * a loopback address are left out, because inside there is another loopback.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CnmSandbox } from '../model/cnm.ts';

export interface NameFilesOptions {
  /** `/etc/netns` unless told. */
  readonly folder?: string;
  readonly resolvConf?: string;
}

export class NameFiles {
  readonly #folder: string;
  readonly #resolvConf: string;

  constructor({ folder = '/etc/netns', resolvConf = '/etc/resolv.conf' }: NameFilesOptions = {}) {
    this.#folder = folder;
    this.#resolvConf = resolvConf;
  }

  async write({ netns }: CnmSandbox, hosts: string): Promise<void> {
    if (netns === null) return;
    const own = join(this.#folder, netns);
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, 'hosts'), hosts);
    writeFileSync(join(own, 'resolv.conf'), withoutLoopback(read(this.#resolvConf)));
  }

  async remove({ netns }: CnmSandbox): Promise<void> {
    if (netns !== null) rmSync(join(this.#folder, netns), { recursive: true, force: true });
  }

  /** Folders of sandboxes that are gone: a crash may have left them. `namespaces` = those that are there, whoever's. */
  sweep(namespaces: readonly string[]): void {
    for (const name of list(this.#folder)) {
      const isStale = /^cnm-[0-9a-f]{12}$/.test(name) && !namespaces.includes(name);
      if (isStale) rmSync(join(this.#folder, name), { recursive: true, force: true });
    }
  }
}

function withoutLoopback(text: string): string {
  const lines = text.split('\n').filter((line) => !/^\s*nameserver\s+(127\.|::1\b)/.test(line));
  return lines.join('\n');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
