/**
 * The log of changes of containers, written by the database itself: no way to change a container gets past it, and an event is
 * there exactly when its change is. What people cannot see (places, revisions, when somebody last looked) is no event.
 */
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const columns = [
  'name',
  'status',
  'status_reason',
  'task_state',
  'spec',
  'nics',
  'security_groups',
  'exit_code',
  'started_at',
  'finished_at',
  'vitals',
];

const snapshot = (row: 'NEW' | 'OLD') => `json_object(
  'uuid', ${row}.uuid, 'name', ${row}.name, 'project_id', ${row}.project_id, 'user_id', ${row}.user_id, 'image', ${row}.image,
  'status', ${row}.status, 'status_reason', ${row}.status_reason, 'task_state', ${row}.task_state, 'exit_code', ${row}.exit_code)`;

const record = (row: 'NEW' | 'OLD', type: string) => `BEGIN
  INSERT INTO container_events (project_id, container_uuid, type, at, container)
  VALUES (${row}.project_id, ${row}.uuid, '${type}', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ${snapshot(row)});
END`;

export const createContainerEvents: Migration = {
  up: async (db: Kysely<never>) => {
    await db.schema
      .createTable('container_events')
      .addColumn('seq', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('container_uuid', 'text', (column) => column.notNull())
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('at', 'text', (column) => column.notNull())
      .addColumn('container', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('container_events_by_project')
      .on('container_events')
      .columns(['project_id', 'seq'])
      .execute();
    const differs = columns.map((column) => `OLD.${column} IS NOT NEW.${column}`).join(' OR ');
    const triggers = [
      `TRIGGER container_created AFTER INSERT ON containers ${record('NEW', 'created')}`,
      `TRIGGER container_changed AFTER UPDATE ON containers WHEN ${differs} ${record('NEW', 'changed')}`,
      `TRIGGER container_deleted AFTER DELETE ON containers ${record('OLD', 'deleted')}`,
    ];
    for (const trigger of triggers) await sql.raw(`CREATE ${trigger}`).execute(db);
  },
};
