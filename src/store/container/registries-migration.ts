import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const createRegistriesAndImages: Migration = {
  up: async (db: Kysely<never>) => {
    await db.schema
      .createTable('container_registries')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('uuid', 'text', (column) => column.notNull().unique())
      .addColumn('name', 'text')
      .addColumn('domain', 'text', (column) => column.notNull())
      .addColumn('username', 'text')
      .addColumn('password', 'text')
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .addColumn('updated_at', 'text')
      .execute();
    await db.schema
      .createIndex('container_registries_by_project')
      .on('container_registries')
      .column('project_id')
      .execute();
    await db.schema
      .createTable('container_images')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('uuid', 'text', (column) => column.notNull().unique())
      .addColumn('image_id', 'text')
      .addColumn('repo', 'text', (column) => column.notNull())
      .addColumn('tag', 'text', (column) => column.notNull())
      .addColumn('size', 'text')
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('phase', 'text', (column) => column.notNull())
      .addColumn('reason', 'text')
      .addColumn('created_at', 'text', (column) => column.notNull())
      .addUniqueConstraint('container_images_place', ['repo', 'tag', 'host'])
      .execute();
  },
};
