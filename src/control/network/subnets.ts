/**
 * Use cases of subnets. What a subnet's values must be like on their own and together is in ./subnet-rules.ts.
 *
 * Only the network's owner makes subnets on it, and subnets of a network do not overlap. The block and the
 * network of a subnet never change.
 */
import { contains, overlaps, parseAddress, parseCidr } from '../../ipam/address.ts';
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import { routerInterfaceOwner, type Subnet } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../../store/database.ts';
import { everything, type Scope, type Where } from '../../store/network/common.ts';
import { touchNetwork } from '../../store/network/networks.ts';
import { findPorts } from '../../store/network/ports.ts';
import {
  deleteSubnet,
  findSubnet,
  findSubnets,
  insertSubnet,
  updateSubnet,
  usedAddresses,
} from '../../store/network/subnets.ts';
import type { SubnetRow } from '../../store/network/tables.ts';
import { type Collection, checkRevision, invalidInput, newborn, revised } from './collection.ts';
import { giveComputedAddresses, takeComputedAddresses } from './computed-addresses.ts';
import { type Change, change, type NetworkContext, scopeOf } from './context.ts';
import { getNetwork } from './networks.ts';
import { checkCreate, checkObject } from './policy.ts';
import { claimQuota } from './quotas.ts';
import { chooseOrigin } from './subnet-allocation.ts';
import { compileSubnet, type SubnetDraft } from './subnet-rules.ts';

export type SubnetChanges = Omit<
  SubnetDraft,
  | 'networkId'
  | 'cidr'
  | 'subnetPoolId'
  | 'useDefaultPool'
  | 'prefixLength'
  | 'ipVersion'
  | 'projectId'
  | 'ipv6AddressMode'
  | 'ipv6RaMode'
>;

export type Subnets = Collection<Subnet, SubnetDraft, SubnetChanges, Where<SubnetRow>>;

export async function getSubnet(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<Subnet> {
  const subnet = await findSubnet(db, id, scope);
  if (!subnet) throw new Failure('subnet-not-found', `Subnet ${id} could not be found.`);
  return subnet;
}

export function createSubnets(context: NetworkContext): Subnets {
  const { db } = context;
  return {
    list: (caller, where) => findSubnets(db, scopeOf(caller), where),
    get: (caller, id) => getSubnet(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        const made: Subnet[] = [];
        for (const draft of drafts) made.push(await createOne(context, current, caller, draft));
        return made;
      }),

    update: (caller, id, changes, expect) =>
      change(context, async ({ trx, now, concerned }) => {
        const before = await getSubnet(trx, id, scopeOf(caller));
        checkObject(context, caller, 'update_subnet', before);
        checkRevision(before, expect);
        const isNewGateway = changes.gatewayIp !== undefined && changes.gatewayIp !== before.gatewayIp;
        if (isNewGateway) await refuseWhenRouterHasGateway(trx, before);
        const compiled = compileSubnet(before.networkId, {
          ...before,
          ...changes,
          gatewayIp: changes.gatewayIp === undefined ? before.gatewayIp : changes.gatewayIp,
        });
        const after = revised(before, compiled, now);
        await updateSubnet(trx, after);
        await touchNetwork(trx, after.networkId, now);
        await concerned.networks([after.networkId]);
        return after;
      }),

    remove: (caller, id, expect) =>
      change(context, async (current) => {
        const { trx, now, concerned } = current;
        const subnet = await getSubnet(trx, id, scopeOf(caller));
        checkObject(context, caller, 'delete_subnet', subnet);
        checkRevision(subnet, expect);
        await takeComputedAddresses(current, subnet);
        if ((await usedAddresses(trx, id)).length > 0) {
          throw new Failure(
            'subnet-in-use',
            `Unable to complete operation on subnet ${id}: One or more ports have an IP allocation from this subnet.`,
          );
        }
        await deleteSubnet(trx, id);
        await touchNetwork(trx, subnet.networkId, now);
        await concerned.networks([subnet.networkId]);
      }),
  };
}

async function createOne(
  context: NetworkContext,
  current: Change,
  caller: Caller,
  draft: SubnetDraft,
): Promise<Subnet> {
  const { trx, now, concerned } = current;
  const network = await getNetwork(trx, draft.networkId, scopeOf(caller));
  const { projectId = network.projectId } = draft;
  const object = { projectId, networkProjectId: network.projectId };
  checkObject(context, caller, 'create_subnet', object);
  checkCreate(context, caller, 'create_subnet', object);
  const scope = scopeOf(caller);
  const { cidr, subnetPoolId } = await chooseOrigin(trx, { draft, network, projectId, scope });
  const subnet: Subnet = {
    ...newborn(projectId, now),
    ...compileSubnet(network.id, { ...draft, cidr }),
    subnetPoolId,
  };
  await refuseOverlap(trx, subnet);
  if (subnet.ipVersion === 6 && network.mtu < 1280) {
    throw invalidInput(`mtu ${network.mtu} of the network is too small for IPv6, which needs 1280.`);
  }
  await claimQuota(context, trx, projectId, { subnet: 1 });
  await insertSubnet(trx, subnet);
  await giveComputedAddresses(current, subnet);
  await touchNetwork(trx, network.id, now);
  await concerned.networks([network.id]);
  return subnet;
}

async function refuseOverlap(trx: Trx, subnet: Subnet): Promise<void> {
  const others = await findSubnets(trx, everything, { network_id: [subnet.networkId] });
  const block = parseCidr(subnet.cidr);
  if (!others.some((other) => overlaps(parseCidr(other.cidr), block))) return;
  throw invalidInput(
    `Requested subnet with cidr: ${subnet.cidr} for network: ${subnet.networkId} overlaps with another subnet.`,
  );
}

/** A router answers for the gateway's address: it would not learn of a new one. */
async function refuseWhenRouterHasGateway(trx: Trx, subnet: Subnet): Promise<void> {
  if (!subnet.gatewayIp || !contains(parseCidr(subnet.cidr), parseAddress(subnet.gatewayIp))) return;
  const holders = await findPorts(trx, everything, {
    subnet: [subnet.id],
    address: [subnet.gatewayIp],
    device_owner: [routerInterfaceOwner],
  });
  const [holder] = holders;
  if (!holder) return;
  throw new Failure(
    'gateway-ip-in-use',
    `Current gateway ip ${subnet.gatewayIp} already in use by port ${holder.id}. Unable to update.`,
  );
}
