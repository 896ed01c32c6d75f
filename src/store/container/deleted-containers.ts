/** Queries on containers that are gone, and on what became of their logs. */
import type { Selectable } from 'kysely';
import type { DeletedContainer } from '../../model/kept-logs.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import type { DeletedContainersTable } from './tables.ts';

export async function insertDeleted(trx: Trx, deleted: Omit<DeletedContainer, 'id'>): Promise<void> {
  await trx
    .insertInto('deleted_containers')
    .values({
      uuid: deleted.uuid,
      name: deleted.name,
      project_id: deleted.projectId,
      user_id: deleted.userId,
      image: deleted.image,
      host: deleted.host,
      created_at: deleted.createdAt,
      deleted_at: deleted.deletedAt,
      deleted_by: deleted.deletedBy,
      request_id: deleted.requestId,
      kept_until: deleted.keptUntil,
      logs_bytes: deleted.logs.bytes,
      logs_reason: deleted.logs.reason,
    })
    .execute();
}

export async function findDeleted(db: DbOrTrx, uuid: string): Promise<DeletedContainer | undefined> {
  const row = await db
    .selectFrom('deleted_containers')
    .selectAll()
    .where('uuid', '=', uuid)
    .executeTakeFirst();
  return row && toDeleted(row);
}

export interface DeletedQuery {
  /** Null = of all projects. */
  readonly projectId: string | null;
  readonly name?: string;
  readonly limit: number;
  /** Those whose time is not over. */
  readonly now: string;
  /** Those before this one, which the caller has found. */
  readonly before?: DeletedContainer;
}

/** Newest first. */
export async function listDeleted(
  db: DbOrTrx,
  { projectId, name, limit, now, before }: DeletedQuery,
): Promise<DeletedContainer[]> {
  let query = db.selectFrom('deleted_containers').selectAll().where('kept_until', '>', now);
  if (projectId !== null) query = query.where('project_id', '=', projectId);
  if (name !== undefined) query = query.where('name', '=', name);
  if (before) query = query.where('id', '<', before.id);
  return (await query.orderBy('id', 'desc').limit(limit).execute()).map(toDeleted);
}

export async function listDeletedOn(db: DbOrTrx, host: string): Promise<DeletedContainer[]> {
  const rows = await db.selectFrom('deleted_containers').selectAll().where('host', '=', host).execute();
  return rows.map(toDeleted);
}

export async function noteLogsGone(db: DbOrTrx, uuid: string, reason: string): Promise<void> {
  await db
    .updateTable('deleted_containers')
    .set({ logs_bytes: null, logs_reason: reason })
    .where('uuid', '=', uuid)
    .where('logs_bytes', 'is not', null)
    .execute();
}

export async function forgetDeleted(db: DbOrTrx, uuid: string): Promise<void> {
  await db.deleteFrom('deleted_containers').where('uuid', '=', uuid).execute();
}

/** Returns how many. */
export async function forgetDeletedBefore(db: DbOrTrx, now: string): Promise<number> {
  const result = await db.deleteFrom('deleted_containers').where('kept_until', '<=', now).executeTakeFirst();
  return Number(result.numDeletedRows);
}

function toDeleted(row: Selectable<DeletedContainersTable>): DeletedContainer {
  return {
    id: row.id,
    uuid: row.uuid,
    name: row.name,
    projectId: row.project_id,
    userId: row.user_id,
    image: row.image,
    host: row.host,
    createdAt: row.created_at,
    deletedAt: row.deleted_at,
    deletedBy: row.deleted_by,
    requestId: row.request_id,
    keptUntil: row.kept_until,
    logs: { bytes: row.logs_bytes, reason: row.logs_reason },
  };
}
