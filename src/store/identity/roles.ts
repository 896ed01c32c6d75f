/** Queries of roles and of which role implies which. */
import type { Implication, Role } from '../../model/identity.ts';
import type { DbOrTrx } from '../database.ts';
import type { RoleRow } from './tables.ts';

function toRole(row: RoleRow): Role {
  return { id: row.id, name: row.name, description: row.description, immutable: row.immutable === 1 };
}

export async function listRoles(
  db: DbOrTrx,
  filter: { readonly name?: string | undefined } = {},
): Promise<Role[]> {
  let query = db.selectFrom('roles').selectAll().orderBy('name');
  if (filter.name !== undefined) query = query.where('name', '=', filter.name);
  return (await query.execute()).map(toRole);
}

export async function findRole(db: DbOrTrx, id: string): Promise<Role | undefined> {
  const row = await db.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toRole(row);
}

/** Inserts or replaces; a name that is taken breaks the unique index. */
export async function saveRole(db: DbOrTrx, role: Role): Promise<void> {
  const { id, ...rest } = { ...role, immutable: Number(role.immutable) };
  await db
    .insertInto('roles')
    .values({ id, ...rest })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
    .execute();
}

/** Assignments and implications of the role go with it. */
export async function deleteRole(db: DbOrTrx, id: string): Promise<void> {
  await db.deleteFrom('roles').where('id', '=', id).execute();
}

export async function listImplications(db: DbOrTrx): Promise<Implication[]> {
  const rows = await db.selectFrom('implied_roles').selectAll().execute();
  return rows.map((row) => ({ priorId: row.prior_id, impliedId: row.implied_id }));
}

export async function addImplication(db: DbOrTrx, { priorId, impliedId }: Implication): Promise<void> {
  await db
    .insertInto('implied_roles')
    .values({ prior_id: priorId, implied_id: impliedId })
    .onConflict((conflict) => conflict.columns(['prior_id', 'implied_id']).doNothing())
    .execute();
}

export async function removeImplication(db: DbOrTrx, { priorId, impliedId }: Implication): Promise<void> {
  await db
    .deleteFrom('implied_roles')
    .where('prior_id', '=', priorId)
    .where('implied_id', '=', impliedId)
    .execute();
}
