/** The table of settings.ts; apart from it because the query builder's table list and the queries may not import each other. */
import type { Migration } from 'kysely/migration';

export interface SettingRow {
  readonly key: string;
  readonly value: string;
}

export interface SettingsTables {
  readonly settings: SettingRow;
}

export const createSettingsTable: Migration = {
  up: async (db) => {
    await db.schema
      .createTable('settings')
      .addColumn('key', 'text', (column) => column.primaryKey())
      .addColumn('value', 'text', (column) => column.notNull())
      .execute();
  },
};
