/**
 * Use cases of networks.
 *
 * A network can be deleted while it has subnets but not while it has ports. What carries it: ./segments.ts.
 */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import { everyProject, floatingIpOwner, type Network, routerGatewayOwner } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../../store/database.ts';
import { everything, type Scope, type Where } from '../../store/network/common.ts';
import { findFloatingIps } from '../../store/network/floating-ips.ts';
import {
  deleteNetwork,
  findNetwork,
  findNetworks,
  insertNetwork,
  updateNetwork,
} from '../../store/network/networks.ts';
import { findPorts } from '../../store/network/ports.ts';
import { deleteRbacPolicies, findRbacPolicies } from '../../store/network/rbac-policies.ts';
import { findSubnets } from '../../store/network/subnets.ts';
import type { NetworkRow } from '../../store/network/tables.ts';
import { type Collection, checkRevision, invalidInput, newborn, revised } from './collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from './context.ts';
import { ensureDefaultGroup } from './default-group.ts';
import { checkDnsDomain } from './dns-names.ts';
import { checkAttributes, checkCreate, checkObject } from './policy.ts';
import { checkQosPolicy, defaultQosPolicy } from './qos-policies.ts';
import { claimQuota } from './quotas.ts';
import { dropFloatingIp } from './routing/releases.ts';
import { chooseSegment } from './segments.ts';
import { setShared } from './sharing.ts';

export interface NetworkDraft {
  readonly projectId?: string;
  readonly name?: string;
  readonly description?: string;
  readonly adminStateUp?: boolean;
  readonly shared?: boolean;
  readonly external?: boolean;
  readonly portSecurityEnabled?: boolean;
  readonly mtu?: number;
  /** `vxlan`, or `flat` for an external network. */
  readonly networkType?: string;
  readonly physicalNetwork?: string;
  readonly segmentationId?: number;
  readonly dnsDomain?: string;
  readonly isDefault?: boolean;
  readonly zoneHints?: readonly string[];
  readonly qosPolicyId?: Uuid | null;
}
export type NetworkChanges = Omit<
  NetworkDraft,
  'projectId' | 'networkType' | 'physicalNetwork' | 'segmentationId' | 'zoneHints'
>;

export type Networks = Collection<Network, NetworkDraft, NetworkChanges, Where<NetworkRow>>;

export const networkDefaults = {
  name: '',
  description: '',
  adminStateUp: true,
  shared: false,
  external: false,
  portSecurityEnabled: true,
  dnsDomain: '',
  isDefault: false,
  zoneHints: [],
} as const satisfies NetworkDraft;

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
      change(context, async (current) => {
        const { trx, now, concerned } = current;
        const before = await getNetwork(trx, id, scopeOf(caller));
        checkObject(context, caller, 'update_network', before);
        checkAttributes(context, caller, 'update', { resource: 'network', draft: changes, object: before });
        checkRevision(before, expect);
        const external = changes.external ?? before.external;
        if (changes.mtu !== undefined) await checkMtu(context, trx, { mtu: changes.mtu, external, id });
        if (changes.isDefault) await refuseSecondDefault(trx, external, id);
        if (changes.external === false && before.external) await refuseWhenGateway(trx, before);
        const { shared, ...plain } = changes;
        const after = revised(
          before,
          {
            ...plain,
            dnsDomain: changes.dnsDomain === undefined ? undefined : checkDnsDomain(changes.dnsDomain),
            isDefault: external ? changes.isDefault : false,
            qosPolicyId:
              changes.qosPolicyId && (await checkQosPolicy(trx, scopeOf(caller), changes.qosPolicyId)),
          },
          now,
        );
        await updateNetwork(trx, after);
        await followFlags(current, after, { shared, external: changes.external });
        await concerned.networks([id]);
        if (before.external || external) await concerned.routed([id]);
        return getNetwork(trx, id);
      }),

    remove: (caller, id, expect) =>
      change(context, async (current) => {
        const { trx } = current;
        const network = await getNetwork(trx, id, scopeOf(caller));
        checkObject(context, caller, 'delete_network', network);
        checkRevision(network, expect);
        if (network.external) await dropUnusedFloatingIps(current, network, scopeOf(caller));
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
  current: Change,
  caller: Caller,
  draft: NetworkDraft,
): Promise<Network> {
  const { trx, now } = current;
  const {
    projectId = caller.projectId,
    shared = false,
    segmentationId: _s,
    networkType: _n,
    physicalNetwork: _p,
    mtu,
    ...given
  } = draft;
  checkCreate(context, caller, 'create_network', { projectId });
  checkAttributes(context, caller, 'create', {
    resource: 'network',
    draft,
    unless: networkDefaults,
    object: { projectId },
  });
  const segment = await chooseSegment(context, trx, draft);
  if (mtu !== undefined) await checkMtu(context, trx, { mtu, external: draft.external ?? false });
  if (draft.isDefault) await refuseSecondDefault(trx, draft.external ?? false);
  checkZones(context, draft.zoneHints);
  await claimQuota(context, trx, projectId, { network: 1 });
  await ensureDefaultGroup(trx, projectId, now);
  const network: Network = {
    ...networkDefaults,
    ...given,
    ...newborn(projectId, now),
    ...segment,
    mtu: mtu ?? largestMtu(context, draft.external ?? false),
    dnsDomain: checkDnsDomain(given.dnsDomain ?? ''),
    qosPolicyId: given.qosPolicyId
      ? await checkQosPolicy(trx, scopeOf(caller), given.qosPolicyId)
      : await defaultQosPolicy(trx, projectId),
    subnetIds: [],
    addressScopes: {},
    sharedWith: shared ? [everyProject] : [],
  };
  await insertNetwork(trx, network);
  await followFlags(current, network, { shared, external: network.external });
  return network;
}

/** `shared` and `router:external` are policies for everybody. A network that is no way out any more is one for nobody. */
async function followFlags(
  current: Change,
  network: Network,
  flags: { readonly shared: boolean | undefined; readonly external: boolean | undefined },
): Promise<void> {
  const { id, projectId } = network;
  const object = { type: 'network', id, projectId } as const;
  if (flags.shared !== undefined) await setShared(current, object, flags.shared);
  if (flags.external) await setShared(current, { ...object, action: 'access_as_external' }, true);
  if (flags.external !== false) return;
  const ways = await findRbacPolicies(current.trx, everything, {
    object_id: [id],
    action: ['access_as_external'],
  });
  await deleteRbacPolicies(
    current.trx,
    ways.map((policy) => policy.id),
  );
}

/** What lies outside is not inside a tunnel. */
function largestMtu({ config }: NetworkContext, isExternal: boolean): number {
  return isExternal ? config.network.externalMtu : config.network.mtu;
}

/** The wire bounds the MTU from above, the IP versions in use from below. */
async function checkMtu(
  context: NetworkContext,
  trx: Trx,
  given: { readonly mtu: number; readonly external: boolean; readonly id?: Uuid },
): Promise<void> {
  const subnets = given.id ? await findSubnets(trx, everything, { network_id: [given.id] }) : [];
  const smallest = subnets.some((subnet) => subnet.ipVersion === 6) ? smallestMtuOfIpv6 : smallestMtu;
  const largest = largestMtu(context, given.external);
  if (given.mtu >= smallest && given.mtu <= largest) return;
  throw invalidInput(`mtu ${given.mtu} is not between ${smallest} and ${largest}.`);
}

/** Clients that name no external network take the default one: there is at most one. */
async function refuseSecondDefault(trx: Trx, isExternal: boolean, id?: Uuid): Promise<void> {
  if (!isExternal) throw invalidInput('is_default is for external networks: set router:external too.');
  const [other] = await findNetworks(trx, everything, { is_default: [1] });
  if (!other || other.id === id) return;
  throw new Failure('default-network-exists', `A default external network already exists: ${other.id}.`);
}

/** Throws `zone-not-found` for a hint at a zone where no host is. */
export function checkZones({ config }: NetworkContext, hints: readonly string[] = []): void {
  const unknown = hints.find((zone) => zone !== config.agent.availabilityZone);
  if (unknown === undefined) return;
  throw new Failure('zone-not-found', `AvailabilityZone ${unknown} could not be found.`);
}

/** Addresses that lead nowhere do not keep an external network: as in Neutron they go with it. */
async function dropUnusedFloatingIps(current: Change, { id }: Network, scope: Scope): Promise<void> {
  const floatingIps = await findFloatingIps(current.trx, scope, { floating_network_id: [id] });
  for (const floatingIp of floatingIps.filter(({ routerId }) => routerId === null)) {
    await dropFloatingIp(current, floatingIp);
  }
}

async function refuseWhenGateway(trx: Trx, network: Network): Promise<void> {
  const gateways = await findPorts(trx, everything, {
    network_id: [network.id],
    device_owner: [routerGatewayOwner, floatingIpOwner],
  });
  if (gateways.length === 0) return;
  throw new Failure(
    'external-network-in-use',
    `External network ${network.id} cannot be updated to be made non-external, since it has existing gateway ports.`,
  );
}
