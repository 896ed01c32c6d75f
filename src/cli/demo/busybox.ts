/** A root file system that holds one program with many names: the machine's own static busybox. */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import tar from 'tar-stream';
import { Failure } from '../../model/failure.ts';

/** Where Debian's package busybox-static puts it. */
export const busyboxPath = '/bin/busybox';

const folders = ['bin/', 'etc/', 'proc/', 'sys/', 'dev/', 'tmp/', 'www/'];
const programs = [
  'sh',
  'sleep',
  'echo',
  'httpd',
  'wget',
  'timeout',
  'cat',
  'ls',
  'ps',
  'ip',
  'ping',
  'hostname',
];

export async function busyboxTar(): Promise<Readable> {
  const program = await readFile(busyboxPath).catch((cause: unknown) => {
    const message = `the demo's image is made of ${busyboxPath}: install the package busybox-static`;
    throw new Failure('image-not-found', message, { cause });
  });
  const pack = tar.pack();
  for (const name of folders) pack.entry({ name, type: 'directory', mode: 0o755 });
  pack.entry({ name: 'bin/busybox', mode: 0o755 }, program);
  for (const name of programs) {
    pack.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' });
  }
  pack.finalize();
  return pack as unknown as Readable;
}
