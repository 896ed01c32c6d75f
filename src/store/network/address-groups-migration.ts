/** Address groups, as remotes of rules; prefixes of rules as they were given. */
import type { Migration } from 'kysely/migration';
import { type AnyDb, withCommonColumns } from './migration.ts';

export const createAddressGroups: Migration = {
  async up(db: AnyDb): Promise<void> {
    await withCommonColumns(db, 'address_groups')
      .addColumn('addresses', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .alterTable('security_group_rules')
      .addColumn('remote_address_group_id', 'text', (column) => column.references('address_groups.id'))
      .execute();
    await db.schema.alterTable('security_group_rules').addColumn('given_ip_prefix', 'text').execute();
    await db.schema
      .createIndex('address_groups_by_project_id')
      .on('address_groups')
      .column('project_id')
      .execute();
    await db.schema
      .createIndex('security_group_rules_by_remote_address_group_id')
      .on('security_group_rules')
      .column('remote_address_group_id')
      .execute();
  },
};
