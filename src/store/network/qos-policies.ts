/** Queries for QoS policies with their rules, and for who uses them. A project sees its own and those shared with it. */
import type { Uuid } from '../../model/ids.ts';
import type { BandwidthLimit, QosPolicy } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import {
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
import type { Placement } from './placement.ts';
import { forgetObjects, ownOrShared, sharedWithOf } from './rbac-policies.ts';
import type { BandwidthLimitRow, QosPolicyRow } from './tables.ts';

export async function findQosPolicies(
  db: DbOrTrx,
  scope: Scope,
  where: Where<QosPolicyRow> = {},
): Promise<QosPolicy[]> {
  const rows = await db
    .selectFrom('qos_policies')
    .selectAll()
    .where((eb) => matching(eb, 'qos_policies', where))
    .where(ownOrShared(db, 'qos_policy', scope))
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const ids = rows.map((row) => row.id);
  const [tags, shared] = [await tagsOf(db, ids), await sharedWithOf(db, ids)];
  const limits = await limitsOf(db, ids);
  return rows.map((row) => ({
    ...commonOf(row, tags),
    isDefault: row.default_of !== null,
    bandwidthLimits: limits.get(row.id) ?? [],
    sharedWith: shared.get(row.id) ?? [],
  }));
}

export async function findQosPolicy(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<QosPolicy | undefined> {
  return (await findQosPolicies(db, scope, { id: [id] }))[0];
}

export async function insertQosPolicy(trx: Trx, policy: QosPolicy): Promise<void> {
  await trx.insertInto('qos_policies').values(toRow(policy)).execute();
}

/** Writes the policy itself, not its rules. */
export async function updateQosPolicy(trx: Trx, policy: QosPolicy): Promise<void> {
  await trx.updateTable('qos_policies').set(toRow(policy)).where('id', '=', policy.id).execute();
}

/** Its rules go with it. */
export async function deleteQosPolicy(trx: Trx, id: Uuid): Promise<void> {
  await forgetObjects(trx, [id]);
  await trx.deleteFrom('qos_policies').where('id', '=', id).execute();
}

/** The policy that the rule is of. */
export async function findPolicyOfLimit(
  db: DbOrTrx,
  limitId: Uuid,
  scope: Scope,
): Promise<QosPolicy | undefined> {
  const row = await db
    .selectFrom('bandwidth_limits')
    .select('policy_id')
    .where('id', '=', limitId)
    .executeTakeFirst();
  return row && findQosPolicy(db, row.policy_id, scope);
}

/** Makes the rule, or writes it anew. */
export async function saveBandwidthLimit(trx: Trx, policyId: Uuid, limit: BandwidthLimit): Promise<void> {
  const row = toLimitRow(policyId, limit);
  await trx
    .insertInto('bandwidth_limits')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute();
}

export async function deleteBandwidthLimit(trx: Trx, id: Uuid): Promise<void> {
  await trx.deleteFrom('bandwidth_limits').where('id', '=', id).execute();
}

export interface PolicyUse {
  readonly type: 'network' | 'port';
  readonly id: Uuid;
}

/** Somebody who uses the policy, if anybody does. */
export async function findUseOfPolicy(db: DbOrTrx, id: Uuid): Promise<PolicyUse | undefined> {
  for (const [table, type] of [
    ['networks', 'network'],
    ['ports', 'port'],
  ] as const) {
    const row = await db
      .selectFrom(table)
      .select('id')
      .where('qos_policy_id', '=', id)
      .limit(1)
      .executeTakeFirst();
    if (row) return { type, id: row.id };
  }
  return undefined;
}

/** Where ports are bound that the policy limits: their own, or their network's. */
export async function placementsOfPolicy(db: DbOrTrx, id: Uuid): Promise<Placement[]> {
  const networks = db.selectFrom('networks').select('id').where('qos_policy_id', '=', id);
  const rows = await db
    .selectFrom('ports')
    .select(['binding_host', 'network_id'])
    .distinct()
    .where('binding_host', '!=', '')
    .where((eb) => eb.or([eb('qos_policy_id', '=', id), eb('network_id', 'in', networks)]))
    .execute();
  return rows.map((row) => ({ host: row.binding_host, networkId: row.network_id }));
}

async function limitsOf(db: DbOrTrx, policyIds: readonly Uuid[]): Promise<Map<Uuid, BandwidthLimit[]>> {
  const rows = await inPieces(policyIds, (piece) =>
    db
      .selectFrom('bandwidth_limits')
      .selectAll()
      .where('policy_id', 'in', piece)
      .orderBy('direction')
      .execute(),
  );
  return groupBy(rows, (row) => row.policy_id, toLimit);
}

function toLimit(row: BandwidthLimitRow): BandwidthLimit {
  return {
    id: row.id,
    direction: row.direction as BandwidthLimit['direction'],
    maxKbps: row.max_kbps,
    maxBurstKbps: row.max_burst_kbps,
  };
}

function toLimitRow(policyId: Uuid, limit: BandwidthLimit): BandwidthLimitRow {
  return {
    id: limit.id,
    policy_id: policyId,
    direction: limit.direction,
    max_kbps: limit.maxKbps,
    max_burst_kbps: limit.maxBurstKbps,
  };
}

function toRow(policy: QosPolicy): QosPolicyRow {
  return { ...commonRow(policy), default_of: policy.isDefault ? policy.projectId : null };
}
