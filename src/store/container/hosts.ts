/** Queries on hosts. A host is known from its first heartbeat on; its capacities are those of the last good one. */
import type { HostRecord } from '../../model/container-record.ts';
import { newUuid } from '../../model/ids.ts';
import type { DbOrTrx } from '../database.ts';
import { toHost } from './codec.ts';

export type HostFacts = Pick<
  HostRecord,
  | 'availabilityZone'
  | 'cpus'
  | 'memoryMiB'
  | 'diskGiB'
  | 'diskQuotaSupported'
  | 'architecture'
  | 'osType'
  | 'os'
  | 'kernelVersion'
  | 'engineVersion'
  | 'labels'
  | 'runtimes'
> & { readonly hardware?: HostRecord['hardware'] };

export interface Heartbeat {
  readonly name: string;
  readonly engineOk: boolean;
  readonly engineError: string | null;
  /** Absent while the Engine does not answer: the last known facts stay. */
  readonly facts?: HostFacts;
  readonly at: string;
}

const unknownFacts: HostFacts = {
  availabilityZone: '',
  cpus: 0,
  memoryMiB: 0,
  diskGiB: 0,
  diskQuotaSupported: false,
  architecture: '',
  osType: '',
  os: '',
  kernelVersion: '',
  engineVersion: '',
  labels: {},
  runtimes: [],
};

export async function recordHeartbeat(db: DbOrTrx, beat: Heartbeat): Promise<void> {
  const seen = {
    engine_ok: Number(beat.engineOk),
    engine_error: beat.engineError,
    last_seen_at: beat.at,
    updated_at: beat.at,
  };
  const changed = await db
    .updateTable('hosts')
    .set((eb) => ({
      ...seen,
      ...(beat.facts ? factColumns(beat.facts) : {}),
      report_count: eb('report_count', '+', 1),
    }))
    .where('name', '=', beat.name)
    .executeTakeFirst();
  if (changed.numUpdatedRows > 0n) return;
  await db
    .insertInto('hosts')
    .values({
      ...seen,
      ...factColumns(beat.facts ?? unknownFacts),
      uuid: newUuid(),
      name: beat.name,
      report_count: 1,
      disabled: 0,
      forced_down: 0,
      created_at: beat.at,
    })
    .execute();
}

function factColumns(facts: HostFacts) {
  return {
    availability_zone: facts.availabilityZone,
    cpus: facts.cpus,
    memory_mib: facts.memoryMiB,
    disk_gib: facts.diskGiB,
    disk_quota_supported: Number(facts.diskQuotaSupported),
    architecture: facts.architecture,
    os_type: facts.osType,
    os: facts.os,
    kernel_version: facts.kernelVersion,
    engine_version: facts.engineVersion,
    labels: JSON.stringify(facts.labels),
    runtimes: JSON.stringify(facts.runtimes),
    hardware: facts.hardware ? JSON.stringify(facts.hardware) : null,
  };
}

export async function listHosts(db: DbOrTrx): Promise<HostRecord[]> {
  return (await db.selectFrom('hosts').selectAll().orderBy('name').execute()).map(toHost);
}

export async function findHost(db: DbOrTrx, name: string): Promise<HostRecord | undefined> {
  const row = await db.selectFrom('hosts').selectAll().where('name', '=', name).executeTakeFirst();
  return row && toHost(row);
}

export interface HostSwitches {
  readonly disabled?: boolean;
  readonly disabledReason?: string | null;
  readonly forcedDown?: boolean;
}

/** False when there is no such host. */
export async function switchHost(db: DbOrTrx, name: string, switches: HostSwitches): Promise<boolean> {
  const result = await db
    .updateTable('hosts')
    .set({
      ...(switches.disabled === undefined ? {} : { disabled: Number(switches.disabled) }),
      ...(switches.disabledReason === undefined ? {} : { disabled_reason: switches.disabledReason }),
      ...(switches.forcedDown === undefined ? {} : { forced_down: Number(switches.forcedDown) }),
    })
    .where('name', '=', name)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** False when there was none. */
export async function deleteHost(db: DbOrTrx, name: string): Promise<boolean> {
  const result = await db.deleteFrom('hosts').where('name', '=', name).executeTakeFirst();
  return result.numDeletedRows > 0n;
}
