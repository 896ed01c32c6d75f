import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const addContainerHealth: Migration = {
  up: async (db: Kysely<never>) => {
    await db.schema.alterTable('containers').addColumn('vitals', 'text').execute();
    await db.schema.alterTable('containers').addColumn('heals', 'text').execute();
  },
};
