/** `berth attach`: our terminal, on a container's own process. */
import { define, type Setting } from '../define.ts';
import { UsageError } from '../usage-error.ts';

export function commands(setting: Setting): void {
  define(setting, {
    usage: 'attach <container>',
    summary: 'talk with the process of a container that was made with --interactive',
    examples: ['berth run -i -t -n box busybox', 'berth attach box'],
    run: async ({ cloud, operands, progress, tls }) => {
      const [container = ''] = operands;
      const { containers } = await cloud();
      const { uuid, name, tty } = await containers.get(container);
      if (tty && !process.stdin.isTTY) {
        throw new UsageError(`attach: ${name} has a terminal, and our standard input is none`);
      }
      const url = await containers.attach(uuid);
      const { talk } = await import('../terminal/talk.ts');
      progress.note(
        tty
          ? `attached to ${name}: Enter shows where you are, Ctrl-P Ctrl-Q leaves it running`
          : `attached to ${name}`,
      );
      await talk({
        url,
        tls: await tls(),
        ...(tty ? { resize: (size) => containers.resize(uuid, size) } : {}),
      });
      return undefined;
    },
  });
}
