/**
 * Containers that are gone, as far as their logs are kept: who they were, what they wrote, and when that is forgotten.
 *
 * A record is written in the transaction that removes the container's row, so that there is always one of the two. The logs themselves are
 * with the host: it says which it has, and hears which of them nobody can ask for any more.
 */
import type { Caller } from '../../model/caller.ts';
import type { Container, ContainerOperation } from '../../model/container-record.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import type { DeletedContainer } from '../../model/kept-logs.ts';
import { unknownContainers } from '../../store/container/containers.ts';
import {
  type DeletedQuery,
  findDeleted,
  forgetDeleted,
  forgetDeletedBefore,
  insertDeleted,
  listDeleted,
  listDeletedOn,
  noteLogsGone,
} from '../../store/container/deleted-containers.ts';
import { operationsOf } from '../../store/container/operations.ts';
import type { Trx } from '../../store/database.ts';
import { readKeptLogs } from '../../wire/agent-questions.ts';
import type { PolicyRule } from '../policy.ts';
import { heard, type LogsAsk } from './ask-agent.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { assertHostUp } from './hosts.ts';

const dayMs = 86_400_000;
const atOnce = 1000;
/** What a host says about its logs may be as old as its call may take, and more. */
const settledAfterMs = 60_000;
const goneReason = 'Its host no longer keeps them.';

/** To be called where the container's row goes. */
export async function rememberDeleted(
  { config, clock }: Pick<ContainerContext, 'config' | 'clock'>,
  trx: Trx,
  container: Container,
): Promise<void> {
  const { host } = container;
  const deletion = (await operationsOf(trx, container.uuid)).find(isTold);
  const { days } = config.containers.keptLogs;
  if (!deletion?.args.logs || host === null || days === 0) return;
  const now = clock.now();
  await insertDeleted(trx, {
    uuid: container.uuid,
    name: container.name,
    projectId: container.projectId,
    userId: container.userId,
    image: container.spec.image,
    host,
    createdAt: container.createdAt,
    deletedAt: now.toISOString(),
    deletedBy: deletion.userId,
    requestId: deletion.requestId,
    keptUntil: new Date(now.getTime() + days * dayMs).toISOString(),
    logs: deletion.args.logs,
  });
}

function isTold({ verb, args }: ContainerOperation): boolean {
  return verb === 'delete' && args.logs !== undefined;
}

/** Returns which of them nobody can ask for; what the host has lost meanwhile is noted. */
export async function compareKeptLogs(
  { db, clock }: Pick<ContainerContext, 'db' | 'clock'>,
  host: string,
  uuids: readonly string[],
): Promise<string[]> {
  // Rows first, records second: what has no row any more has its record by then.
  const withoutRow: string[] = [];
  for (let at = 0; at < uuids.length; at += atOnce)
    withoutRow.push(...(await unknownContainers(db, uuids.slice(at, at + atOnce))));
  const records = await listDeletedOn(db, host);
  const kept = new Set(uuids);
  const settled = new Date(clock.now().getTime() - settledAfterMs).toISOString();
  for (const { uuid, deletedAt, logs } of records)
    if (logs.bytes !== null && !kept.has(uuid) && deletedAt < settled)
      await noteLogsGone(db, uuid, goneReason);
  const known = new Set(records.map(({ uuid }) => uuid));
  return withoutRow.filter((uuid) => !known.has(uuid));
}

export async function forgetOld(ctx: Pick<ContainerContext, 'db' | 'clock' | 'log'>): Promise<void> {
  const count = await forgetDeletedBefore(ctx.db, nowIso(ctx));
  if (count > 0) ctx.log.info({ containers: count }, 'deleted containers are forgotten');
}

export interface DeletedAsk extends Pick<DeletedQuery, 'name' | 'limit'> {
  readonly allProjects: boolean;
  /** Uuid of the last one of the page before. */
  readonly marker?: string;
}

export function deletedUseCases(ctx: ContainerContext) {
  const { db, policy, bus } = ctx;

  /** Throws `container-not-found` as for a container that never was. */
  async function find(caller: Caller, uuid: string): Promise<DeletedContainer> {
    const found = await findDeleted(db, uuid);
    const isSeen = found && (caller.isAdmin || found.projectId === caller.projectId);
    if (isSeen && found.keptUntil > nowIso(ctx)) return found;
    throw new Failure('container-not-found', `Container ${uuid} could not be found.`);
  }

  async function get(caller: Caller, uuid: string, rule: PolicyRule): Promise<DeletedContainer> {
    const found = await find(caller, uuid);
    policy.enforce(caller, rule, found);
    return found;
  }

  return {
    /** Newest first. */
    async list(caller: Caller, { allProjects, marker, ...query }: DeletedAsk): Promise<DeletedContainer[]> {
      policy.enforce(caller, allProjects ? 'container:get_all_all_projects' : 'container:get_all');
      const before = marker === undefined ? undefined : await find(caller, marker);
      const projectId = allProjects ? null : caller.projectId;
      return listDeleted(db, { ...query, projectId, now: nowIso(ctx), ...(before ? { before } : {}) });
    },

    /** Throws `container-not-found` when there are none, saying why if it is known. */
    async logs(caller: Caller, uuid: string, wanted: LogsAsk): Promise<string> {
      const { host, logs } = await get(caller, uuid, 'container:logs');
      if (logs.bytes === null) throw noLogs(uuid, logs.reason ?? goneReason);
      await assertHostUp(ctx, host);
      const { deadlineMs } = readKeptLogs;
      const call = bus.call({ kind: 'agent', host }, readKeptLogs, { uuid, ...wanted }, { deadlineMs });
      try {
        return (await heard(host, call)).text;
      } catch (error) {
        if (!isFailure(error, 'resource-not-found')) throw error;
        await noteLogsGone(db, uuid, goneReason);
        throw noLogs(uuid, goneReason);
      }
    },

    /** Nobody reads its logs any more; its host removes them when it next says what it has. */
    async forget(caller: Caller, uuid: string): Promise<void> {
      await get(caller, uuid, 'container:delete');
      await forgetDeleted(db, uuid);
    },
  };
}

function noLogs(uuid: string, reason: string): Failure {
  return new Failure(
    'container-not-found',
    `Container ${uuid} was deleted, and its logs are not there: ${reason}`,
  );
}
