/** Use cases of role assignments: who has which role where. */
import { Failure } from '../../model/failure.ts';
import type { Assignment, Target } from '../../model/identity.ts';
import type { DbOrTrx } from '../../store/database.ts';
import {
  type AssignmentFilter,
  addAssignment,
  listAssignments,
  removeAssignment,
} from '../../store/identity/assignments.ts';
import { findDomain } from '../../store/identity/domains.ts';
import { findProject } from '../../store/identity/projects.ts';
import { findRole, listImplications } from '../../store/identity/roles.ts';
import { findUser } from '../../store/identity/users.ts';
import type { Changes } from './changes.ts';
import { found } from './not-found.ts';
import { withImplied } from './roles.ts';

export class Assignments {
  readonly #changes: Changes;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  list(filter: AssignmentFilter = {}): Promise<Assignment[]> {
    return listAssignments(this.#changes.db, filter);
  }

  /** With the roles that the assigned ones imply, each once. */
  async listEffective(filter: AssignmentFilter = {}): Promise<Assignment[]> {
    const implications = await listImplications(this.#changes.db);
    const effective = new Map<string, Assignment>();
    for (const assignment of await this.list(filter)) {
      for (const roleId of withImplied([assignment.roleId], implications)) {
        effective.set(JSON.stringify([assignment.userId, roleId, assignment.target]), {
          ...assignment,
          roleId,
        });
      }
    }
    return [...effective.values()];
  }

  /** Throws the 404 of whatever is missing: user, role, target, or the assignment itself. */
  async get(assignment: Assignment): Promise<void> {
    await checkParts(this.#changes.db, assignment);
    const { userId, target } = assignment;
    const there = await this.list({ userId, target });
    if (!there.some(({ roleId }) => roleId === assignment.roleId)) throw notAssigned(assignment);
  }

  /** Idempotent. */
  async add(assignment: Assignment): Promise<void> {
    await this.#changes.run(async (trx) => {
      await checkParts(trx, assignment);
      await addAssignment(trx, assignment);
    });
  }

  async remove(assignment: Assignment): Promise<void> {
    await this.#changes.run(
      async (trx) => {
        await checkParts(trx, assignment);
        if (!(await removeAssignment(trx, assignment))) throw notAssigned(assignment);
      },
      { keepAdmin: true },
    );
  }

  /** Throws the target's 404. */
  checkTarget(target: Target): Promise<void> {
    return checkTarget(this.#changes.db, target);
  }
}

async function checkParts(db: DbOrTrx, { userId, roleId, target }: Assignment): Promise<void> {
  found('user', userId, await findUser(db, userId));
  found('role', roleId, await findRole(db, roleId));
  await checkTarget(db, target);
}

async function checkTarget(db: DbOrTrx, target: Target): Promise<void> {
  if (target.kind === 'project') found('project', target.id, await findProject(db, target.id));
  if (target.kind === 'domain') found('domain', target.id, await findDomain(db, target.id));
}

function notAssigned({ userId, roleId, target }: Assignment): Failure {
  const on = target.kind === 'system' ? 'the system' : `${target.kind} ${target.id}`;
  return new Failure(
    'resource-not-found',
    `Could not find role assignment with role: ${roleId}, user: ${userId}, on ${on}.`,
  );
}
