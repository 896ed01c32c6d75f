/**
 * How long an operation may take before it counts as failed, and what is then true of the container. Part of the status table:
 * nothing stays `Creating`, `Restarting`, `Rebuilding` or `Deleting` for ever.
 *
 * Until its deadline an operation outlives every crash: it waits in the store and the agent carries it out again, which does no harm.
 */
import type { ContainerStatus, OperationVerb } from './container.ts';

export interface DeadlineRow {
  /** What the container shows meanwhile; null = nothing of its own. */
  readonly shows: ContainerStatus | null;
  /** From when it is first in line; the time that the owner gave it (stop, reboot) is added. */
  readonly seconds: number;
  /** Afterwards; null = what the Engine last said. */
  readonly becomes: 'Error' | null;
  /** After a crash of server, agent, Docker or machine. */
  readonly recovery: string;
}

/** Images are pulled for as long as the registry goes on sending. */
const withPull = 3_600;
const usual = 600;

export const deadlines = {
  create: {
    shows: 'Creating',
    seconds: withPull,
    becomes: 'Error',
    recovery: 'what is half made is completed, or removed and made anew',
  },
  rebuild: {
    shows: 'Rebuilding',
    seconds: withPull,
    becomes: 'Error',
    recovery: 'pulled again, the old container removed if it is still there, made anew',
  },
  delete: {
    shows: 'Deleting',
    seconds: withPull,
    becomes: 'Error',
    recovery: 'removed again; gone already is success',
  },
  reboot: { shows: 'Restarting', seconds: usual, becomes: 'Error', recovery: 'restarted again' },
  start: { shows: null, seconds: usual, becomes: 'Error', recovery: 'started if it does not run' },
  stop: { shows: null, seconds: usual, becomes: null, recovery: 'stopped if it runs' },
  kill: { shows: null, seconds: usual, becomes: null, recovery: 'the signal is sent again if it runs' },
  pause: { shows: null, seconds: usual, becomes: null, recovery: 'paused if it runs' },
  unpause: { shows: null, seconds: usual, becomes: null, recovery: 'unpaused if it is paused' },
  update: { shows: null, seconds: usual, becomes: null, recovery: 'limits are set again' },
} as const satisfies Partial<Record<OperationVerb, DeadlineRow>>;

const others: DeadlineRow = { shows: null, seconds: usual, becomes: null, recovery: 'carried out again' };

export function deadlineOf(verb: string): DeadlineRow {
  return (deadlines as Readonly<Record<string, DeadlineRow>>)[verb] ?? others;
}
