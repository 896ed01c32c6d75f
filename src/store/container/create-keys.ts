/** Queries on the keys with which clients make sure that a create happens once. */
import type { DbOrTrx, Trx } from '../database.ts';

export interface CreateKey {
  readonly projectId: string;
  readonly key: string;
  /** Of what was asked. */
  readonly fingerprint: string;
  readonly containerUuid: string;
  readonly createdAt: string;
}

export async function findCreateKey(
  db: DbOrTrx,
  projectId: string,
  key: string,
): Promise<CreateKey | undefined> {
  const row = await db
    .selectFrom('container_create_keys')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('key', '=', key)
    .executeTakeFirst();
  return (
    row && {
      projectId,
      key,
      fingerprint: row.fingerprint,
      containerUuid: row.container_uuid,
      createdAt: row.created_at,
    }
  );
}

/** Those made before `cutoff` go. */
export async function insertCreateKey(trx: Trx, created: CreateKey, cutoff: string): Promise<void> {
  await trx.deleteFrom('container_create_keys').where('created_at', '<', cutoff).execute();
  await trx
    .insertInto('container_create_keys')
    .values({
      project_id: created.projectId,
      key: created.key,
      fingerprint: created.fingerprint,
      container_uuid: created.containerUuid,
      created_at: created.createdAt,
    })
    .execute();
}
