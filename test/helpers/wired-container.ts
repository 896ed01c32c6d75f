/**
 * A container as far as the network can see: a namespace that took the container's end of a port's veth pair, renamed it
 * and gave it the port's addresses, as a container engine does.
 */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Dataplane, WantedSource } from '../../src/network/dataplane.ts';
import type { WantedPort } from '../../src/wire/host-network.ts';

const run = promisify(execFile);

/** Runs a tool to its end; fails when it does. */
export async function tool(file: string, ...args: readonly string[]): Promise<string> {
  return (await run(file, args)).stdout;
}

/** A program that runs on, read line by line. */
export class Running {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly lines: string[] = [];
  readonly ended: Promise<void>;

  constructor(file: string, args: readonly string[]) {
    // A process group of its own, so that stopping it stops what it started.
    this.#child = spawn(file, args, { detached: true });
    this.#child.stderr.resume();
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.lines.push(line));
    this.ended = new Promise((resolve) => {
      this.#child.on('close', () => resolve());
      this.#child.on('error', () => resolve());
    });
    // The other side of a connection may be gone: the test sees that in what is not answered.
    this.#child.stdin.on('error', () => undefined);
  }

  say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  async stop(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    try {
      if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
    } catch (error) {
      // Ended by itself a moment ago.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await this.ended;
  }
}

export class WiredContainer {
  readonly netns = `ct-${randomBytes(4).toString('hex')}`;
  readonly port: WantedPort;
  readonly #running: Running[] = [];

  private constructor(port: WantedPort) {
    this.port = port;
  }

  static async start(
    dataplane: Dataplane,
    wanted: WantedSource,
    { port, gateways = [] }: { readonly port: WantedPort; readonly gateways?: readonly string[] },
  ): Promise<WiredContainer> {
    const container = new WiredContainer(port);
    const { linkName } = await dataplane.plug(wanted, { portId: port.id, endpointId: container.netns });
    await tool('ip', 'netns', 'add', container.netns);
    await tool('ip', 'link', 'set', linkName, 'netns', container.netns, 'name', 'eth0');
    const ip = (...args: readonly string[]) => tool('ip', '-n', container.netns, ...args);
    await ip('link', 'set', 'lo', 'up');
    await ip('link', 'set', 'eth0', 'up');
    for (const { address, version } of port.fixedIps) {
      await ip('address', 'add', `${address}/${version === 4 ? 24 : 64}`, 'dev', 'eth0', 'nodad');
    }
    for (const gateway of gateways) await ip('route', 'add', 'default', 'via', gateway);
    return container;
  }

  address(version: 4 | 6 = 4): string {
    return this.port.fixedIps.find((one) => one.version === version)?.address ?? '';
  }

  exec(...command: readonly string[]): Promise<string> {
    return tool('ip', 'netns', 'exec', this.netns, ...command);
  }

  start(...command: readonly string[]): Running {
    const running = new Running('ip', ['netns', 'exec', this.netns, ...command]);
    this.#running.push(running);
    return running;
  }

  async pings(address: string): Promise<boolean> {
    return this.exec('ping', '-n', '-c', '1', '-W', '1', address).then(
      () => true,
      () => false,
    );
  }

  /** Answers every line on this TCP port with the same line. */
  echo(port: number): Running {
    return this.start('busybox', 'nc', '-ll', '-p', String(port), '-e', 'busybox', 'cat');
  }

  /** Whether the TCP port answers. */
  async connects(address: string, port: number): Promise<boolean> {
    const script = 'echo hello | busybox nc -w 1 "$0" "$1"';
    return this.exec('timeout', '3', 'sh', '-c', script, address, String(port)).then(
      (answer) => answer.includes('hello'),
      () => false,
    );
  }

  async stop(): Promise<void> {
    for (const running of this.#running) await running.stop();
    await tool('ip', 'netns', 'delete', this.netns);
  }
}
