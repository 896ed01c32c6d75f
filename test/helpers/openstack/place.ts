/** Where services run: a folder on a simulated machine's disk, with their settings, data and logs. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine, MachineProcess } from '../machine.ts';
import { until } from '../until.ts';

/** The services start in a few seconds, but on a busy machine in a minute. */
const patienceMs = 180_000;

export class ServicePlace {
  readonly machine: Machine;
  readonly folder: string;

  constructor(machine: Machine) {
    this.machine = machine;
    this.folder = join(machine.disk, 'openstack');
    for (const name of ['log', 'lock', 'bin']) this.makeFolder(name);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  makeFolder(name: string): string {
    mkdirSync(this.path(name), { recursive: true, mode: 0o700 });
    return this.path(name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text, { mode: 0o600 });
    return this.path(name);
  }

  /** Programs in `bin` come before those of the machine. */
  spawn(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): MachineProcess {
    const PATH = `${this.path('bin')}:/usr/sbin:/usr/bin:/sbin:/bin`;
    const all = { PATH, HOME: this.folder, TMPDIR: this.folder, LC_ALL: 'C.UTF-8', ...env };
    return this.machine.spawn(file, args, this.path(`log/${file.split('/').at(-1)}`), all);
  }

  /** Waits for a service; what all of them said last is in the error when it does not come. */
  async until(what: string, ask: () => Promise<boolean>): Promise<void> {
    await until(what, ask, { patienceMs, everyMs: 100 }).catch((cause: unknown) => {
      throw new Error(`gave up waiting until ${what}\n${this.#lastWords()}`, { cause });
    });
  }

  #lastWords(): string {
    const log = this.path('log');
    return readdirSync(log)
      .map((name) => `${name}:\n${readFileSync(join(log, name), 'utf8').split('\n').slice(-20).join('\n')}`)
      .join('\n');
  }
}
