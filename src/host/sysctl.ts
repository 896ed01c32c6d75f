/** Kernel settings below /proc/sys. Those of networking are the ones of the calling thread's namespace. */
import { readFileSync, writeFileSync } from 'node:fs';

export function readSysctl(key: string): string {
  return withPath(key, (path) => readFileSync(path, 'utf8').trim());
}

export function writeSysctl(key: string, value: string): void {
  withPath(key, (path) => writeFileSync(path, value));
}

function withPath<T>(key: string, work: (path: string) => T): T {
  const parts = key.split('/');
  if (!parts.every((part) => /^[\w-][\w.@:-]*$/.test(part))) throw new Error(`"${key}" is not a sysctl`);
  try {
    return work(`/proc/sys/${parts.join('/')}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`the kernel has no setting "${key}"`, { cause: error });
  }
}
