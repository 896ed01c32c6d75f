/**
 * Use cases of QoS policies and their rules. Administrators make them; whoever sees one may give it to ports and
 * networks. What hosts enforce is a limit per direction, so that is the only kind of rule.
 */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import { newUuid, type Uuid } from '../../model/ids.ts';
import { type BandwidthLimit, everyProject, type QosPolicy } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../../store/database.ts';
import { everything, type Scope, type Where } from '../../store/network/common.ts';
import {
  deleteBandwidthLimit,
  deleteQosPolicy,
  findPolicyOfLimit,
  findQosPolicies,
  findQosPolicy,
  findUseOfPolicy,
  insertQosPolicy,
  saveBandwidthLimit,
  updateQosPolicy,
} from '../../store/network/qos-policies.ts';
import type { QosPolicyRow } from '../../store/network/tables.ts';
import { type Collection, checkRevision, newborn, revised } from './collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from './context.ts';
import { checkCloud } from './policy.ts';
import { setShared } from './sharing.ts';

export interface QosPolicyDraft {
  readonly projectId?: string;
  readonly name?: string;
  readonly description?: string;
  readonly shared?: boolean;
  readonly isDefault?: boolean;
}
export type QosPolicyChanges = Omit<QosPolicyDraft, 'projectId'>;

export interface BandwidthLimitDraft {
  readonly maxKbps: number;
  readonly maxBurstKbps?: number;
  readonly direction?: BandwidthLimit['direction'];
}

export interface QosPolicies
  extends Collection<QosPolicy, QosPolicyDraft, QosPolicyChanges, Where<QosPolicyRow>> {
  /** The policy's rules; throws `qos-rule-not-found` for one that it has not. */
  getLimit(caller: Caller, policyId: Uuid, id: Uuid): Promise<BandwidthLimit>;
  addLimit(caller: Caller, policyId: Uuid, draft: BandwidthLimitDraft): Promise<BandwidthLimit>;
  changeLimit(
    caller: Caller,
    policyId: Uuid,
    id: Uuid,
    changes: Partial<BandwidthLimitDraft>,
  ): Promise<BandwidthLimit>;
  removeLimit(caller: Caller, policyId: Uuid, id: Uuid): Promise<void>;
  /** The policy of a rule that is known by its own id alone. */
  policyOfLimit(caller: Caller, id: Uuid): Promise<Uuid>;
}

export async function getQosPolicy(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<QosPolicy> {
  const policy = await findQosPolicy(db, id, scope);
  if (!policy) throw new Failure('qos-policy-not-found', `QoS policy ${id} could not be found.`);
  return policy;
}

/** The id of a policy that the scope sees; null stays null. */
export async function checkQosPolicy(trx: Trx, scope: Scope, id: Uuid | null): Promise<Uuid | null> {
  return id === null ? null : (await getQosPolicy(trx, id, scope)).id;
}

/** What new networks of the project get when they name no policy. */
export async function defaultQosPolicy(trx: Trx, projectId: string): Promise<Uuid | null> {
  const [policy] = await findQosPolicies(trx, everything, { default_of: [projectId] });
  return policy?.id ?? null;
}

export function createQosPolicies(context: NetworkContext): QosPolicies {
  const { db } = context;

  /** One rule changes: the policy's revision tells, and so do the hosts that enforce it. */
  const edit = <T>(
    caller: Caller,
    rule: { readonly action: string; readonly policyId: Uuid },
    work: (trx: Trx, policy: QosPolicy) => Promise<T>,
  ): Promise<T> =>
    change(context, async ({ trx, now, concerned }) => {
      const policy = await getQosPolicy(trx, rule.policyId, scopeOf(caller));
      checkCloud(context, caller, rule.action);
      const result = await work(trx, policy);
      await updateQosPolicy(trx, revised(policy, {}, now));
      await concerned.limits(policy.id);
      return result;
    });

  return {
    list: (caller, where) => findQosPolicies(db, scopeOf(caller), where),
    get: (caller, id) => getQosPolicy(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        checkCloud(context, caller, 'create_policy');
        const made: QosPolicy[] = [];
        for (const draft of drafts) made.push(await createOne(current, caller, draft));
        return made;
      }),

    update: (caller, id, { shared, ...changes }, expect) =>
      change(context, async (current) => {
        const before = await getQosPolicy(current.trx, id, scopeOf(caller));
        checkCloud(context, caller, 'update_policy');
        checkRevision(before, expect);
        if (changes.isDefault && !before.isDefault) await refuseSecondDefault(current.trx, before.projectId);
        await updateQosPolicy(current.trx, revised(before, changes, current.now));
        if (shared !== undefined) await setShared(current, { ...before, type: 'qos_policy' }, shared);
        return getQosPolicy(current.trx, id);
      }),

    remove: (caller, id, expect) =>
      change(context, async ({ trx }) => {
        const policy = await getQosPolicy(trx, id, scopeOf(caller));
        checkCloud(context, caller, 'delete_policy');
        checkRevision(policy, expect);
        const use = await findUseOfPolicy(trx, id);
        if (use) {
          throw new Failure('qos-policy-in-use', `QoS Policy ${id} is used by ${use.type} ${use.id}.`);
        }
        await deleteQosPolicy(trx, id);
      }),

    getLimit: async (caller, policyId, id) => limitOf(await getQosPolicy(db, policyId, scopeOf(caller)), id),

    addLimit: (caller, policyId, draft) =>
      edit(caller, { action: 'create_policy_bandwidth_limit_rule', policyId }, async (trx, policy) => {
        const { maxKbps, maxBurstKbps = 0, direction = 'egress' } = draft;
        const limit: BandwidthLimit = { id: newUuid(), direction, maxKbps, maxBurstKbps };
        refuseSameDirection(policy, limit);
        await saveBandwidthLimit(trx, policyId, limit);
        return limit;
      }),

    changeLimit: (caller, policyId, id, changes) =>
      edit(caller, { action: 'update_policy_bandwidth_limit_rule', policyId }, async (trx, policy) => {
        const limit: BandwidthLimit = { ...limitOf(policy, id), ...changes };
        refuseSameDirection(policy, limit);
        await saveBandwidthLimit(trx, policyId, limit);
        return limit;
      }),

    removeLimit: (caller, policyId, id) =>
      edit(caller, { action: 'delete_policy_bandwidth_limit_rule', policyId }, async (trx, policy) => {
        await deleteBandwidthLimit(trx, limitOf(policy, id).id);
      }),

    async policyOfLimit(caller, id) {
      const policy = await findPolicyOfLimit(db, id, scopeOf(caller));
      if (policy) return policy.id;
      throw new Failure('qos-rule-not-found', `QoS rule ${id} for policy None could not be found.`);
    },
  };
}

async function createOne(current: Change, caller: Caller, draft: QosPolicyDraft): Promise<QosPolicy> {
  const { projectId = caller.projectId, shared = false, isDefault = false } = draft;
  if (isDefault) await refuseSecondDefault(current.trx, projectId);
  const policy: QosPolicy = {
    ...newborn(projectId, current.now),
    name: draft.name ?? '',
    description: draft.description ?? '',
    isDefault,
    bandwidthLimits: [],
    sharedWith: shared ? [everyProject] : [],
  };
  await insertQosPolicy(current.trx, policy);
  if (shared) await setShared(current, { ...policy, type: 'qos_policy' }, true);
  return policy;
}

async function refuseSecondDefault(trx: Trx, projectId: string): Promise<void> {
  if ((await defaultQosPolicy(trx, projectId)) === null) return;
  throw new Failure('default-qos-policy-exists', `A default QoS policy exists for project ${projectId}.`);
}

function limitOf(policy: QosPolicy, id: Uuid): BandwidthLimit {
  const limit = policy.bandwidthLimits.find((candidate) => candidate.id === id);
  if (limit) return limit;
  throw new Failure('qos-rule-not-found', `QoS rule ${id} for policy ${policy.id} could not be found.`);
}

function refuseSameDirection(policy: QosPolicy, limit: BandwidthLimit): void {
  const same = policy.bandwidthLimits.find(
    ({ id, direction }) => id !== limit.id && direction === limit.direction,
  );
  if (!same) return;
  throw new Failure(
    'qos-rules-conflict',
    `Rule bandwidth_limit conflicts with rule ${same.id} which already exists in QoS Policy ${policy.id}.`,
  );
}
