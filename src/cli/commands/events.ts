/** `berth events`: changes of containers as they happen, until it is ended. */
import { EventReader, type ToldEvent } from '../../client/events.ts';
import { type Failure, isFailure } from '../../model/failure.ts';
import { define, type Setting } from '../define.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly allProjects?: boolean;
  readonly after?: string;
  readonly past?: boolean;
  readonly format?: string;
}

/** A stream is held for this long, then the next one goes on: a connection that has died silently is noticed by then. */
const turnSeconds = 45;
const pauseMs = 1_000;

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
    run: async ({ cloud, options, out, progress, world }) => {
      const { allProjects, past, format = 'plain' } = options;
      if (format !== 'plain' && format !== 'json')
        throw new UsageError(`-f ${format}: expected plain or json`);
      const { containers } = await cloud();
      const reader = new EventReader((told) =>
        out.line(format === 'json' ? JSON.stringify(told.data) : plain(told)),
      );
      const query = allProjects ? { all_projects: true } : {};
      do {
        const after = reader.last ?? options.after;
        try {
          await containers.watch({ ...query, after, seconds: past ? 0 : turnSeconds }, reader);
        } catch (error) {
          if (past || reader.last === undefined || !isPassing(error)) throw error;
          progress.step(`${error.message}; trying again`);
          await world.sleep(pauseMs);
        }
      } while (!past);
      return undefined;
    },
  });
}

/** The server is away or restarts: it keeps what is missed. */
function isPassing(error: unknown): error is Failure {
  return isFailure(error, 'unavailable') || isFailure(error, 'timeout');
}

function plain({ event, data }: ToldEvent): string {
  const { name, status, task_state: task } = (data.container ?? {}) as Record<string, string | null>;
  if (name === undefined) return `${event} ${JSON.stringify(data)}`;
  return [data.at, event.replace('container.', ''), name, status, task ?? ''].join('  ').trimEnd();
}
