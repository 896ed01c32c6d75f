/** `berth exec`: a command in a running container; its exit code is ours. */
import { text } from 'node:stream/consumers';
import type { ExecuteMore } from '../../client/containers.ts';
import { collect, define, integer, type Setting } from '../define.ts';
import { joinWords } from '../shell-words.ts';
import { pairs } from '../spelled.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly interactive?: boolean;
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly timeout?: number;
}

export function commands(setting: Setting): void {
  define<Options>(setting, {
    usage: 'exec <container> <command...>',
    summary: 'run a command in a running container and print what it writes',
    options: [
      ['-i, --interactive', 'give it our standard input, read to its end first'],
      ['-e, --env <K=V>', 'environment variable besides its own (repeatable)', collect],
      ['-u, --user <name>', 'user[:group] that runs it'],
      ['--workdir <path>', 'working directory'],
      ['--timeout <seconds>', 'how long it may take', integer],
    ],
    passThrough: true,
    examples: [
      'berth exec web ls -l /',
      "berth exec web sh -c 'echo $HOSTNAME'",
      'berth exec -i db psql < dump.sql',
    ],
    run: async ({ cloud, operands, options, out }) => {
      const [container = '', ...words] = operands[1] === '--' ? operands.toSpliced(1, 1) : operands;
      if (words.length === 0) throw new UsageError('exec: which command?');
      const result = await (await cloud()).containers.execute(
        container,
        joinWords(words),
        await moreOf(options),
      );
      out.raw(result.output);
      return result.exit_code;
    },
  });
}

async function moreOf({ interactive, env, user, workdir, timeout }: Options): Promise<ExecuteMore> {
  return {
    ...(interactive ? { stdin: await text(process.stdin) } : {}),
    ...(env ? { environment: pairs('--env', env) } : {}),
    ...(user === undefined ? {} : { user }),
    ...(workdir === undefined ? {} : { workdir }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}
