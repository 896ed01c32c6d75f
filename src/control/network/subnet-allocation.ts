/**
 * Where a subnet's block comes from: given with the subnet, or taken from a pool (a given block, or the next free one of
 * a size). Runs inside the transaction that writes the subnet.
 *
 * A network's subnets of one IP version are all from one pool, from one address scope, or all from none.
 */
import { blockOf, type Cidr, findAddress, formatCidr, parseCidr } from '../../ipam/address.ts';
import { coversPrefixes, intersectPrefixes, nextBlock } from '../../ipam/prefixes.ts';
import { Failure } from '../../model/failure.ts';
import type { Network, SubnetPool } from '../../model/network.ts';
import type { Trx } from '../../store/database.ts';
import { everything, type Scope } from '../../store/network/common.ts';
import { findSubnetPools } from '../../store/network/subnet-pools.ts';
import { findSubnets } from '../../store/network/subnets.ts';
import { badRequest } from './collection.ts';
import { getSubnetPool } from './subnet-pools.ts';
import type { SubnetDraft } from './subnet-rules.ts';

function badSubnets(text: string): Failure {
  return badRequest('subnets', text);
}

export interface Origin {
  readonly cidr: string;
  readonly subnetPoolId: string | null;
}

export interface OriginAsk {
  readonly draft: SubnetDraft;
  readonly network: Network;
  readonly projectId: string;
  /** Whose pools may be named. */
  readonly scope: Scope;
}

export async function chooseOrigin(trx: Trx, ask: OriginAsk): Promise<Origin> {
  const { cidr, prefixLength } = ask.draft;
  if (cidr !== undefined && prefixLength !== undefined) {
    throw badSubnets('cidr and prefixlen must not be supplied together');
  }
  const pool = await findPool(trx, ask);
  if (pool) return { cidr: formatCidr(await allocate(trx, pool, ask)), subnetPoolId: pool.id };
  if (cidr === undefined) throw badSubnets('a subnetpool must be specified in the absence of a cidr');
  await checkAffinity(trx, ask.network, undefined, parseCidr(cidr).version);
  return { cidr, subnetPoolId: null };
}

async function findPool(trx: Trx, { draft, scope }: OriginAsk): Promise<SubnetPool | undefined> {
  const { subnetPoolId, useDefaultPool, cidr, ipVersion } = draft;
  if (useDefaultPool && subnetPoolId) {
    throw badSubnets('subnetpool_id and use_default_subnetpool cannot both be specified');
  }
  if (subnetPoolId) return getSubnetPool(trx, subnetPoolId, scope);
  if (!useDefaultPool) return undefined;
  const version = cidr === undefined ? (ipVersion ?? 4) : parseCidr(cidr).version;
  const [pool] = await findSubnetPools(trx, scope, { is_default: [1], ip_version: [version] });
  if (pool) return pool;
  throw badSubnets(`No default subnetpool found for IPv${version}`);
}

async function allocate(trx: Trx, pool: SubnetPool, ask: OriginAsk): Promise<Cidr> {
  const { draft, network } = ask;
  if (draft.cidr === undefined && draft.allocationPools !== undefined) {
    throw badSubnets('allocation_pools allowed only for specific subnet requests.');
  }
  if (draft.ipVersion !== undefined && draft.ipVersion !== pool.ipVersion) {
    throw badSubnets(`Cannot allocate IPv${draft.ipVersion} subnet from IPv${pool.ipVersion} subnet pool`);
  }
  await checkAffinity(trx, network, pool, pool.ipVersion);
  const wanted = wantedBlock(pool, draft);
  const prefixLength = wanted?.prefix ?? draft.prefixLength ?? pool.defaultPrefixLength;
  checkLength(pool, prefixLength);
  const subnets = await findSubnets(trx, everything, { subnetpool_id: [pool.id] });
  const own = subnets.filter(({ projectId }) => projectId === ask.projectId);
  checkPoolQuota(pool, [...own.map(({ cidr }) => parseCidr(cidr).prefix), prefixLength]);
  return takeBlock(
    pool,
    subnets.map(({ cidr }) => parseCidr(cidr)),
    wanted ?? prefixLength,
  );
}

/** A block, or the one of the asked size that the asked gateway lies in; undefined = any. */
function wantedBlock(pool: SubnetPool, draft: SubnetDraft): Cidr | undefined {
  if (draft.cidr !== undefined) return parseCidr(draft.cidr);
  const gateway = draft.gatewayIp ? findAddress(draft.gatewayIp) : undefined;
  if (!gateway || gateway.version !== pool.ipVersion) return undefined;
  const prefixLength = draft.prefixLength ?? pool.defaultPrefixLength;
  checkLength(pool, prefixLength);
  return blockOf(gateway, prefixLength);
}

function checkLength(pool: SubnetPool, prefixLength: number): void {
  const { minPrefixLength, maxPrefixLength } = pool;
  const text = `Unable to allocate subnet with prefix length ${prefixLength}`;
  if (prefixLength > maxPrefixLength) {
    throw new Failure('subnet-too-small', `${text}, maximum allowed prefix is ${maxPrefixLength}.`);
  }
  if (prefixLength < minPrefixLength) {
    throw new Failure('subnet-too-large', `${text}, minimum allowed prefix is ${minPrefixLength}.`);
  }
}

const quotaUnit = { 4: 32, 6: 64 } as const;

function checkPoolQuota(pool: SubnetPool, prefixLengths: readonly number[]): void {
  if (pool.defaultQuota === null) return;
  const units = prefixLengths.reduce((sum, length) => sum + 2 ** (quotaUnit[pool.ipVersion] - length), 0);
  if (units <= pool.defaultQuota) return;
  throw new Failure('subnet-pool-over-quota', 'Per-tenant subnet pool prefix quota exceeded.');
}

function takeBlock(pool: SubnetPool, taken: readonly Cidr[], wanted: Cidr | number): Cidr {
  const prefixes = pool.prefixes.map(parseCidr);
  if (typeof wanted === 'number') {
    const next = nextBlock(prefixes, taken, wanted);
    if (next) return next;
    throw new Failure(
      'subnet-allocation-failed',
      `Failed to allocate subnet: Insufficient prefix space to allocate subnet size /${wanted}.`,
    );
  }
  if (coversPrefixes(prefixes, [wanted]) && !intersectPrefixes(taken, [wanted])) return wanted;
  throw new Failure(
    'subnet-allocation-failed',
    'Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.',
  );
}

async function checkAffinity(
  trx: Trx,
  network: Network,
  pool: SubnetPool | undefined,
  version: 4 | 6,
): Promise<void> {
  const scopeId = network.addressScopes[version];
  if (pool && scopeId !== undefined) {
    if (pool.addressScopeId === scopeId) return;
    throw new Failure(
      'address-scope-affinity',
      'Subnets of the same address family hosted on the same network must all be allocated from the same address scope.',
    );
  }
  const present = await findSubnets(trx, everything, { network_id: [network.id], ip_version: [version] });
  if (present.every(({ subnetPoolId }) => subnetPoolId === (pool?.id ?? null))) return;
  throw new Failure(
    'subnet-pool-affinity',
    'Subnets hosted on the same network must be allocated from the same subnet pool.',
  );
}
