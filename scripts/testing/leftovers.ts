/**
 * What tests could leave on the machine, listed before and after: namespaces, links, containers, Docker networks,
 * images, nftables, mounts, loop devices. Only what is new afterwards counts, so that others may tidy up meanwhile.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export type Inventory = Readonly<Record<string, ReadonlySet<string>>>;

export function takeInventory(): Inventory {
  return {
    namespace: new Set(entriesOf('/run/netns')),
    link: new Set(entriesOf('/sys/class/net')),
    container: new Set(lines('docker', 'ps', '-aq', '--no-trunc')),
    'Docker network': new Set(lines('docker', 'network', 'ls', '-q', '--no-trunc')),
    image: new Set(lines('docker', 'images', '-aq', '--no-trunc')),
    'nftables table': new Set(lines('nft', 'list', 'tables')),
    // The first named namespace on a machine makes its folder a mount, as `ip netns add` does; it stays.
    mount: new Set(mountPoints().filter((path) => path !== '/run/netns')),
    'loop device': new Set(lines('losetup', '-nO', 'NAME')),
  };
}

/** One sentence per thing that is there now and was not before. */
export function findLeftovers(before: Inventory, after: Inventory): string[] {
  return Object.entries(after).flatMap(([kind, there]) =>
    [...there].filter((name) => !before[kind]?.has(name)).map((name) => `${kind} ${name}`),
  );
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function mountPoints(): string[] {
  const table = readFileSync('/proc/self/mountinfo', 'utf8');
  return table
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
}

/** Nothing when the program is not there: then the tests could not use it either. */
function lines(file: string, ...args: readonly string[]): string[] {
  const { stdout, status } = spawnSync(file, args, { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n').filter((line) => line !== '') : [];
}
