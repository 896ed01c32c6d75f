/** Row types of the container tables. Columns repeated from `spec` serve filters, sorting and sums; codec.ts writes them. */
import type { Generated } from 'kysely';

export interface ContainersTable {
  id: Generated<number>;
  uuid: string;
  /** Grows with every change of the row: what is cached under it can be trusted. */
  version: number;
  name: string;
  project_id: string;
  user_id: string;
  host: string | null;
  ports_phase: string;
  status: string;
  status_reason: string | null;
  task_state: string | null;
  power: string;
  revision: number;
  was_created: number;
  engine_state: string | null;
  runtime_id: string | null;
  exit_code: number | null;
  started_at: string | null;
  finished_at: string | null;
  observed_at: string | null;
  created_at: string;
  updated_at: string | null;
  /** JSON: everything of the specification except the files. */
  spec: string;
  files: string;
  nets: string;
  nics: string;
  security_groups: string | null;
  exposed_group_id: string | null;
  resolved: string | null;
  vitals: string | null;
  heals: string | null;
  image: string;
  image_driver: string;
  cpu: number;
  cpu_policy: string;
  memory_mib: number;
  disk_gib: number;
  workdir: string | null;
  hostname: string | null;
  runtime: string | null;
  interactive: number;
  tty: number;
  privileged: number;
  auto_remove: number;
  auto_heal: number;
}

/** The action log. A row without `finish_time` is an operation that the agent has not carried out yet. */
export interface ContainerActionsTable {
  seq: Generated<number>;
  id: string;
  container_uuid: string;
  project_id: string;
  user_id: string;
  request_id: string;
  verb: string;
  args: string;
  start_time: string;
  finish_time: string | null;
  result: string | null;
  message: string | null;
}

export interface HostsTable {
  id: Generated<number>;
  uuid: string;
  name: string;
  availability_zone: string;
  cpus: number;
  memory_mib: number;
  disk_gib: number;
  disk_quota_supported: number;
  architecture: string;
  os_type: string;
  os: string;
  kernel_version: string;
  engine_version: string;
  labels: string;
  runtimes: string;
  /** JSON; null = an agent that does not tell. */
  hardware: string | null;
  engine_ok: number;
  engine_error: string | null;
  last_seen_at: string;
  report_count: number;
  disabled: number;
  disabled_reason: string | null;
  forced_down: number;
  created_at: string;
  updated_at: string | null;
}

export interface ContainerQuotasTable {
  project_id: string;
  resource: string;
  hard_limit: number;
}

export interface ContainerQuotaClassesTable {
  class_name: string;
  resource: string;
  hard_limit: number;
}

/** The quota class of a project, when it is not the default one. */
export interface ContainerQuotaAssignmentsTable {
  project_id: string;
  class_name: string;
}

export interface ContainerCreateKeysTable {
  project_id: string;
  key: string;
  fingerprint: string;
  container_uuid: string;
  created_at: string;
}

export interface ConsoleTokensTable {
  hash: string;
  container_uuid: string;
  exec_id: string | null;
  project_id: string;
  user_id: string;
  standing: string | null;
  expires_at: string;
}

export interface ContainerRegistriesTable {
  id: Generated<number>;
  uuid: string;
  name: string | null;
  domain: string;
  username: string | null;
  /** Sealed (control/secrets.ts). */
  password: string | null;
  project_id: string;
  user_id: string;
  created_at: string;
  updated_at: string | null;
}

export interface ContainerImagesTable {
  id: Generated<number>;
  uuid: string;
  image_id: string | null;
  repo: string;
  tag: string;
  size: string | null;
  project_id: string;
  host: string;
  phase: string;
  reason: string | null;
  created_at: string;
}

/** Written by triggers only: sums-migration.ts. */
export interface ContainerSumsTable {
  kind: 'project' | 'host';
  owner: string;
  containers: number;
  cpu_millionths: number;
  memory_mib: number;
  disk_gib: number;
}

/** Who they were whose logs are kept, or could not be. */
export interface DeletedContainersTable {
  id: Generated<number>;
  uuid: string;
  name: string;
  project_id: string;
  user_id: string;
  image: string;
  host: string;
  created_at: string;
  deleted_at: string;
  deleted_by: string;
  request_id: string;
  kept_until: string;
  logs_bytes: number | null;
  logs_reason: string | null;
}

/** Written by triggers only: events-migration.ts. */
export interface ContainerEventsTable {
  seq: Generated<number>;
  project_id: string;
  container_uuid: string;
  type: string;
  at: string;
  /** JSON. */
  container: string;
}

export interface WebhooksTable {
  id: Generated<number>;
  uuid: string;
  name: string | null;
  url: string;
  /** JSON. */
  types: string;
  all_projects: number;
  /** Sealed (control/secrets.ts). */
  secret: string;
  enabled: number;
  disabled_reason: string | null;
  project_id: string;
  user_id: string;
  created_at: string;
  updated_at: string | null;
  revision: number;
  cursor: number;
  last_event_id: number | null;
  last_status: number | null;
  last_error: string | null;
  last_attempt_at: string | null;
  delivered_at: string | null;
  failures: number;
  failing_since: string | null;
  next_attempt_at: string | null;
}

/** How far a reader of the log has come that is no webhook. */
export interface EventCursorsTable {
  reader: string;
  seq: number;
}

export interface ContainerTables {
  console_tokens: ConsoleTokensTable;
  webhooks: WebhooksTable;
  event_cursors: EventCursorsTable;
  container_create_keys: ContainerCreateKeysTable;
  container_events: ContainerEventsTable;
  container_sums: ContainerSumsTable;
  container_registries: ContainerRegistriesTable;
  container_images: ContainerImagesTable;
  containers: ContainersTable;
  deleted_containers: DeletedContainersTable;
  container_actions: ContainerActionsTable;
  hosts: HostsTable;
  container_quotas: ContainerQuotasTable;
  container_quota_classes: ContainerQuotaClassesTable;
  container_quota_assignments: ContainerQuotaAssignmentsTable;
}
