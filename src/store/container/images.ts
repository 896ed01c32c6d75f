/** Queries on the images that are kept on hosts. */
import type { Selectable } from 'kysely';
import type { ImagePhase, ImageRecord } from '../../model/registry.ts';
import type { DbOrTrx } from '../database.ts';
import type { ContainerImagesTable } from './tables.ts';

function toImage(row: Selectable<ContainerImagesTable>): ImageRecord {
  return {
    id: row.id,
    uuid: row.uuid,
    imageId: row.image_id,
    repo: row.repo,
    tag: row.tag,
    size: row.size,
    projectId: row.project_id,
    host: row.host,
    phase: row.phase as ImagePhase,
    reason: row.reason,
    createdAt: row.created_at,
  };
}

export async function insertImage(db: DbOrTrx, image: Omit<ImageRecord, 'id'>): Promise<void> {
  await db
    .insertInto('container_images')
    .values({
      uuid: image.uuid,
      image_id: image.imageId,
      repo: image.repo,
      tag: image.tag,
      size: image.size,
      project_id: image.projectId,
      host: image.host,
      phase: image.phase,
      reason: image.reason,
      created_at: image.createdAt,
    })
    .execute();
}

export async function imagesOfProject(db: DbOrTrx, projectId: string): Promise<ImageRecord[]> {
  const rows = await db
    .selectFrom('container_images')
    .selectAll()
    .where('project_id', '=', projectId)
    .orderBy('id')
    .execute();
  return rows.map(toImage);
}

export async function imagesInPhase(db: DbOrTrx, phases: readonly ImagePhase[]): Promise<ImageRecord[]> {
  const rows = await db.selectFrom('container_images').selectAll().where('phase', 'in', phases).execute();
  return rows.map(toImage);
}

export async function findImage(db: DbOrTrx, uuid: string): Promise<ImageRecord | undefined> {
  const row = await db.selectFrom('container_images').selectAll().where('uuid', '=', uuid).executeTakeFirst();
  return row && toImage(row);
}

export async function findImageAt(
  db: DbOrTrx,
  place: Pick<ImageRecord, 'repo' | 'tag' | 'host'>,
): Promise<ImageRecord | undefined> {
  const row = await db
    .selectFrom('container_images')
    .selectAll()
    .where('repo', '=', place.repo)
    .where('tag', '=', place.tag)
    .where('host', '=', place.host)
    .executeTakeFirst();
  return row && toImage(row);
}

export type ImageChange = Partial<Pick<ImageRecord, 'imageId' | 'size' | 'phase' | 'reason'>>;

/** Only while it is in that phase: what was decided meanwhile stays. */
export async function updateImage(
  db: DbOrTrx,
  uuid: string,
  { inPhase, ...change }: ImageChange & { readonly inPhase?: ImagePhase },
): Promise<void> {
  const { imageId, ...same } = change;
  let query = db
    .updateTable('container_images')
    .set({ ...same, ...(imageId === undefined ? {} : { image_id: imageId }) })
    .where('uuid', '=', uuid);
  if (inPhase !== undefined) query = query.where('phase', '=', inPhase);
  await query.execute();
}

export async function deleteImage(db: DbOrTrx, uuid: string): Promise<void> {
  await db.deleteFrom('container_images').where('uuid', '=', uuid).execute();
}
