/**
 * What a report from the agent means for a container: pure, so that every case is a line in a test.
 *
 * Reports may be late, repeated or about something already settled; none of that may do harm:
 * - a look older than the last one (by the agent's clock) is ignored; operations end once;
 * - a status that an operation has set (Restarting, Creating …) stays until the operation has ended;
 * - `Error` stays while the Engine's state does not change, so that the reason can be read.
 */
import { type ContainerStatus, type EngineState, statusOf } from '../../model/container.ts';
import type { Container, ContainerOperation } from '../../model/container-record.ts';
import type { ContainerChange } from '../../store/container/codec.ts';
import type { ContainerReport, OperationOutcome } from '../../wire/agent.ts';
import { afterEnds } from './nic-changes.ts';

export interface Observation {
  readonly container: Container;
  /** Operations of the container that the agent was given and that have not ended, oldest first. */
  readonly pending: readonly ContainerOperation[];
  readonly report: ContainerReport | undefined;
  /** Outcomes that name operations of this container. */
  readonly outcomes: readonly OperationOutcome[];
  /** The agent says that nothing of the container is left on its host. */
  readonly gone: boolean;
}

export interface Ended {
  readonly operation: ContainerOperation;
  readonly result: 'Success' | 'Error';
  readonly message: string | null;
}

export interface Consequence {
  readonly change: ContainerChange;
  readonly ended: readonly Ended[];
}

/** Verbs whose failure leaves the container unusable. */
const fatalVerbs: readonly string[] = ['create', 'start', 'rebuild', 'delete'];

export function observe(seen: Observation): Consequence {
  const { container } = seen;
  const report = isStale(container, seen.report) ? undefined : seen.report;
  const ended = endedBy(seen);
  const remaining = seen.pending.filter(({ id }) => !ended.some(({ operation }) => operation.id === id));
  if (isDeleted(seen, ended))
    return { change: { portsPhase: 'releasing', engineState: 'missing' }, ended: [] };
  const facts = factsOf(report);
  const after = { ...container, ...facts, wasCreated: container.wasCreated || isThere(facts.engineState) };
  const verdict = judge(after, container, { report, ended, remaining });
  return {
    change: {
      ...facts,
      wasCreated: after.wasCreated,
      taskState:
        remaining.length > 0 ? (report?.taskState ?? container.taskState) : (report?.taskState ?? null),
      ...revertedUpdate(container, ended),
      ...recovered(container, report),
      ...afterEnds(container, ended),
      ...verdict,
    },
    ended,
  };
}

/** Older by more than this is not a late report but a clock that was set back. */
const lateByAtMostMs = 60_000;

function isStale({ observedAt }: Container, report: ContainerReport | undefined): boolean {
  if (observedAt === null || report?.observedAt === undefined) return false;
  const lateByMs = Date.parse(observedAt) - Date.parse(report.observedAt);
  return lateByMs > 0 && lateByMs <= lateByAtMostMs;
}

/** The delete itself stays open until the row goes: the ports are still to be removed. */
function isDeleted({ gone, pending }: Observation, ended: readonly Ended[]): boolean {
  const isDelete = ({ verb }: ContainerOperation) => verb === 'delete';
  if (gone) return pending.some(isDelete);
  return ended.some(({ operation, result }) => isDelete(operation) && result === 'Success');
}

function endedBy({ pending, outcomes }: Observation): Ended[] {
  return pending.flatMap((operation) => {
    const outcome = outcomes.find((each) => each.operation === operation.id && each.result !== 'progress');
    if (!outcome) return [];
    const failed = outcome.result === 'error';
    return [
      {
        operation,
        result: failed ? 'Error' : 'Success',
        message: failed ? (outcome.message ?? `${operation.verb} failed`) : null,
      } as const,
    ];
  });
}

function isThere(state: EngineState | null | undefined): boolean {
  return state !== undefined && state !== null && state !== 'missing';
}

type Facts = Pick<
  ContainerChange,
  'engineState' | 'observedAt' | 'runtimeId' | 'exitCode' | 'startedAt' | 'finishedAt' | 'resolved' | 'vitals'
>;

function factsOf(report: ContainerReport | undefined): Facts {
  if (!report) return {};
  return {
    engineState: report.state,
    ...(report.observedAt === undefined ? {} : { observedAt: report.observedAt }),
    ...(report.runtimeId === undefined ? {} : { runtimeId: report.runtimeId }),
    ...(report.exitCode === undefined ? {} : { exitCode: report.exitCode }),
    ...(report.startedAt === undefined ? {} : { startedAt: report.startedAt }),
    ...(report.finishedAt === undefined ? {} : { finishedAt: report.finishedAt }),
    ...(report.resolved === undefined ? {} : { resolved: report.resolved }),
    ...(report.vitals === undefined ? {} : { vitals: report.vitals }),
  };
}

interface Evidence {
  readonly report: ContainerReport | undefined;
  readonly ended: readonly Ended[];
  readonly remaining: readonly ContainerOperation[];
}

type Verdict = Pick<ContainerChange, 'status' | 'statusReason' | 'portsPhase'>;

function judge(after: Container, before: Container, { report, ended, remaining }: Evidence): Verdict {
  const failures = ended.filter(({ result }) => result === 'Error');
  const fatal = failures.findLast(({ operation }) => fatalVerbs.includes(operation.verb));
  if (fatal) {
    const neverMade = fatal.operation.verb === 'create' && !isThere(after.engineState);
    return {
      status: 'Error',
      statusReason: fatal.message,
      ...(neverMade ? { portsPhase: 'releasing' as const } : {}),
    };
  }
  if (remaining.some(({ verb }) => verb === 'delete')) return {};
  if (report?.failed) return { status: 'Error', statusReason: report.reason };
  if (remaining.length > 0) return report?.reason ? { statusReason: report.reason } : {};
  if (after.engineState === 'missing' && after.wasCreated && after.spec.autoRemove) {
    return { status: 'Deleted', portsPhase: 'releasing' };
  }
  const isSettled =
    !ended.some(({ result }) => result === 'Success') && after.engineState === before.engineState;
  const status = before.status === 'Error' && isSettled ? 'Error' : statusNow(after);
  const lastFailure = failures.at(-1)?.message ?? null;
  return { status, statusReason: lastFailure ?? reasonNow(after, status, report, isSettled) };
}

function statusNow({ engineState, wasCreated, status }: Container): ContainerStatus {
  if (engineState === null || (engineState === 'missing' && !wasCreated)) return status;
  return statusOf(engineState);
}

function reasonNow(
  after: Container,
  status: ContainerStatus,
  report: ContainerReport | undefined,
  isSettled: boolean,
): string | null {
  if (report?.reason) return report.reason;
  if (isSettled) return after.statusReason;
  if (status !== 'Error') return null;
  return `No such container: ${after.runtimeId ?? after.uuid} in docker`;
}

/** A refused update: the specification goes back to what the Engine still has. */
function revertedUpdate(container: Container, ended: readonly Ended[]): ContainerChange {
  const refused = ended.find(({ operation, result }) => operation.verb === 'update' && result === 'Error');
  const previous = refused?.operation.args.previous;
  if (!previous) return {};
  return { spec: { ...container.spec, ...previous }, revision: container.revision + 1 };
}

/** Healthy again: the next illness starts with a restart, at once. */
function recovered({ heals }: Container, report: ContainerReport | undefined): ContainerChange {
  if (heals === null || heals.attempts === 0 || report?.vitals?.health?.status !== 'healthy') return {};
  return { heals: { ...heals, attempts: 0 } };
}
