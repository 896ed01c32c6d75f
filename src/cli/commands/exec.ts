/** `berth exec`: a command in a running container; its exit code is ours. */
import { define, type Setting } from '../define.ts';
import { joinWords } from '../shell-words.ts';
import { UsageError } from '../usage-error.ts';

export function commands(setting: Setting): void {
  define(setting, {
    usage: 'exec <container> <command...>',
    summary: 'run a command in a running container and print what it writes',
    passThrough: true,
    examples: ['berth exec web ls -l /', "berth exec web sh -c 'echo $HOSTNAME'"],
    run: async ({ cloud, operands, out }) => {
      const [container = '', ...words] = operands[1] === '--' ? operands.toSpliced(1, 1) : operands;
      if (words.length === 0) throw new UsageError('exec: which command?');
      const result = await (await cloud()).containers.execute(container, joinWords(words));
      out.raw(result.output);
      return result.exit_code;
    },
  });
}
