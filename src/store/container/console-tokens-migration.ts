import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const createConsoleTokens: Migration = {
  up: async (db: Kysely<never>) => {
    await db.schema
      .createTable('console_tokens')
      .addColumn('hash', 'text', (column) => column.primaryKey().notNull())
      .addColumn('container_uuid', 'text', (column) =>
        column.notNull().references('containers.uuid').onDelete('cascade'),
      )
      .addColumn('exec_id', 'text')
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('standing', 'text')
      .addColumn('expires_at', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('console_tokens_by_container')
      .on('console_tokens')
      .column('container_uuid')
      .execute();
  },
};
