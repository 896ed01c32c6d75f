/** Use cases of roles, and what a role implies. */
import { Failure } from '../../model/failure.ts';
import type { Implication, Role } from '../../model/identity.ts';
import { newHexId } from '../../model/ids.ts';
import type { Trx } from '../../store/database.ts';
import {
  addImplication,
  deleteRole,
  findRole,
  listImplications,
  listRoles,
  removeImplication,
  saveRole,
} from '../../store/identity/roles.ts';
import type { Changes } from './changes.ts';
import { found } from './not-found.ts';

export type RoleFields = Partial<Pick<Role, 'name' | 'description' | 'immutable'>>;

/** The roles and all that they imply, directly or not. */
export function withImplied(
  roleIds: Iterable<string>,
  implications: readonly Implication[],
): ReadonlySet<string> {
  const all = new Set<string>(roleIds);
  // A Set may grow while it is walked: what is added is walked too.
  for (const id of all) {
    for (const { priorId, impliedId } of implications) if (priorId === id) all.add(impliedId);
  }
  return all;
}

export class Roles {
  readonly #changes: Changes;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  list(filter: { readonly name?: string | undefined } = {}): Promise<Role[]> {
    return listRoles(this.#changes.db, filter);
  }

  async get(id: string): Promise<Role> {
    return found('role', id, await findRole(this.#changes.db, id));
  }

  create(fields: RoleFields & { readonly name: string }): Promise<Role> {
    return this.#save(async () => ({ id: newHexId(), description: null, immutable: false, ...fields }));
  }

  /** An immutable role can only be made mutable first. */
  update(id: string, fields: RoleFields): Promise<Role> {
    return this.#save(async (trx) => {
      const role = found('role', id, await findRole(trx, id));
      if (role.immutable && fields.immutable !== false) throw immutable(role);
      return { ...role, ...fields };
    });
  }

  remove(id: string): Promise<void> {
    return this.#changes.run(
      async (trx) => {
        const role = found('role', id, await findRole(trx, id));
        if (role.immutable) throw immutable(role);
        await deleteRole(trx, id);
      },
      { keepAdmin: true },
    );
  }

  implications(): Promise<Implication[]> {
    return listImplications(this.#changes.db);
  }

  imply(implication: Implication): Promise<void> {
    return this.#changes.run(async (trx) => {
      const prior = found('role', implication.priorId, await findRole(trx, implication.priorId));
      const implied = found('role', implication.impliedId, await findRole(trx, implication.impliedId));
      if (withImplied([implied.id], await listImplications(trx)).has(prior.id)) {
        throw new Failure('validation-error', `Role ${implied.name} already implies ${prior.name}.`);
      }
      await addImplication(trx, implication);
    });
  }

  async unimply(implication: Implication): Promise<void> {
    await this.#changes.run((trx) => removeImplication(trx, implication));
  }

  /** Makes the role unless one of that name is there. */
  async ensure(wanted: RoleFields & { readonly name: string }): Promise<Role> {
    const [there] = await this.list({ name: wanted.name });
    return there ?? this.create(wanted);
  }

  /** `compose` reads and merges inside the transaction, so that changes at the same time do not undo each other. */
  #save(compose: (trx: Trx) => Promise<Role>): Promise<Role> {
    const write = async (trx: Trx): Promise<Role> => {
      const role = await compose(trx);
      await saveRole(trx, role);
      return role;
    };
    return this.#changes.run(write, {
      taken: 'Conflict occurred attempting to store role: there is another of that name.',
      keepAdmin: true,
    });
  }
}

function immutable(role: Role): Failure {
  return new Failure(
    'policy-not-authorized',
    `Role ${role.name} is immutable: it cannot be changed or deleted.`,
  );
}
