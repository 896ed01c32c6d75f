/** One run of the server process: settings, lock, world, signals, end. */
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadConfig } from '../src/base/config.ts';
import type { Config } from '../src/base/config-schema.ts';
import { createLog, type Log } from '../src/base/log.ts';
import { statePaths } from '../src/base/state-paths.ts';
import { askStatus } from '../src/client/control.ts';
import { openControlSocket } from '../src/control/control-socket.ts';
import { isFailure } from '../src/model/failure.ts';
import { takeStateLock } from '../src/store/state-lock.ts';
import { openWorld, type World } from './world.ts';

const exitCodes = { stopped: 0, failed: 1, notPossibleHere: 2, usage: 64 } as const;

const usage = 'berthd.ts [--config FILE] [--state-dir FOLDER] [--listen ADDRESS] [--port PORT]';

/** Work that takes longer than this to finish is picked up again by the next start. */
const stopDeadlineMs = 30_000;

export async function main(argv: readonly string[]): Promise<number> {
  const config = readConfig(argv);
  if (typeof config === 'number') return config;
  if (process.getuid?.() !== 0) {
    return complain('this needs root: it makes network namespaces and firewalls', exitCodes.notPossibleHere);
  }
  const paths = statePaths(config.stateDir);
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
  const lock = takeStateLock(paths.lock);
  if (!lock) return complain(await describeHolder(config.stateDir), exitCodes.failed);
  const log = createLog({ level: config.logLevel });
  try {
    return await run(config, log);
  } catch (error) {
    log.error({ error }, 'could not start');
    return exitCodes.failed;
  } finally {
    lock.release();
  }
}

/** The settings, or an exit code when that is all. */
function readConfig(argv: readonly string[]): Config | number {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string' },
        'state-dir': { type: 'string' },
        listen: { type: 'string' },
        port: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) return complain(usage, exitCodes.stopped);
    return loadConfig({
      ...(values.config === undefined ? {} : { file: values.config }),
      overrides: {
        stateDir: values['state-dir'],
        listen: { host: values.listen, port: toNumber(values.port) },
      },
    });
  } catch (error) {
    const isUsage = error instanceof TypeError && 'code' in error;
    if (!isUsage && !isFailure(error)) throw error;
    return complain((error as Error).message, isUsage ? exitCodes.usage : exitCodes.failed);
  }
}

/** What is no number stays text, so that the complaint can show it. */
function toNumber(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}

async function run(config: Config, log: Log): Promise<number> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.on('SIGTERM', stop).on('SIGINT', stop);
  // One that nobody caught is a bug; going on with half-done work would be a worse one. The next start converges.
  process.on('uncaughtException', (error) => {
    log.fatal({ error }, 'unexpected error: ending');
    process.exit(exitCodes.failed);
  });
  const began = performance.now();
  const world = await openWorld(config, log);
  const control = await openControlSocket({
    path: statePaths(config.stateDir).controlSocket,
    log,
    status: () => world.status(),
    stop,
  });
  log.info({ url: world.url, ms: Math.round(performance.now() - began) }, 'listening');
  try {
    const stopped = untilAborted(stopping.signal);
    await Promise.race([stopped, world.start().then(() => stopped)]);
  } finally {
    await close(world, log);
    control.close();
  }
  // Whoever asked for the stop waits for the end of the process: nothing forgotten may hold it up.
  setImmediate(() => process.exit());
  return exitCodes.stopped;
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

async function close(world: World, log: Log): Promise<void> {
  const late = setTimeout(() => {
    log.warn({ ms: stopDeadlineMs }, 'work under way does not end: leaving it to the next start');
    process.exit(exitCodes.stopped);
  }, stopDeadlineMs);
  await world.stop();
  clearTimeout(late);
  log.info('stopped');
}

async function describeHolder(stateDir: string): Promise<string> {
  const holder = await askStatus(statePaths(stateDir).controlSocket).catch(() => undefined);
  if (!holder) return `another process holds ${stateDir} and is just starting or ending`;
  return `Berth already runs on ${stateDir}: pid ${holder.pid}, since ${holder.startedAt}, at ${holder.url}`;
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`berth: ${text}\n`);
  return exitCode;
}
