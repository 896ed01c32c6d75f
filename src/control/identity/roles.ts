/** Use cases of roles, and what a role implies. */
import { Failure } from '../../model/failure.ts';
import type { Implication, Role } from '../../model/identity.ts';
import { newHexId } from '../../model/ids.ts';
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
    return this.#save({ id: newHexId(), description: null, immutable: false, ...fields });
  }

  async update(id: string, fields: RoleFields): Promise<Role> {
    const role = await this.get(id);
    const unlocks = fields.immutable === false;
    if (role.immutable && !unlocks) throw immutable(role);
    return this.#save({ ...role, ...fields });
  }

  async remove(id: string): Promise<void> {
    const role = await this.get(id);
    if (role.immutable) throw immutable(role);
    await this.#changes.run((trx) => deleteRole(trx, id), { keepAdmin: true });
  }

  implications(): Promise<Implication[]> {
    return listImplications(this.#changes.db);
  }

  async imply(implication: Implication): Promise<void> {
    const prior = await this.get(implication.priorId);
    const implied = await this.get(implication.impliedId);
    const circle = withImplied([implied.id], await this.implications());
    if (circle.has(prior.id)) {
      throw new Failure('validation-error', `Role ${implied.name} already implies ${prior.name}.`);
    }
    await this.#changes.run((trx) => addImplication(trx, implication));
  }

  async unimply(implication: Implication): Promise<void> {
    await this.#changes.run((trx) => removeImplication(trx, implication));
  }

  /** Makes the role unless one of that name is there. */
  async ensure(wanted: RoleFields & { readonly name: string }): Promise<Role> {
    const [there] = await this.list({ name: wanted.name });
    return there ?? this.create(wanted);
  }

  async #save(role: Role): Promise<Role> {
    await this.#changes.run((trx) => saveRole(trx, role), {
      taken: `Conflict occurred attempting to store role: the name ${role.name} is taken.`,
      keepAdmin: true,
    });
    return role;
  }
}

function immutable(role: Role): Failure {
  return new Failure(
    'policy-not-authorized',
    `Role ${role.name} is immutable: it cannot be changed or deleted.`,
  );
}
