/**
 * The Berth on this machine: starting its process, finding it, stopping it.
 *
 * Settings reach the process as `BERTH_*` variables (base/config.ts) and nothing else, so that there is one place
 * that knows them. It is asked about itself over its control socket (wire/control.ts), never by process id.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { statePaths } from '../base/state-paths.ts';
import { askStatus } from '../client/control.ts';
import { Failure } from '../model/failure.ts';
import type { ServerStatus } from '../wire/control.ts';
import type { World } from './world.ts';

export interface StartOptions {
  readonly stateDir: string;
  /** Variables on top of the environment: `BERTH_LISTEN_PORT` … */
  readonly settings: Readonly<Record<string, string>>;
  readonly configFile?: string;
  /** True: on its own, writing to the log file. False: a child that shares our terminal. */
  readonly background: boolean;
}

export interface StartedServer {
  readonly child: ChildProcess;
  /** Where its log begins in the log file; absent when it writes to our terminal. */
  readonly logFrom?: number;
}

/**
 * By default the heap grows to twice what is alive and to 16 MB of young objects per thread before it is tidied up: that
 * makes the server half as large again, and long lists no quicker.
 */
export const nodeOptions = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=4',
  '--heap-growing-percent=20',
];

export function startServer(world: World, options: StartOptions): StartedServer {
  const { stateDir, background } = options;
  const args = [...nodeOptions, join(world.root, 'bin', 'berthd.ts')];
  if (options.configFile) args.push('--config', options.configFile);
  const env = { ...world.env, ...options.settings, BERTH_STATE_DIR: stateDir };
  if (!background) return { child: spawn(process.execPath, args, { env, stdio: 'inherit' }) };
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const log = openSync(statePaths(stateDir).logFile, 'a', 0o600);
  try {
    const logFrom = fstatSync(log).size;
    return {
      child: spawn(process.execPath, args, { env, detached: true, stdio: ['ignore', log, log] }),
      logFrom,
    };
  } finally {
    closeSync(log);
  }
}

/**
 * Waits until the process is ready to run containers. Throws `unavailable` when it ends before, with the last
 * lines of its log when it wrote one, and `timeout` when it is not ready in time.
 */
export async function waitUntilReady(
  world: World,
  stateDir: string,
  options: {
    readonly server: StartedServer;
    readonly seconds: number;
    readonly onPhase?: (text: string) => void;
  },
): Promise<ServerStatus> {
  const { child, logFrom } = options.server;
  let ended = false;
  for (const event of ['exit', 'error'] as const) {
    child.once(event, () => {
      ended = true;
    });
  }
  const end = performance.now() + options.seconds * 1000;
  while (performance.now() < end) {
    const status = await askStatus(statePaths(stateDir).controlSocket);
    if (status?.phase === 'ready') return status;
    if (ended) throw new Failure('unavailable', `Berth did not start${await lastWords(stateDir, logFrom)}`);
    options.onPhase?.(status ? 'Berth is looking at this machine' : 'Berth is starting');
    await world.sleep(50);
  }
  throw new Failure(
    'timeout',
    `Berth is not ready after ${options.seconds} s${await lastWords(stateDir, logFrom)}`,
  );
}

/** What it said last, as `: text`; nothing when it said it to the terminal. */
async function lastWords(stateDir: string, logFrom: number | undefined): Promise<string> {
  if (logFrom === undefined) return '';
  const text = await readFile(statePaths(stateDir).logFile).catch(() => Buffer.alloc(0));
  const last = text.subarray(logFrom).toString('utf8').trimEnd().split('\n').at(-1);
  return last ? `: ${messageOf(last)}` : '';
}

/** A line of the log, or what it says when it is structured. */
function messageOf(line: string): string {
  try {
    const { msg, error } = JSON.parse(line) as { msg?: string; error?: { message?: string } };
    return [msg, error?.message].filter(Boolean).join(': ') || line;
  } catch {
    return line;
  }
}
