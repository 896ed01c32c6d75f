import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

// biome-ignore lint/suspicious/noExplicitAny: Kysely's own type for a database without known tables
type AnyDb = Kysely<any>;

async function addColumnsOfRouters(db: AnyDb): Promise<void> {
  for (const column of ['routes', 'availability_zone_hints']) {
    await db.schema
      .alterTable('routers')
      .addColumn(column, 'text', (definition) => definition.notNull().defaultTo('[]'))
      .execute();
  }
  await db.schema
    .createIndex('ports_one_gateway_per_router')
    .on('ports')
    .column('device_id')
    .unique()
    .where(sql.ref('device_owner'), '=', sql.lit('network:router_gateway'))
    .execute();
}

async function createFloatingIps(db: AnyDb): Promise<void> {
  await db.schema
    .createTable('floating_ips')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('project_id', 'text', (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('floating_network_id', 'text', (column) => column.notNull().references('networks.id'))
    .addColumn('floating_ip_address', 'text', (column) => column.notNull())
    .addColumn('floating_port_id', 'text', (column) => column.notNull().unique().references('ports.id'))
    .addColumn('fixed_port_id', 'text', (column) => column.references('ports.id'))
    .addColumn('fixed_ip_address', 'text')
    .addColumn('router_id', 'text', (column) => column.references('routers.id'))
    .addColumn('dns_name', 'text', (column) => column.notNull())
    .addColumn('dns_domain', 'text', (column) => column.notNull())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .addUniqueConstraint('floating_ips_address', ['floating_network_id', 'floating_ip_address'])
    .addUniqueConstraint('floating_ips_fixed', ['fixed_port_id', 'fixed_ip_address', 'floating_network_id'])
    .execute();
}

async function createPortForwardings(db: AnyDb): Promise<void> {
  await db.schema
    .createTable('port_forwardings')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('floating_ip_id', 'text', (column) =>
      column.notNull().references('floating_ips.id').onDelete('cascade'),
    )
    .addColumn('protocol', 'text', (column) => column.notNull())
    .addColumn('external_port_first', 'integer', (column) => column.notNull())
    .addColumn('external_port_last', 'integer', (column) => column.notNull())
    .addColumn('internal_port_first', 'integer', (column) => column.notNull())
    .addColumn('internal_port_last', 'integer', (column) => column.notNull())
    .addColumn('internal_ip_address', 'text', (column) => column.notNull())
    .addColumn('internal_port_id', 'text', (column) => column.notNull().references('ports.id'))
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .addUniqueConstraint('port_forwardings_external', ['floating_ip_id', 'protocol', 'external_port_first'])
    .addUniqueConstraint('port_forwardings_internal', [
      'internal_port_id',
      'internal_ip_address',
      'protocol',
      'internal_port_first',
    ])
    .execute();
}

const indexed: readonly (readonly [table: string, column: string])[] = [
  ['floating_ips', 'project_id'],
  ['floating_ips', 'router_id'],
];

/** Floating IPs, forwarded ports, static routes of routers. */
export const createRoutingTables: Migration = {
  async up(db: AnyDb): Promise<void> {
    await addColumnsOfRouters(db);
    await createFloatingIps(db);
    await createPortForwardings(db);
    for (const [table, column] of indexed) {
      await db.schema.createIndex(`${table}_by_${column}`).on(table).column(column).execute();
    }
  },
};
