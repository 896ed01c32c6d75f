/** Queries of domains. */
import type { Domain } from '../../model/identity.ts';
import type { DbOrTrx } from '../database.ts';
import type { DomainRow } from './tables.ts';

function toDomain(row: DomainRow): Domain {
  return { id: row.id, name: row.name, description: row.description, enabled: row.enabled === 1 };
}

export async function listDomains(db: DbOrTrx): Promise<Domain[]> {
  const rows = await db.selectFrom('domains').selectAll().orderBy('name').execute();
  return rows.map(toDomain);
}

export async function findDomain(db: DbOrTrx, id: string): Promise<Domain | undefined> {
  const row = await db.selectFrom('domains').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toDomain(row);
}

export async function findDomainByName(db: DbOrTrx, name: string): Promise<Domain | undefined> {
  const row = await db.selectFrom('domains').selectAll().where('name', '=', name).executeTakeFirst();
  return row && toDomain(row);
}

/** Inserts or replaces; a name that is taken breaks the unique index. */
export async function saveDomain(db: DbOrTrx, domain: Domain): Promise<void> {
  const { id, ...rest } = { ...domain, enabled: Number(domain.enabled) };
  await db
    .insertInto('domains')
    .values({ id, ...rest })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
    .execute();
}

/** Takes its projects, users and their credentials with it; assignments on it or its projects are the caller's. */
export async function deleteDomain(db: DbOrTrx, id: string): Promise<void> {
  await db.deleteFrom('domains').where('id', '=', id).execute();
}
