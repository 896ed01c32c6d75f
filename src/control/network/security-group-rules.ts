/** Use cases of the rules of security groups. Only a rule's description ever changes. */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import { newUuid, type Uuid } from '../../model/ids.ts';
import type { SecurityGroupRule } from '../../model/network.ts';
import type { DbOrTrx } from '../../store/database.ts';
import { everything, type Scope, type Where } from '../../store/network/common.ts';
import {
  deleteRule,
  findRule,
  findRules,
  findSameRule,
  insertRules,
  touchSecurityGroup,
  updateRule,
} from '../../store/network/security-groups.ts';
import type { SecurityGroupRuleRow } from '../../store/network/tables.ts';
import { getAddressGroup } from './address-groups.ts';
import { type Collection, checkRevision, revised } from './collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from './context.ts';
import { provideDefaultGroup } from './default-group.ts';
import { checkCreate, checkObject } from './policy.ts';
import { claimQuota } from './quotas.ts';
import { compileRule, type RuleDraft } from './rule-rules.ts';
import { getSecurityGroup } from './security-groups.ts';

export interface RuleChanges {
  readonly description?: string;
}

export type SecurityGroupRules = Collection<
  SecurityGroupRule,
  RuleDraft,
  RuleChanges,
  Where<SecurityGroupRuleRow>
>;

async function getRule(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<SecurityGroupRule> {
  const rule = await findRule(db, id, scope);
  if (!rule) {
    throw new Failure('security-group-rule-not-found', `Security group rule ${id} does not exist`);
  }
  return rule;
}

export function createSecurityGroupRules(context: NetworkContext): SecurityGroupRules {
  const { db } = context;
  return {
    async list(caller, where) {
      await provideDefaultGroup(context, caller.projectId);
      return findRules(db, scopeOf(caller), where);
    },
    get: (caller, id) => getRule(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        const made: SecurityGroupRule[] = [];
        for (const draft of drafts) made.push(await addRule(context, current, caller, draft));
        return made;
      }),

    update: (caller, id, changes, expect) =>
      change(context, async ({ trx, now }) => {
        const before = await getRule(trx, id, scopeOf(caller));
        checkObject(
          context,
          caller,
          'update_security_group_rule',
          await getSecurityGroup(trx, before.securityGroupId),
        );
        checkRevision(before, expect);
        const after = revised(before, changes, now);
        await updateRule(trx, after);
        return after;
      }),

    remove: (caller, id, expect) =>
      change(context, async ({ trx, now, concerned }) => {
        const rule = await getRule(trx, id, scopeOf(caller));
        checkObject(
          context,
          caller,
          'delete_security_group_rule',
          await getSecurityGroup(trx, rule.securityGroupId),
        );
        checkRevision(rule, expect);
        await deleteRule(trx, id);
        await touchSecurityGroup(trx, rule.securityGroupId, now);
        await concerned.rules([rule.securityGroupId]);
      }),
  };
}

async function addRule(
  context: NetworkContext,
  { trx, now, concerned }: Change,
  caller: Caller,
  draft: RuleDraft,
): Promise<SecurityGroupRule> {
  const group = await getSecurityGroup(trx, draft.securityGroupId, scopeOf(caller));
  const { projectId = group.projectId } = draft;
  checkObject(context, caller, 'create_security_group_rule', group);
  checkCreate(context, caller, 'create_security_group_rule', { projectId });
  const match = compileRule(draft);
  if (match.remoteGroupId) await getSecurityGroup(trx, match.remoteGroupId, scopeOf(caller));
  if (match.remoteAddressGroupId) await getAddressGroup(trx, match.remoteAddressGroupId, scopeOf(caller));
  const rule: SecurityGroupRule = {
    ...match,
    id: newUuid(),
    projectId,
    securityGroupId: group.id,
    direction: draft.direction,
    description: draft.description ?? '',
    revision: 1,
    createdAt: now,
    updatedAt: now,
  };
  const same = await findSameRule(trx, rule);
  if (same) {
    throw new Failure(
      'security-group-rule-exists',
      `Security group rule already exists. Rule id is ${same}.`,
    );
  }
  await claimQuota(context, trx, projectId, { security_group_rule: 1 });
  await insertRules(trx, [rule]);
  await touchSecurityGroup(trx, group.id, now);
  await concerned.rules([group.id]);
  return rule;
}
