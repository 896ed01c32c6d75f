/**
 * Queries for policies that share objects with other projects, and for what they make visible.
 *
 * A project sees the policies that it made; what they share it sees with the object itself (`sharedWith`).
 */
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Uuid } from '../../model/ids.ts';
import type { RbacAction, RbacPolicy, SharedType } from '../../model/network.ts';
import { everyProject } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import type { Tables } from '../tables.ts';
import { everything, groupBy, inPieces, matching, type Scope, type Where } from './common.ts';
import type { RbacPolicyRow } from './tables.ts';

export async function findRbacPolicies(
  db: DbOrTrx,
  scope: Scope,
  where: Where<RbacPolicyRow> = {},
): Promise<RbacPolicy[]> {
  let query = db
    .selectFrom('rbac_policies')
    .selectAll()
    .where((eb) => matching(eb, 'rbac_policies', where));
  if (scope.kind === 'project') query = query.where('project_id', '=', scope.projectId);
  const rows = await query.orderBy('created_at').orderBy('id').execute();
  return rows.map(toPolicy);
}

export async function findRbacPolicy(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<RbacPolicy | undefined> {
  return (await findRbacPolicies(db, scope, { id: [id] }))[0];
}

export async function insertRbacPolicy(trx: Trx, policy: RbacPolicy): Promise<void> {
  await trx.insertInto('rbac_policies').values(toRow(policy)).execute();
}

export async function retargetRbacPolicy(trx: Trx, id: Uuid, targetProject: string): Promise<void> {
  await trx
    .updateTable('rbac_policies')
    .set({ target_project: targetProject })
    .where('id', '=', id)
    .execute();
}

export async function deleteRbacPolicies(trx: Trx, ids: readonly Uuid[]): Promise<void> {
  if (ids.length > 0) await trx.deleteFrom('rbac_policies').where('id', 'in', ids).execute();
}

/** Object → projects that it is shared with (`access_as_shared`). */
export async function sharedWithOf(db: DbOrTrx, objectIds: readonly Uuid[]): Promise<Map<Uuid, string[]>> {
  const rows = await inPieces(objectIds, (piece) =>
    db
      .selectFrom('rbac_policies')
      .select(['object_id', 'target_project'])
      .where('object_id', 'in', piece)
      .where('action', '=', 'access_as_shared')
      .orderBy('target_project')
      .execute(),
  );
  return groupBy(
    rows,
    (row) => row.object_id,
    (row) => row.target_project,
  );
}

/** Ids of the objects of that type which policies let the project see, as a sub-query. */
export function visibleTo(
  db: DbOrTrx,
  type: SharedType,
  projectId: string,
  actions: readonly RbacAction[] = ['access_as_shared'],
) {
  return db
    .selectFrom('rbac_policies')
    .select('object_id')
    .where('object_type', '=', type)
    .where('target_project', 'in', [everyProject, projectId])
    .where('action', 'in', actions);
}

/** The condition that an object is the project's own or shared with it; without a project everything is visible. */
export function ownOrShared(db: DbOrTrx, type: SharedType, scope: Scope) {
  return <Table extends keyof Tables>(eb: ExpressionBuilder<Tables, Table>): Expression<SqlBool> => {
    if (scope.kind === 'everything') return sql<SqlBool>`1 = 1`;
    const { projectId } = scope;
    return eb.or([
      eb(eb.ref('project_id' as never), '=', projectId as never),
      eb(eb.ref('id' as never), 'in', visibleTo(db, type, projectId) as never),
    ]);
  };
}

/** An object goes: its tags go with it, and the policies that share it. */
export async function forgetObjects(trx: Trx, ids: readonly Uuid[]): Promise<void> {
  await inPieces(ids, async (piece) => {
    await trx.deleteFrom('network_tags').where('resource_id', 'in', piece).execute();
    await trx.deleteFrom('rbac_policies').where('object_id', 'in', piece).execute();
    return [];
  });
}

function toPolicy(row: RbacPolicyRow): RbacPolicy {
  return {
    id: row.id,
    projectId: row.project_id,
    objectType: row.object_type as SharedType,
    objectId: row.object_id,
    action: row.action as RbacAction,
    targetProject: row.target_project,
    updatedAt: row.created_at,
  };
}

function toRow(policy: RbacPolicy): RbacPolicyRow {
  return {
    id: policy.id,
    project_id: policy.projectId,
    object_type: policy.objectType,
    object_id: policy.objectId,
    action: policy.action,
    target_project: policy.targetProject,
    created_at: policy.updatedAt,
  };
}
