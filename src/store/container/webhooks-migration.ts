/** Webhooks with the state of their delivery, and how far others have told the log of events on. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const createWebhooks: Migration = {
  up: async (db: Kysely<never>) => {
    await db.schema
      .createTable('webhooks')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('uuid', 'text', (column) => column.notNull().unique())
      .addColumn('name', 'text')
      .addColumn('url', 'text', (column) => column.notNull())
      .addColumn('types', 'text', (column) => column.notNull())
      .addColumn('all_projects', 'integer', (column) => column.notNull())
      .addColumn('secret', 'text', (column) => column.notNull())
      .addColumn('enabled', 'integer', (column) => column.notNull())
      .addColumn('disabled_reason', 'text')
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .addColumn('updated_at', 'text')
      .addColumn('revision', 'integer', (column) => column.notNull())
      .addColumn('cursor', 'integer', (column) => column.notNull())
      .addColumn('last_event_id', 'integer')
      .addColumn('last_status', 'integer')
      .addColumn('last_error', 'text')
      .addColumn('last_attempt_at', 'text')
      .addColumn('delivered_at', 'text')
      .addColumn('failures', 'integer', (column) => column.notNull())
      .addColumn('failing_since', 'text')
      .addColumn('next_attempt_at', 'text')
      .execute();
    await db.schema.createIndex('webhooks_by_project').on('webhooks').column('project_id').execute();
    await db.schema
      .createTable('event_cursors')
      .addColumn('reader', 'text', (column) => column.primaryKey())
      .addColumn('seq', 'integer', (column) => column.notNull())
      .execute();
  },
};
