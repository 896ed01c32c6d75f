/** `berth cnm serve`, `status` and `stop`: the daemon that all other commands of `berth cnm` ask. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { statePaths } from '../../base/state-paths.ts';
import { stopCnm } from '../../client/cnm.ts';
import { Failure } from '../../model/failure.ts';
import { AdvisedFailure } from '../advised-failure.ts';
import { type Call, define, type Setting } from '../define.ts';
import { exitCodes } from '../explain.ts';
import { nodeOptions } from '../local-server.ts';
import { ask } from './ask.ts';

interface ServeOptions {
  readonly detach?: boolean;
  readonly tunnelAddress?: string;
  readonly peers?: string;
}

export function defineServe(setting: Setting): void {
  define<ServeOptions>(setting, {
    usage: 'cnm serve',
    summary: 'run the daemon of berth cnm on this machine',
    options: [
      ['-d, --detach', 'in the background; return when it answers'],
      ['--tunnel-address <address>', "of this host, for overlay networks (that on the default route's link)"],
      [
        '--peers <where>',
        'folder, PostgreSQL or NATS that all hosts of overlay networks share (this host alone)',
      ],
    ],
    examples: [
      'berth cnm serve -d',
      'berth cnm serve -d --tunnel-address 192.0.2.11 --peers /mnt/shared/berth-peers',
      'BERTH_CNM_PEERS_PASSWORD=… berth cnm serve -d --peers postgresql://berth@db.example.org/berth',
    ],
    run: serve,
  });
  define(setting, {
    usage: 'cnm status',
    summary: 'show the daemon of berth cnm on this machine',
    prints: true,
    examples: ['berth cnm status'],
    run: async (call) => {
      await call.out.record({ ...(await ask(call, 'status', {})) });
      return undefined;
    },
  });
  define(setting, {
    usage: 'cnm stop',
    summary: 'stop the daemon of berth cnm; networks and sandboxes stay as they are',
    examples: ['berth cnm stop'],
    run: async (call) => {
      await ask(call, 'status', {});
      const { pid } = await stopCnm(statePaths(call.stateDir).cnmSocket);
      call.progress.note(`stopped (pid ${pid}); start it again: berth cnm serve -d`);
      return undefined;
    },
  });
}

async function serve(call: Call<ServeOptions>): Promise<number> {
  const child = start(call);
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code) => resolve(code ?? exitCodes.failed));
    child.once('error', () => resolve(exitCodes.failed));
  });
  if (!call.options.detach) {
    // A signal of the terminal reaches the child by itself; we only have to outlive it.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    return ended;
  }
  const answer = await Promise.race([untilAnswers(call), ended.then(() => undefined)]);
  if (!answer) {
    const log = statePaths(call.stateDir).cnmLogFile;
    throw new AdvisedFailure('unavailable', 'the daemon of berth cnm did not start', `see the end of ${log}`);
  }
  child.unref();
  call.progress.note(
    `berth cnm answers for this machine (pid ${answer.pid}); try: berth cnm network create NAME`,
  );
  return exitCodes.done;
}

function start({ world, stateDir, options }: Call<ServeOptions>): ChildProcess {
  const args = [...nodeOptions, join(world.root, 'bin', 'berth-cnmd.ts'), '--state-dir', stateDir];
  if (options.tunnelAddress !== undefined) args.push('--tunnel-address', options.tunnelAddress);
  if (options.peers !== undefined) args.push('--peers', options.peers);
  if (!options.detach) return spawn(process.execPath, args, { stdio: 'inherit' });
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const log = openSync(statePaths(stateDir).cnmLogFile, 'a', 0o600);
  try {
    return spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
}

async function untilAnswers(call: Call<ServeOptions>) {
  for (;;) {
    try {
      return await ask(call, 'status', {});
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'unavailable') throw error;
      await call.world.sleep(50);
    }
  }
}
