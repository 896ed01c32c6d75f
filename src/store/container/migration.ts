import type { Migration } from 'kysely/migration';

export const createContainerTables: Migration = {
  up: async () => undefined,
};
