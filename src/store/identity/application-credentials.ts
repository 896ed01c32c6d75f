/** Queries of application credentials. The secret's hash is written once and read only to check a log-in. */
import type { AccessRule, ApplicationCredential } from '../../model/identity.ts';
import type { DbOrTrx } from '../database.ts';
import type { ApplicationCredentialRow } from './tables.ts';

const columns = [
  'id',
  'user_id',
  'project_id',
  'name',
  'description',
  'role_ids',
  'access_rules',
  'unrestricted',
  'expires_at',
] as const;

type PublicRow = Pick<ApplicationCredentialRow, (typeof columns)[number]>;

function toCredential(row: PublicRow): ApplicationCredential {
  return {
    id: row.id,
    userId: row.user_id,
    projectId: row.project_id,
    name: row.name,
    description: row.description,
    roleIds: JSON.parse(row.role_ids) as string[],
    accessRules: row.access_rules === null ? null : (JSON.parse(row.access_rules) as AccessRule[]),
    unrestricted: row.unrestricted === 1,
    expiresAt: row.expires_at,
  };
}

function toRow(credential: ApplicationCredential): PublicRow {
  return {
    id: credential.id,
    user_id: credential.userId,
    project_id: credential.projectId,
    name: credential.name,
    description: credential.description,
    role_ids: JSON.stringify(credential.roleIds),
    access_rules: credential.accessRules && JSON.stringify(credential.accessRules),
    unrestricted: Number(credential.unrestricted),
    expires_at: credential.expiresAt,
  };
}

export async function listApplicationCredentials(
  db: DbOrTrx,
  filter: { readonly userId: string; readonly name?: string | undefined },
): Promise<ApplicationCredential[]> {
  let query = db
    .selectFrom('application_credentials')
    .select(columns)
    .where('user_id', '=', filter.userId)
    .orderBy('name');
  if (filter.name !== undefined) query = query.where('name', '=', filter.name);
  return (await query.execute()).map(toCredential);
}

export async function findApplicationCredential(
  db: DbOrTrx,
  id: string,
): Promise<ApplicationCredential | undefined> {
  const row = await db
    .selectFrom('application_credentials')
    .select(columns)
    .where('id', '=', id)
    .executeTakeFirst();
  return row && toCredential(row);
}

export async function findSecretHash(db: DbOrTrx, id: string): Promise<string | null> {
  const row = await db
    .selectFrom('application_credentials')
    .select('secret_hash')
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.secret_hash ?? null;
}

/** A name that the user has given before breaks the unique index. */
export async function insertApplicationCredential(
  db: DbOrTrx,
  credential: ApplicationCredential,
  secretHash: string,
): Promise<void> {
  await db
    .insertInto('application_credentials')
    .values({ ...toRow(credential), secret_hash: secretHash })
    .execute();
}

export async function deleteApplicationCredential(db: DbOrTrx, id: string): Promise<void> {
  await db.deleteFrom('application_credentials').where('id', '=', id).execute();
}
