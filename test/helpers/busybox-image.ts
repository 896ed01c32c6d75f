/**
 * An image made of the machine's static busybox: tests need no registry. Each user gives it a name of its own and
 * removes it afterwards.
 */
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import Docker from 'dockerode';
import tar from 'tar-stream';

/** Applets that tests call by name. */
const applets = [
  'sh',
  'sleep',
  'cat',
  'echo',
  'ls',
  'ip',
  'ping',
  'wget',
  'httpd',
  'nc',
  'hostname',
  'true',
  'false',
  'trap',
  'dd',
  'seq',
  'ps',
  'kill',
  'stat',
  'env',
  'arping',
  'tail',
  'awk',
  'id',
  'test',
];

export async function importBusybox(
  reference: string,
  changes: readonly string[] = ['CMD ["sh"]'],
): Promise<void> {
  const pack = tar.pack();
  pack.entry({ name: 'bin/', type: 'directory', mode: 0o755 });
  for (const name of ['tmp/', 'etc/', 'proc/', 'sys/', 'dev/', 'www/'])
    pack.entry({ name, type: 'directory', mode: 0o755 });
  pack.entry({ name: 'bin/busybox', mode: 0o755 }, await readFile('/bin/busybox'));
  for (const applet of applets) pack.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' });
  pack.finalize();
  const [repo, tag] = reference.split(':');
  const stream = await new Docker().importImage(Readable.from(pack) as unknown as NodeJS.ReadableStream, {
    repo,
    tag,
    changes,
  });
  for await (const line of stream as AsyncIterable<Buffer>) {
    if (line.includes('"error"')) throw new Error(line.toString());
  }
}

export async function removeImage(reference: string): Promise<void> {
  await new Docker().getImage(reference).remove({ force: true });
}
