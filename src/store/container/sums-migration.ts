/**
 * What the containers of each project and of each host ask for, kept by the database itself: quota and scheduler read a few numbers at
 * every create, however many containers there are, and no way to change a container gets past them. Fractions of a CPU are kept as
 * whole millionths, so that adding and taking away leaves nothing over.
 */
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const millionths = (row: string) => `CAST(ROUND(${row}.cpu * 1000000) AS INTEGER)`;

const add = (kind: string, owner: string) => `
  INSERT INTO container_sums (kind, owner, containers, cpu_millionths, memory_mib, disk_gib)
  SELECT '${kind}', NEW.${owner}, 1, ${millionths('NEW')}, NEW.memory_mib, NEW.disk_gib WHERE NEW.${owner} IS NOT NULL
  ON CONFLICT (kind, owner) DO UPDATE SET
    containers = containers + 1,
    cpu_millionths = cpu_millionths + excluded.cpu_millionths,
    memory_mib = memory_mib + excluded.memory_mib,
    disk_gib = disk_gib + excluded.disk_gib;`;

const subtract = (kind: string, owner: string) => `
  UPDATE container_sums SET
    containers = containers - 1,
    cpu_millionths = cpu_millionths - ${millionths('OLD')},
    memory_mib = memory_mib - OLD.memory_mib,
    disk_gib = disk_gib - OLD.disk_gib
  WHERE kind = '${kind}' AND owner = OLD.${owner};`;

const sumUp = (kind: string, owner: string) => `
  INSERT INTO container_sums (kind, owner, containers, cpu_millionths, memory_mib, disk_gib)
  SELECT '${kind}', ${owner}, COUNT(*), SUM(${millionths('containers')}), SUM(memory_mib), SUM(disk_gib)
  FROM containers WHERE ${owner} IS NOT NULL GROUP BY ${owner}`;

const owners = [
  ['project', 'project_id'],
  ['host', 'host'],
] as const;
const each = (part: (kind: string, owner: string) => string) =>
  owners.map(([kind, owner]) => part(kind, owner)).join('');
const forgetEmpty = `DELETE FROM container_sums WHERE containers = 0 AND owner IN (OLD.project_id, OLD.host);`;

export const createContainerSums: Migration = {
  up: async (db: Kysely<never>) => {
    let table = db.schema
      .createTable('container_sums')
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('owner', 'text', (column) => column.notNull());
    for (const sum of ['containers', 'cpu_millionths', 'memory_mib', 'disk_gib']) {
      table = table.addColumn(sum, 'integer', (column) => column.notNull());
    }
    await table.addPrimaryKeyConstraint('container_sums_key', ['kind', 'owner']).execute();
    for (const [kind, owner] of owners) await sql.raw(sumUp(kind, owner)).execute(db);
    const changed = 'UPDATE OF project_id, host, cpu, memory_mib, disk_gib';
    const triggers = [
      `TRIGGER container_counted AFTER INSERT ON containers BEGIN ${each(add)} END`,
      `TRIGGER container_recounted AFTER ${changed} ON containers BEGIN ${each(subtract)} ${each(add)} ${forgetEmpty} END`,
      `TRIGGER container_uncounted AFTER DELETE ON containers BEGIN ${each(subtract)} ${forgetEmpty} END`,
    ];
    for (const trigger of triggers) await sql.raw(`CREATE ${trigger}`).execute(db);
    // It covered the sums; what is left to look up is the host.
    await db.schema.dropIndex('containers_by_host').execute();
    await db.schema.createIndex('containers_by_host').on('containers').column('host').execute();
    // The first page of a project's list is read in order, not sorted out of all that there are.
    await db.schema
      .createIndex('containers_by_project_in_order')
      .on('containers')
      .columns(['project_id', 'id'])
      .execute();
  },
};
