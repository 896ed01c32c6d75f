/** Queries on operations: the action log is also the queue of what the agent has yet to do. */
import type { ContainerOperation } from '../../model/container-record.ts';
import type { DbOrTrx } from '../database.ts';
import { toOperation } from './codec.ts';

export async function insertOperation(
  db: DbOrTrx,
  operation: Omit<ContainerOperation, 'finishedAt' | 'result' | 'message'>,
): Promise<void> {
  await db
    .insertInto('container_actions')
    .values({
      id: operation.id,
      container_uuid: operation.containerUuid,
      project_id: operation.projectId,
      user_id: operation.userId,
      request_id: operation.requestId,
      verb: operation.verb,
      args: JSON.stringify(operation.args),
      start_time: operation.startedAt,
    })
    .execute();
}

export interface OperationEnd {
  readonly result: 'Success' | 'Error';
  readonly message: string | null;
  readonly at: string;
}

/** Something about an operation that has not ended. */
export async function noteOperation(
  db: DbOrTrx,
  id: string,
  { args, message }: Pick<ContainerOperation, 'args' | 'message'>,
): Promise<void> {
  await db
    .updateTable('container_actions')
    .set({ args: JSON.stringify(args), message })
    .where('id', '=', id)
    .where('finish_time', 'is', null)
    .execute();
}

/** An operation ends once: a second end changes nothing. */
export async function finishOperation(db: DbOrTrx, id: string, end: OperationEnd): Promise<void> {
  await finish(db, end).where('id', '=', id).execute();
}

/** Ends all that is still open on a container; `except` stays. */
export async function finishAllOperations(
  db: DbOrTrx,
  containerUuid: string,
  end: OperationEnd,
  except = '',
): Promise<void> {
  await finish(db, end).where('container_uuid', '=', containerUuid).where('id', '!=', except).execute();
}

function finish(db: DbOrTrx, end: OperationEnd) {
  return db
    .updateTable('container_actions')
    .set({ finish_time: end.at, result: end.result, message: end.message })
    .where('finish_time', 'is', null);
}

/** Oldest first. */
export async function pendingOperations(
  db: DbOrTrx,
  containerUuids: readonly string[],
): Promise<ContainerOperation[]> {
  if (containerUuids.length === 0) return [];
  const rows = await db
    .selectFrom('container_actions')
    .selectAll()
    .where('container_uuid', 'in', containerUuids)
    .where('finish_time', 'is', null)
    .orderBy('seq')
    .execute();
  return rows.map(toOperation);
}

/** Of all containers, oldest first. */
export async function allPendingOperations(db: DbOrTrx): Promise<ContainerOperation[]> {
  const rows = await db
    .selectFrom('container_actions')
    .selectAll()
    .where('finish_time', 'is', null)
    .orderBy('seq')
    .execute();
  return rows.map(toOperation);
}

/** When the last operation of the container ended that has ended. */
export async function lastFinish(db: DbOrTrx, containerUuid: string): Promise<string | null> {
  const row = await db
    .selectFrom('container_actions')
    .select((eb) => eb.fn.max('finish_time').as('at'))
    .where('container_uuid', '=', containerUuid)
    .executeTakeFirst();
  return row?.at ?? null;
}

/** Newest first. */
export async function operationsOf(db: DbOrTrx, containerUuid: string): Promise<ContainerOperation[]> {
  const rows = await db
    .selectFrom('container_actions')
    .selectAll()
    .where('container_uuid', '=', containerUuid)
    .orderBy('seq', 'desc')
    .execute();
  return rows.map(toOperation);
}

export async function findOperation(db: DbOrTrx, id: string): Promise<ContainerOperation | undefined> {
  const row = await db.selectFrom('container_actions').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toOperation(row);
}
