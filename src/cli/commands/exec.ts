/** `berth exec`: a command in a running container, with our terminal if that is wanted; its exit code is ours. */
import { text } from 'node:stream/consumers';
import type { ExecuteMore, ExecutePlace } from '../../client/container-types.ts';
import { type Call, collect, define, integer, type Setting } from '../define.ts';
import { joinWords } from '../shell-words.ts';
import { pairs } from '../spelled.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly interactive?: boolean;
  readonly tty?: boolean;
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
      ['-t, --tty', 'give it a terminal: ours'],
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
      'berth exec -it web sh',
    ],
    run: async (call) => {
      const { cloud, operands, options, out } = call;
      const [container = '', ...words] = operands[1] === '--' ? operands.toSpliced(1, 1) : operands;
      if (words.length === 0) throw new UsageError('exec: which command?');
      if (options.tty) return onTerminal(call, container, joinWords(words));
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

/** What it types and shows is ours until it ends; one that was left with Ctrl-P Ctrl-Q runs on. */
async function onTerminal(call: Call<Options>, container: string, command: string): Promise<number> {
  const { options, progress, tls } = call;
  if (!process.stdin.isTTY) {
    throw new UsageError(
      'exec: -t needs a terminal, and our standard input is none: leave -t out, -i passes it on',
    );
  }
  if (options.timeout !== undefined)
    throw new UsageError('exec: --timeout is not for -t, which ends with you');
  const { containers } = await call.cloud();
  const { exec_id: id, proxy_url: url } = await containers.startExec(container, command, placeOf(options));
  const { talk } = await import('../terminal/talk.ts');
  const said = await talk({
    url,
    tls: await tls(),
    resize: (size) => containers.resizeExec(container, id, size),
  });
  const [, exitCode] = /exit code (\d+)/.exec(said) ?? [];
  if (exitCode === undefined) progress.note('left; it may run on');
  return Number(exitCode ?? 0);
}

async function moreOf({ interactive, timeout, ...options }: Options): Promise<ExecuteMore> {
  return {
    ...(interactive ? { stdin: await text(process.stdin) } : {}),
    ...placeOf(options),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

function placeOf({ env, user, workdir }: Options): ExecutePlace {
  return {
    ...(env ? { environment: pairs('--env', env) } : {}),
    ...(user === undefined ? {} : { user }),
    ...(workdir === undefined ? {} : { workdir }),
  };
}
