/**
 * How a command is described, and what it gets to work with.
 *
 * A description is data; `define` turns it into commander's terms once for all commands: groups, global options
 * behind the command's name, output formats, examples in the help.
 */
import { type Command, InvalidArgumentError } from 'commander';
import type { Cloud } from '../client/cloud.ts';
import type { TlsOptions } from './cloud/http-fetch.ts';
import type { GlobalOptions } from './cloud/options.ts';
import { addGlobalOptions } from './cloud/options.ts';
import { formats, type Output, type OutputOptions } from './output/output.ts';
import type { Progress } from './output/progress.ts';
import type { World } from './world.ts';

/** Flags as commander writes them, what for, and how the text becomes a value. */
export type OptionRow = readonly [
  flags: string,
  description: string,
  parse?: (text: string, before: never) => unknown,
];

export interface Definition<Options extends object> {
  /** The command's words, then its operands: `network create <name>`. */
  readonly usage: string;
  readonly summary: string;
  /** Other words for the last word of the command. */
  readonly aliases?: readonly string[];
  readonly examples: readonly string[];
  readonly options?: readonly OptionRow[];
  /** Takes `-f` and `-c`. */
  readonly prints?: boolean;
  /** What follows the first operand belongs to another program: `berth exec web ls -l`. */
  readonly passThrough?: boolean;
  /** Returns the exit code; nothing = 0. */
  readonly run: (call: Call<Options>) => Promise<number | undefined>;
}

/** One invocation of a command. */
export interface Call<Options extends object = object> {
  readonly operands: readonly string[];
  readonly options: Options & GlobalOptions;
  readonly world: World;
  readonly out: Output;
  readonly progress: Progress;
  /** The folder of the Berth on this machine. */
  readonly stateDir: string;
  /** Finds credentials and returns the cloud; logs in when the first request is made. */
  cloud(): Promise<Cloud>;
  /** Whom a connection to it trusts. */
  tls(): Promise<TlsOptions>;
}

export type Open = <Options extends object>(
  options: Options & GlobalOptions & OutputOptions,
  operands: readonly string[],
) => Call<Options>;

/** What `define` needs of the program that is being put together. */
export interface Setting {
  readonly program: Command;
  readonly open: Open;
  /** A program in which all commands are described, not only those that were asked for. */
  everything(): Promise<Command>;
  /** Told the exit code of the command that ran. */
  readonly finished: (code: number) => void;
}

const groupSummaries: Readonly<Record<string, string>> = {
  network: 'tenant networks',
  subnet: 'address ranges of networks',
  port: 'addresses and their owners',
  router: 'ways between networks, and out',
  'router gateway': "a router's way out",
  'router route': 'static routes of a router',
  'floating-ip': 'addresses that the outside can reach',
  'security-group': 'what may reach a port',
  'security-group rule': 'rules of security groups',
  webhook: 'URLs that changes of containers are posted to',
  service: 'agents of the cloud (administrators)',
  host: 'machines that run containers (administrators)',
  quota: 'limits of a project',
  policy: 'who may do what (administrators)',
  cni: 'networks for other container runtimes on this machine',
  cnm: 'networks, endpoints and sandboxes without any engine (libnetwork: CNM)',
  'cnm network': 'networks of this machine, by driver',
  'cnm endpoint': 'addresses on networks',
  'cnm sandbox': 'network namespaces that endpoints join',
};

export function define<Options extends object>(setting: Setting, definition: Definition<Options>): void {
  const words = definition.usage.split(' ');
  const first = words.findIndex((word) => /^[<[]/.test(word));
  const path = first < 0 ? words : words.slice(0, first);
  const parent = path.slice(0, -1).reduce(groupOf, setting.program);
  const command = parent.command([path.at(-1), ...words.slice(path.length)].join(' '));
  command.summary(definition.summary).description(sentence(definition.summary));
  command.aliases([...(definition.aliases ?? [])]);
  for (const [flags, description, parse] of definition.options ?? []) {
    if (parse) command.option(flags, description, parse as (text: string, before: unknown) => unknown);
    else command.option(flags, description);
  }
  if (definition.prints) addFormatOptions(command);
  if (definition.passThrough) command.passThroughOptions();
  addGlobalOptions(command, { hidden: true });
  command.addHelpText('after', helpTail(definition.examples));
  command.action(async () => {
    const call = setting.open<Options>(command.optsWithGlobals(), command.args);
    setting.finished((await definition.run(call)) ?? 0);
  });
}

function groupOf(parent: Command, name: string): Command {
  const there = parent.commands.find((command) => command.name() === name);
  if (there) return there;
  const group = parent.command(name);
  const path = parent.parent ? `${parent.name()} ${name}` : name;
  return group.description(groupSummaries[path] ?? '');
}

function addFormatOptions(command: Command): void {
  command.addOption(
    command.createOption('-f, --format <format>', 'how to print the result').choices([...formats]),
  );
  command.option('-c, --column <name>', 'print this field only (repeatable)', collect);
}

function helpTail(examples: readonly string[]): string {
  const lines = examples.map((example) => `  ${example}`);
  return `\nExamples:\n${lines.join('\n')}\n\nOptions for the cloud and the connection: berth --help`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

// ---- how option texts become values ---------------------------------------------------------------------------

/** Every use adds a value. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

export function integer(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}
