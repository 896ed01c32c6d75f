/** `berth up`, `berth down`, `berth status`: the Berth on this machine. */
import { statePaths } from '../../base/state-paths.ts';
import { askStatus, stopServer } from '../../client/control.ts';
import type { ServerStatus } from '../../wire/control.ts';
import { type Call, define, integer, number, type Setting } from '../define.ts';
import { exitCodes } from '../explain.ts';
import { startServer, waitUntilReady } from '../local-server.ts';

interface UpOptions {
  readonly detach?: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly config?: string;
  readonly waitTimeout?: number;
}

export function commands(setting: Setting): void {
  define<UpOptions>(setting, {
    usage: 'up',
    summary: 'run Berth on this machine',
    options: [
      ['-d, --detach', 'in the background; return when it is ready'],
      ['--host <address>', 'address to answer at (127.0.0.1)'],
      ['--port <port>', 'port to answer at (9517)', integer],
      ['--config <file>', 'configuration file'],
      ['--wait-timeout <seconds>', 'how long it may take to be ready (60)', number],
    ],
    examples: ['berth up', 'berth up -d', 'berth up -d --state-dir /srv/berth --port 9600'],
    run: up,
  });
  define(setting, {
    usage: 'down',
    summary: 'stop the Berth on this machine; its containers go on running',
    examples: ['berth down'],
    run: async ({ progress, stateDir }) => {
      progress.step('Berth is finishing what it is doing');
      const last = await stopServer(statePaths(stateDir).controlSocket);
      progress.note(
        last ? `stopped (pid ${last.pid}); start it again: berth up -d` : `nothing runs on ${stateDir}`,
      );
      return undefined;
    },
  });
  define(setting, {
    usage: 'status',
    summary: 'show the Berth on this machine; exit code 1 when none runs',
    prints: true,
    examples: ['berth status', 'berth status -f value -c url'],
    run: async ({ out, progress, stateDir }) => {
      const status = await askStatus(statePaths(stateDir).controlSocket);
      if (!status) {
        progress.note(`nothing runs on ${stateDir}; start it with: berth up -d`);
        return exitCodes.failed;
      }
      const { docker, ...rest } = status;
      await out.record({ ...rest, docker: docker.ok ? 'ok' : docker.error });
      return docker.ok ? exitCodes.done : exitCodes.failed;
    },
  });
}

async function up(call: Call<UpOptions>): Promise<number> {
  const { world, options, progress, stateDir } = call;
  const background = options.detach === true;
  const there = await askStatus(statePaths(stateDir).controlSocket);
  if (there) {
    progress.note(`Berth already runs on ${stateDir}: pid ${there.pid}, ${there.url}`);
    // In the background that is what was asked for; in the foreground it is not.
    return background ? exitCodes.done : exitCodes.failed;
  }
  const server = startServer(world, {
    stateDir,
    background,
    settings: {
      ...(options.host ? { BERTH_LISTEN_HOST: options.host } : {}),
      ...(options.port === undefined ? {} : { BERTH_LISTEN_PORT: String(options.port) }),
    },
    ...(options.config ? { configFile: options.config } : {}),
  });
  const { child } = server;
  // The signal reaches a foreground child too, which then ends in good order: we only have to outlive it.
  const ignore = () => undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, background ? ignore : () => child.kill(signal));
  }
  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? (signal ? exitCodes.failed : exitCodes.done)));
  });
  const status = await waitUntilReady(world, stateDir, {
    server,
    seconds: options.waitTimeout ?? 60,
    ...(background ? { onPhase: (text) => progress.step(text) } : {}),
  });
  for (const line of welcome(status)) progress.note(line);
  if (!background) return exited;
  child.unref();
  return exitCodes.done;
}

function welcome({ url, stateDir }: ServerStatus): string[] {
  return [
    `Berth answers at ${url}`,
    `log-ins for other clients: ${statePaths(stateDir).cloudsYaml} (clouds berth and berth-admin)`,
    'try: berth demo    or: berth run -n web IMAGE    and: berth list',
  ];
}
