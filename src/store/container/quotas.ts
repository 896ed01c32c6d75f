/** Queries on container quotas: limits set for a project, limits of quota classes, and which class a project is in. */
import type { Quota, QuotaResource } from '../../model/container-record.ts';
import type { DbOrTrx } from '../database.ts';

export type QuotaChange = Partial<Quota>;

export async function projectLimits(db: DbOrTrx, projectId: string): Promise<QuotaChange> {
  const rows = await db
    .selectFrom('container_quotas')
    .select(['resource', 'hard_limit'])
    .where('project_id', '=', projectId)
    .execute();
  return toLimits(rows);
}

export async function classLimits(db: DbOrTrx, className: string): Promise<QuotaChange> {
  const rows = await db
    .selectFrom('container_quota_classes')
    .select(['resource', 'hard_limit'])
    .where('class_name', '=', className)
    .execute();
  return toLimits(rows);
}

export async function setProjectLimits(db: DbOrTrx, projectId: string, limits: QuotaChange): Promise<void> {
  for (const [resource, hard_limit] of Object.entries(limits)) {
    await db
      .insertInto('container_quotas')
      .values({ project_id: projectId, resource, hard_limit })
      .onConflict((conflict) => conflict.columns(['project_id', 'resource']).doUpdateSet({ hard_limit }))
      .execute();
  }
}

export async function setClassLimits(db: DbOrTrx, className: string, limits: QuotaChange): Promise<void> {
  for (const [resource, hard_limit] of Object.entries(limits)) {
    await db
      .insertInto('container_quota_classes')
      .values({ class_name: className, resource, hard_limit })
      .onConflict((conflict) => conflict.columns(['class_name', 'resource']).doUpdateSet({ hard_limit }))
      .execute();
  }
}

export async function deleteProjectLimits(db: DbOrTrx, projectId: string): Promise<void> {
  await db.deleteFrom('container_quotas').where('project_id', '=', projectId).execute();
}

/** Null = in none but the default one. */
export async function classOfProject(db: DbOrTrx, projectId: string): Promise<string | null> {
  const row = await db
    .selectFrom('container_quota_assignments')
    .select('class_name')
    .where('project_id', '=', projectId)
    .executeTakeFirst();
  return row?.class_name ?? null;
}

export async function assignClass(db: DbOrTrx, projectId: string, className: string | null): Promise<void> {
  await db.deleteFrom('container_quota_assignments').where('project_id', '=', projectId).execute();
  if (className === null) return;
  const row = { project_id: projectId, class_name: className };
  await db.insertInto('container_quota_assignments').values(row).execute();
}

function toLimits(rows: readonly { resource: string; hard_limit: number }[]): QuotaChange {
  return Object.fromEntries(rows.map((row) => [row.resource as QuotaResource, row.hard_limit]));
}
