/**
 * Use cases of policies that share objects. Owners share with single projects; administrators with everybody, and only
 * they make networks external.
 *
 * A network is external exactly while some policy offers it as a way out.
 */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import { newUuid, type Uuid } from '../../model/ids.ts';
import {
  everyProject,
  type RbacAction,
  type RbacPolicy,
  type SharedType,
  sharedTypes,
} from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../../store/database.ts';
import { everything, type Scope, type Where } from '../../store/network/common.ts';
import { updateNetwork } from '../../store/network/networks.ts';
import {
  deleteRbacPolicies,
  findRbacPolicies,
  findRbacPolicy,
  insertRbacPolicy,
  retargetRbacPolicy,
} from '../../store/network/rbac-policies.ts';
import type { RbacPolicyRow } from '../../store/network/tables.ts';
import { getAddressGroup } from './address-groups.ts';
import { getAddressScope } from './address-scopes.ts';
import { type Collection, invalidInput, revised } from './collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from './context.ts';
import { getNetwork } from './networks.ts';
import { checkCreate, checkGiven, checkObject } from './policy.ts';
import { getQosPolicy } from './qos-policies.ts';
import { claimQuota } from './quotas.ts';
import { getSecurityGroup } from './security-groups.ts';
import { refuseLoss } from './sharing.ts';
import { getSubnetPool } from './subnet-pools.ts';

export interface RbacPolicyDraft {
  readonly projectId?: string;
  readonly objectType: string;
  readonly objectId: Uuid;
  readonly action: string;
  readonly targetProject: string;
}
export type RbacPolicyChanges = Partial<Pick<RbacPolicyDraft, 'targetProject'>>;
export type RbacPolicies = Collection<RbacPolicy, RbacPolicyDraft, RbacPolicyChanges, Where<RbacPolicyRow>>;

type GetObject = (db: DbOrTrx, id: Uuid, scope: Scope) => Promise<{ readonly projectId: string }>;

/** What can be shared, and how it is looked up. */
const objects: Readonly<Record<SharedType, GetObject>> = {
  network: getNetwork,
  security_group: getSecurityGroup,
  address_group: getAddressGroup,
  address_scope: getAddressScope,
  subnetpool: getSubnetPool,
  qos_policy: getQosPolicy,
};

async function getPolicy(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<RbacPolicy> {
  const policy = await findRbacPolicy(db, id, scope);
  if (policy) return policy;
  throw new Failure('rbac-policy-not-found', `RBAC policy of type unknown with ID ${id} not found`);
}

export function createRbacPolicies(context: NetworkContext): RbacPolicies {
  const { db } = context;
  return {
    list: (caller, where) => findRbacPolicies(db, scopeOf(caller), where),
    get: (caller, id) => getPolicy(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        const made: RbacPolicy[] = [];
        for (const draft of drafts) made.push(await createOne(context, current, caller, draft));
        return made;
      }),

    update: (caller, id, { targetProject }) =>
      change(context, async ({ trx }) => {
        const policy = await getPolicy(trx, id, scopeOf(caller));
        checkObject(context, caller, 'update_rbac_policy', policy);
        if (targetProject === undefined || targetProject === policy.targetProject) return policy;
        checkTarget(context, caller, 'update_rbac_policy', { ...policy, targetProject });
        await refuseSame(trx, { ...policy, targetProject });
        await refuseLoss(trx, policy, await ownerOf(trx, policy), targetProject);
        if (policy.action === 'access_as_external') await refuseHidingDefault(trx, policy);
        await retargetRbacPolicy(trx, id, targetProject);
        return { ...policy, targetProject };
      }),

    remove: (caller, id) =>
      change(context, async (current) => {
        const { trx } = current;
        const policy = await getPolicy(trx, id, scopeOf(caller));
        checkObject(context, caller, 'delete_rbac_policy', policy);
        await refuseLoss(trx, policy, await ownerOf(trx, policy));
        if (policy.action === 'access_as_external') await refuseHidingDefault(trx, policy);
        await deleteRbacPolicies(trx, [id]);
        if (policy.action === 'access_as_external') await followPolicies(current, policy.objectId);
      }),
  };
}

async function createOne(
  context: NetworkContext,
  current: Change,
  caller: Caller,
  draft: RbacPolicyDraft,
): Promise<RbacPolicy> {
  const { trx, now } = current;
  const { projectId = caller.projectId, objectId, targetProject } = draft;
  const [objectType, action] = [parseType(draft.objectType), parseAction(draft)];
  const policy: RbacPolicy = {
    id: newUuid(),
    projectId,
    objectType,
    objectId,
    action,
    targetProject,
    updatedAt: now,
  };
  checkCreate(context, caller, 'create_rbac_policy', { projectId });
  checkTarget(context, caller, 'create_rbac_policy', policy);
  const object = await objects[objectType](trx, objectId, scopeOf(caller));
  if (!caller.isAdmin && object.projectId !== caller.projectId) {
    throw invalidInput('Only admins can manipulate policies on objects they do not own.');
  }
  await refuseSame(trx, policy);
  await claimQuota(context, trx, projectId, { rbac_policy: 1 });
  await insertRbacPolicy(trx, policy);
  if (action === 'access_as_external') await followPolicies(current, objectId);
  return policy;
}

function parseType(text: string): SharedType {
  const type = sharedTypes.find((known) => known === text.trim().toLowerCase());
  if (type) return type;
  throw invalidInput(`'${text}' is not a valid RBAC object type.`);
}

function parseAction({ objectType, action }: RbacPolicyDraft): RbacAction {
  if (action === 'access_as_shared') return action;
  if (action === 'access_as_external' && objectType === 'network') return action;
  throw invalidInput(`Invalid action '${action}' for object type '${objectType}'.`);
}

/** Everybody's affairs are the administrator's, and so is what leads out of the cloud. */
function checkTarget(context: NetworkContext, caller: Caller, verb: string, policy: RbacPolicy): void {
  const { targetProject, action } = policy;
  const attributes = [
    ...(targetProject === everyProject ? ['target_tenant'] : []),
    ...(action === 'access_as_external' ? ['action'] : []),
  ];
  checkGiven(context, caller, verb, { attributes, object: policy });
}

async function refuseSame(trx: Trx, policy: RbacPolicy): Promise<void> {
  const { objectId, action, targetProject } = policy;
  const same = await findRbacPolicies(trx, everything, {
    object_id: [objectId],
    action: [action],
    target_project: [targetProject],
  });
  if (same.length > 0) {
    throw new Failure('rbac-policy-exists', 'An RBAC policy already exists with those values.');
  }
}

async function ownerOf(trx: Trx, { objectType, objectId }: RbacPolicy): Promise<string> {
  return (await objects[objectType](trx, objectId, everything)).projectId;
}

async function refuseHidingDefault(trx: Trx, { objectId, targetProject }: RbacPolicy): Promise<void> {
  const network = await getNetwork(trx, objectId);
  if (targetProject !== everyProject || !network.isDefault) return;
  throw new Failure(
    'rbac-policy-in-use',
    `RBAC policy on object ${objectId} cannot be removed because other objects depend on it.\n` +
      'Details: Default external networks must be shared to everyone.',
  );
}

async function followPolicies({ trx, now, concerned }: Change, networkId: Uuid): Promise<void> {
  const network = await getNetwork(trx, networkId);
  const ways = await findRbacPolicies(trx, everything, {
    object_id: [networkId],
    action: ['access_as_external'],
  });
  const external = ways.length > 0;
  if (external === network.external) return;
  await updateNetwork(trx, revised(network, { external }, now));
  await concerned.networks([networkId]);
}
