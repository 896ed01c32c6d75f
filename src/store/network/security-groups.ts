/** Queries for security groups and their rules. A project sees its own groups and those shared with it, with the rules. */
import type { Uuid } from '../../model/ids.ts';
import type { SecurityGroup, SecurityGroupRule } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import {
  bit,
  commonOf,
  commonRow,
  everything,
  groupBy,
  inPieces,
  matching,
  type Scope,
  tagsOf,
  type Where,
} from './common.ts';
import { forgetObjects, ownOrShared, sharedWithOf, visibleTo } from './rbac-policies.ts';
import type { SecurityGroupRow, SecurityGroupRuleRow } from './tables.ts';

export async function findSecurityGroups(
  db: DbOrTrx,
  scope: Scope,
  where: Where<SecurityGroupRow> = {},
): Promise<SecurityGroup[]> {
  const rows = await db
    .selectFrom('security_groups')
    .selectAll()
    .where((eb) => matching(eb, 'security_groups', where))
    .where(ownOrShared(db, 'security_group', scope))
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const ids = rows.map((row) => row.id);
  const [tags, rules] = [await tagsOf(db, ids), await rulesOf(db, ids)];
  const shared = await sharedWithOf(db, ids);
  return rows.map((row) => ({
    ...commonOf(row, tags),
    stateful: row.stateful === 1,
    isDefault: row.default_of !== null,
    rules: rules.get(row.id) ?? [],
    sharedWith: shared.get(row.id) ?? [],
  }));
}

export async function findSecurityGroup(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<SecurityGroup | undefined> {
  return (await findSecurityGroups(db, scope, { id: [id] }))[0];
}

export async function findDefaultGroupId(db: DbOrTrx, projectId: string): Promise<Uuid | undefined> {
  const row = await db
    .selectFrom('security_groups')
    .select('id')
    .where('default_of', '=', projectId)
    .executeTakeFirst();
  return row?.id;
}

/** Inserts the group and the rules it comes with. */
export async function insertSecurityGroup(trx: Trx, group: SecurityGroup): Promise<void> {
  await trx.insertInto('security_groups').values(toGroupRow(group)).execute();
  await insertRules(trx, group.rules);
}

/** Writes the group itself, not its rules. */
export async function updateSecurityGroup(trx: Trx, group: SecurityGroup): Promise<void> {
  await trx.updateTable('security_groups').set(toGroupRow(group)).where('id', '=', group.id).execute();
}

/** Its rules go with it, and rules of other groups that name it as their remote. */
export async function deleteSecurityGroup(trx: Trx, id: Uuid): Promise<void> {
  await forgetObjects(trx, [id]);
  await trx.deleteFrom('security_groups').where('id', '=', id).execute();
}

/** A rule came, went or changed. */
export async function touchSecurityGroup(trx: Trx, id: Uuid, now: string): Promise<void> {
  await trx
    .updateTable('security_groups')
    .set((eb) => ({ revision: eb('revision', '+', 1), updated_at: now }))
    .where('id', '=', id)
    .execute();
}

export async function isGroupInUse(db: DbOrTrx, id: Uuid): Promise<boolean> {
  const row = await db
    .selectFrom('port_security_groups')
    .select('port_id')
    .where('security_group_id', '=', id)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export async function findRules(
  db: DbOrTrx,
  scope: Scope,
  where: Where<SecurityGroupRuleRow> = {},
): Promise<SecurityGroupRule[]> {
  let query = db
    .selectFrom('security_group_rules')
    .selectAll()
    .where((eb) => matching(eb, 'security_group_rules', where));
  if (scope.kind === 'project') {
    const { projectId } = scope;
    const own = db.selectFrom('security_groups').select('id').where('project_id', '=', projectId);
    query = query.where((eb) =>
      eb.or([
        eb('security_group_id', 'in', own),
        eb('security_group_id', 'in', visibleTo(db, 'security_group', projectId)),
      ]),
    );
  }
  const rows = await query.orderBy('created_at').orderBy('signature').orderBy('id').execute();
  return rows.map(toRule);
}

export async function findRule(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<SecurityGroupRule | undefined> {
  return (await findRules(db, scope, { id: [id] }))[0];
}

/** The rule of the same group that says the same, if there is one. */
export async function findSameRule(db: DbOrTrx, rule: SecurityGroupRule): Promise<Uuid | undefined> {
  const row = await db
    .selectFrom('security_group_rules')
    .select('id')
    .where('security_group_id', '=', rule.securityGroupId)
    .where('signature', '=', signatureOf(rule))
    .executeTakeFirst();
  return row?.id;
}

export async function insertRules(trx: Trx, rules: readonly SecurityGroupRule[]): Promise<void> {
  if (rules.length > 0) await trx.insertInto('security_group_rules').values(rules.map(toRuleRow)).execute();
}

export async function updateRule(trx: Trx, rule: SecurityGroupRule): Promise<void> {
  await trx.updateTable('security_group_rules').set(toRuleRow(rule)).where('id', '=', rule.id).execute();
}

export async function deleteRule(trx: Trx, id: Uuid): Promise<void> {
  await trx.deleteFrom('security_group_rules').where('id', '=', id).execute();
}

async function rulesOf(db: DbOrTrx, groupIds: readonly Uuid[]): Promise<Map<Uuid, SecurityGroupRule[]>> {
  const rows = await inPieces(groupIds, (piece) =>
    db
      .selectFrom('security_group_rules')
      .selectAll()
      .where('security_group_id', 'in', piece)
      .orderBy('created_at')
      .orderBy('signature')
      .execute(),
  );
  return groupBy(rows, (row) => row.security_group_id, toRule);
}

function signatureOf(rule: SecurityGroupRule): string {
  return JSON.stringify([
    rule.direction,
    rule.ethertype,
    rule.protocol,
    rule.portRangeMin,
    rule.portRangeMax,
    rule.remoteGroupId,
    rule.remoteIpPrefix,
    // Last and only when there is one: rules that were stored before have none in their signatures.
    ...(rule.remoteAddressGroupId === null ? [] : [rule.remoteAddressGroupId]),
  ]);
}

function toRule(row: SecurityGroupRuleRow): SecurityGroupRule {
  return {
    id: row.id,
    projectId: row.project_id,
    securityGroupId: row.security_group_id,
    direction: row.direction as SecurityGroupRule['direction'],
    ethertype: row.ethertype as SecurityGroupRule['ethertype'],
    protocol: row.protocol,
    portRangeMin: row.port_range_min,
    portRangeMax: row.port_range_max,
    remoteGroupId: row.remote_group_id,
    remoteAddressGroupId: row.remote_address_group_id,
    remoteIpPrefix: row.remote_ip_prefix,
    givenIpPrefix: row.given_ip_prefix ?? row.remote_ip_prefix,
    description: row.description,
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toRuleRow(rule: SecurityGroupRule): SecurityGroupRuleRow {
  return {
    id: rule.id,
    project_id: rule.projectId,
    security_group_id: rule.securityGroupId,
    direction: rule.direction,
    ethertype: rule.ethertype,
    protocol: rule.protocol,
    port_range_min: rule.portRangeMin,
    port_range_max: rule.portRangeMax,
    remote_group_id: rule.remoteGroupId,
    remote_address_group_id: rule.remoteAddressGroupId,
    remote_ip_prefix: rule.remoteIpPrefix,
    given_ip_prefix: rule.givenIpPrefix === rule.remoteIpPrefix ? null : rule.givenIpPrefix,
    description: rule.description,
    signature: signatureOf(rule),
    revision: rule.revision,
    created_at: rule.createdAt,
    updated_at: rule.updatedAt,
  };
}

function toGroupRow(group: SecurityGroup): SecurityGroupRow {
  return {
    ...commonRow(group),
    stateful: bit(group.stateful),
    default_of: group.isDefault ? group.projectId : null,
  };
}
