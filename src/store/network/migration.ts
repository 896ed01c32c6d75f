import type { Migration } from 'kysely/migration';

export const createNetworkTables: Migration = {
  up: async () => undefined,
};
