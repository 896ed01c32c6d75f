/** Queries for address groups. A project sees its own and those shared with it. */
import type { Uuid } from '../../model/ids.ts';
import type { AddressGroup } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import {
  commonOf,
  commonRow,
  everything,
  inPieces,
  matching,
  type Scope,
  tagsOf,
  type Where,
} from './common.ts';
import { forgetObjects, ownOrShared, sharedWithOf } from './rbac-policies.ts';
import type { AddressGroupRow } from './tables.ts';

export async function findAddressGroups(
  db: DbOrTrx,
  scope: Scope,
  where: Where<AddressGroupRow> = {},
): Promise<AddressGroup[]> {
  const rows = await db
    .selectFrom('address_groups')
    .selectAll()
    .where((eb) => matching(eb, 'address_groups', where))
    .where(ownOrShared(db, 'address_group', scope))
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const ids = rows.map((row) => row.id);
  const [tags, shared] = [await tagsOf(db, ids), await sharedWithOf(db, ids)];
  return rows.map((row) => ({
    ...commonOf(row, tags),
    addresses: JSON.parse(row.addresses) as string[],
    sharedWith: shared.get(row.id) ?? [],
  }));
}

export async function findAddressGroup(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<AddressGroup | undefined> {
  return (await findAddressGroups(db, scope, { id: [id] }))[0];
}

export async function insertAddressGroup(trx: Trx, group: AddressGroup): Promise<void> {
  await trx.insertInto('address_groups').values(toRow(group)).execute();
}

export async function updateAddressGroup(trx: Trx, group: AddressGroup): Promise<void> {
  await trx.updateTable('address_groups').set(toRow(group)).where('id', '=', group.id).execute();
}

export async function deleteAddressGroup(trx: Trx, id: Uuid): Promise<void> {
  await forgetObjects(trx, [id]);
  await trx.deleteFrom('address_groups').where('id', '=', id).execute();
}

/** Security groups with a rule whose remote is one of these address groups. */
export async function groupsWithAddresses(db: DbOrTrx, ids: readonly Uuid[]): Promise<Uuid[]> {
  return inPieces(ids, async (piece) => {
    const rows = await db
      .selectFrom('security_group_rules')
      .select('security_group_id')
      .distinct()
      .where('remote_address_group_id', 'in', piece)
      .execute();
    return rows.map((row) => row.security_group_id);
  });
}

function toRow(group: AddressGroup): AddressGroupRow {
  return { ...commonRow(group), addresses: JSON.stringify(group.addresses) };
}
