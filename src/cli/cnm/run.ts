/**
 * `berth cnm run`: a command in a sandbox of its own, without any container engine.
 *
 * Whatever happens, what was made is removed at the end (but with `--keep`): when a network cannot be joined, when the
 * command cannot be started, when a signal ends it.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import type { CnmSandbox } from '../../model/cnm.ts';
import { type Call, collect, define, type Setting } from '../define.ts';
import { UsageError } from '../usage-error.ts';
import { ask } from './ask.ts';
import { draftOf, type EndpointOptions } from './endpoint.ts';

interface RunOptions extends Pick<EndpointOptions, 'ip' | 'alias' | 'publish'> {
  readonly net?: readonly string[];
  readonly name?: string;
  readonly keep?: boolean;
}

/** Passed on to the command. Of SIGINT a terminal tells it by itself. */
const passed = ['SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

export function defineRun(setting: Setting): void {
  define<RunOptions>(setting, {
    usage: 'cnm run <command...>',
    summary: 'run a command in a sandbox of its own, on networks',
    options: [
      ['--net <networks>', 'names or ids, with commas or repeated; the first publishes', collect],
      ['--name <name>', 'of the sandbox and its endpoints; left out: random'],
      ['--ip <address>', 'its IPv4 address on the first network'],
      ['--alias <name>', 'another name on every network (repeatable)', collect],
      ['-p, --publish <ports>', '[ADDRESS:][PORT:]PORT[/PROTOCOL], on the host (repeatable)', collect],
      ['--keep', 'leave the sandbox when the command has ended'],
    ],
    passThrough: true,
    examples: [
      'berth cnm run --net back -- ip address',
      'berth cnm run --net back,front --name web --publish 8080:80 -- busybox httpd -f -p 80',
    ],
    run,
  });
}

async function run(call: Call<RunOptions>): Promise<number> {
  const { options, operands } = call;
  const command = operands[0] === '--' ? operands.slice(1) : operands;
  if (command.length === 0) throw new UsageError('cnm run: which command?');
  const networks = (options.net ?? []).flatMap((text) => text.split(',')).filter(Boolean);
  if (networks.length === 0) throw new UsageError('cnm run: which network? (--net NAME)');
  const name = options.name ?? `run-${randomBytes(3).toString('hex')}`;
  const drafts = networks.map((network, index) => ({
    network,
    draft: draftOf(name, ofNetwork(options, index)),
  }));
  const relay = new SignalRelay();
  try {
    const driver = (await ask(call, 'network-show', { network: networks[0] ?? '' })).driver;
    const sandbox = await ask(call, 'sandbox-create', { name, isHost: driver === 'host' });
    try {
      for (const one of drafts) await attach(call, one, sandbox);
      return await relay.run(commandIn(sandbox, command));
    } finally {
      if (!options.keep) await ask(call, 'sandbox-delete', { sandbox: sandbox.id });
    }
  } finally {
    relay.stop();
  }
}

/** An address and published ports belong to the first network. */
function ofNetwork({ ip, alias, publish }: RunOptions, index: number): EndpointOptions {
  return {
    ...(alias ? { alias } : {}),
    ...(index === 0 && ip !== undefined ? { ip } : {}),
    ...(index === 0 && publish ? { publish } : {}),
  };
}

async function attach(
  call: Call<RunOptions>,
  endpoint: { readonly network: string; readonly draft: ReturnType<typeof draftOf> },
  sandbox: CnmSandbox,
): Promise<void> {
  const { id } = await ask(call, 'endpoint-create', endpoint);
  try {
    await ask(call, 'endpoint-join', { endpoint: id, sandbox: sandbox.id });
  } catch (error) {
    await ask(call, 'endpoint-delete', { endpoint: id });
    throw error;
  }
}

function commandIn({ netns }: CnmSandbox, command: readonly string[]): readonly string[] {
  // The shell, which the command replaces, tells one that is not there (127) from one that fails, as `ip` does not.
  return netns === null ? command : ['ip', 'netns', 'exec', netns, 'sh', '-c', 'exec "$@"', 'sh', ...command];
}

/** Signals of this process for a command; one that comes too early keeps it from being started. */
class SignalRelay {
  readonly #signals = process.stdin.isTTY ? passed : ([...passed, 'SIGINT'] as const);
  #early: NodeJS.Signals | undefined;
  #target: (signal: NodeJS.Signals) => void = (signal) => {
    this.#early ??= signal;
  };
  readonly #listener = (signal: NodeJS.Signals) => this.#target(signal);
  readonly #outlive = () => undefined;

  constructor() {
    for (const signal of this.#signals) process.on(signal, this.#listener);
    process.on('SIGINT', this.#outlive);
  }

  /** The exit code as a shell tells it. */
  run([file = '', ...args]: readonly string[]): Promise<number> {
    if (this.#early) return Promise.resolve(128 + constants.signals[this.#early]);
    const child = spawn(file, args, { stdio: 'inherit' });
    this.#target = (signal) => void child.kill(signal);
    return new Promise((resolve) => {
      child.once('error', () => resolve(127));
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
  }

  stop(): void {
    for (const signal of this.#signals) process.off(signal, this.#listener);
    process.off('SIGINT', this.#outlive);
  }
}
