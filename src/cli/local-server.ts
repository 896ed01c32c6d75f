/**
 * The Berth on this machine: starting its process, finding it, stopping it.
 *
 * Settings reach the process as `BERTH_*` variables (base/config.ts) and nothing else, so that there is one place
 * that knows them. It is asked about itself over its control socket (wire/control.ts), never by process id.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
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

export function startServer(world: World, options: StartOptions): ChildProcess {
  const { stateDir, background } = options;
  const args = ['--disable-warning=ExperimentalWarning', join(world.root, 'bin', 'berthd.ts')];
  if (options.configFile) args.push('--config', options.configFile);
  return spawn(process.execPath, args, {
    env: { ...world.env, ...options.settings, BERTH_STATE_DIR: stateDir },
    detached: background,
    stdio: background ? ['ignore', logFile(stateDir), logFile(stateDir)] : 'inherit',
  });
}

function logFile(stateDir: string): number {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  return openSync(statePaths(stateDir).logFile, 'a', 0o600);
}

/**
 * Waits until the process is ready to run containers. Throws `unavailable` when it ends before, with the last
 * lines of its log when it wrote one, and `timeout` when it is not ready in time.
 */
export async function waitUntilReady(
  world: World,
  stateDir: string,
  options: {
    readonly child: ChildProcess;
    readonly seconds: number;
    readonly onPhase?: (text: string) => void;
  },
): Promise<ServerStatus> {
  let ended = false;
  options.child.once('exit', () => {
    ended = true;
  });
  options.child.once('error', () => {
    ended = true;
  });
  const end = performance.now() + options.seconds * 1000;
  while (performance.now() < end) {
    const status = await askStatus(statePaths(stateDir).controlSocket);
    if (status?.phase === 'ready') return status;
    if (ended) throw new Failure('unavailable', `Berth did not start${await lastWords(stateDir)}`);
    options.onPhase?.(status ? 'Berth is looking at this machine' : 'Berth is starting');
    await world.sleep(50);
  }
  throw new Failure('timeout', `Berth is not ready after ${options.seconds} s${await lastWords(stateDir)}`);
}

async function lastWords(stateDir: string): Promise<string> {
  const text = await readFile(statePaths(stateDir).logFile, 'utf8').catch(() => '');
  const last = text.trimEnd().split('\n').at(-1);
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
