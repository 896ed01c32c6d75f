/**
 * The daemon of the Container Network Model on this host, which `berth cnm serve` starts: the controller with its drivers,
 * records in `cnm.db` and a socket `cnm.sock` in the state folder.
 *
 *   berth-cnmd.ts [--state-dir FOLDER] [--tunnel-address ADDRESS] [--peers FOLDER|URL] [--log-level LEVEL]
 *
 * The password of a URL comes in BERTH_CNM_PEERS_PASSWORD.
 * Logs go to stderr. Exit codes: 0 stopped as asked, 1 could not start or somebody else holds the state folder, 2 not
 * possible here (no root), 64 wrong usage. What it made stays when it ends, and is taken over by the next.
 */
import { mkdirSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { parseArgs } from 'node:util';
import { environment } from '../src/base/environment.ts';
import { createLog, type Log } from '../src/base/log.ts';
import { defaultStateDir, statePaths } from '../src/base/state-paths.ts';
import { takeStateLock } from '../src/store/state-lock.ts';
import { type CnmWorldOptions, openCnmWorld } from './cnm-world.ts';

const exitCodes = { stopped: 0, failed: 1, notPossibleHere: 2, usage: 64 } as const;

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'number') return options;
  if (process.getuid?.() !== 0) {
    return complain('this needs root: it makes network namespaces and firewalls', exitCodes.notPossibleHere);
  }
  const { stateDir, logLevel } = options;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const lock = takeStateLock(statePaths(stateDir).cnmLock);
  if (!lock) return complain(`another process serves ${statePaths(stateDir).cnmSocket}`, exitCodes.failed);
  const log = createLog({ level: logLevel });
  try {
    await run(options, log);
    return exitCodes.stopped;
  } catch (error) {
    log.error({ error }, 'could not start');
    return exitCodes.failed;
  } finally {
    lock.release();
  }
}

type Options = Omit<CnmWorldOptions, 'signal'> & { readonly logLevel: string };

/** The settings, or an exit code when that is all. */
function readOptions(argv: readonly string[]): Options | number {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        'state-dir': { type: 'string' },
        'log-level': { type: 'string' },
        'tunnel-address': { type: 'string' },
        peers: { type: 'string' },
      },
    });
    const { 'tunnel-address': tunnelAddress, peers } = values;
    const { BERTH_CNM_PEERS_PASSWORD: peersPassword } = environment();
    if (tunnelAddress !== undefined && !isIPv4(tunnelAddress)) {
      return complain(`--tunnel-address ${tunnelAddress}: expected an IPv4 address`, exitCodes.usage);
    }
    return {
      stateDir: values['state-dir'] ?? defaultStateDir,
      logLevel: values['log-level'] ?? 'info',
      ...(tunnelAddress === undefined ? {} : { tunnelAddress }),
      ...(peers === undefined ? {} : { peers }),
      peersPassword,
    };
  } catch (error) {
    return complain((error as Error).message, exitCodes.usage);
  }
}

async function run(options: Options, log: Log): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.on('SIGTERM', stop).on('SIGINT', stop);
  const world = await openCnmWorld({ ...options, signal: stopping.signal }, log, stop);
  log.info({ socket: statePaths(options.stateDir).cnmSocket }, 'listening');
  if (!stopping.signal.aborted) {
    await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve, { once: true }));
  }
  await world.close();
  // Whoever asked for the stop waits for the end of the process: nothing forgotten may hold it up.
  setImmediate(() => process.exit());
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`berth-cnmd: ${text}\n`);
  return exitCode;
}
