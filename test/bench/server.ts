/** The Berth that is measured: its own process on a state folder of its own, started and stopped between measures. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { statePaths } from '../../src/base/state-paths.ts';
import { findCloud } from '../../src/cli/cloud/sources.ts';
import { startServer, waitUntilReady } from '../../src/cli/local-server.ts';
import { processWorld } from '../../src/cli/world.ts';
import { type Cloud, connect } from '../../src/client/cloud.ts';
import { stopServer } from '../../src/client/control.ts';
import { until } from '../helpers/until.ts';

export const root = resolve(import.meta.dirname, '../..');
const world = processWorld(root);
const url = 'http://127.0.0.1:9517';

/** USER_HZ: the same on every Linux. */
const ticksPerSecond = 100;

/** Everything unlimited: what is measured is not the quota. Compiled code is kept where `./berth` keeps it. */
const settings = {
  NODE_COMPILE_CACHE: join(root, 'dist/cache'),
  BERTH_QUOTAS_CONTAINERS: '-1',
  BERTH_QUOTAS_CPU: '-1',
  BERTH_QUOTAS_MEMORY: '-1',
  BERTH_QUOTAS_PORT: '-1',
  BERTH_SCHEDULER_CPU_ALLOCATION_RATIO: '1000',
};

export class Server {
  readonly stateDir: string;
  readonly url = url;
  #child: ChildProcess | undefined;

  constructor(disk: string) {
    this.stateDir = join(disk, 'state');
  }

  /** Returns how long it took until the API gave its first answer, in ms. */
  async start(logLevel = 'info'): Promise<number> {
    const began = performance.now();
    const server = startServer(world, {
      stateDir: this.stateDir,
      settings: { ...settings, BERTH_LOG_LEVEL: logLevel },
      background: true,
    });
    this.#child = server.child;
    await until('the API answers', async () => (await fetch(url)).ok, { everyMs: 5 });
    const firstAnswerMs = performance.now() - began;
    await waitUntilReady(world, this.stateDir, { server, seconds: 60 });
    return firstAnswerMs;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    const ended = child.exitCode === null ? once(child, 'exit') : undefined;
    await stopServer(statePaths(this.stateDir).controlSocket);
    await ended;
  }

  /** Of the whole process, in MB. */
  residentMb(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
    return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1e6;
  }

  /** That the process has taken so far. */
  processorSeconds(): number {
    const [, fields = ''] = readFileSync(`/proc/${this.#child?.pid}/stat`, 'utf8').split(') ');
    const [user, system] = fields.split(' ').slice(11, 13).map(Number);
    return ((user ?? 0) + (system ?? 0)) / ticksPerSecond;
  }

  logLines(): string[] {
    return readFileSync(statePaths(this.stateDir).logFile, 'utf8').split('\n');
  }

  async cloud(osCloud: 'berth' | 'berth-admin' = 'berth'): Promise<Cloud> {
    const { credentials } = await findCloud({ stateDir: this.stateDir, osCloud }, world);
    return connect({ credentials });
  }
}
