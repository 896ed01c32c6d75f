/** `berth kuryr`: Docker's networks on a Neutron, without the rest of Berth. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Call, define, type Setting } from '../define.ts';
import { exitCodes } from '../explain.ts';
import { UsageError } from '../usage-error.ts';

interface KuryrOptions {
  readonly name?: string;
  readonly pluginDir?: string;
  readonly host?: string;
  readonly sweep?: string;
  readonly listen?: string;
  readonly specDir?: string;
  readonly listenInsecure?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly dockerCa?: string;
  readonly dockerCert?: string;
  readonly dockerKey?: string;
  readonly nested?: string;
  readonly link?: string;
}

export function commands(setting: Setting): void {
  define<KuryrOptions>(setting, {
    usage: 'kuryr',
    summary: 'let the Docker of this machine make and use networks of a Neutron',
    options: [
      ['--name <driver>', 'name of the driver for Docker (kuryr)'],
      ['--plugin-dir <folder>', 'where dockerd looks for plugins (/run/docker/plugins)'],
      ['--host <name>', "this machine's name among Neutron's agents (its host name)"],
      ['--listen <address>', 'tcp://ADDRESS:PORT for dockerd instead of a socket; the next port, too'],
      ['--spec-dir <folder>', 'where dockerd looks for such addresses (/etc/docker/plugins)'],
      ['--listen-insecure', 'without TLS on an address that is not loopback'],
      ['--tls-cert <file>', 'certificate of the driver, for TLS; with it the five that follow'],
      ['--tls-key <file>', 'its key'],
      ['--tls-client-ca <file>', 'authority of those who may call the driver'],
      ['--docker-ca <file>', 'authority that dockerd is told to trust'],
      ['--docker-cert <file>', 'certificate that dockerd is told to show'],
      ['--docker-key <file>', 'and its key'],
      [
        '--nested <how>',
        'in a virtual machine of this cloud: vlan (sub-ports of its trunk) or macvlan (more addresses)',
      ],
      ['--link <interface>', "with --nested: the machine's interface that is its port of Neutron"],
      ['--sweep <what>', 'on, or dry-run: what Docker did not release is only logged (on)'],
    ],
    examples: [
      'berth kuryr --os-cloud mycloud',
      'OS_CLOUD=mycloud berth kuryr --host compute-7',
      'berth kuryr --os-cloud mycloud --nested vlan --link eth0',
    ],
    run: kuryr,
  });
}

/** Runs until a signal ends it, which reaches the child, too. */
async function kuryr({ world, options }: Call<KuryrOptions>): Promise<number> {
  const { name, pluginDir, host, sweep, listen, specDir, listenInsecure, ...others } = options;
  const { tlsCert, tlsKey, tlsClientCa, dockerCa, dockerCert, dockerKey, ...rest } = others;
  const { nested, link, ...cloud } = rest;
  if (sweep !== undefined && !['on', 'dry-run'].includes(sweep)) {
    throw new UsageError(`--sweep ${sweep}: expected on or dry-run`);
  }
  if (nested !== undefined && !['vlan', 'macvlan'].includes(nested)) {
    throw new UsageError(`--nested ${nested}: expected vlan or macvlan`);
  }
  if ((nested === undefined) !== (link === undefined)) {
    throw new UsageError('--nested and --link go together: --nested vlan --link eth0');
  }
  const flags = {
    ...{ name, 'plugin-dir': pluginDir, host, sweep, listen, 'spec-dir': specDir, nested, link },
    ...{ 'tls-cert': tlsCert, 'tls-key': tlsKey, 'tls-client-ca': tlsClientCa },
    ...{ 'docker-ca': dockerCa, 'docker-cert': dockerCert, 'docker-key': dockerKey },
  };
  const args = [
    ...Object.entries(flags).flatMap(([flag, value]) => (value ? [`--${flag}`, value] : [])),
    ...(listenInsecure ? ['--listen-insecure'] : []),
  ];
  const script = join(world.root, 'bin', 'kuryr.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
    // Passwords among them: arguments could be seen by everybody on this machine.
    env: { ...world.env, BERTH_KURYR_CLOUD: JSON.stringify(cloud) },
    cwd: world.cwd,
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? exitCodes.failed));
  });
}
