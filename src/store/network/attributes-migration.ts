/** The rest of Neutron's everyday attributes of networks, subnets and ports. */
import type { Migration } from 'kysely/migration';
import type { AnyDb } from './migration.ts';

const added: readonly (readonly [
  table: string,
  column: string,
  type: 'text' | 'integer',
  value: string | number,
])[] = [
  ['networks', 'network_type', 'text', 'vxlan'],
  ['networks', 'dns_domain', 'text', ''],
  ['networks', 'is_default', 'integer', 0],
  ['networks', 'zone_hints', 'text', '[]'],
  ['subnets', 'service_types', 'text', '[]'],
  ['subnets', 'dns_publish_fixed_ip', 'integer', 0],
  ['ports', 'binding_profile', 'text', '{}'],
  ['ports', 'dns_name', 'text', ''],
  ['ports', 'dns_domain', 'text', ''],
  ['ports', 'dhcp_options', 'text', '[]'],
  ['ports', 'propagate_uplink_status', 'integer', 1],
];

export const addNetworkAttributes: Migration = {
  async up(db: AnyDb): Promise<void> {
    for (const [table, column, type, value] of added) {
      await db.schema
        .alterTable(table)
        .addColumn(column, type, (definition) => definition.notNull().defaultTo(value))
        .execute();
    }
    await db.schema.alterTable('networks').addColumn('physical_network', 'text').execute();
    await db.schema
      .createIndex('networks_physical_network')
      .unique()
      .on('networks')
      .column('physical_network')
      .execute();
    await db.schema.createIndex('networks_by_dns_domain').on('networks').column('dns_domain').execute();
    await db.schema
      .createIndex('ports_by_network_id_dns_name')
      .on('ports')
      .columns(['network_id', 'dns_name'])
      .execute();
  },
};
