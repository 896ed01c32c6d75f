/** What the containers of a project, or of each host, ask for together, whatever their status; kept by triggers (sums-migration.ts). */
import { noUsage, type Usage } from '../../model/container-record.ts';
import type { DbOrTrx } from '../database.ts';
import type { ContainerSumsTable } from './tables.ts';

/** Claims per host. */
export async function usageByHost(db: DbOrTrx): Promise<Map<string, Usage>> {
  const rows = await db.selectFrom('container_sums').selectAll().where('kind', '=', 'host').execute();
  return new Map(rows.map((row) => [row.owner, toUsage(row)]));
}

export async function usageOfProject(db: DbOrTrx, projectId: string): Promise<Usage> {
  const row = await db
    .selectFrom('container_sums')
    .selectAll()
    .where('kind', '=', 'project')
    .where('owner', '=', projectId)
    .executeTakeFirst();
  return row ? toUsage(row) : noUsage;
}

function toUsage(row: ContainerSumsTable): Usage {
  return {
    containers: row.containers,
    cpu: row.cpu_millionths / 1e6,
    memoryMiB: row.memory_mib,
    diskGiB: row.disk_gib,
  };
}
