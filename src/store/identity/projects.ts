/** Queries of projects. */
import type { Project } from '../../model/identity.ts';
import type { DbOrTrx } from '../database.ts';
import type { ProjectRow } from './tables.ts';

function toProject(row: ProjectRow): Project {
  return {
    id: row.id,
    domainId: row.domain_id,
    name: row.name,
    description: row.description,
    enabled: row.enabled === 1,
    tags: JSON.parse(row.tags) as string[],
  };
}

function toRow(project: Project): ProjectRow {
  return {
    id: project.id,
    domain_id: project.domainId,
    name: project.name,
    description: project.description,
    enabled: Number(project.enabled),
    tags: JSON.stringify(project.tags),
  };
}

export interface ProjectFilter {
  readonly name?: string | undefined;
  readonly domainId?: string | undefined;
  readonly enabled?: boolean | undefined;
  /** Projects on which this user has any role. */
  readonly userId?: string | undefined;
}

export async function listProjects(db: DbOrTrx, filter: ProjectFilter = {}): Promise<Project[]> {
  let query = db.selectFrom('projects').selectAll().orderBy('name').orderBy('id');
  if (filter.name !== undefined) query = query.where('name', '=', filter.name);
  if (filter.domainId !== undefined) query = query.where('domain_id', '=', filter.domainId);
  if (filter.enabled !== undefined) query = query.where('enabled', '=', Number(filter.enabled));
  const { userId } = filter;
  if (userId !== undefined) {
    query = query.where('id', 'in', (from) =>
      from
        .selectFrom('role_assignments')
        .select('target_id')
        .where('target_kind', '=', 'project')
        .where('user_id', '=', userId),
    );
  }
  return (await query.execute()).map(toProject);
}

export async function findProject(db: DbOrTrx, id: string): Promise<Project | undefined> {
  const row = await db.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toProject(row);
}

/** Inserts or replaces; a name that is taken in the domain breaks the unique index. */
export async function saveProject(db: DbOrTrx, project: Project): Promise<void> {
  const { id, ...rest } = toRow(project);
  await db
    .insertInto('projects')
    .values({ id, ...rest })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
    .execute();
}

/** Its application credentials go with it; its assignments are the caller's. */
export async function deleteProject(db: DbOrTrx, id: string): Promise<void> {
  await db.deleteFrom('projects').where('id', '=', id).execute();
}
