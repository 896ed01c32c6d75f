/** `berth completion`: the shell completes commands, options and their values. */
import { completionScript, type Shell, shells } from '../completion/scripts.ts';
import { placesOf } from '../completion/table.ts';
import { define, type Setting } from '../define.ts';
import { UsageError } from '../usage-error.ts';

export function commands(setting: Setting): void {
  define(setting, {
    usage: 'completion <shell>',
    summary: `print a script for ${shells.join(', ')}: the shell then completes commands and options`,
    examples: [
      'source <(berth completion bash)',
      'berth completion bash >/etc/bash_completion.d/berth',
      'berth completion fish | source',
    ],
    run: async ({ operands: [asked = ''], world }) => {
      const shell = shells.find((one): one is Shell => one === asked);
      if (!shell) throw new UsageError(`shell ${JSON.stringify(asked)}: expected ${shells.join(', ')}`);
      world.stdout.write(completionScript(shell, placesOf(await setting.everything())));
      return undefined;
    },
  });
}
