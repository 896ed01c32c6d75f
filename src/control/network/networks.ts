/**
 * Use cases of networks.
 *
 * Every network is a VXLAN segment with an identifier of its own, chosen at random: no counter to fight for. A
 * network can be deleted while it has subnets but not while it has ports.
 */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import type { Network } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../../store/database.ts';
import { everything, type Scope, type Where } from '../../store/network/common.ts';
import {
  deleteNetwork,
  findNetwork,
  findNetworks,
  insertNetwork,
  updateNetwork,
} from '../../store/network/networks.ts';
import { findPorts } from '../../store/network/ports.ts';
import { findSubnets } from '../../store/network/subnets.ts';
import type { NetworkRow } from '../../store/network/tables.ts';
import { type Collection, checkRevision, invalidInput, newborn, revised } from './collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from './context.ts';
import { ensureDefaultGroup } from './default-group.ts';
import { checkAttributes, checkOwner, checkProject } from './policy.ts';
import { claimQuota } from './quotas.ts';

export interface NetworkDraft {
  readonly projectId?: string;
  readonly name?: string;
  readonly description?: string;
  readonly adminStateUp?: boolean;
  readonly shared?: boolean;
  readonly external?: boolean;
  readonly portSecurityEnabled?: boolean;
  readonly mtu?: number;
  /** Administrators may say what every network is anyway: type `vxlan`, on no physical network. */
  readonly networkType?: string;
  readonly physicalNetwork?: string;
  readonly segmentationId?: number;
}
export type NetworkChanges = Omit<
  NetworkDraft,
  'projectId' | 'networkType' | 'physicalNetwork' | 'segmentationId'
>;

export type Networks = Collection<Network, NetworkDraft, NetworkChanges, Where<NetworkRow>>;

export const networkDefaults = {
  name: '',
  description: '',
  adminStateUp: true,
  shared: false,
  external: false,
  portSecurityEnabled: true,
} as const satisfies NetworkDraft;

/** 24 bits; 0 is not used. */
export const largestSegmentationId = 0xff_ffff;
const smallestMtu = 68;
const smallestMtuOfIpv6 = 1280;

export async function getNetwork(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<Network> {
  const network = await findNetwork(db, id, scope);
  if (!network) throw new Failure('network-not-found', `Network ${id} could not be found.`);
  return network;
}

export function createNetworks(context: NetworkContext): Networks {
  const { db } = context;
  return {
    list: (caller, where) => findNetworks(db, scopeOf(caller), where),
    get: (caller, id) => getNetwork(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        const made: Network[] = [];
        for (const draft of drafts) made.push(await createOne(context, current, caller, draft));
        return made;
      }),

    update: (caller, id, changes, expect) =>
      change(context, async ({ trx, now, concerned }) => {
        const before = await getNetwork(trx, id, scopeOf(caller));
        checkOwner(caller, 'update_network', before);
        checkAttributes(caller, 'update', 'network', { draft: changes });
        checkRevision(before, expect);
        if (changes.mtu !== undefined) await checkMtu(context, trx, changes.mtu, id);
        if (changes.external === false && before.external) await refuseWhenGateway(trx, before);
        if (changes.shared === false && before.shared) await refuseWhenOthersUse(trx, before);
        const after = revised(before, changes, now);
        await updateNetwork(trx, after);
        await concerned.networks([id]);
        return after;
      }),

    remove: (caller, id, expect) =>
      change(context, async ({ trx }) => {
        const network = await getNetwork(trx, id, scopeOf(caller));
        checkOwner(caller, 'delete_network', network);
        checkRevision(network, expect);
        const ports = await findPorts(trx, everything, { network_id: [id] });
        if (ports.length > 0) {
          throw new Failure(
            'network-in-use',
            `Unable to complete operation on network ${id}. There are one or more ports still in use on the network, ` +
              `id for these ports is: ${idsOf(ports)}.`,
          );
        }
        await deleteNetwork(trx, network);
      }),
  };
}

const mostIdsInMessage = 50;

function idsOf(ports: readonly { readonly id: Uuid }[]): string {
  const ids = ports.slice(0, mostIdsInMessage).map((port) => port.id);
  return ports.length > ids.length ? `${ids.join(',')},…` : ids.join(',');
}

async function createOne(
  context: NetworkContext,
  { trx, now }: Change,
  caller: Caller,
  draft: NetworkDraft,
): Promise<Network> {
  const { projectId = caller.projectId, segmentationId, networkType, physicalNetwork, mtu, ...given } = draft;
  checkProject(caller, 'create_network', projectId);
  checkAttributes(caller, 'create', 'network', { draft, unless: networkDefaults });
  if ((networkType && networkType !== 'vxlan') || physicalNetwork) {
    throw invalidInput(
      `provider:network_type '${networkType ?? ''}' on physical network '${physicalNetwork ?? ''}' is not ` +
        `offered, only 'vxlan' without a physical network.`,
    );
  }
  if (mtu !== undefined) await checkMtu(context, trx, mtu);
  await claimQuota(context, trx, projectId, { network: 1 });
  await ensureDefaultGroup(trx, projectId, now);
  const network: Network = {
    ...networkDefaults,
    ...given,
    ...newborn(projectId, now),
    mtu: mtu ?? context.config.network.mtu,
    segmentationId: await chooseSegment(context, trx, segmentationId),
    subnetIds: [],
  };
  await insertNetwork(trx, network);
  return network;
}

async function chooseSegment(
  { random }: NetworkContext,
  trx: Trx,
  wanted: number | undefined,
): Promise<number> {
  if (wanted === undefined) {
    const [a = 0, b = 0, c = 0] = random(3);
    return 1 + (((a << 16) | (b << 8) | c) % largestSegmentationId);
  }
  if ((await findNetworks(trx, everything, { segmentation_id: [wanted] })).length > 0) {
    throw new Failure(
      'segmentation-id-in-use',
      `Unable to create the network. The tunnel ID ${wanted} is in use.`,
    );
  }
  return wanted;
}

/** The wire between hosts bounds the MTU from above, the IP versions in use from below. */
async function checkMtu({ config }: NetworkContext, trx: Trx, mtu: number, networkId?: Uuid): Promise<void> {
  const subnets = networkId ? await findSubnets(trx, everything, { network_id: [networkId] }) : [];
  const smallest = subnets.some((subnet) => subnet.ipVersion === 6) ? smallestMtuOfIpv6 : smallestMtu;
  if (mtu >= smallest && mtu <= config.network.mtu) return;
  throw invalidInput(`mtu ${mtu} is not between ${smallest} and ${config.network.mtu}.`);
}

async function refuseWhenGateway(trx: Trx, network: Network): Promise<void> {
  const gateways = await findPorts(trx, everything, {
    network_id: [network.id],
    device_owner: ['network:router_gateway', 'network:floatingip'],
  });
  if (gateways.length === 0) return;
  throw new Failure(
    'network-in-use',
    `External network ${network.id} cannot be updated to be made non-external, since it has existing gateway ports.`,
  );
}

async function refuseWhenOthersUse(trx: Trx, network: Network): Promise<void> {
  const ports = await findPorts(trx, everything, { network_id: [network.id] });
  const others = ports.filter((port) => port.projectId !== network.projectId && port.projectId !== '');
  if (others.length === 0) return;
  throw new Failure(
    'conflict',
    `Network ${network.name} cannot be made private: ports of other projects are on it.`,
  );
}
