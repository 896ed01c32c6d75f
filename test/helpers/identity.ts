/**
 * An identity service in memory, on a clock moved by hand, for tests of every API. `addUser('alice')` makes a user
 * and a project of that name; the password is `alice-password`.
 */
import type { Clock } from '../../src/base/clock.ts';
import { Identity } from '../../src/control/identity/identity.ts';
import type { ScopeRef } from '../../src/control/identity/log-in.ts';
import type { Project, User } from '../../src/model/identity.ts';
import { type Db, openDatabase } from '../../src/store/database.ts';
import { HandClock } from './clock.ts';

export interface TestUser {
  readonly user: User;
  readonly project: Project;
  readonly password: string;
}

export class TestIdentity {
  /** Moves nothing when the test brought its own clock. */
  readonly clock: HandClock;
  readonly db: Db;
  readonly identity: Identity;

  static async open(
    options: { readonly logInsPerMinute?: number; readonly clock?: Clock } = {},
  ): Promise<TestIdentity> {
    const db = await openDatabase(':memory:');
    const clock = new HandClock();
    const identity = await Identity.open({ db, clock, tokenSeconds: 3600, logInsPerMinute: 30, ...options });
    await identity.ensureFoundation();
    return new TestIdentity(db, identity, clock);
  }

  private constructor(db: Db, identity: Identity, clock: HandClock) {
    this.db = db;
    this.identity = identity;
    this.clock = clock;
  }

  /** A project, and a user of the same name with `role` on it. */
  async addUser(name: string, role = 'member'): Promise<TestUser> {
    const { projects, users, roles, assignments } = this.identity;
    const project = await projects.ensure({ name, domainId: 'default' });
    const password = `${name}-password`;
    const { user } = await users.ensure({
      name,
      domainId: 'default',
      password,
      defaultProjectId: project.id,
    });
    const { id: roleId } = await roles.ensure({ name: role });
    await assignments.add({ userId: user.id, roleId, target: { kind: 'project', id: project.id } });
    return { user, project, password };
  }

  /** The text of a token, scoped to the user's own project unless told otherwise. */
  async token({ user, password }: TestUser, scope: ScopeRef = { kind: 'absent' }): Promise<string> {
    const issued = await this.identity.logIn.authenticate({
      credentials: { method: 'password', user: { id: user.id }, password },
      scope,
      address: '192.0.2.1',
    });
    return issued.text;
  }

  async close(): Promise<void> {
    await this.db.destroy();
  }
}
