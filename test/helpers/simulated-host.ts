/** A host of a cheap kind: namespaces of network and mounts, with /run and /etc of its own, all gone with its one process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Running, tool } from './wired-container.ts';

const init = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock /run/etc /run/etc-work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc-work /etc
ip link set lo up
echo ready
exec sleep infinity
`;

export class SimulatedHost {
  readonly #process: ChildProcess;
  readonly enter: readonly string[];

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.enter = ['nsenter', '-t', String(process.pid), '-m', '-n', '--'];
  }

  static async start(): Promise<SimulatedHost> {
    const child = spawn('unshare', ['--mount', '--net', 'bash', '-c', init], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    return new SimulatedHost(child);
  }

  /** A wire between two hosts, called `under0` on both. */
  static async connect(
    a: SimulatedHost,
    b: SimulatedHost,
    addresses: readonly [string, string],
  ): Promise<void> {
    const [here, there] = [String(a.#process.pid), String(b.#process.pid)];
    const far = ['peer', 'name', 'under0', 'netns', there];
    await tool('ip', 'link', 'add', 'name', 'under0', 'netns', here, 'type', 'veth', ...far);
    for (const [host, address] of [
      [a, addresses[0]],
      [b, addresses[1]],
    ] as const) {
      await host.exec('ip', 'address', 'add', address, 'dev', 'under0');
      await host.exec('ip', 'link', 'set', 'under0', 'up');
    }
  }

  exec(...command: readonly string[]): Promise<string> {
    const [file = '', ...args] = [...this.enter, ...command];
    return tool(file, ...args);
  }

  start(...command: readonly string[]): Running {
    const [file = '', ...args] = [...this.enter, ...command];
    return new Running(file, args);
  }

  async stop(): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}
