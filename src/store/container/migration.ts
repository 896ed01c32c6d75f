import type { CreateTableBuilder, Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

type ColumnList = Readonly<Record<string, 'text' | 'text?' | 'integer' | 'integer?' | 'real'>>;

/** `?` = may be null. */
function addColumns(table: CreateTableBuilder<string, never>, columns: ColumnList) {
  let builder = table as CreateTableBuilder<string, string>;
  for (const [name, type] of Object.entries(columns)) {
    const nullable = type.endsWith('?');
    const kind = type.replace('?', '') as 'text' | 'integer' | 'real';
    builder = builder.addColumn(name, kind, (column) => (nullable ? column : column.notNull()));
  }
  return builder;
}

const containers: ColumnList = {
  version: 'integer',
  name: 'text',
  project_id: 'text',
  user_id: 'text',
  host: 'text?',
  ports_phase: 'text',
  status: 'text',
  status_reason: 'text?',
  task_state: 'text?',
  power: 'text',
  revision: 'integer',
  was_created: 'integer',
  engine_state: 'text?',
  runtime_id: 'text?',
  exit_code: 'integer?',
  started_at: 'text?',
  finished_at: 'text?',
  observed_at: 'text?',
  created_at: 'text',
  updated_at: 'text?',
  spec: 'text',
  files: 'text',
  nets: 'text',
  nics: 'text',
  security_groups: 'text?',
  exposed_group_id: 'text?',
  resolved: 'text?',
  image: 'text',
  image_driver: 'text',
  cpu: 'real',
  cpu_policy: 'text',
  memory_mib: 'integer',
  disk_gib: 'integer',
  workdir: 'text?',
  hostname: 'text?',
  runtime: 'text?',
  interactive: 'integer',
  tty: 'integer',
  privileged: 'integer',
  auto_remove: 'integer',
  auto_heal: 'integer',
};

const actions: ColumnList = {
  project_id: 'text',
  user_id: 'text',
  request_id: 'text',
  verb: 'text',
  args: 'text',
  start_time: 'text',
  finish_time: 'text?',
  result: 'text?',
  message: 'text?',
};

const hosts: ColumnList = {
  availability_zone: 'text',
  cpus: 'integer',
  memory_mib: 'integer',
  disk_gib: 'integer',
  disk_quota_supported: 'integer',
  architecture: 'text',
  os_type: 'text',
  os: 'text',
  kernel_version: 'text',
  engine_version: 'text',
  labels: 'text',
  runtimes: 'text',
  engine_ok: 'integer',
  engine_error: 'text?',
  last_seen_at: 'text',
  report_count: 'integer',
  disabled: 'integer',
  disabled_reason: 'text?',
  forced_down: 'integer',
  created_at: 'text',
  updated_at: 'text?',
};

export const createContainerTables: Migration = {
  up: async (db: Kysely<never>) => {
    await addColumns(
      db.schema
        .createTable('containers')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('uuid', 'text', (column) => column.notNull().unique()),
      containers,
    ).execute();
    await db.schema
      .createIndex('containers_by_project')
      .on('containers')
      .columns(['project_id', 'name'])
      .execute();
    // Covers the sums of the scheduler: they are read at every create.
    await db.schema
      .createIndex('containers_by_host')
      .on('containers')
      .columns(['host', 'cpu', 'memory_mib', 'disk_gib'])
      .execute();
    await db.schema.createIndex('containers_by_ports_phase').on('containers').column('ports_phase').execute();

    await addColumns(
      db.schema
        .createTable('container_actions')
        .addColumn('seq', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('container_uuid', 'text', (column) =>
          column.notNull().references('containers.uuid').onDelete('cascade'),
        ),
      actions,
    ).execute();
    await db.schema
      .createIndex('container_actions_by_container')
      .on('container_actions')
      .columns(['container_uuid', 'finish_time'])
      .execute();

    await addColumns(
      db.schema
        .createTable('hosts')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('uuid', 'text', (column) => column.notNull().unique())
        .addColumn('name', 'text', (column) => column.notNull().unique()),
      hosts,
    ).execute();

    await db.schema
      .createTable('container_quotas')
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('resource', 'text', (column) => column.notNull())
      .addColumn('hard_limit', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('container_quotas_key', ['project_id', 'resource'])
      .execute();
    await db.schema
      .createTable('container_quota_classes')
      .addColumn('class_name', 'text', (column) => column.notNull())
      .addColumn('resource', 'text', (column) => column.notNull())
      .addColumn('hard_limit', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('container_quota_classes_key', ['class_name', 'resource'])
      .execute();
  },
};
