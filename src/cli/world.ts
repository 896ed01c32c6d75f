/** What the command line sees of its surroundings; tests hand it another. */
import { homedir } from 'node:os';
import { type Environment, environment } from '../base/environment.ts';

export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface World {
  /** Results only. */
  readonly stdout: TextStream;
  /** Progress, notes and errors. */
  readonly stderr: TextStream;
  readonly env: Environment;
  readonly cwd: string;
  readonly home: string;
  /** The folder that holds `bin/` and `package.json`. */
  readonly root: string;
  readonly sleep: (ms: number) => Promise<void>;
  /** Puts a question to whoever sits there; absent = nobody does. */
  readonly ask?: (question: string) => Promise<string>;
}

export function processWorld(root: string): World {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: environment(),
    cwd: process.cwd(),
    home: homedir(),
    root,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    ...(process.stdin.isTTY && process.stderr.isTTY ? { ask } : {}),
  };
}

/** Ending the input, or Ctrl-C, is no answer. */
async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    return await Promise.race([lines.question(question), closed]);
  } finally {
    lines.close();
  }
}
