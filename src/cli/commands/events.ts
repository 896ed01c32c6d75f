/** `berth events`: changes of containers as they happen, until it is ended. */
import type { ToldEvent } from '../../client/events.ts';
import { define, type Setting } from '../define.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly allProjects?: boolean;
  readonly after?: string;
  readonly past?: boolean;
  readonly format?: string;
}

/** A request tells what comes within this long; then the next one goes on. */
const turnSeconds = 2;

export function commands(setting: Setting): void {
  define<Options>(setting, {
    usage: 'events',
    summary: 'tell changes of containers as they happen',
    options: [
      ['--all-projects', "everybody's (administrators)"],
      ['--after <id>', 'begin after this event, 0 = as far back as there is'],
      ['--past', 'what there is, and end'],
      ['-f, --format <format>', 'plain or json, one event per line'],
    ],
    examples: ['berth events', 'berth events --after 0 --past -f json'],
    run: async ({ cloud, options, out }) => {
      const { allProjects, past, format = 'plain' } = options;
      if (format !== 'plain' && format !== 'json')
        throw new UsageError(`-f ${format}: expected plain or json`);
      const { containers } = await cloud();
      let after = options.after;
      do {
        const { events, last } = await containers.events({
          ...(allProjects ? { all_projects: true } : {}),
          after,
          seconds: past ? 0 : turnSeconds,
        });
        for (const told of events) out.line(format === 'json' ? JSON.stringify(told.data) : plain(told));
        after = last ?? after;
      } while (!past);
      return undefined;
    },
  });
}

function plain({ event, data }: ToldEvent): string {
  const { name, status, task_state: task } = (data.container ?? {}) as Record<string, string | null>;
  if (name === undefined) return `${event} ${JSON.stringify(data)}`;
  return [data.at, event.replace('container.', ''), name, status, task ?? ''].join('  ').trimEnd();
}
