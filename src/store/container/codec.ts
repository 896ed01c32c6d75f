/** Row ↔ domain of the container tables: the only place that knows both. */
import type { Insertable, Selectable, Updateable } from 'kysely';
import type { InjectedFile } from '../../model/container.ts';
import type { Container, ContainerOperation, HostRecord } from '../../model/container-record.ts';
import { noHardware } from '../../model/hardware.ts';
import type { ContainerActionsTable, ContainersTable, HostsTable } from './tables.ts';

/** Everything a `Container` is made of: the columns that repeat parts of `spec` and the files stay behind. */
export const containerColumns = [
  'id',
  'uuid',
  'name',
  'project_id',
  'user_id',
  'host',
  'ports_phase',
  'status',
  'status_reason',
  'task_state',
  'power',
  'revision',
  'was_created',
  'engine_state',
  'runtime_id',
  'exit_code',
  'started_at',
  'finished_at',
  'observed_at',
  'created_at',
  'updated_at',
  'spec',
  'nets',
  'nics',
  'security_groups',
  'exposed_group_id',
  'resolved',
  'vitals',
  'heals',
] as const satisfies readonly (keyof ContainersTable)[];

export type ContainerRow = Pick<Selectable<ContainersTable>, (typeof containerColumns)[number]>;

export function toContainer(row: ContainerRow): Container {
  return {
    id: row.id,
    uuid: row.uuid,
    name: row.name,
    projectId: row.project_id,
    userId: row.user_id,
    spec: { registryId: null, ...JSON.parse(row.spec) },
    nets: inPlaces(parseList(row.nets)),
    nics: inPlaces(parseList(row.nics)),
    securityGroupIds: row.security_groups === null ? null : parseList(row.security_groups),
    exposedGroupId: row.exposed_group_id,
    host: row.host,
    portsPhase: row.ports_phase as Container['portsPhase'],
    status: row.status as Container['status'],
    statusReason: row.status_reason,
    taskState: row.task_state,
    power: row.power as Container['power'],
    revision: row.revision,
    wasCreated: row.was_created === 1,
    engineState: row.engine_state as Container['engineState'],
    runtimeId: row.runtime_id,
    exitCode: row.exit_code,
    resolved: row.resolved === null ? null : JSON.parse(row.resolved),
    vitals: row.vitals === null ? null : JSON.parse(row.vitals),
    heals: row.heals === null ? null : JSON.parse(row.heals),
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    observedAt: row.observed_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Most lists are empty in most rows. */
function parseList<T>(json: string): readonly T[] {
  return json === '[]' ? [] : JSON.parse(json);
}

/** What was stored before networks could be detached counts by its place in the list. */
function inPlaces<T extends { readonly index: number }>(list: readonly T[]): readonly T[] {
  return list.every(({ index }) => index !== undefined)
    ? list
    : list.map((each, at) => ({ ...each, index: each.index ?? at }));
}

export type ContainerChange = Partial<Omit<Container, 'id' | 'uuid' | 'projectId' | 'userId' | 'createdAt'>>;
export type NewContainer = Omit<Container, 'id'> & { readonly files: readonly InjectedFile[] };

/** A change in domain words → the columns it touches. */
export function toContainerColumns(change: ContainerChange): Updateable<ContainersTable> {
  const row: Updateable<ContainersTable> = {};
  for (const [field, value] of Object.entries(change)) {
    if (field === 'spec') Object.assign(row, specColumns(value as Container['spec']));
    else Object.assign(row, { [columnOf(field)]: jsonFields.has(field) ? toJson(value) : toScalar(value) });
  }
  return row;
}

export function toContainerRow(container: NewContainer): Insertable<ContainersTable> {
  const { uuid, projectId, userId, createdAt, files, ...rest } = container;
  return {
    ...(toContainerColumns(rest) as Insertable<ContainersTable>),
    uuid,
    version: 1,
    project_id: projectId,
    user_id: userId,
    created_at: createdAt,
    files: JSON.stringify(files),
  };
}

const jsonFields = new Set(['nets', 'nics', 'securityGroupIds', 'resolved', 'vitals', 'heals']);

function columnOf(field: string): string {
  if (field === 'securityGroupIds') return 'security_groups';
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function toJson(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

function toScalar(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value;
}

function specColumns(spec: Container['spec']): Updateable<ContainersTable> {
  return {
    spec: JSON.stringify(spec),
    image: spec.image,
    image_driver: spec.imageDriver,
    cpu: spec.cpu,
    cpu_policy: spec.cpuPolicy,
    memory_mib: spec.memoryMiB,
    disk_gib: spec.diskGiB,
    workdir: spec.workdir,
    hostname: spec.hostname,
    runtime: spec.runtime,
    interactive: Number(spec.interactive),
    tty: Number(spec.tty),
    privileged: Number(spec.privileged),
    auto_remove: Number(spec.autoRemove),
    auto_heal: Number(spec.autoHeal),
  };
}

export function toOperation(row: Selectable<ContainerActionsTable>): ContainerOperation {
  return {
    id: row.id,
    containerUuid: row.container_uuid,
    projectId: row.project_id,
    userId: row.user_id,
    requestId: row.request_id,
    verb: row.verb as ContainerOperation['verb'],
    args: JSON.parse(row.args),
    startedAt: row.start_time,
    finishedAt: row.finish_time,
    result: row.result as ContainerOperation['result'],
    message: row.message,
  };
}

export function toHost(row: Selectable<HostsTable>): HostRecord {
  return {
    id: row.id,
    uuid: row.uuid,
    name: row.name,
    availabilityZone: row.availability_zone,
    cpus: row.cpus,
    memoryMiB: row.memory_mib,
    diskGiB: row.disk_gib,
    diskQuotaSupported: row.disk_quota_supported === 1,
    architecture: row.architecture,
    osType: row.os_type,
    os: row.os,
    kernelVersion: row.kernel_version,
    engineVersion: row.engine_version,
    labels: JSON.parse(row.labels),
    runtimes: JSON.parse(row.runtimes),
    hardware: row.hardware === null ? noHardware : JSON.parse(row.hardware),
    engineOk: row.engine_ok === 1,
    engineError: row.engine_error,
    lastSeenAt: row.last_seen_at,
    reportCount: row.report_count,
    disabled: row.disabled === 1,
    disabledReason: row.disabled_reason,
    forcedDown: row.forced_down === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
