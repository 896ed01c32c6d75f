/** Queries of users. The password hash has its own two, so that it cannot ride along with anything else. */
import type { User } from '../../model/identity.ts';
import type { DbOrTrx } from '../database.ts';
import type { UserRow } from './tables.ts';

const columns = [
  'id',
  'domain_id',
  'name',
  'description',
  'email',
  'enabled',
  'default_project_id',
  'generation',
] as const;

type PublicRow = Pick<UserRow, (typeof columns)[number]>;

function toUser(row: PublicRow): User {
  return {
    id: row.id,
    domainId: row.domain_id,
    name: row.name,
    description: row.description,
    email: row.email,
    enabled: row.enabled === 1,
    defaultProjectId: row.default_project_id,
    generation: row.generation,
  };
}

function toRow(user: User): PublicRow {
  return {
    id: user.id,
    domain_id: user.domainId,
    name: user.name,
    description: user.description,
    email: user.email,
    enabled: Number(user.enabled),
    default_project_id: user.defaultProjectId,
    generation: user.generation,
  };
}

export interface UserFilter {
  readonly name?: string | undefined;
  readonly domainId?: string | undefined;
  readonly enabled?: boolean | undefined;
}

export async function listUsers(db: DbOrTrx, filter: UserFilter = {}): Promise<User[]> {
  let query = db.selectFrom('users').select(columns).orderBy('name').orderBy('id');
  if (filter.name !== undefined) query = query.where('name', '=', filter.name);
  if (filter.domainId !== undefined) query = query.where('domain_id', '=', filter.domainId);
  if (filter.enabled !== undefined) query = query.where('enabled', '=', Number(filter.enabled));
  return (await query.execute()).map(toUser);
}

export async function findUser(db: DbOrTrx, id: string): Promise<User | undefined> {
  const row = await db.selectFrom('users').select(columns).where('id', '=', id).executeTakeFirst();
  return row && toUser(row);
}

/** Inserts (without a password) or replaces (keeping it); a name that is taken breaks the unique index. */
export async function saveUser(db: DbOrTrx, user: User): Promise<void> {
  const { id, ...rest } = toRow(user);
  await db
    .insertInto('users')
    .values({ id, ...rest, password_hash: null })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
    .execute();
}

export async function findPasswordHash(db: DbOrTrx, userId: string): Promise<string | null> {
  const row = await db
    .selectFrom('users')
    .select('password_hash')
    .where('id', '=', userId)
    .executeTakeFirst();
  return row?.password_hash ?? null;
}

export async function setPasswordHash(db: DbOrTrx, userId: string, hash: string | null): Promise<void> {
  await db.updateTable('users').set({ password_hash: hash }).where('id', '=', userId).execute();
}

/** Assignments and application credentials go with the user. */
export async function deleteUser(db: DbOrTrx, id: string): Promise<void> {
  await db.deleteFrom('users').where('id', '=', id).execute();
}
