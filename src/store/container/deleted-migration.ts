import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const createDeletedContainers: Migration = {
  up: async (db: Kysely<never>) => {
    await db.schema
      .createTable('deleted_containers')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('uuid', 'text', (column) => column.notNull().unique())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('image', 'text', (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .addColumn('deleted_at', 'text', (column) => column.notNull())
      .addColumn('deleted_by', 'text', (column) => column.notNull())
      .addColumn('request_id', 'text', (column) => column.notNull())
      .addColumn('kept_until', 'text', (column) => column.notNull())
      .addColumn('logs_bytes', 'integer')
      .addColumn('logs_reason', 'text')
      .execute();
    for (const [name, column] of [
      ['deleted_containers_by_project', 'project_id'],
      ['deleted_containers_by_host', 'host'],
      ['deleted_containers_by_time', 'kept_until'],
    ] as const)
      await db.schema.createIndex(name).on('deleted_containers').column(column).execute();
  },
};
