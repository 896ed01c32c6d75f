import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What hosts are built of, and which quota class a project is in. */
export const addHardwareAndQuotaAssignments: Migration = {
  up: async (db: Kysely<never>) => {
    await db.schema.alterTable('hosts').addColumn('hardware', 'text').execute();
    await db.schema
      .createTable('container_quota_assignments')
      .addColumn('project_id', 'text', (column) => column.primaryKey())
      .addColumn('class_name', 'text', (column) => column.notNull())
      .execute();
  },
};
