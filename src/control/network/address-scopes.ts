/** Use cases of address scopes. A scope that pools are in cannot be deleted, and what is shared stays shared. */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import { type AddressScope, everyProject } from '../../model/network.ts';
import type { DbOrTrx } from '../../store/database.ts';
import {
  deleteAddressScope,
  findAddressScope,
  findAddressScopes,
  insertAddressScope,
  updateAddressScope,
} from '../../store/network/address-scopes.ts';
import { everything, type Scope, type Where } from '../../store/network/common.ts';
import { findSubnetPools } from '../../store/network/subnet-pools.ts';
import type { AddressScopeRow } from '../../store/network/tables.ts';
import { type Collection, checkRevision, newborn, revised } from './collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from './context.ts';
import { checkAttributes, checkCreate, checkObject } from './policy.ts';
import { setShared } from './sharing.ts';

export interface AddressScopeDraft {
  readonly projectId?: string;
  readonly name?: string;
  readonly ipVersion: 4 | 6;
  readonly shared?: boolean;
}
export type AddressScopeChanges = Pick<AddressScopeDraft, 'name' | 'shared'>;
export type AddressScopes = Collection<
  AddressScope,
  AddressScopeDraft,
  AddressScopeChanges,
  Where<AddressScopeRow>
>;

export async function getAddressScope(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<AddressScope> {
  const found = await findAddressScope(db, id, scope);
  if (!found) throw new Failure('address-scope-not-found', `Address scope ${id} could not be found.`);
  return found;
}

export function createAddressScopes(context: NetworkContext): AddressScopes {
  const { db } = context;
  return {
    list: (caller, where) => findAddressScopes(db, scopeOf(caller), where),
    get: (caller, id) => getAddressScope(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        const made: AddressScope[] = [];
        for (const draft of drafts) made.push(await createOne(context, current, caller, draft));
        return made;
      }),

    update: (caller, id, { shared, ...changes }, expect) =>
      change(context, async (current) => {
        const before = await getAddressScope(current.trx, id, scopeOf(caller));
        checkObject(context, caller, 'update_address_scope', before);
        checkAttributes(context, caller, 'update', {
          resource: 'address_scope',
          draft: { shared },
          object: before,
        });
        checkRevision(before, expect);
        if (shared === false && before.sharedWith.includes(everyProject)) {
          throw new Failure(
            'address-scope-shared',
            `Unable to update address scope ${id} : Shared address scope can't be unshared.`,
          );
        }
        await updateAddressScope(current.trx, revised(before, changes, current.now));
        if (shared) await setShared(current, { ...before, type: 'address_scope' }, true);
        return getAddressScope(current.trx, id);
      }),

    remove: (caller, id, expect) =>
      change(context, async ({ trx }) => {
        const scope = await getAddressScope(trx, id, scopeOf(caller));
        checkObject(context, caller, 'delete_address_scope', scope);
        checkRevision(scope, expect);
        if ((await findSubnetPools(trx, everything, { address_scope_id: [id] })).length > 0) {
          throw new Failure(
            'address-scope-in-use',
            `Unable to complete operation on address scope ${id}. There are one or more subnet pools in use on the address scope.`,
          );
        }
        await deleteAddressScope(trx, id);
      }),
  };
}

async function createOne(
  context: NetworkContext,
  current: Change,
  caller: Caller,
  draft: AddressScopeDraft,
): Promise<AddressScope> {
  const { projectId = caller.projectId, shared = false, name = '', ipVersion } = draft;
  checkCreate(context, caller, 'create_address_scope', { projectId });
  checkAttributes(context, caller, 'create', {
    resource: 'address_scope',
    draft,
    unless: { shared: false },
    object: { projectId },
  });
  const scope: AddressScope = {
    ...newborn(projectId, current.now),
    name,
    description: '',
    ipVersion,
    sharedWith: shared ? [everyProject] : [],
  };
  await insertAddressScope(current.trx, scope);
  if (shared) await setShared(current, { ...scope, type: 'address_scope' }, true);
  return scope;
}
