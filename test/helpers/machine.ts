/**
 * A simulated machine: its own process, mount and network namespaces, its own /run and its own dockerd.
 *
 * Its disk (a folder) outlives it: `crash()` ends every process in it at once, as a power cut does, and takes all of its
 * namespaces, links and mounts along; `boot()` starts it again with the same disk. Needs root and Debian's docker.io.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { libc } from '../../src/host/libc.ts';
import { until } from './until.ts';

const run = promisify(execFile);
const newNetwork = 0x40000000;

/** What the machine's first process does before it says `ready`: private mounts, fresh /run, own sysfs, loopback up. */
const init = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/docker /run/lock /run/cgroup
mount --rbind /sys/fs/cgroup /run/cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/cgroup /sys/fs/cgroup
ip link set lo up
echo ready
# Not exec: the first process has to reap what others leave behind, or the dead seem to be alive.
sleep infinity & wait
`;

const makeImage = `
cd "$1"
for applet in sh sleep ip ping nc wget httpd cat ls ps arping; do ln -sf busybox "bin/$applet"; done
tar -c . | docker -H "$3" import - "$2"
`;

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface MachineProcess {
  readonly exited: Promise<void>;
  readonly log: string;
  /** Process id as seen from outside the machine: `process.kill(await pid(), 'SIGKILL')`. */
  pid(): Promise<number>;
}

export class Machine {
  /** Survives crashes. */
  readonly disk: string;
  readonly id = randomBytes(4).toString('hex');
  readonly dockerHost = 'unix:///run/docker.sock';
  readonly #dockerOptions: readonly string[];
  #init: ChildProcess | undefined;
  #docker: MachineProcess | undefined;
  #pid = 0;

  private constructor(dockerOptions: readonly string[]) {
    this.#dockerOptions = dockerOptions;
    this.disk = mkdtempSync(join(tmpdir(), 'berth-machine-'));
    for (const folder of ['docker', 'state', 'image/bin', 'image/tmp']) {
      mkdirSync(join(this.disk, folder), { recursive: true });
    }
  }

  /** Options of dockerd as its command line has them. */
  static async start(...dockerOptions: readonly string[]): Promise<Machine> {
    const machine = new Machine(dockerOptions);
    try {
      await machine.boot();
      await machine.importBusybox();
      return machine;
    } catch (error) {
      await machine.destroy();
      throw error;
    }
  }

  async boot(): Promise<void> {
    const flags = ['--mount', '--net', '--pid', '--uts', '--fork', '--kill-child', '--mount-proc'];
    const child = spawn('unshare', [...flags, 'bash', '-c', init], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#init = child;
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once('data', () => resolve());
      child.once('exit', (code) => reject(new Error(`machine did not boot: exit ${code}`)));
    });
    this.#pid = await until('the machine’s first process runs', async () => firstChild(child.pid ?? 0));
    await this.startDocker();
  }

  async startDocker(): Promise<void> {
    const args = ['--data-root', join(this.disk, 'docker'), '--exec-root', '/run/docker-exec'];
    args.push('--pidfile', '/run/dockerd.pid', '-H', this.dockerHost, '--cgroup-parent', this.#cgroup);
    args.push(...this.#dockerOptions);
    this.#docker = this.spawn('dockerd', args, join(this.disk, 'dockerd.log'));
    await until('dockerd answers', async () => (await this.docker('version')).code === 0);
  }

  async stopDocker(): Promise<void> {
    await this.must('sh', ['-c', 'kill "$(cat /run/dockerd.pid)"']);
    await until(
      'dockerd is gone',
      async () => (await this.exec('test', ['-e', '/run/dockerd.pid'])).code !== 0,
    );
  }

  /** SIGKILL in the middle of whatever it is doing; what runs in containers goes on until dockerd is back. */
  async killDocker(): Promise<void> {
    if (!this.#docker) throw new Error('dockerd was not started');
    process.kill(await this.#docker.pid(), 'SIGKILL');
    await this.#docker.exited;
    // It ends its containerd with itself, not quite at once; the next dockerd would wait for the dying one.
    const isAlive = 'kill -0 "$(cat /run/docker-exec/containerd/containerd.pid)"';
    await until('containerd is gone', async () => (await this.exec('sh', ['-c', isAlive])).code !== 0);
  }

  /** As `service docker restart` does: containers stop, and come back by their restart policy. */
  async restartDocker(): Promise<void> {
    await this.stopDocker();
    await this.startDocker();
  }

  async importBusybox(name = 'busybox'): Promise<void> {
    const image = join(this.disk, 'image');
    await run('cp', ['/bin/busybox', join(image, 'bin/busybox')]);
    await this.must('sh', ['-ec', makeImage, 'sh', image, name, this.dockerHost]);
  }

  docker(...args: readonly string[]): Promise<Output> {
    return this.exec('docker', ['-H', this.dockerHost, ...args]);
  }

  /** Runs a command in the machine and waits for it; never throws for a non-zero exit. */
  async exec(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Output> {
    try {
      const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
      return { ...(await run('nsenter', [...this.#enter(), file, ...args], options)), code: 0 };
    } catch (error) {
      const {
        stdout = '',
        stderr = '',
        code = 1,
      } = error as { stdout?: string; stderr?: string; code?: number };
      return { stdout, stderr, code: typeof code === 'number' ? code : 1 };
    }
  }

  /** As exec, but a non-zero exit is an error that shows what the command said. */
  async must(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { stdout, stderr, code } = await this.exec(file, args, env);
    if (code !== 0) throw new Error(`${file} ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Starts a long-running process in the machine; its output goes to `log`. */
  spawn(file: string, args: readonly string[], log: string, env: NodeJS.ProcessEnv = {}): MachineProcess {
    const command = ['bash', '-c', 'exec "$@" >>"$0" 2>&1', log, file, ...args];
    const child = spawn('nsenter', [...this.#enter(), ...command], {
      stdio: 'ignore',
      env: { ...process.env, ...env },
    });
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    return { exited, log, pid: () => until('the process runs', async () => firstChild(child.pid ?? 0)) };
  }

  /** The calling process speaks on this machine's network from now on; for good, and all of its sockets. */
  enterNetwork(): void {
    const namespace = openSync(`/proc/${this.#pid}/ns/net`, 'r');
    libc.setns(namespace, newNetwork);
    closeSync(namespace);
  }

  /** The words before a command that is to run in the machine. */
  get through(): readonly string[] {
    return ['nsenter', ...this.#enter()];
  }

  /** A power cut. */
  async crash(): Promise<void> {
    const child = this.#init;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (this.#pid > 0) process.kill(this.#pid, 'SIGKILL');
    else child.kill('SIGKILL');
    await gone;
    await until('the machine’s cgroups are empty', async () => removeCgroups(this.#cgroup));
  }

  async destroy(): Promise<void> {
    await this.crash();
    rmSync(this.disk, { recursive: true, force: true });
  }

  get #cgroup(): string {
    return `/berth-machine-${this.id}`;
  }

  #enter(): string[] {
    return ['-t', String(this.#pid), '-m', '-n', '-p', '-u', '--'];
  }
}

function firstChild(pid: number): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? undefined : Number(children.split(' ')[0]);
}

/** True when nothing is left of the tree in any hierarchy. */
function removeCgroups(parent: string): boolean {
  return readdirSync('/sys/fs/cgroup').every((controller) =>
    removeTree(join('/sys/fs/cgroup', controller, parent)),
  );
}

function removeTree(folder: string): boolean {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removeTree(join(folder, entry.name));
    }
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
