/**
 * nftables through libnftables, in the calling thread's namespace.
 *
 * A context belongs to the namespace that it was made in and caches that namespace's ruleset (130 kB and more), so
 * one is made for each call: 45 µs, and nothing to keep or to invalidate. Commands are given as a file in memory,
 * because only for files does the library tell the line of an error.
 */
import { writeSync } from 'node:fs';
import koffi from 'koffi';
import { libc } from './libc.ts';
import { LowDescriptors } from './low-descriptors.ts';

const library = koffi.load('libnftables.so.1');
const open = library.func('void* nft_ctx_new(uint32 flags)');
const close = library.func('void nft_ctx_free(void* context)');
const bufferOutput = library.func('int nft_ctx_buffer_output(void* context)');
const bufferError = library.func('int nft_ctx_buffer_error(void* context)');
const setOutputFlags = library.func('void nft_ctx_output_set_flags(void* context, uint32 flags)');
const runCommands = library.func('int nft_run_cmd_from_filename(void* context, const char* path)');
const outputOf = library.func('const char* nft_ctx_get_output_buffer(void* context)');
const errorOf = library.func('const char* nft_ctx_get_error_buffer(void* context)');
/** Taken when the thread starts: low numbers are still free then. */
const descriptors = new LowDescriptors();
const statelessOutput = 1 << 2;
const jsonOutput = 1 << 4;
const closeOnExec = 1;
const notThere = /^[^ ]* ?Error: No such file or directory/;

export class NftError extends Error {
  override readonly name = 'NftError';
  /** All that nft said, with the marked lines of the script. */
  readonly output: string;

  constructor(output: string) {
    super(summarise(output));
    this.output = output;
  }
}

/** One atomic transaction. */
export function runScript(script: string): void {
  run(script, 0);
}

/** What `nft -j list …` prints, parsed; undefined when there is no such thing. */
export function list(what: string): unknown {
  // One object's name, never a second command.
  if (!/^[\w .:-]+$/.test(what)) throw new Error(`"${what}" cannot be listed`);
  try {
    return JSON.parse(run(`list ${what}`, jsonOutput));
  } catch (error) {
    if (error instanceof NftError && notThere.test(error.output)) return undefined;
    throw error;
  }
}

/** All tables as nft writes them, without what counters have counted. */
export function listText(): string {
  return run('list ruleset', statelessOutput);
}

function run(commands: string, flags: number): string {
  const file = libc.memoryFile('nft', closeOnExec);
  try {
    return runFile(file, commands, flags);
  } finally {
    libc.close(file);
  }
}

function runFile(file: number, commands: string, flags: number): string {
  const context = descriptors.open<unknown>(() => open(0), close);
  try {
    writeAll(file, Buffer.from(commands.endsWith('\n') ? commands : `${commands}\n`));
    bufferOutput(context);
    bufferError(context);
    if (flags) setOutputFlags(context, flags);
    const result = Number(runCommands(context, `/proc/self/fd/${file}`));
    if (result !== 0) throw new NftError(String(errorOf(context)));
    return String(outputOf(context));
  } finally {
    close(context);
  }
}

function writeAll(file: number, data: Buffer): void {
  for (let at = 0; at < data.length; ) at += writeSync(file, data, at);
}

/** `Could not process rule: No such file or directory in line 2 "add rule inet nope c accept"`. */
function summarise(output: string): string {
  const found = /^\S*?(?::(?<line>\d+):[\d-]+:)? ?Error: (?<reason>.*)\n?(?<text>.*)/m.exec(output);
  const { line, reason = output.trim() || 'nft gave no reason', text = '' } = found?.groups ?? {};
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return shown && line ? `${reason} in line ${line} "${shown.trim()}"` : reason;
}
