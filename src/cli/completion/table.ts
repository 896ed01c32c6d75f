/** The tree of commands as a table: for each path what may follow it. What the shells' scripts are made of. Pure. */
import type { Command, Option } from 'commander';

export interface Word {
  readonly name: string;
  readonly summary: string;
}

export interface Flag {
  /** `-f`, `--format`: all that mean the same. */
  readonly names: readonly string[];
  readonly summary: string;
  readonly takesValue: boolean;
  /** Of the value; empty = anything. */
  readonly choices: readonly string[];
}

export interface Place {
  /** `network create`; empty = before the first word. */
  readonly path: string;
  readonly words: readonly Word[];
  readonly flags: readonly Flag[];
}

const help: Flag = { names: ['-h', '--help'], summary: 'help', takesValue: false, choices: [] };

/** Global options are told at every place, hidden ones too where they are understood: they work there. */
export function placesOf(program: Command): Place[] {
  const global = program.options.filter(({ long }) => long !== '--version').map(toFlag);
  const visit = (command: Command, path: string): Place[] => {
    const own = command.options
      .filter(({ hidden, long }) => !hidden && (path !== '' || long === '--version'))
      .map(toFlag);
    const place: Place = {
      path,
      words: command.commands.flatMap((child) =>
        [child.name(), ...child.aliases()].map((name) => ({ name, summary: summaryOf(child) })),
      ),
      flags: [...own, help, ...global],
    };
    const below = command.commands.flatMap((child) =>
      [child.name(), ...child.aliases()].flatMap((name) =>
        visit(child, path === '' ? name : `${path} ${name}`),
      ),
    );
    return [place, ...below];
  };
  return visit(program, '');
}

function summaryOf(command: Command): string {
  return command.summary() || command.description();
}

function toFlag({ short, long, description, required, optional, argChoices }: Option): Flag {
  return {
    names: [short, long].filter((name) => name !== undefined),
    summary: description,
    takesValue: required || optional,
    choices: argChoices ?? [],
  };
}
