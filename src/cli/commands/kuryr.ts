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
}

export function commands(setting: Setting): void {
  define<KuryrOptions>(setting, {
    usage: 'kuryr',
    summary: 'let the Docker of this machine make and use networks of a Neutron',
    options: [
      ['--name <driver>', 'name of the driver for Docker (kuryr)'],
      ['--plugin-dir <folder>', 'where dockerd looks for plugins (/run/docker/plugins)'],
      ['--host <name>', "this machine's name among Neutron's agents (its host name)"],
      ['--sweep <what>', 'on, or dry-run: what Docker did not release is only logged (on)'],
    ],
    examples: ['berth kuryr --os-cloud mycloud', 'OS_CLOUD=mycloud berth kuryr --host compute-7'],
    run: kuryr,
  });
}

/** Runs until a signal ends it, which reaches the child, too. */
async function kuryr({ world, options }: Call<KuryrOptions>): Promise<number> {
  const { name, pluginDir, host, sweep, ...cloud } = options;
  if (sweep !== undefined && !['on', 'dry-run'].includes(sweep)) {
    throw new UsageError(`--sweep ${sweep}: expected on or dry-run`);
  }
  const flags = { name, 'plugin-dir': pluginDir, host, sweep };
  const args = Object.entries(flags).flatMap(([flag, value]) => (value ? [`--${flag}`, value] : []));
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
