/** A user as the caller that a token of theirs would make them, without a token: to explain what they may do. */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import { adminRole, type Project, type User } from '../../model/identity.ts';
import { newRequestId } from '../../model/ids.ts';
import { defaultDomainId } from './domains.ts';
import type { Identity } from './identity.ts';

/** By id, or by name in the default domain. Without a project: the only one in which the user has a role. */
export async function findSubject(identity: Identity, user: string, project: string | null): Promise<Caller> {
  const found = await findUser(identity, user);
  const scope = await findScope(identity, found, project);
  const target = { kind: 'project', id: scope.id } as const;
  const assigned = await identity.assignments.listEffective({ userId: found.id, target });
  const ids = new Set(assigned.map(({ roleId }) => roleId));
  const roles = (await identity.roles.list()).filter(({ id }) => ids.has(id)).map(({ name }) => name);
  return {
    requestId: newRequestId(),
    userId: found.id,
    userName: found.name,
    userDomainId: found.domainId,
    projectId: scope.id,
    projectName: scope.name,
    projectDomainId: scope.domainId,
    roles,
    isAdmin: roles.includes(adminRole),
  };
}

async function findUser({ users }: Identity, ident: string): Promise<User> {
  const all = await users.list();
  const found =
    all.find(({ id }) => id === ident) ??
    all.find(({ name, domainId }) => name === ident && domainId === defaultDomainId);
  if (!found) throw new Failure('user-not-found', `User ${ident} could not be found.`);
  return found;
}

async function findScope(
  { projects, assignments }: Identity,
  user: User,
  ident: string | null,
): Promise<Project> {
  const all = await projects.list();
  if (ident !== null) {
    const found =
      all.find(({ id }) => id === ident) ??
      all.find(({ name, domainId }) => name === ident && domainId === defaultDomainId);
    if (!found) throw new Failure('project-not-found', `Project ${ident} could not be found.`);
    return found;
  }
  const targets = (await assignments.list({ userId: user.id })).map(({ target }) => target);
  const own = all.filter(({ id }) => targets.some((target) => target.kind === 'project' && target.id === id));
  const [only] = own;
  if (only && own.length === 1) return only;
  const names = own.map(({ name }) => name).join(', ') || 'none';
  throw new Failure(
    'invalid-value',
    `${user.name} has a role in several projects or none (${names}): name one`,
  );
}
