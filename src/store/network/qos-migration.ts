/** Quality of service: policies with bandwidth limits, of ports and of networks. */
import type { Migration } from 'kysely/migration';
import { type AnyDb, withCommonColumns } from './migration.ts';

export const createQosPolicies: Migration = {
  async up(db: AnyDb): Promise<void> {
    await withCommonColumns(db, 'qos_policies')
      .addColumn('default_of', 'text', (column) => column.unique())
      .execute();
    await db.schema
      .createTable('bandwidth_limits')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('policy_id', 'text', (column) =>
        column.notNull().references('qos_policies.id').onDelete('cascade'),
      )
      .addColumn('direction', 'text', (column) => column.notNull())
      .addColumn('max_kbps', 'integer', (column) => column.notNull())
      .addColumn('max_burst_kbps', 'integer', (column) => column.notNull())
      .addUniqueConstraint('bandwidth_limits_key', ['policy_id', 'direction'])
      .execute();
    for (const table of ['networks', 'ports']) {
      await db.schema
        .alterTable(table)
        .addColumn('qos_policy_id', 'text', (column) => column.references('qos_policies.id'))
        .execute();
      await db.schema.createIndex(`${table}_by_qos_policy_id`).on(table).column('qos_policy_id').execute();
    }
    await db.schema
      .createIndex('qos_policies_by_project_id')
      .on('qos_policies')
      .column('project_id')
      .execute();
  },
};
