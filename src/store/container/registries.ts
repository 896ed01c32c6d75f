/** Queries on registries. */
import type { Selectable } from 'kysely';
import type { Registry } from '../../model/registry.ts';
import type { DbOrTrx } from '../database.ts';
import type { ContainerRegistriesTable } from './tables.ts';

function toRegistry(row: Selectable<ContainerRegistriesTable>): Registry {
  return {
    id: row.id,
    uuid: row.uuid,
    name: row.name,
    domain: row.domain,
    username: row.username,
    sealedPassword: row.password,
    projectId: row.project_id,
    userId: row.user_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type RegistryChange = Partial<
  Pick<Registry, 'name' | 'domain' | 'username' | 'sealedPassword' | 'updatedAt'>
>;

export async function insertRegistry(db: DbOrTrx, registry: Omit<Registry, 'id'>): Promise<void> {
  await db
    .insertInto('container_registries')
    .values({
      uuid: registry.uuid,
      project_id: registry.projectId,
      user_id: registry.userId,
      created_at: registry.createdAt,
      name: registry.name,
      domain: registry.domain,
      username: registry.username,
      password: registry.sealedPassword,
    })
    .execute();
}

/** Null = of all projects. */
export async function listRegistries(db: DbOrTrx, projectId: string | null): Promise<Registry[]> {
  let query = db.selectFrom('container_registries').selectAll().orderBy('id');
  if (projectId !== null) query = query.where('project_id', '=', projectId);
  return (await query.execute()).map(toRegistry);
}

export async function findRegistry(db: DbOrTrx, uuid: string): Promise<Registry | undefined> {
  const row = await db
    .selectFrom('container_registries')
    .selectAll()
    .where('uuid', '=', uuid)
    .executeTakeFirst();
  return row && toRegistry(row);
}

export async function updateRegistry(db: DbOrTrx, uuid: string, change: RegistryChange): Promise<void> {
  const { sealedPassword, updatedAt, ...same } = change;
  await db
    .updateTable('container_registries')
    .set({
      ...same,
      ...(sealedPassword === undefined ? {} : { password: sealedPassword }),
      ...(updatedAt === undefined ? {} : { updated_at: updatedAt }),
    })
    .where('uuid', '=', uuid)
    .execute();
}

export async function deleteRegistry(db: DbOrTrx, uuid: string): Promise<void> {
  await db.deleteFrom('container_registries').where('uuid', '=', uuid).execute();
}

/** Name of a container that pulls from it. Quotes inside JSON texts are escaped, so nobody's label looks like this. */
export async function userOfRegistry(db: DbOrTrx, uuid: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('containers')
    .select('name')
    .where('spec', 'like', `%"registryId":"${uuid}"%`)
    .limit(1)
    .executeTakeFirst();
  return row?.name;
}
