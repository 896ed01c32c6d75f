/** Queries of role assignments. What a role implies is not expanded here: control/identity/roles.ts does that. */
import type { Assignment, Target } from '../../model/identity.ts';
import type { DbOrTrx } from '../database.ts';
import type { RoleAssignmentRow } from './tables.ts';

const wholeSystem = 'all';

function toTarget(row: RoleAssignmentRow): Target {
  return row.target_kind === 'system' ? { kind: 'system' } : { kind: row.target_kind, id: row.target_id };
}

function toRow({ userId, roleId, target }: Assignment): RoleAssignmentRow {
  return { user_id: userId, role_id: roleId, target_kind: target.kind, target_id: targetId(target) };
}

function targetId(target: Target): string {
  return target.kind === 'system' ? wholeSystem : target.id;
}

export interface AssignmentFilter {
  readonly userId?: string | undefined;
  readonly target?: Target | undefined;
}

export async function listAssignments(db: DbOrTrx, filter: AssignmentFilter = {}): Promise<Assignment[]> {
  let query = db
    .selectFrom('role_assignments')
    .selectAll()
    .orderBy('target_kind')
    .orderBy('target_id')
    .orderBy('user_id')
    .orderBy('role_id');
  if (filter.userId !== undefined) query = query.where('user_id', '=', filter.userId);
  if (filter.target !== undefined) {
    query = query
      .where('target_kind', '=', filter.target.kind)
      .where('target_id', '=', targetId(filter.target));
  }
  const rows = await query.execute();
  return rows.map((row) => ({ userId: row.user_id, roleId: row.role_id, target: toTarget(row) }));
}

/** Idempotent. */
export async function addAssignment(db: DbOrTrx, assignment: Assignment): Promise<void> {
  await db
    .insertInto('role_assignments')
    .values(toRow(assignment))
    .onConflict((conflict) =>
      conflict.columns(['user_id', 'target_kind', 'target_id', 'role_id']).doNothing(),
    )
    .execute();
}

/** Returns false when there was none. */
export async function removeAssignment(db: DbOrTrx, assignment: Assignment): Promise<boolean> {
  const row = toRow(assignment);
  const result = await db
    .deleteFrom('role_assignments')
    .where('user_id', '=', row.user_id)
    .where('role_id', '=', row.role_id)
    .where('target_kind', '=', row.target_kind)
    .where('target_id', '=', row.target_id)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function removeAssignmentsOn(db: DbOrTrx, target: Target): Promise<void> {
  await db
    .deleteFrom('role_assignments')
    .where('target_kind', '=', target.kind)
    .where('target_id', '=', targetId(target))
    .execute();
}

/** How many enabled users hold the role named `roleName` on the system, an enabled project or an enabled domain. */
export async function countHolders(db: DbOrTrx, roleName: string): Promise<number> {
  const rows = await db
    .selectFrom('role_assignments')
    .innerJoin('roles', 'roles.id', 'role_assignments.role_id')
    .innerJoin('users', 'users.id', 'role_assignments.user_id')
    .innerJoin('domains', 'domains.id', 'users.domain_id')
    .leftJoin('projects', 'projects.id', 'role_assignments.target_id')
    .leftJoin('domains as targets', (join) =>
      join.on((on) =>
        on.or([
          on('targets.id', '=', on.ref('projects.domain_id')),
          on('targets.id', '=', on.ref('role_assignments.target_id')),
        ]),
      ),
    )
    .select('role_assignments.user_id')
    .distinct()
    .where('roles.name', '=', roleName)
    .where('users.enabled', '=', 1)
    .where('domains.enabled', '=', 1)
    .where((on) => on.or([on('projects.enabled', 'is', null), on('projects.enabled', '=', 1)]))
    .where((on) => on.or([on('targets.enabled', 'is', null), on('targets.enabled', '=', 1)]))
    .execute();
  return rows.length;
}
