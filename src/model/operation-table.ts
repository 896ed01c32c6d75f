/**
 * What a container shows while an operation is under way, how long that may take before it counts as failed, what is then true of the
 * container, and where a crash leads: nothing stays `Creating`, `Restarting`, `Rebuilding` or `Deleting` for ever. With the table of what is
 * allowed in which status (./container.ts) it is all there is to know about statuses; API, agent, command line and documents read it.
 *
 * Until its deadline an operation outlives every crash: it waits in the store and the agent carries it out again, which does no harm.
 */
import type { ContainerStatus, OperationVerb, ServerVerb, TaskState } from './container.ts';

export interface OperationRow {
  /** The container's status meanwhile; null = as it was. */
  readonly shows: ContainerStatus | null;
  /** Its task state meanwhile; null = none. */
  readonly task: TaskState | null;
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

export const operationTable = {
  create: {
    shows: 'Creating',
    task: 'container_creating',
    seconds: withPull,
    becomes: 'Error',
    recovery: 'what is half made is completed, or removed and made anew',
    settles: ['Created', 'Running'],
  },
  rebuild: {
    shows: 'Rebuilding',
    task: 'container_rebuilding',
    seconds: withPull,
    becomes: 'Error',
    recovery: 'pulled again, the old container removed if it is still there, made anew',
    settles: ['Created', 'Running'],
  },
  delete: {
    shows: 'Deleting',
    task: 'container_deleting',
    seconds: withPull,
    becomes: 'Error',
    recovery: 'removed again; gone already is success',
    settles: ['gone'],
  },
  reboot: {
    shows: 'Restarting',
    task: 'container_rebooting',
    seconds: usual,
    becomes: 'Error',
    recovery: 'restarted again',
    settles: ['Running'],
  },
  start: {
    shows: null,
    task: 'container_starting',
    seconds: usual,
    becomes: 'Error',
    recovery: 'started if it does not run',
    settles: ['Running'],
  },
  stop: {
    shows: null,
    task: 'container_stopping',
    seconds: usual,
    becomes: null,
    recovery: 'stopped if it runs',
    settles: ['Stopped'],
  },
  kill: {
    shows: null,
    task: 'container_killing',
    seconds: usual,
    becomes: null,
    recovery: 'the signal is sent again if it runs',
    settles: ['Running', 'Stopped'],
  },
  pause: {
    shows: null,
    task: 'container_pausing',
    seconds: usual,
    becomes: null,
    recovery: 'paused if it runs',
    settles: ['Paused'],
  },
  unpause: {
    shows: null,
    task: 'container_unpausing',
    seconds: usual,
    becomes: null,
    recovery: 'unpaused if it is paused',
    settles: ['Running'],
  },
  update: {
    shows: null,
    task: null,
    seconds: usual,
    becomes: null,
    recovery: 'limits are set again',
    settles: ['as before'],
  },
  network_attach: {
    shows: null,
    task: 'network_attaching',
    seconds: usual,
    becomes: null,
    recovery: 'the same port is made or found, and connected',
    settles: ['as before'],
  },
  network_detach: {
    shows: null,
    task: 'network_detaching',
    seconds: usual,
    becomes: null,
    recovery: 'disconnected if it is connected, then its port removed',
    settles: ['as before'],
  },
  default_gateway: {
    shows: null,
    task: null,
    seconds: usual,
    becomes: null,
    recovery: 'the routes are set again',
    settles: ['as before'],
  },
  add_security_group: {
    shows: null,
    task: 'sg_adding',
    seconds: usual,
    becomes: null,
    recovery: 'added to the ports that lack it',
    settles: ['as before'],
  },
  remove_security_group: {
    shows: null,
    task: 'sg_removing',
    seconds: usual,
    becomes: null,
    recovery: 'removed from the ports that have it',
    settles: ['as before'],
  },
} as const satisfies Record<OperationVerb | ServerVerb, OperationRow>;

export type AnyVerb = OperationVerb | ServerVerb;

export function operationRow(verb: AnyVerb): OperationRow {
  return operationTable[verb];
}

/** What of a container's record changes when the operation begins to wait. */
export function shownBy(verb: AnyVerb): {
  readonly taskState: TaskState | null;
  readonly status?: ContainerStatus;
} {
  const { shows, task } = operationRow(verb);
  return { taskState: task, ...(shows === null ? {} : { status: shows }) };
}
