/** Use cases of address groups. What changes in one changes for the rules that name it, at once. */
import { addressBits, blockOf, findAddress, formatCidr, parseCidr } from '../../ipam/address.ts';
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import type { AddressGroup } from '../../model/network.ts';
import type { DbOrTrx } from '../../store/database.ts';
import {
  deleteAddressGroup,
  findAddressGroup,
  findAddressGroups,
  groupsWithAddresses,
  insertAddressGroup,
  updateAddressGroup,
} from '../../store/network/address-groups.ts';
import { everything, type Scope, type Where } from '../../store/network/common.ts';
import type { AddressGroupRow } from '../../store/network/tables.ts';
import { type Collection, checkRevision, newborn, revised } from './collection.ts';
import { change, type NetworkContext, scopeOf } from './context.ts';
import { checkCreate, checkObject, checkWriter } from './policy.ts';

export interface AddressGroupDraft {
  readonly projectId?: string;
  readonly name?: string;
  readonly description?: string;
  readonly addresses?: readonly string[];
}
export type AddressGroupChanges = Pick<AddressGroupDraft, 'name' | 'description'>;

export interface AddressGroups
  extends Collection<AddressGroup, AddressGroupDraft, AddressGroupChanges, Where<AddressGroupRow>> {
  addAddresses(caller: Caller, id: Uuid, addresses: readonly string[]): Promise<AddressGroup>;
  removeAddresses(caller: Caller, id: Uuid, addresses: readonly string[]): Promise<AddressGroup>;
}

export async function getAddressGroup(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<AddressGroup> {
  const group = await findAddressGroup(db, id, scope);
  if (!group) throw new Failure('address-group-not-found', `Address group ${id} could not be found.`);
  return group;
}

export function createAddressGroups(context: NetworkContext): AddressGroups {
  const { db } = context;

  /** Changes the addresses, and tells the hosts whose rules name the group. */
  const edit = (
    caller: Caller,
    id: Uuid,
    next: (group: AddressGroup) => readonly string[],
  ): Promise<AddressGroup> =>
    change(context, async ({ trx, now, concerned }) => {
      checkWriter(context, caller, 'update_address_group');
      const before = await getAddressGroup(trx, id, scopeOf(caller));
      checkObject(context, caller, 'update_address_group', before);
      const after = revised(before, { addresses: next(before) }, now);
      await updateAddressGroup(trx, after);
      await concerned.addresses([id]);
      return after;
    });

  return {
    list: (caller, where) => findAddressGroups(db, scopeOf(caller), where),
    get: (caller, id) => getAddressGroup(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async ({ trx, now }) => {
        const made = drafts.map((draft) => compile(context, caller, draft, now));
        for (const group of made) await insertAddressGroup(trx, group);
        return made;
      }),

    update: (caller, id, changes, expect) =>
      change(context, async ({ trx, now }) => {
        const before = await getAddressGroup(trx, id, scopeOf(caller));
        checkObject(context, caller, 'update_address_group', before);
        checkRevision(before, expect);
        const after = revised(before, changes, now);
        await updateAddressGroup(trx, after);
        return after;
      }),

    remove: (caller, id, expect) =>
      change(context, async ({ trx }) => {
        const group = await getAddressGroup(trx, id, scopeOf(caller));
        checkObject(context, caller, 'delete_address_group', group);
        checkRevision(group, expect);
        if ((await groupsWithAddresses(trx, [id])).length > 0) {
          throw new Failure(
            'address-group-in-use',
            `Address group ${id} is in use on one or more security group rules.`,
          );
        }
        await deleteAddressGroup(trx, id);
      }),

    addAddresses: (caller, id, addresses) =>
      edit(caller, id, (group) => {
        const given = compileAddresses(addresses);
        const known = given.filter((address) => group.addresses.includes(address));
        if (known.length === 0) return [...group.addresses, ...given];
        throw new Failure(
          'addresses-exist',
          `Addresses ${listed(known)} already exist in the address group ${id}.`,
        );
      }),

    removeAddresses: (caller, id, addresses) =>
      edit(caller, id, (group) => {
        const given = compileAddresses(addresses);
        const unknown = given.filter((address) => !group.addresses.includes(address));
        if (unknown.length === 0) return group.addresses.filter((address) => !given.includes(address));
        throw new Failure(
          'addresses-not-found',
          `Addresses ${listed(unknown)} not found in the address group ${id}.`,
        );
      }),
  };
}

function compile(
  context: NetworkContext,
  caller: Caller,
  draft: AddressGroupDraft,
  now: string,
): AddressGroup {
  const { projectId = caller.projectId, name = '', description = '', addresses = [] } = draft;
  checkCreate(context, caller, 'create_address_group', { projectId });
  return {
    ...newborn(projectId, now),
    name,
    description,
    addresses: compileAddresses(addresses),
    sharedWith: [],
  };
}

/** CIDRs without host bits, each once; an address alone is a block of one. */
function compileAddresses(texts: readonly string[]): string[] {
  const cidrs = texts.map((text) => {
    const address = findAddress(text);
    return formatCidr(address ? blockOf(address, addressBits[address.version]) : parseCidr(text));
  });
  return [...new Set(cidrs)];
}

function listed(addresses: readonly string[]): string {
  return `[${addresses.map((address) => `'${address}'`).join(', ')}]`;
}
