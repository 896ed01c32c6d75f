/**
 * How long an operation may take before it counts as failed, what is then true of the container, and where a crash leads. Part of the
 * status table: nothing stays `Creating`, `Restarting`, `Rebuilding` or `Deleting` for ever.
 *
 * Until its deadline an operation outlives every crash: it waits in the store and the agent carries it out again, which does no harm.
 */
import type { ContainerStatus, OperationVerb, ServerVerb } from './container.ts';

export interface DeadlineRow {
  /** What the container shows meanwhile; null = nothing of its own. */
  readonly shows: ContainerStatus | null;
  /** From when it is first in line; the time that the owner gave it (stop, reboot) is added. */
  readonly seconds: number;
  /** Afterwards; null = what the Engine last said. */
  readonly becomes: 'Error' | null;
  /** After a crash of server, agent, Docker or machine. */
  readonly recovery: string;
  /** The statuses that such a recovery ends in; `as before` = whatever it was. */
  readonly settles: readonly (ContainerStatus | 'gone' | 'as before')[];
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
    settles: ['Created', 'Running'],
  },
  rebuild: {
    shows: 'Rebuilding',
    seconds: withPull,
    becomes: 'Error',
    recovery: 'pulled again, the old container removed if it is still there, made anew',
    settles: ['Created', 'Running'],
  },
  delete: {
    shows: 'Deleting',
    seconds: withPull,
    becomes: 'Error',
    recovery: 'removed again; gone already is success',
    settles: ['gone'],
  },
  reboot: {
    shows: 'Restarting',
    seconds: usual,
    becomes: 'Error',
    recovery: 'restarted again',
    settles: ['Running'],
  },
  start: {
    shows: null,
    seconds: usual,
    becomes: 'Error',
    recovery: 'started if it does not run',
    settles: ['Running'],
  },
  stop: { shows: null, seconds: usual, becomes: null, recovery: 'stopped if it runs', settles: ['Stopped'] },
  kill: {
    shows: null,
    seconds: usual,
    becomes: null,
    recovery: 'the signal is sent again if it runs',
    settles: ['Running', 'Stopped'],
  },
  pause: { shows: null, seconds: usual, becomes: null, recovery: 'paused if it runs', settles: ['Paused'] },
  unpause: {
    shows: null,
    seconds: usual,
    becomes: null,
    recovery: 'unpaused if it is paused',
    settles: ['Running'],
  },
  update: {
    shows: null,
    seconds: usual,
    becomes: null,
    recovery: 'limits are set again',
    settles: ['as before'],
  },
  network_attach: {
    shows: null,
    seconds: usual,
    becomes: null,
    recovery: 'the same port is made or found, and connected',
    settles: ['as before'],
  },
  network_detach: {
    shows: null,
    seconds: usual,
    becomes: null,
    recovery: 'disconnected if it is connected, then its port removed',
    settles: ['as before'],
  },
  default_gateway: {
    shows: null,
    seconds: usual,
    becomes: null,
    recovery: 'the routes are set again',
    settles: ['as before'],
  },
  add_security_group: {
    shows: null,
    seconds: usual,
    becomes: null,
    recovery: 'added to the ports that lack it',
    settles: ['as before'],
  },
  remove_security_group: {
    shows: null,
    seconds: usual,
    becomes: null,
    recovery: 'removed from the ports that have it',
    settles: ['as before'],
  },
} as const satisfies Record<OperationVerb | ServerVerb, DeadlineRow>;

export function deadlineOf(verb: OperationVerb | ServerVerb): DeadlineRow {
  return deadlines[verb];
}
