/** Quota overrides per project, and how much of each resource a project has. */
import type { DbOrTrx, Trx } from '../database.ts';

/** Resources that are counted in a table of their own. */
export type CountedTable =
  | 'networks'
  | 'subnets'
  | 'ports'
  | 'routers'
  | 'subnet_pools'
  | 'rbac_policies'
  | 'floating_ips'
  | 'security_groups'
  | 'security_group_rules';

export async function findQuotaOverrides(db: DbOrTrx, projectId: string): Promise<Record<string, number>> {
  const rows = await db
    .selectFrom('network_quotas')
    .selectAll()
    .where('project_id', '=', projectId)
    .execute();
  return Object.fromEntries(rows.map((row) => [row.resource, row.amount]));
}

export async function projectsWithQuotas(db: DbOrTrx): Promise<string[]> {
  const rows = await db.selectFrom('network_quotas').select('project_id').distinct().execute();
  return rows.map((row) => row.project_id);
}

export async function setQuotaOverrides(
  trx: Trx,
  projectId: string,
  amounts: Readonly<Record<string, number>>,
): Promise<void> {
  for (const [resource, amount] of Object.entries(amounts)) {
    await trx
      .insertInto('network_quotas')
      .values({ project_id: projectId, resource, amount })
      .onConflict((conflict) => conflict.columns(['project_id', 'resource']).doUpdateSet({ amount }))
      .execute();
  }
}

export async function deleteQuotaOverrides(db: DbOrTrx, projectId: string): Promise<void> {
  await db.deleteFrom('network_quotas').where('project_id', '=', projectId).execute();
}

export async function countOf(db: DbOrTrx, table: CountedTable, projectId: string): Promise<number> {
  const row = await db
    .selectFrom(table)
    .select((eb) => eb.fn.countAll().as('count'))
    .where('project_id', '=', projectId)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}
