/**
 * Use cases of application credentials: log-ins for programs, made by a user for one project.
 *
 * The secret is shown once, when it is made; afterwards only its hash exists. A credential never grants more than
 * its maker holds: roles are checked when it is made and again whenever a token of it is used.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { Failure } from '../../model/failure.ts';
import type { AccessRule, ApplicationCredential, Named, Token } from '../../model/identity.ts';
import { newHexId } from '../../model/ids.ts';
import {
  deleteApplicationCredential,
  findApplicationCredential,
  insertApplicationCredential,
  listApplicationCredentials,
} from '../../store/identity/application-credentials.ts';
import type { Changes } from './changes.ts';
import { found } from './not-found.ts';
import type { Passwords } from './passwords.ts';

const secretBytes = 64;

export interface NewCredential {
  readonly name: string;
  readonly description: string | null;
  /** Absent = one is made. */
  readonly secret?: string | undefined;
  /** Absent = all roles of the token. */
  readonly roles?: readonly ({ readonly id: string } | { readonly name: string })[] | undefined;
  readonly accessRules: readonly Omit<AccessRule, 'id'>[] | null;
  readonly unrestricted: boolean;
  readonly expiresAt: Date | null;
}

export interface CredentialWithSecret {
  readonly credential: ApplicationCredential;
  readonly secret: string;
}

export class ApplicationCredentials {
  readonly #changes: Changes;
  readonly #passwords: Passwords;
  readonly #clock: Clock;

  constructor(changes: Changes, passwords: Passwords, clock: Clock) {
    this.#changes = changes;
    this.#passwords = passwords;
    this.#clock = clock;
  }

  list(
    userId: string,
    filter: { readonly name?: string | undefined } = {},
  ): Promise<ApplicationCredential[]> {
    return listApplicationCredentials(this.#changes.db, { userId, ...filter });
  }

  /** Somebody else's is not found. */
  async get(userId: string, id: string): Promise<ApplicationCredential> {
    const credential = await findApplicationCredential(this.#changes.db, id);
    return found('application credential', id, credential?.userId === userId ? credential : undefined);
  }

  async create(token: Token, wanted: NewCredential): Promise<CredentialWithSecret> {
    assertMayManage(token);
    if (token.scope.kind !== 'project') {
      throw new Failure('invalid', 'An application credential needs a token that is scoped to a project.');
    }
    if (wanted.expiresAt && wanted.expiresAt <= this.#clock.now()) {
      throw new Failure('invalid', `expires_at: ${wanted.expiresAt.toISOString()} is in the past.`);
    }
    const secret = wanted.secret ?? randomBytes(secretBytes).toString('base64url');
    const credential: ApplicationCredential = {
      id: newHexId(),
      userId: token.user.id,
      projectId: token.scope.project.id,
      name: wanted.name,
      description: wanted.description,
      roleIds: rolesOf(token, wanted).map(({ id }) => id),
      accessRules: wanted.accessRules?.map((rule) => ({ id: newHexId(), ...rule })) ?? null,
      unrestricted: wanted.unrestricted,
      expiresAt: wanted.expiresAt?.toISOString() ?? null,
    };
    const hash = await this.#passwords.hash(secret);
    await this.#changes.run((trx) => insertApplicationCredential(trx, credential, hash), {
      taken: `Conflict occurred attempting to store application_credential: you have another with the name ${wanted.name}.`,
    });
    return { credential, secret };
  }

  async remove(token: Token, userId: string, id: string): Promise<void> {
    assertMayManage(token);
    await this.get(userId, id);
    await this.#changes.run((trx) => deleteApplicationCredential(trx, id));
  }
}

/** Else a stolen restricted credential could make itself a successor. */
function assertMayManage(token: Token): void {
  if (token.applicationCredential && !token.applicationCredential.unrestricted) {
    throw new Failure(
      'policy-not-authorized',
      'A restricted application credential cannot manage application credentials.',
    );
  }
}

function rolesOf(token: Token, wanted: NewCredential): readonly Named[] {
  return (
    wanted.roles?.map((ref) => {
      const role = token.roles.find(({ id, name }) => ('id' in ref ? id === ref.id : name === ref.name));
      if (role) return role;
      const asked = 'id' in ref ? ref.id : ref.name;
      throw new Failure('invalid', `roles: you do not have the role ${asked} in this project.`);
    }) ?? token.roles
  );
}
