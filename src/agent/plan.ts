/**
 * What to do next with one container: decisions only, no I/O.
 *
 * `planOperation` carries out what somebody asked for; `planRepair` brings back what went astray when nothing is
 * asked. Both compare what is wanted with what the Engine has, so an operation that was carried out before a crash, or
 * by somebody else, plans to nothing. Docker restarts containers by itself as their policy says; repair is for what
 * it does not do: containers it lost, and those that ended before it was up and that it did not bring back, because the
 * network driver was not there yet. One that ended since is Docker's own business; starting it while Docker shuts down
 * would leave a task behind that keeps the container from ever starting again.
 */
import type { EngineContainer } from '../docker/engine.ts';
import { isAllowed, statusOf } from '../model/container.ts';
import type { Operation, OperationVerb, WantedContainer } from '../wire/agent.ts';

export type Step =
  /** Makes the container with its networks and files, or completes one that a crash left half made. */
  | { readonly do: 'prepare' }
  | { readonly do: 'pull' }
  | { readonly do: 'start' }
  | { readonly do: 'stop'; readonly timeoutSeconds?: number }
  | { readonly do: 'restart'; readonly timeoutSeconds?: number }
  | { readonly do: 'kill'; readonly signal?: string }
  | { readonly do: 'pause' }
  | { readonly do: 'unpause' }
  | { readonly do: 'update' }
  /** Leaves and joins networks until they are those that are wanted. */
  | { readonly do: 'connect' }
  /** The end of what it wrote outlives it. */
  | { readonly do: 'keep-logs' }
  | { readonly do: 'remove' }
  /** It cannot be done; `reason` is for people. */
  | { readonly do: 'refuse'; readonly reason: string };

export type Observed =
  | Pick<EngineContainer, 'state' | 'exitCode' | 'restartCount' | 'finishedAt'>
  | undefined;

type Planner = (wanted: WantedContainer, operation: Operation, observed: Observed) => readonly Step[];

const alive = new Set(['running', 'paused', 'restarting']);

/** Takes a container that is not there, or is dead, back to where it can be started. */
function remake(wanted: WantedContainer, observed: Observed): readonly Step[] {
  if (observed && observed.state !== 'dead' && observed.state !== 'removing') return [];
  if (!observed && !wanted.wasCreated) {
    return [{ do: 'refuse', reason: 'Cannot operate an uncreated container.' }];
  }
  return [...(observed ? [{ do: 'remove' } as const] : []), { do: 'prepare' }];
}

function isWhole(observed: Observed): boolean {
  return observed !== undefined && observed.state !== 'dead' && observed.state !== 'removing';
}

/** Said to the Engine also when it is the container's own, because whoever asks must wait for as long. */
function graceOf({ spec }: WantedContainer, operation: Operation): { readonly timeoutSeconds?: number } {
  const timeoutSeconds = operation.timeoutSeconds ?? spec.options?.stopGraceSeconds;
  return timeoutSeconds === undefined ? {} : { timeoutSeconds };
}

const planners: Record<OperationVerb, Planner> = {
  create: (wanted, _operation, observed) => {
    const start = wanted.power === 'running' ? [{ do: 'start' } as const] : [];
    if (!observed || observed.state === 'created') return [{ do: 'prepare' }, ...start];
    return observed.state === 'dead' ? [{ do: 'remove' }, { do: 'prepare' }, ...start] : [];
  },
  start: (wanted, _operation, observed) => {
    if (observed?.state === 'paused') return [{ do: 'unpause' }];
    if (observed && alive.has(observed.state)) return [];
    return [...remake(wanted, observed), { do: 'start' }];
  },
  stop: (wanted, operation, observed) => {
    if (!observed || !alive.has(observed.state)) return [];
    const stop = { do: 'stop', ...graceOf(wanted, operation) } as const;
    return observed.state === 'paused' ? [{ do: 'unpause' }, stop] : [stop];
  },
  reboot: (wanted, operation, observed) => {
    if (observed && alive.has(observed.state)) return [{ do: 'restart', ...graceOf(wanted, operation) }];
    return [...remake(wanted, observed), { do: 'start' }];
  },
  kill: (_wanted, { signal }, observed) =>
    observed && alive.has(observed.state) ? [{ do: 'kill', ...(signal !== undefined && { signal }) }] : [],
  pause: (_wanted, _operation, observed) => {
    if (observed?.state === 'paused') return [];
    if (observed && isAllowed('pause', statusOf(observed.state))) return [{ do: 'pause' }];
    return [{ do: 'refuse', reason: `Cannot pause a container that is ${observed?.state ?? 'missing'}.` }];
  },
  unpause: (_wanted, _operation, observed) => (observed?.state === 'paused' ? [{ do: 'unpause' }] : []),
  update: (_wanted, _operation, observed) => (observed ? [{ do: 'update' }] : []),
  // A container that is not there is made on its networks when it is made.
  network_attach: (_wanted, _operation, observed) => (isWhole(observed) ? [{ do: 'connect' }] : []),
  network_detach: (_wanted, _operation, observed) => (isWhole(observed) ? [{ do: 'connect' }] : []),
  default_gateway: (_wanted, _operation, observed) => (isWhole(observed) ? [{ do: 'connect' }] : []),
  // The image first: when it cannot be had, the old container stays as it is.
  rebuild: (wanted, _operation, observed) => [
    { do: 'pull' },
    ...(observed ? [{ do: 'remove' } as const] : []),
    { do: 'prepare' },
    ...(wanted.power === 'running' ? [{ do: 'start' } as const] : []),
  ],
  delete: (_wanted, _operation, observed) => (observed ? [{ do: 'keep-logs' }, { do: 'remove' }] : []),
};

export function planOperation(
  wanted: WantedContainer,
  operation: Operation,
  observed: Observed,
): readonly Step[] {
  const steps = planners[operation.verb](wanted, operation, observed);
  const refusal = steps.find((step) => step.do === 'refuse');
  return refusal ? [refusal] : steps;
}

export interface RepairFacts {
  /** When Docker came up as far as we know, in milliseconds of Unix time. */
  readonly upSince: number;
  /** Whether Docker has the container on the wanted networks and no other of ours. */
  readonly isConnected: boolean;
}

/** When no operation waits. Empty = nothing to do but to report what is. */
export function planRepair(
  wanted: WantedContainer,
  observed: Observed,
  { upSince, isConnected }: RepairFacts,
): readonly Step[] {
  const steps = planRevival(wanted, observed, upSince);
  return steps.length === 0 && isWhole(observed) && !isConnected ? [{ do: 'connect' }] : steps;
}

function planRevival(wanted: WantedContainer, observed: Observed, upSince: number): readonly Step[] {
  // Its creation failed, and only an operation changes that; what a roll-back could not reach goes now.
  if (!wanted.wasCreated) return observed?.state === 'created' ? [{ do: 'remove' }] : [];
  if (!observed) return isBroughtBack(wanted) ? [{ do: 'prepare' }, ...startIfWanted(wanted)] : [];
  if (wanted.power !== 'running') return [];
  if (observed.state === 'created') return [{ do: 'prepare' }, { do: 'start' }];
  const isLeftOver = observed.state === 'exited' && endedAt(observed) <= upSince;
  return isLeftOver && shouldRunAgain(wanted, observed) ? [{ do: 'start' }] : [];
}

function endedAt({ finishedAt }: NonNullable<Observed>): number {
  return finishedAt === undefined ? 0 : Date.parse(finishedAt);
}

function startIfWanted(wanted: WantedContainer): readonly Step[] {
  return wanted.power === 'running' ? [{ do: 'start' }] : [];
}

/** A container that vanished from the Engine is made again if its owner asked for one that is always there. */
function isBroughtBack({ spec, power }: WantedContainer): boolean {
  if (spec.autoRemove) return false;
  if (spec.autoHeal) return true;
  return power === 'running' && (spec.restartPolicy?.name ?? 'no') !== 'no';
}

function shouldRunAgain({ spec }: WantedContainer, observed: NonNullable<Observed>): boolean {
  const policy = spec.restartPolicy;
  if (policy?.name === 'always' || policy?.name === 'unless-stopped') return true;
  if (policy?.name !== 'on-failure' || observed.exitCode === 0) return false;
  return policy.maximumRetryCount === 0 || observed.restartCount < policy.maximumRetryCount;
}
