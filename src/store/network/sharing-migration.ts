/** Policies say with whom objects are shared (networks said it themselves before); address scopes and subnet pools. */
import type { Migration } from 'kysely/migration';
import { newUuid } from '../../model/ids.ts';
import { type AnyDb, withCommonColumns } from './migration.ts';

async function createPolicies(db: AnyDb): Promise<void> {
  await db.schema
    .createTable('rbac_policies')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('project_id', 'text', (column) => column.notNull())
    .addColumn('object_type', 'text', (column) => column.notNull())
    .addColumn('object_id', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('target_project', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addUniqueConstraint('rbac_policies_key', ['object_id', 'action', 'target_project'])
    .execute();
  await db.schema
    .createIndex('rbac_policies_by_target')
    .on('rbac_policies')
    .columns(['object_type', 'target_project'])
    .execute();
  await db.schema
    .createIndex('rbac_policies_by_project_id')
    .on('rbac_policies')
    .column('project_id')
    .execute();
}

/** What networks said of themselves, as policies. */
async function convert(db: AnyDb, column: 'shared' | 'external', action: string): Promise<void> {
  const networks = await db
    .selectFrom('networks')
    .select(['id', 'project_id', 'created_at'])
    .where(column, '=', 1)
    .execute();
  for (const network of networks) {
    await db
      .insertInto('rbac_policies')
      .values({
        id: newUuid(),
        project_id: network.project_id,
        object_type: 'network',
        object_id: network.id,
        action,
        target_project: '*',
        created_at: network.created_at,
      })
      .execute();
  }
}

async function createPools(db: AnyDb): Promise<void> {
  await withCommonColumns(db, 'address_scopes')
    .addColumn('ip_version', 'integer', (column) => column.notNull())
    .execute();
  await withCommonColumns(db, 'subnet_pools')
    .addColumn('ip_version', 'integer', (column) => column.notNull())
    .addColumn('prefixes', 'text', (column) => column.notNull())
    .addColumn('min_prefix_length', 'integer', (column) => column.notNull())
    .addColumn('max_prefix_length', 'integer', (column) => column.notNull())
    .addColumn('default_prefix_length', 'integer', (column) => column.notNull())
    .addColumn('is_default', 'integer', (column) => column.notNull())
    .addColumn('default_quota', 'integer')
    .addColumn('address_scope_id', 'text', (column) => column.references('address_scopes.id'))
    .execute();
  await db.schema
    .alterTable('subnets')
    .addColumn('subnetpool_id', 'text', (column) => column.references('subnet_pools.id'))
    .execute();
  for (const [table, column] of [
    ['address_scopes', 'project_id'],
    ['subnet_pools', 'project_id'],
    ['subnet_pools', 'address_scope_id'],
    ['subnets', 'subnetpool_id'],
  ] as const) {
    await db.schema.createIndex(`${table}_by_${column}`).on(table).column(column).execute();
  }
}

export const createSharingAndPools: Migration = {
  async up(db: AnyDb): Promise<void> {
    await createPolicies(db);
    await convert(db, 'shared', 'access_as_shared');
    await convert(db, 'external', 'access_as_external');
    await db.schema.alterTable('networks').dropColumn('shared').execute();
    await createPools(db);
  },
};
