import type { CreateTableBuilder, Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

// A migration speaks of tables as they are at its time, not as today's row types have them.
// biome-ignore lint/suspicious/noExplicitAny: Kysely's own type for a database without known tables
export type AnyDb = Kysely<any>;

/** A table with the columns that all resources have. */
export function withCommonColumns(db: AnyDb, table: string): CreateTableBuilder<string, string> {
  return db.schema
    .createTable(table)
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('project_id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull());
}

async function createNetworksAndSubnets(db: AnyDb): Promise<void> {
  await withCommonColumns(db, 'networks')
    .addColumn('admin_state_up', 'integer', (column) => column.notNull())
    .addColumn('shared', 'integer', (column) => column.notNull())
    .addColumn('external', 'integer', (column) => column.notNull())
    .addColumn('port_security_enabled', 'integer', (column) => column.notNull())
    .addColumn('mtu', 'integer', (column) => column.notNull())
    .addColumn('segmentation_id', 'integer', (column) => column.notNull().unique())
    .execute();
  await withCommonColumns(db, 'subnets')
    .addColumn('network_id', 'text', (column) =>
      column.notNull().references('networks.id').onDelete('cascade'),
    )
    .addColumn('ip_version', 'integer', (column) => column.notNull())
    .addColumn('cidr', 'text', (column) => column.notNull())
    .addColumn('gateway_ip', 'text')
    .addColumn('enable_dhcp', 'integer', (column) => column.notNull())
    .addColumn('allocation_pools', 'text', (column) => column.notNull())
    .addColumn('dns_nameservers', 'text', (column) => column.notNull())
    .addColumn('host_routes', 'text', (column) => column.notNull())
    .addColumn('ipv6_address_mode', 'text')
    .addColumn('ipv6_ra_mode', 'text')
    .execute();
}

async function createPorts(db: AnyDb): Promise<void> {
  await withCommonColumns(db, 'ports')
    .addColumn('network_id', 'text', (column) => column.notNull().references('networks.id'))
    .addColumn('mac_address', 'text', (column) => column.notNull())
    .addColumn('admin_state_up', 'integer', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('port_security_enabled', 'integer', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('device_owner', 'text', (column) => column.notNull())
    .addColumn('binding_host', 'text', (column) => column.notNull())
    .addColumn('attachment_index', 'integer')
    .addColumn('attachment_adopted', 'integer', (column) => column.notNull())
    .addUniqueConstraint('ports_network_mac', ['network_id', 'mac_address'])
    .addUniqueConstraint('ports_attachment', ['device_id', 'attachment_index'])
    .execute();
  await db.schema
    .createTable('fixed_ips')
    .addColumn('port_id', 'text', (column) => column.notNull().references('ports.id').onDelete('cascade'))
    .addColumn('subnet_id', 'text', (column) => column.notNull().references('subnets.id'))
    .addColumn('ip_address', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('fixed_ips_key', ['subnet_id', 'ip_address'])
    .execute();
  await db.schema
    .createTable('address_pairs')
    .addColumn('port_id', 'text', (column) => column.notNull().references('ports.id').onDelete('cascade'))
    .addColumn('mac_address', 'text', (column) => column.notNull())
    .addColumn('ip_address', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('address_pairs_key', ['port_id', 'mac_address', 'ip_address'])
    .execute();
}

async function createSecurityGroups(db: AnyDb): Promise<void> {
  await withCommonColumns(db, 'security_groups')
    .addColumn('stateful', 'integer', (column) => column.notNull())
    .addColumn('default_of', 'text', (column) => column.unique())
    .execute();
  await db.schema
    .createTable('security_group_rules')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('project_id', 'text', (column) => column.notNull())
    .addColumn('security_group_id', 'text', (column) =>
      column.notNull().references('security_groups.id').onDelete('cascade'),
    )
    .addColumn('direction', 'text', (column) => column.notNull())
    .addColumn('ethertype', 'text', (column) => column.notNull())
    .addColumn('protocol', 'text')
    .addColumn('port_range_min', 'integer')
    .addColumn('port_range_max', 'integer')
    .addColumn('remote_group_id', 'text', (column) =>
      column.references('security_groups.id').onDelete('cascade'),
    )
    .addColumn('remote_ip_prefix', 'text')
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('signature', 'text', (column) => column.notNull())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .addUniqueConstraint('security_group_rules_signature', ['security_group_id', 'signature'])
    .execute();
  await db.schema
    .createTable('port_security_groups')
    .addColumn('port_id', 'text', (column) => column.notNull().references('ports.id').onDelete('cascade'))
    .addColumn('security_group_id', 'text', (column) => column.notNull().references('security_groups.id'))
    .addPrimaryKeyConstraint('port_security_groups_key', ['port_id', 'security_group_id'])
    .execute();
}

async function createTheRest(db: AnyDb): Promise<void> {
  await withCommonColumns(db, 'routers')
    .addColumn('admin_state_up', 'integer', (column) => column.notNull())
    .addColumn('external_network_id', 'text', (column) => column.references('networks.id'))
    .addColumn('enable_snat', 'integer', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('network_tags')
    .addColumn('resource_id', 'text', (column) => column.notNull())
    .addColumn('tag', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('network_tags_key', ['resource_id', 'tag'])
    .execute();
  await db.schema
    .createTable('network_quotas')
    .addColumn('project_id', 'text', (column) => column.notNull())
    .addColumn('resource', 'text', (column) => column.notNull())
    .addColumn('amount', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('network_quotas_key', ['project_id', 'resource'])
    .execute();
}

/** What look-ups go by, besides keys and unique constraints. */
const indexed: readonly (readonly [table: string, columns: string[]])[] = [
  ['networks', ['project_id']],
  ['subnets', ['network_id']],
  ['subnets', ['project_id']],
  ['ports', ['project_id']],
  ['ports', ['binding_host', 'network_id']],
  ['fixed_ips', ['port_id']],
  ['fixed_ips', ['ip_address']],
  ['port_security_groups', ['security_group_id']],
  ['security_groups', ['project_id']],
  ['security_group_rules', ['remote_group_id']],
  ['security_group_rules', ['project_id']],
  ['routers', ['project_id']],
];

export const createNetworkTables: Migration = {
  async up(db: AnyDb): Promise<void> {
    await createNetworksAndSubnets(db);
    await createPorts(db);
    await createSecurityGroups(db);
    await createTheRest(db);
    for (const [table, columns] of indexed) {
      await db.schema
        .createIndex(`${table}_by_${columns.join('_')}`)
        .on(table)
        .columns(columns)
        .execute();
    }
  },
};
