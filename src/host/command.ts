/** Other programs of the host, for what has no door in the kernel (Open vSwitch). Argument arrays, never a shell. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Failure } from '../model/failure.ts';

const run = promisify(execFile);
const deadlineMs = 10_000;

export type RunCommand = (command: string, args: readonly string[]) => Promise<string>;

/** What it printed; throws `kernel-error` with what it complained about. */
export const runCommand: RunCommand = async (command, args) => {
  try {
    return (await run(command, [...args], { timeout: deadlineMs, encoding: 'utf8' })).stdout;
  } catch (error) {
    const { code, stderr = '' } = error as { code?: string | number; stderr?: string };
    const why = code === 'ENOENT' ? 'is not installed' : stderr.trim() || `failed (${code})`;
    throw new Failure('kernel-error', `${command} ${why}`, { cause: error, detail: args.join(' ') });
  }
};
