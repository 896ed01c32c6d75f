/** Use cases of security groups. A group that a port uses cannot be deleted, nor can a project's default group. */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import type { SecurityGroup } from '../../model/network.ts';
import type { DbOrTrx } from '../../store/database.ts';
import { everything, type Scope, type Where } from '../../store/network/common.ts';
import {
  deleteSecurityGroup,
  findSecurityGroup,
  findSecurityGroups,
  insertSecurityGroup,
  isGroupInUse,
  updateSecurityGroup,
} from '../../store/network/security-groups.ts';
import type { SecurityGroupRow } from '../../store/network/tables.ts';
import { type Collection, checkRevision, newborn, revised } from './collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from './context.ts';
import { defaultGroupName, egressRules, ensureDefaultGroup, provideDefaultGroup } from './default-group.ts';
import { checkCreate, checkObject } from './policy.ts';
import { claimQuota } from './quotas.ts';

export interface SecurityGroupDraft {
  readonly projectId?: string;
  readonly name?: string;
  readonly description?: string;
  readonly stateful?: boolean;
}
export interface SecurityGroupChanges {
  readonly name?: string;
  readonly description?: string;
  readonly stateful?: boolean;
}

export type SecurityGroups = Collection<
  SecurityGroup,
  SecurityGroupDraft,
  SecurityGroupChanges,
  Where<SecurityGroupRow>
>;

export async function getSecurityGroup(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<SecurityGroup> {
  const group = await findSecurityGroup(db, id, scope);
  if (!group) throw new Failure('security-group-not-found', `Security group ${id} does not exist`);
  return group;
}

export function createSecurityGroups(context: NetworkContext): SecurityGroups {
  const { db } = context;
  return {
    async list(caller, where) {
      await provideDefaultGroup(context, caller.projectId);
      return findSecurityGroups(db, scopeOf(caller), where);
    },
    get: (caller, id) => getSecurityGroup(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        const made: SecurityGroup[] = [];
        for (const draft of drafts) made.push(await createOne(context, current, caller, draft));
        return made;
      }),

    update: (caller, id, changes, expect) =>
      change(context, async ({ trx, now, concerned }) => {
        const before = await getSecurityGroup(trx, id, scopeOf(caller));
        checkObject(context, caller, 'update_security_group', before);
        checkRevision(before, expect);
        const isRenamed = changes.name !== undefined && changes.name !== before.name;
        if (isRenamed && before.isDefault) {
          throw new Failure('default-security-group-fixed', 'Updating default security group not allowed.');
        }
        if (isRenamed) refuseDefaultName(changes.name);
        if (changes.stateful !== undefined && changes.stateful !== before.stateful) {
          await refuseInUse(trx, id);
        }
        const after = revised(before, changes, now);
        await updateSecurityGroup(trx, after);
        await concerned.rules([id]);
        return after;
      }),

    remove: (caller, id, expect) =>
      change(context, async ({ trx, concerned }) => {
        const group = await getSecurityGroup(trx, id, scopeOf(caller));
        checkObject(context, caller, 'delete_security_group', group);
        checkRevision(group, expect);
        if (group.isDefault && !caller.isAdmin) {
          throw new Failure(
            'default-security-group',
            'Insufficient rights for removing default security group.',
          );
        }
        await refuseInUse(trx, id);
        await concerned.members([id]);
        await deleteSecurityGroup(trx, id);
      }),
  };
}

async function createOne(
  context: NetworkContext,
  { trx, now }: Change,
  caller: Caller,
  draft: SecurityGroupDraft,
): Promise<SecurityGroup> {
  const { projectId = caller.projectId } = draft;
  checkCreate(context, caller, 'create_security_group', { projectId });
  refuseDefaultName(draft.name);
  await ensureDefaultGroup(trx, projectId, now);
  await claimQuota(context, trx, projectId, { security_group: 1 });
  const group: SecurityGroup = {
    ...newborn(projectId, now),
    name: draft.name ?? '',
    description: draft.description ?? '',
    stateful: draft.stateful ?? true,
    isDefault: false,
    sharedWith: [],
    rules: [],
  };
  const complete = { ...group, rules: egressRules(group) };
  await insertSecurityGroup(trx, complete);
  return complete;
}

function refuseDefaultName(name: string | undefined): void {
  if (name?.toLowerCase() !== defaultGroupName) return;
  throw new Failure('default-security-group-exists', 'Default security group already exists.');
}

async function refuseInUse(db: DbOrTrx, id: Uuid): Promise<void> {
  if (await isGroupInUse(db, id)) {
    throw new Failure('security-group-in-use', `Security Group ${id} in use.`);
  }
}
