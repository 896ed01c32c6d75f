/** What a suite may need of the machine, and how to see whether it is there. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const checks = {
  root: { isThere: () => process.getuid?.() === 0, missing: 'root' },
  engine: {
    isThere: () => succeeds('dockerd', '--version') && succeeds('docker', 'version'),
    missing: 'dockerd, and a Docker engine that answers',
  },
  'openstack clients': {
    isThere: () => succeeds('openstack', '--version') && succeeds('zun', '--version'),
    missing: 'python3-openstackclient and python3-zunclient',
  },
  'real neutron': {
    isThere: () =>
      ['neutron-server', 'keystone-wsgi-public', 'mariadbd', 'my_print_defaults', 'ebtables'].every((name) =>
        succeeds('which', name),
      ) && existsSync('/usr/lib/rabbitmq/bin/rabbitmq-server'),
    missing: 'what `scripts/setup --neutron` installs',
  },
} as const;

export type Capability = keyof typeof checks;

export function missingCapabilities(needs: readonly Capability[]): string[] {
  return needs.filter((need) => !checks[need].isThere()).map((need) => checks[need].missing);
}

function succeeds(file: string, ...args: readonly string[]): boolean {
  return spawnSync(file, args, { stdio: 'ignore' }).status === 0;
}
