/**
 * Queries on containers, one by one. Lists for users are in ./container-list.ts, sums in ./sums.ts.
 *
 * A claim is nothing of its own: it is the row of a container with a host. So it cannot leak.
 */
import type { InjectedFile } from '../../model/container.ts';
import { type Container, type PortsPhase, visiblePhases } from '../../model/container-record.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import {
  type ContainerChange,
  containerColumns,
  type NewContainer,
  toContainer,
  toContainerColumns,
  toContainerRow,
} from './codec.ts';

export async function insertContainer(trx: Trx, container: NewContainer): Promise<void> {
  await trx.insertInto('containers').values(toContainerRow(container)).execute();
}

export async function findContainer(db: DbOrTrx, uuid: string): Promise<Container | undefined> {
  const row = await db
    .selectFrom('containers')
    .select(containerColumns)
    .where('uuid', '=', uuid)
    .executeTakeFirst();
  return row && toContainer(row);
}

/** By exact name; `projectId` null = everywhere. At most two: more would only say "several" once more. */
export async function findContainersByName(
  db: DbOrTrx,
  name: string,
  projectId: string | null,
): Promise<Container[]> {
  let query = db.selectFrom('containers').select(containerColumns).where('name', '=', name);
  if (projectId !== null) query = query.where('project_id', '=', projectId);
  return (await query.limit(2).execute()).map(toContainer);
}

/** Compares without regard to case; `projectId` null = everywhere. */
export async function isNameTaken(db: DbOrTrx, name: string, projectId: string | null): Promise<boolean> {
  let query = db
    .selectFrom('containers')
    .select('id')
    .where((eb) => eb(eb.fn<string>('lower', ['name']), '=', name.toLowerCase()));
  if (projectId !== null) query = query.where('project_id', '=', projectId);
  return (await query.limit(1).executeTakeFirst()) !== undefined;
}

/** `inPhase`, `atRevision`: only while the container is there. False when nothing was changed. */
export async function updateContainer(
  db: DbOrTrx,
  uuid: string,
  change: ContainerChange,
  options: { readonly inPhase?: PortsPhase; readonly atRevision?: number } = {},
): Promise<boolean> {
  if (Object.keys(change).length === 0) return true;
  let query = db
    .updateTable('containers')
    .set((eb) => ({ ...toContainerColumns(change), version: eb('version', '+', 1) }))
    .where('uuid', '=', uuid);
  if (options.inPhase) query = query.where('ports_phase', '=', options.inPhase);
  if (options.atRevision !== undefined) query = query.where('revision', '=', options.atRevision);
  return (await query.executeTakeFirst()).numUpdatedRows > 0n;
}

/** Takes its action log with it. */
export async function deleteContainer(db: DbOrTrx, uuid: string): Promise<void> {
  await db.deleteFrom('containers').where('uuid', '=', uuid).execute();
}

export async function containersInPhase(db: DbOrTrx, phases: readonly PortsPhase[]): Promise<string[]> {
  const rows = await db
    .selectFrom('containers')
    .select('uuid')
    .where('ports_phase', 'in', phases)
    .orderBy('id')
    .execute();
  return rows.map(({ uuid }) => uuid);
}

/** Of these, the ones that have no row. */
export async function unknownContainers(db: DbOrTrx, uuids: readonly string[]): Promise<string[]> {
  if (uuids.length === 0) return [];
  const rows = await db.selectFrom('containers').select('uuid').where('uuid', 'in', uuids).execute();
  const known = new Set(rows.map(({ uuid }) => uuid));
  return uuids.filter((uuid) => !known.has(uuid));
}

/** What the agent of a host may see: placed there, ports ready. */
export async function containersReadyOn(
  db: DbOrTrx,
  host: string,
  uuids: readonly string[] | undefined,
): Promise<Container[]> {
  let query = db
    .selectFrom('containers')
    .select(containerColumns)
    .where('host', '=', host)
    .where('ports_phase', 'in', visiblePhases);
  if (uuids) query = query.where('uuid', 'in', uuids);
  return (await query.orderBy('id').execute()).map(toContainer);
}

/** Injected files by container; containers without any are left out. */
export async function filesOf(
  db: DbOrTrx,
  uuids: readonly string[],
): Promise<Map<string, readonly InjectedFile[]>> {
  if (uuids.length === 0) return new Map();
  const rows = await db
    .selectFrom('containers')
    .select(['uuid', 'files'])
    .where('uuid', 'in', uuids)
    .where('files', '!=', '[]')
    .execute();
  return new Map(rows.map(({ uuid, files }) => [uuid, JSON.parse(files)]));
}

/** Whose health check fails and whose owner wants them healed. */
export async function unhealthyContainers(db: DbOrTrx): Promise<string[]> {
  const rows = await db
    .selectFrom('containers')
    .select('uuid')
    .where('auto_heal', '=', 1)
    .where('vitals', 'like', '%"status":"unhealthy"%')
    .execute();
  return rows.map(({ uuid }) => uuid);
}
