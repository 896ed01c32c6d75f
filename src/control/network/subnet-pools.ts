/**
 * Use cases of subnet pools. How subnets take blocks from them is ./subnet-allocation.ts.
 *
 * A pool only grows while it is whole; prefixes that no subnet has can be taken out again. One pool per IP version is
 * everybody's default.
 */
import { formatCidr, parseCidr } from '../../ipam/address.ts';
import { intersectPrefixes, subtractPrefixes } from '../../ipam/prefixes.ts';
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import { everyProject, type Subnet, type SubnetPool } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../../store/database.ts';
import { everything, type Scope, type Where } from '../../store/network/common.ts';
import {
  deleteSubnetPool,
  findSubnetPool,
  findSubnetPools,
  insertSubnetPool,
  updateSubnetPool,
} from '../../store/network/subnet-pools.ts';
import { findSubnets, updateSubnet } from '../../store/network/subnets.ts';
import type { SubnetPoolRow } from '../../store/network/tables.ts';
import { getAddressScope } from './address-scopes.ts';
import { type Collection, checkRevision, invalidInput, newborn, revised } from './collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from './context.ts';
import { getNetwork } from './networks.ts';
import { checkAttributes, checkCreate, checkObject, checkWriter } from './policy.ts';
import { claimQuota } from './quotas.ts';
import { setShared } from './sharing.ts';
import { compileBounds, compilePrefixes, refuseShrinking } from './subnet-pool-rules.ts';

export interface SubnetPoolDraft {
  readonly projectId?: string;
  readonly name?: string;
  readonly description?: string;
  readonly prefixes: readonly string[];
  readonly minPrefixLength?: number;
  readonly maxPrefixLength?: number;
  readonly defaultPrefixLength?: number;
  readonly isDefault?: boolean;
  readonly defaultQuota?: number | null;
  readonly addressScopeId?: Uuid | null;
  readonly shared?: boolean;
}
export type SubnetPoolChanges = Partial<Omit<SubnetPoolDraft, 'projectId' | 'shared'>>;

export interface OnboardedSubnet {
  readonly id: Uuid;
  readonly cidr: string;
}

export interface SubnetPools
  extends Collection<SubnetPool, SubnetPoolDraft, SubnetPoolChanges, Where<SubnetPoolRow>> {
  /** Both return the prefixes that the pool has then. */
  addPrefixes(caller: Caller, id: Uuid, prefixes: readonly string[]): Promise<readonly string[]>;
  removePrefixes(caller: Caller, id: Uuid, prefixes: readonly string[]): Promise<readonly string[]>;
  /** The network's subnets of the pool's IP version become subnets of the pool. */
  onboard(caller: Caller, id: Uuid, networkId: Uuid): Promise<readonly OnboardedSubnet[]>;
}

export async function getSubnetPool(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<SubnetPool> {
  const pool = await findSubnetPool(db, id, scope);
  if (!pool) throw new Failure('subnet-pool-not-found', `Subnet pool ${id} could not be found.`);
  return pool;
}

export function createSubnetPools(context: NetworkContext): SubnetPools {
  const { db } = context;
  const get = (trx: Trx, caller: Caller, id: Uuid) => getSubnetPool(trx, id, scopeOf(caller));
  return {
    list: (caller, where) => findSubnetPools(db, scopeOf(caller), where),
    get: (caller, id) => getSubnetPool(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        const made: SubnetPool[] = [];
        for (const draft of drafts) made.push(await createOne(context, current, caller, draft));
        return made;
      }),

    update: (caller, id, changes, expect) =>
      change(context, async (current) => {
        const before = await get(current.trx, caller, id);
        checkRevision(before, expect);
        return changePool(context, current, { caller, before, changes });
      }),

    remove: (caller, id, expect) =>
      change(context, async ({ trx }) => {
        const pool = await get(trx, caller, id);
        checkObject(context, caller, 'delete_subnetpool', pool);
        checkRevision(pool, expect);
        if ((await findSubnets(trx, everything, { subnetpool_id: [id] })).length > 0) {
          throw new Failure(
            'subnet-pool-in-use',
            'Unable to delete subnet pool: Subnet pool has existing allocations.',
          );
        }
        await deleteSubnetPool(trx, id);
      }),

    addPrefixes: (caller, id, prefixes) =>
      change(context, async (current) => {
        checkWriter(context, caller, 'add_prefixes');
        const before = await get(current.trx, caller, id);
        checkObject(context, caller, 'add_prefixes', before);
        const changes = { prefixes: [...before.prefixes, ...prefixes] };
        const after = await changePool(context, current, { caller, before, changes });
        return after.prefixes;
      }),

    removePrefixes: (caller, id, prefixes) =>
      change(context, async ({ trx, now }) => {
        checkWriter(context, caller, 'remove_prefixes');
        const pool = await get(trx, caller, id);
        checkObject(context, caller, 'remove_prefixes', pool);
        const gone = prefixes.map(parseCidr);
        const subnets = await findSubnets(trx, everything, { subnetpool_id: [id] });
        if (
          intersectPrefixes(
            subnets.map(({ cidr }) => parseCidr(cidr)),
            gone,
          )
        ) {
          throw new Failure(
            'subnet-pool-shrunk',
            'Illegal update to prefixes: One or more the prefixes to be removed is in use by a subnet.',
          );
        }
        const left = subtractPrefixes(pool.prefixes.map(parseCidr), gone);
        const compiled = compilePrefixes(left.map(formatCidr));
        await updateSubnetPool(trx, revised(pool, compiled, now));
        return compiled.prefixes;
      }),

    onboard: (caller, id, networkId) =>
      change(context, async (current) => {
        checkWriter(context, caller, 'onboard_network_subnets');
        const pool = await get(current.trx, caller, id);
        const network = await getNetwork(current.trx, networkId, scopeOf(caller));
        checkObject(context, caller, 'onboard_network_subnets', network);
        const subnets = (await findSubnets(current.trx, everything, { network_id: [networkId] })).filter(
          ({ ipVersion }) => ipVersion === pool.ipVersion,
        );
        await refuseTaken(current.trx, pool, subnets);
        const prefixes = [...pool.prefixes, ...subnets.map(({ cidr }) => cidr)];
        await changePool(context, current, { caller, before: pool, changes: { prefixes } });
        for (const subnet of subnets) {
          await updateSubnet(current.trx, revised(subnet, { subnetPoolId: id }, current.now));
        }
        await current.concerned.routed([networkId]);
        return subnets.map(({ id: subnetId, cidr }) => ({ id: subnetId, cidr }));
      }),
  };
}

async function createOne(
  context: NetworkContext,
  current: Change,
  caller: Caller,
  draft: SubnetPoolDraft,
): Promise<SubnetPool> {
  const { projectId = caller.projectId, shared = false } = draft;
  checkCreate(context, caller, 'create_subnetpool', { projectId });
  checkAttributes(context, caller, 'create', {
    resource: 'subnetpool',
    draft,
    unless: { shared: false, isDefault: false },
    object: { projectId },
  });
  const compiled = compilePrefixes(draft.prefixes);
  const pool: SubnetPool = {
    ...newborn(projectId, current.now),
    ...compiled,
    ...compileBounds(compiled.ipVersion, draft),
    name: draft.name ?? '',
    description: draft.description ?? '',
    isDefault: draft.isDefault ?? false,
    defaultQuota: draft.defaultQuota ?? null,
    addressScopeId: draft.addressScopeId ?? null,
    sharedWith: shared ? [everyProject] : [],
  };
  await checkPool(current.trx, caller, pool);
  await claimQuota(context, current.trx, projectId, { subnetpool: 1 });
  await insertSubnetPool(current.trx, pool);
  if (shared) await setShared(current, { ...pool, type: 'subnetpool' }, true);
  return pool;
}

interface PoolChange {
  readonly caller: Caller;
  readonly before: SubnetPool;
  readonly changes: SubnetPoolChanges;
}

async function changePool(
  context: NetworkContext,
  { trx, now, concerned }: Change,
  { caller, before, changes }: PoolChange,
): Promise<SubnetPool> {
  checkObject(context, caller, 'update_subnetpool', before);
  checkAttributes(context, caller, 'update', { resource: 'subnetpool', draft: changes, object: before });
  await refuseForeignScope(trx, caller, before);
  const { prefixes = before.prefixes, ...plain } = changes;
  const compiled = compilePrefixes(prefixes);
  refuseShrinking(before.prefixes, compiled.prefixes);
  const bounds = compileBounds(before.ipVersion, { ...before, ...plain });
  const after = revised(before, { ...plain, ...compiled, ...bounds }, now);
  await checkPool(trx, caller, after, before);
  await updateSubnetPool(trx, after);
  if (after.addressScopeId !== before.addressScopeId) {
    const subnets = await findSubnets(trx, everything, { subnetpool_id: [after.id] });
    await concerned.routed([...new Set(subnets.map(({ networkId }) => networkId))]);
  }
  return after;
}

async function checkPool(trx: Trx, caller: Caller, pool: SubnetPool, before?: SubnetPool): Promise<void> {
  if (pool.isDefault && !before?.isDefault) await refuseSecondDefault(trx, pool);
  if (pool.addressScopeId === null) return;
  const scope = await getAddressScope(trx, pool.addressScopeId, scopeOf(caller));
  if (scope.ipVersion !== pool.ipVersion) {
    throw new Failure(
      'address-scope-version',
      `Illegal subnetpool association: subnetpool ${pool.id} cannot associate with address scope ${scope.id} ` +
        `because subnetpool ip_version is not ${scope.ipVersion}.`,
    );
  }
  if (pool.addressScopeId !== before?.addressScopeId) await refuseMixedNetworks(trx, pool);
  const others = await findSubnetPools(trx, everything, { address_scope_id: [scope.id] });
  const taken = others.filter(({ id }) => id !== pool.id).flatMap(({ prefixes }) => prefixes.map(parseCidr));
  if (!intersectPrefixes(taken, pool.prefixes.map(parseCidr))) return;
  throw new Failure(
    'address-scope-conflict',
    'Failed to associate address scope: subnetpools within an address scope must have unique prefixes.',
  );
}

async function refuseSecondDefault(trx: Trx, pool: SubnetPool): Promise<void> {
  const defaults = await findSubnetPools(trx, everything, { is_default: [1], ip_version: [pool.ipVersion] });
  if (defaults.length === 0) return;
  throw invalidInput(
    'A default subnetpool for this IP family has already been set. Only one default may exist per IP family.',
  );
}

/** All of a network's subnets of one IP version are in one scope. */
async function refuseMixedNetworks(trx: Trx, pool: SubnetPool): Promise<void> {
  const own = await findSubnets(trx, everything, { subnetpool_id: [pool.id] });
  const networkIds = [...new Set(own.map(({ networkId }) => networkId))];
  const all = await findSubnets(trx, everything, { network_id: networkIds, ip_version: [pool.ipVersion] });
  if (all.every(({ subnetPoolId }) => subnetPoolId === pool.id)) return;
  throw new Failure(
    'address-scope-affinity',
    'Subnets of the same address family hosted on the same network must all be allocated from the same address scope.',
  );
}

async function refuseForeignScope(trx: Trx, caller: Caller, pool: SubnetPool): Promise<void> {
  if (pool.addressScopeId === null) return;
  const scope = await getAddressScope(trx, pool.addressScopeId);
  if (caller.isAdmin || scope.projectId === caller.projectId) return;
  throw new Failure(
    'subnet-pool-update',
    `Illegal subnetpool update : subnetpool ${pool.id} cannot be updated when associated with shared address ` +
      `scope ${scope.id}.`,
  );
}

async function refuseTaken(trx: Trx, pool: SubnetPool, subnets: readonly Subnet[]): Promise<void> {
  const taken = await findSubnets(trx, everything, { subnetpool_id: [pool.id] });
  const blocks = taken.map(({ cidr }) => parseCidr(cidr));
  const conflict = subnets.find(({ cidr }) => intersectPrefixes(blocks, [parseCidr(cidr)]));
  if (!conflict) return;
  throw new Failure(
    'subnet-pool-update',
    `Illegal subnetpool update : Onboarding subnet ${conflict.id}: ${conflict.cidr} conflicts with allocated ` +
      `prefixes in subnet pool ${pool.id}.`,
  );
}
