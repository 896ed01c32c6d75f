import type { Migration } from 'kysely/migration';

export const createIdentityTables: Migration = {
  up: async () => undefined,
};
