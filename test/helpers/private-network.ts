/**
 * Puts this test process into network and mount namespaces of its own, with its own /run.
 *
 * What the code under test calls the root namespace is then one that nobody shares, and all of it is gone when the
 * process ends, however it ends. Call it at the top of a test file, before anything starts a thread. Needs root.
 */
import { execFileSync } from 'node:child_process';
import { libc } from '../../src/host/libc.ts';

const newMounts = 0x20000;
const newNetwork = 0x40000000;

export function enterPrivateNetwork(): void {
  libc.unshare(newMounts | newNetwork);
  const run = (file: string, ...args: readonly string[]) => execFileSync(file, args);
  run('mount', '--make-rprivate', '/');
  run('mount', '-t', 'tmpfs', 'tmpfs', '/run');
  run('mkdir', '/run/netns', '/run/lock');
  run('ip', 'link', 'set', 'lo', 'up');
}
