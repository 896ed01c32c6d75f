/**
 * Use cases of users.
 *
 * A new password, or being disabled, raises the user's generation: every token made before is dead, and stays so
 * when the user is enabled again.
 */
import type { User } from '../../model/identity.ts';
import { newHexId } from '../../model/ids.ts';
import type { Trx } from '../../store/database.ts';
import { findDomain } from '../../store/identity/domains.ts';
import { findProject } from '../../store/identity/projects.ts';
import {
  deleteUser,
  findPasswordHash,
  findUser,
  listUsers,
  saveUser,
  setPasswordHash,
  type UserFilter,
} from '../../store/identity/users.ts';
import type { Attempts } from './attempts.ts';
import type { Changes } from './changes.ts';
import { found, unauthorized } from './not-found.ts';
import type { Passwords } from './passwords.ts';

export type UserFields = Partial<
  Pick<User, 'name' | 'description' | 'email' | 'enabled' | 'defaultProjectId'>
> & {
  /** Null = no password: the user cannot log in with one. */
  readonly password?: string | null;
};

export type NewUser = UserFields & { readonly name: string; readonly domainId: string };

export class Users {
  readonly #changes: Changes;
  readonly #passwords: Passwords;
  readonly #attempts: Attempts;

  constructor(changes: Changes, passwords: Passwords, attempts: Attempts) {
    this.#changes = changes;
    this.#passwords = passwords;
    this.#attempts = attempts;
  }

  list(filter: UserFilter = {}): Promise<User[]> {
    return listUsers(this.#changes.db, filter);
  }

  async get(id: string): Promise<User> {
    return found('user', id, await findUser(this.#changes.db, id));
  }

  create({ password, ...fields }: NewUser): Promise<User> {
    const blank = { description: null, email: null, enabled: true, defaultProjectId: null, generation: 0 };
    const user: User = { id: newHexId(), ...blank, ...fields };
    return this.#save(password, async (trx) => {
      found('domain', user.domainId, await findDomain(trx, user.domainId));
      return user;
    });
  }

  update(id: string, { password, ...fields }: UserFields): Promise<User> {
    return this.#save(password, async (trx) => {
      const user = found('user', id, await findUser(trx, id));
      const endsTokens = password !== undefined || (user.enabled && fields.enabled === false);
      return { ...user, ...fields, generation: user.generation + (endsTokens ? 1 : 0) };
    });
  }

  /** The user's own change: needs the old password, and counts as a log-in attempt. */
  async changePassword(
    id: string,
    change: { readonly original: string; readonly password: string; readonly address: string },
  ): Promise<void> {
    const user = await findUser(this.#changes.db, id);
    const hash = user ? await findPasswordHash(this.#changes.db, id) : null;
    const isRight = await this.#attempts.try({ address: change.address, subject: id }, () =>
      this.#passwords.matches(change.original, hash),
    );
    if (!isRight || !user?.enabled) throw unauthorized();
    await this.update(id, { password: change.password });
  }

  async remove(id: string): Promise<void> {
    await this.#changes.run(
      async (trx) => {
        found('user', id, await findUser(trx, id));
        await deleteUser(trx, id);
      },
      { keepAdmin: true },
    );
  }

  /** Makes the user unless the domain has one of that name, whose password then stays as it is. */
  async ensure(wanted: NewUser): Promise<{ readonly user: User; readonly isNew: boolean }> {
    const [there] = await this.list({ name: wanted.name, domainId: wanted.domainId });
    return there ? { user: there, isNew: false } : { user: await this.create(wanted), isNew: true };
  }

  /** `compose` reads and merges inside the transaction, so that changes at the same time do not undo each other. */
  async #save(password: string | null | undefined, compose: (trx: Trx) => Promise<User>): Promise<User> {
    // Hashed before the transaction: nothing but the database may be awaited inside it.
    const hash = typeof password === 'string' ? await this.#passwords.hash(password) : password;
    const write = async (trx: Trx): Promise<User> => {
      const user = await compose(trx);
      const { defaultProjectId } = user;
      if (defaultProjectId !== null) {
        found('project', defaultProjectId, await findProject(trx, defaultProjectId));
      }
      await saveUser(trx, user);
      if (hash !== undefined) await setPasswordHash(trx, user.id, hash);
      return user;
    };
    return this.#changes.run(write, {
      taken: 'Conflict occurred attempting to store user: its domain has another user of that name.',
      keepAdmin: true,
    });
  }
}
