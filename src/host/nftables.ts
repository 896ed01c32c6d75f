/**
 * nftables through libnftables, in the calling thread's namespace.
 *
 * A context belongs to the namespace that it was made in and caches that namespace's ruleset (130 kB and more), so
 * one is made for each call: 45 µs, and nothing to keep or to invalidate.
 */
import koffi from 'koffi';

const library = koffi.load('libnftables.so.1');
const open = library.func('void* nft_ctx_new(uint32 flags)');
const close = library.func('void nft_ctx_free(void* context)');
const bufferOutput = library.func('int nft_ctx_buffer_output(void* context)');
const bufferError = library.func('int nft_ctx_buffer_error(void* context)');
const setOutputFlags = library.func('void nft_ctx_output_set_flags(void* context, uint32 flags)');
const runCommands = library.func('int nft_run_cmd_from_buffer(void* context, const char* commands)');
const outputOf = library.func('const char* nft_ctx_get_output_buffer(void* context)');
const errorOf = library.func('const char* nft_ctx_get_error_buffer(void* context)');
const jsonOutput = 1 << 4;
const notThere = /^Error: No such file or directory/;

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

function run(commands: string, flags: number): string {
  if (commands.includes('\0')) throw new Error('an nftables script cannot contain a NUL character');
  const context: unknown = open(0);
  try {
    bufferOutput(context);
    bufferError(context);
    if (flags) setOutputFlags(context, flags);
    if (Number(runCommands(context, commands)) !== 0) throw new NftError(String(errorOf(context)));
    return String(outputOf(context));
  } finally {
    close(context);
  }
}

/** `Could not process rule: No such file or directory in "add rule inet nope c accept"`. */
function summarise(output: string): string {
  const lines = output.split('\n');
  const at = lines.findIndex((line) => line.startsWith('Error:'));
  const reason = lines[at]?.replace(/^Error:\s*/, '') ?? 'nft gave no reason';
  const statement = lines[at + 1]?.trim() ?? '';
  const shown = statement.length > 200 ? `${statement.slice(0, 200)}…` : statement;
  return shown ? `${reason} in "${shown}"` : reason;
}
