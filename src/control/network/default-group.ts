/**
 * Every project has a security group `default`, made when the project first does something with networks: all
 * egress, and ingress from members of the group itself. A new group of a user's has the two egress rules.
 */
import { newUuid, type Uuid } from '../../model/ids.ts';
import type { SecurityGroup, SecurityGroupRule } from '../../model/network.ts';
import type { Db, Trx } from '../../store/database.ts';
import { findDefaultGroupId, insertSecurityGroup } from '../../store/network/security-groups.ts';
import { newborn } from './collection.ts';
import { change, type NetworkContext } from './context.ts';

export const defaultGroupName = 'default';

type RuleOf = Pick<SecurityGroup, 'id' | 'projectId' | 'createdAt'>;

/** A rule that allows everything in that direction, from or to the remote group when one is given. */
function openRule(
  group: RuleOf,
  kind: Pick<SecurityGroupRule, 'direction' | 'ethertype'>,
  remoteGroupId: Uuid | null,
): SecurityGroupRule {
  return {
    ...kind,
    id: newUuid(),
    projectId: group.projectId,
    securityGroupId: group.id,
    protocol: null,
    portRangeMin: null,
    portRangeMax: null,
    remoteGroupId,
    remoteAddressGroupId: null,
    remoteIpPrefix: null,
    givenIpPrefix: null,
    description: '',
    revision: 1,
    createdAt: group.createdAt,
    updatedAt: group.createdAt,
  };
}

const ethertypes = ['IPv4', 'IPv6'] as const;

/** All egress, both IP versions. */
export function egressRules(group: RuleOf): SecurityGroupRule[] {
  return ethertypes.map((ethertype) => openRule(group, { direction: 'egress', ethertype }, null));
}

/** Id of the project's default group; makes it when there is none. */
export async function ensureDefaultGroup(trx: Trx, projectId: string, now: string): Promise<Uuid> {
  const known = await findDefaultGroupId(trx, projectId);
  if (known) return known;
  const group: SecurityGroup = {
    ...newborn(projectId, now),
    name: defaultGroupName,
    description: 'Default security group',
    stateful: true,
    isDefault: true,
    sharedWith: [],
    rules: [],
  };
  const fromMembers = ethertypes.map((ethertype) =>
    openRule(group, { direction: 'ingress', ethertype }, group.id),
  );
  await insertSecurityGroup(trx, { ...group, rules: [...egressRules(group), ...fromMembers] });
  return group.id;
}

/** The same for reads: opens a transaction only when the group is missing. */
export async function provideDefaultGroup(context: NetworkContext, projectId: string): Promise<void> {
  const db: Db = context.db;
  if (await findDefaultGroupId(db, projectId)) return;
  await change(context, ({ trx, now }) => ensureDefaultGroup(trx, projectId, now));
}
