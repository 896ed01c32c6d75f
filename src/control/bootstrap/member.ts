/** Somebody who acts without a request: the first start, and Kuryr on behalf of its project. */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import { adminRole, type Project, type User } from '../../model/identity.ts';
import { newRequestId } from '../../model/ids.ts';
import { defaultDomainId } from '../identity/domains.ts';
import type { Identity } from '../identity/identity.ts';

export interface Member {
  readonly caller: Caller;
  readonly roleId: string;
}

export function toCaller(
  user: Pick<User, 'id' | 'name' | 'domainId'>,
  project: Project,
  role: string,
): Caller {
  return {
    requestId: newRequestId(),
    userId: user.id,
    userName: user.name,
    userDomainId: user.domainId,
    projectId: project.id,
    projectName: project.name,
    projectDomainId: project.domainId,
    roles: role === adminRole ? [adminRole, 'member', 'reader'] : [role, 'reader'],
    isAdmin: role === adminRole,
  };
}

/** The caller in whose name Kuryr makes networks for plain Docker: a member of the project, and no user of it. */
export async function findProjectCaller(identity: Identity, projectName: string): Promise<Caller> {
  const [project] = await identity.projects.list({ name: projectName, domainId: defaultDomainId });
  if (!project) {
    throw new Failure('project-not-found', `setting kuryr.project: there is no project "${projectName}"`);
  }
  const user = { id: 'kuryr', name: 'kuryr', domainId: defaultDomainId };
  return toCaller(user, project, 'member');
}
