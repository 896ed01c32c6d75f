/**
 * The command line `berth`: finds the command, runs it, and turns its end into an exit code.
 *
 * Only the file of the command asked for is loaded: describing all of them takes longer than most of them run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { openCall } from './call.ts';
import { addGlobalOptions, globalFlagsWithValue } from './cloud/options.ts';
import type { Setting } from './define.ts';
import { exitCodes, explain } from './explain.ts';
import type { World } from './world.ts';

type CommandFile = { readonly commands: (setting: Setting) => void };

interface CommandGroup {
  /** Above these commands in the help. */
  readonly heading: string;
  /** First words → the file that describes those commands. */
  readonly files: readonly (readonly [words: readonly string[], load: () => Promise<CommandFile>])[];
}

/** The order is that of the help. */
const commandGroups: readonly CommandGroup[] = [
  {
    heading: 'This machine:',
    files: [
      [['up', 'down', 'status'], () => import('./commands/process.ts')],
      [['demo'], () => import('./commands/demo.ts')],
      [['kuryr'], () => import('./commands/kuryr.ts')],
      [['completion'], () => import('./commands/completion.ts')],
    ],
  },
  {
    heading: 'Containers:',
    files: [
      [['run', 'create'], () => import('./commands/run.ts')],
      [['list', 'show', 'logs', 'top', 'stats', 'actions'], () => import('./commands/look.ts')],
      [['exec'], () => import('./commands/exec.ts')],
      [['attach'], () => import('./commands/attach.ts')],
      [['events'], () => import('./commands/events.ts')],
      [['webhook'], () => import('./commands/webhook.ts')],
      [['expose', 'unexpose'], () => import('./commands/expose.ts')],
      [
        ['start', 'stop', 'restart', 'pause', 'unpause', 'kill', 'rename', 'update'],
        () => import('./commands/change.ts'),
      ],
      [['delete', 'forget'], () => import('./commands/delete.ts')],
    ],
  },
  {
    heading: 'Networks:',
    files: [
      [['network'], () => import('./commands/network.ts')],
      [['subnet'], () => import('./commands/subnet.ts')],
      [['port'], () => import('./commands/port.ts')],
      [['router'], () => import('./commands/router.ts')],
      [['floating-ip'], () => import('./commands/floating-ip.ts')],
      [['security-group'], () => import('./commands/security-group.ts')],
    ],
  },
  {
    heading: 'Operating the cloud:',
    files: [
      [['service', 'host', 'quota'], () => import('./commands/operate.ts')],
      [['policy'], () => import('./commands/policy.ts')],
      [['cni'], () => import('./commands/cni.ts')],
      [['cnm'], () => import('./commands/cnm.ts')],
    ],
  },
];

const intro = `Containers with networks, addresses and security groups of their own.

Start with:  berth up -d    then:  berth run -n web IMAGE    and:  berth list`;

/** Runs one command line (without `node` and the script). Returns the exit code. */
export async function main(argv: readonly string[], world: World): Promise<number> {
  let code: number = exitCodes.done;
  const program = newProgram(world);
  const setting: Setting = {
    program,
    open: (options, operands) => openCall(world, options, operands),
    everything: async () => {
      const whole = newProgram(world);
      await describe({ ...setting, program: whole }, undefined);
      return whole;
    },
    finished: (result) => {
      code = result;
    },
  };
  const word = firstOperand(argv);
  try {
    await describe(setting, word);
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    const { lines, exitCode } = explain(error, word ?? '');
    for (const line of lines) world.stderr.write(`${line}\n`);
    if (argv.includes('--debug')) world.stderr.write(`${(error as Error).stack}\n`);
    return exitCode;
  }
}

function newProgram(world: World): Command {
  const program = new Command('berth')
    .description(intro)
    .version(versionOf(world), '--version', 'print the version')
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('add --help to see what is possible')
    .configureHelp({ helpWidth: Math.min(world.stdout.columns ?? 100, 110) })
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => world.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'berth: ')),
    });
  program.optionsGroup('Cloud and connection:');
  addGlobalOptions(program, { hidden: false });
  return program;
}

function versionOf(world: World): string {
  const text = readFileSync(join(world.root, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Describes the commands of the file that has this word, or all of them when none has. */
async function describe(setting: Setting, word: string | undefined): Promise<void> {
  const all = commandGroups.flatMap(({ heading, files }) =>
    files.map(([words, load]) => ({ heading, words, load })),
  );
  const found = all.filter(({ words }) => word !== undefined && words.includes(word));
  for (const { heading, load } of found.length > 0 ? found : all) {
    const { commands } = await load();
    setting.program.commandsGroup(heading);
    commands(setting);
  }
}

/** The command's first word: what follows the global options and their values. */
function firstOperand(argv: readonly string[]): string | undefined {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (!word.startsWith('-')) return word;
    if (globalFlagsWithValue.includes(word)) at++;
  }
  return undefined;
}
