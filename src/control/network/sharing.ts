/**
 * How objects become shared and stop being so. Sharing with everybody (`shared` in the API) is a policy like any other,
 * with the target `*`.
 *
 * Sharing ends only where nobody but the owner uses it: whoever is left out must have another policy, or no use.
 */
import { Failure } from '../../model/failure.ts';
import { newUuid, type Uuid } from '../../model/ids.ts';
import { everyProject, type RbacAction, type RbacPolicy, type SharedType } from '../../model/network.ts';
import type { Trx } from '../../store/database.ts';
import { everything } from '../../store/network/common.ts';
import { projectsRoutedThrough, projectsUsing } from '../../store/network/dependents.ts';
import { deleteRbacPolicies, findRbacPolicies, insertRbacPolicy } from '../../store/network/rbac-policies.ts';
import type { Change } from './context.ts';

export interface SharedObject {
  readonly type: SharedType;
  readonly id: Uuid;
  readonly projectId: string;
  /** Default: sharing. */
  readonly action?: RbacAction;
}

/** Shares the object with everybody, or no longer; nothing happens when it is so already. */
export async function setShared(current: Change, object: SharedObject, isShared: boolean): Promise<void> {
  const { trx, now } = current;
  const { type, id, projectId, action = 'access_as_shared' } = object;
  const [known] = await findRbacPolicies(trx, everything, {
    object_id: [id],
    action: [action],
    target_project: [everyProject],
  });
  if (isShared && !known) {
    await insertRbacPolicy(trx, {
      id: newUuid(),
      projectId,
      objectType: type,
      objectId: id,
      action,
      targetProject: everyProject,
      updatedAt: now,
    });
  }
  if (!isShared && known) {
    await refuseLoss(trx, known, projectId);
    await deleteRbacPolicies(trx, [known.id]);
  }
}

/** Throws when a project that uses the object would no longer be allowed to without the policy. */
export async function refuseLoss(
  trx: Trx,
  policy: RbacPolicy,
  ownerId: string,
  instead?: string,
): Promise<void> {
  const { objectType, objectId, action } = policy;
  const policies = await findRbacPolicies(trx, everything, { object_id: [objectId], action: [action] });
  const others = policies.filter(({ id }) => id !== policy.id).map(({ targetProject }) => targetProject);
  const left = [ownerId, ...others, ...(instead === undefined ? [] : [instead])];
  if (left.includes(everyProject)) return;
  const users =
    action === 'access_as_external'
      ? await projectsRoutedThrough(trx, objectId)
      : await projectsUsing(trx, objectType, objectId);
  const isCovered = (user: string) => policy.targetProject === everyProject || policy.targetProject === user;
  const lost = users.find((user) => isCovered(user) && !left.includes(user));
  if (lost === undefined) return;
  if (objectType === 'network' && action === 'access_as_shared') {
    throw new Failure(
      'sharing-in-use',
      `Unable to reconfigure sharing settings for network ${objectId}. Multiple tenants are using it.`,
    );
  }
  throw new Failure(
    'rbac-policy-in-use',
    `RBAC policy on object ${objectId} cannot be removed because other objects depend on it.\nDetails: ` +
      (action === 'access_as_external'
        ? 'There are routers attached to this network that depend on this policy for access.'
        : `project_id=${policy.targetProject}`),
  );
}
