/** Queries for subnet pools. A project sees its own and those shared with it. */
import type { Uuid } from '../../model/ids.ts';
import type { SubnetPool } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import { bit, commonOf, commonRow, everything, matching, type Scope, tagsOf, type Where } from './common.ts';
import { forgetObjects, ownOrShared, sharedWithOf } from './rbac-policies.ts';
import type { SubnetPoolRow } from './tables.ts';

export async function findSubnetPools(
  db: DbOrTrx,
  scope: Scope,
  where: Where<SubnetPoolRow> = {},
): Promise<SubnetPool[]> {
  const rows = await db
    .selectFrom('subnet_pools')
    .selectAll()
    .where((eb) => matching(eb, 'subnet_pools', where))
    .where(ownOrShared(db, 'subnetpool', scope))
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const ids = rows.map((row) => row.id);
  const [tags, shared] = [await tagsOf(db, ids), await sharedWithOf(db, ids)];
  return rows.map((row) => ({
    ...commonOf(row, tags),
    ipVersion: row.ip_version === 6 ? 6 : 4,
    prefixes: JSON.parse(row.prefixes) as string[],
    minPrefixLength: row.min_prefix_length,
    maxPrefixLength: row.max_prefix_length,
    defaultPrefixLength: row.default_prefix_length,
    isDefault: row.is_default === 1,
    defaultQuota: row.default_quota,
    addressScopeId: row.address_scope_id,
    sharedWith: shared.get(row.id) ?? [],
  }));
}

export async function findSubnetPool(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<SubnetPool | undefined> {
  return (await findSubnetPools(db, scope, { id: [id] }))[0];
}

export async function insertSubnetPool(trx: Trx, pool: SubnetPool): Promise<void> {
  await trx.insertInto('subnet_pools').values(toRow(pool)).execute();
}

export async function updateSubnetPool(trx: Trx, pool: SubnetPool): Promise<void> {
  await trx.updateTable('subnet_pools').set(toRow(pool)).where('id', '=', pool.id).execute();
}

export async function deleteSubnetPool(trx: Trx, id: Uuid): Promise<void> {
  await forgetObjects(trx, [id]);
  await trx.deleteFrom('subnet_pools').where('id', '=', id).execute();
}

function toRow(pool: SubnetPool): SubnetPoolRow {
  return {
    ...commonRow(pool),
    ip_version: pool.ipVersion,
    prefixes: JSON.stringify(pool.prefixes),
    min_prefix_length: pool.minPrefixLength,
    max_prefix_length: pool.maxPrefixLength,
    default_prefix_length: pool.defaultPrefixLength,
    is_default: bit(pool.isDefault),
    default_quota: pool.defaultQuota,
    address_scope_id: pool.addressScopeId,
  };
}
