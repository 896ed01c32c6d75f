/**
 * The file by which dockerd finds a driver that listens on TCP. Appears and goes as a whole; one that says something else is
 * somebody else's, and is never overwritten or removed.
 */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../model/failure.ts';
import type { TlsListen } from './listen.ts';

export interface Specification {
  readonly file: string;
  /** If it is still ours. */
  remove(): void;
}

export interface SpecificationOf {
  readonly name: string;
  readonly folder: string;
  /** `127.0.0.1:23750` */
  readonly address: string;
  readonly tls: TlsListen['docker'] | undefined;
}

/** Throws `already-running` when dockerd would find something else under the name. */
export function writeSpecification({ name, folder, address, tls }: SpecificationOf): Specification {
  const file = join(folder, `${name}${tls ? '.json' : '.spec'}`);
  const text = tls ? jsonOf(name, address, tls) : `tcp://${address}\n`;
  mkdirSync(folder, { recursive: true });
  refuseOther(join(folder, `${name}${tls ? '.spec' : '.json'}`), undefined);
  refuseOther(file, text);
  const draft = join(folder, `.${name}.${process.pid}.new`);
  try {
    writeFileSync(draft, text, { mode: 0o644 });
    // Unlike a rename this never replaces a file that came in between.
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    refuseOther(file, text);
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    file,
    remove: () => {
      if (read(file) === text) rmSync(file, { force: true });
    },
  };
}

function jsonOf(name: string, address: string, tls: TlsListen['docker']): string {
  const content = {
    Name: name,
    Addr: `https://${address}`,
    TLSConfig: { InsecureSkipVerify: false, ...tls },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function refuseOther(file: string, text: string | undefined): void {
  const there = read(file);
  if (there === undefined || there === text) return;
  throw new Failure(
    'already-running',
    `${file} names another driver for Docker: remove it if nobody needs it, or give this one another name (setting kuryr.name)`,
  );
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
