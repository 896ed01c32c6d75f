/** Queries for address scopes. A project sees its own and those shared with it. */
import type { Uuid } from '../../model/ids.ts';
import type { AddressScope } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import { commonOf, commonRow, everything, matching, type Scope, tagsOf, type Where } from './common.ts';
import { forgetObjects, ownOrShared, sharedWithOf } from './rbac-policies.ts';
import type { AddressScopeRow } from './tables.ts';

export async function findAddressScopes(
  db: DbOrTrx,
  scope: Scope,
  where: Where<AddressScopeRow> = {},
): Promise<AddressScope[]> {
  const rows = await db
    .selectFrom('address_scopes')
    .selectAll()
    .where((eb) => matching(eb, 'address_scopes', where))
    .where(ownOrShared(db, 'address_scope', scope))
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const ids = rows.map((row) => row.id);
  const [tags, shared] = [await tagsOf(db, ids), await sharedWithOf(db, ids)];
  return rows.map((row) => ({
    ...commonOf(row, tags),
    ipVersion: row.ip_version === 6 ? 6 : 4,
    sharedWith: shared.get(row.id) ?? [],
  }));
}

export async function findAddressScope(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<AddressScope | undefined> {
  return (await findAddressScopes(db, scope, { id: [id] }))[0];
}

export async function insertAddressScope(trx: Trx, scope: AddressScope): Promise<void> {
  await trx.insertInto('address_scopes').values(toRow(scope)).execute();
}

export async function updateAddressScope(trx: Trx, scope: AddressScope): Promise<void> {
  await trx.updateTable('address_scopes').set(toRow(scope)).where('id', '=', scope.id).execute();
}

export async function deleteAddressScope(trx: Trx, id: Uuid): Promise<void> {
  await forgetObjects(trx, [id]);
  await trx.deleteFrom('address_scopes').where('id', '=', id).execute();
}

function toRow(scope: AddressScope): AddressScopeRow {
  return { ...commonRow(scope), ip_version: scope.ipVersion };
}
