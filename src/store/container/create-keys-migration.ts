import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const createCreateKeys: Migration = {
  up: async (db: Kysely<never>) => {
    await db.schema
      .createTable('container_create_keys')
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('fingerprint', 'text', (column) => column.notNull())
      .addColumn('container_uuid', 'text', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('container_create_keys_key', ['project_id', 'key'])
      .execute();
    await db.schema
      .createIndex('container_create_keys_by_time')
      .on('container_create_keys')
      .column('created_at')
      .execute();
  },
};
