/**
 * Use cases of floating IPs: addresses of an external network that belong to a project and stand for a fixed
 * address of one of its ports. What an association must be like is in ./association.ts.
 *
 * The address is held by a port of no project on the external network, so that nobody else gets it. A floating IP
 * outlives the port it stands for (./releases.ts).
 */
import type { Caller } from '../../../model/caller.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import {
  type FloatingIp,
  floatingIpOwner,
  type Network,
  type Port,
  type Subnet,
} from '../../../model/network.ts';
import type { DbOrTrx, Trx } from '../../../store/database.ts';
import { everything, type Scope } from '../../../store/network/common.ts';
import {
  type FloatingIpWhere,
  findFloatingIp,
  findFloatingIps,
  insertFloatingIp,
  updateFloatingIp,
} from '../../../store/network/floating-ips.ts';
import { findNetwork, findNetworks } from '../../../store/network/networks.ts';
import { findSubnets } from '../../../store/network/subnets.ts';
import { badRequest, type Collection, checkRevision, newborn, revised } from '../collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from '../context.ts';
import { checkDnsDomain, checkDnsName } from '../dns-names.ts';
import { checkAttributes, checkCreate, checkObject } from '../policy.ts';
import type { AskedAddress } from '../port-addresses.ts';
import { claimQuota } from '../quotas.ts';
import { associate } from './association.ts';
import { dropFloatingIp } from './releases.ts';
import { makeNetworkPort } from './router-ports.ts';
import { type Association, ipv4Of, noAssociation, noteTranslation } from './translation.ts';

export interface FloatingIpDraft {
  readonly projectId?: string;
  readonly description?: string;
  readonly floatingNetworkId: Uuid;
  /** Absent or null: any address of the network, or of the subnet. */
  readonly floatingIpAddress?: string | null;
  readonly subnetId?: Uuid | null;
  /** Null = it stands for none. */
  readonly portId?: Uuid | null;
  readonly fixedIpAddress?: string | null;
  readonly dnsName?: string;
  readonly dnsDomain?: string;
}
export type FloatingIpChanges = Pick<FloatingIpDraft, 'description' | 'portId' | 'fixedIpAddress'>;

export type FloatingIps = Collection<FloatingIp, FloatingIpDraft, FloatingIpChanges, FloatingIpWhere>;

export async function getFloatingIp(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<FloatingIp> {
  const floatingIp = await findFloatingIp(db, id, scope);
  if (!floatingIp) throw new Failure('floating-ip-not-found', `Floating IP ${id} could not be found`);
  return floatingIp;
}

export function createFloatingIps(context: NetworkContext): FloatingIps {
  const { db } = context;
  return {
    list: (caller, where) => findFloatingIps(db, scopeOf(caller), where),
    get: (caller, id) => getFloatingIp(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        const made: FloatingIp[] = [];
        for (const draft of drafts) made.push(await createOne(context, current, caller, draft));
        return made;
      }),

    update: (caller, id, changes, expect) =>
      change(context, async (current) => {
        const { trx, now } = current;
        const before = await getFloatingIp(trx, id, scopeOf(caller));
        checkObject(context, caller, 'update_floatingip', before);
        checkRevision(before, expect);
        const association = await nextAssociation(trx, { floatingIp: before, changes, caller });
        const after = revised(before, { description: changes.description, ...association }, now);
        if (association) await noteTranslation(current, before);
        await updateFloatingIp(trx, after);
        if (association) await noteTranslation(current, after);
        return getFloatingIp(trx, id);
      }),

    remove: (caller, id, expect) =>
      change(context, async (current) => {
        const floatingIp = await getFloatingIp(current.trx, id, scopeOf(caller));
        checkObject(context, caller, 'delete_floatingip', floatingIp);
        checkRevision(floatingIp, expect);
        refuseForwarding(floatingIp);
        await dropFloatingIp(current, floatingIp);
      }),
  };
}

/** IPv4 subnets of the external networks that the caller sees: where floating IPs come from. */
export type FloatingIpPools = (caller: Caller) => Promise<Subnet[]>;

export function createFloatingIpPools({ db }: NetworkContext): FloatingIpPools {
  return async (caller) => {
    const networks = await findNetworks(db, scopeOf(caller), { external: [1] });
    const ids = networks.map(({ id }) => id);
    return ids.length === 0 ? [] : findSubnets(db, everything, { network_id: ids, ip_version: [4] });
  };
}

function refuseForwarding({ id, portForwardings }: FloatingIp): void {
  if (portForwardings.length === 0) return;
  throw new Failure('floating-ip-in-use', `Floating IP ${id} in use by Port Forwarding resources.`);
}

interface AssociationChange {
  readonly floatingIp: FloatingIp;
  readonly changes: Pick<FloatingIpDraft, 'portId' | 'fixedIpAddress'>;
  readonly caller: Caller;
}

/** Undefined = as it is. */
async function nextAssociation(
  trx: Trx,
  { floatingIp, changes, caller }: AssociationChange,
): Promise<Association | undefined> {
  const { portId, fixedIpAddress } = changes;
  if (fixedIpAddress && !portId) {
    throw badRequest('floatingip', 'fixed_ip_address cannot be specified without a port_id');
  }
  if (portId === undefined) return undefined;
  // Its forwarded ports lead through its router: they stay.
  if (portId === null) return floatingIp.portId === null ? undefined : noAssociation;
  refuseForwarding(floatingIp);
  return associate(trx, { floatingIp, portId, fixedIpAddress: fixedIpAddress ?? undefined, caller });
}

async function createOne(
  context: NetworkContext,
  current: Change,
  caller: Caller,
  draft: FloatingIpDraft,
): Promise<FloatingIp> {
  const { trx, now } = current;
  const { projectId = caller.projectId, floatingNetworkId } = draft;
  checkCreate(context, caller, 'create_floatingip', { projectId });
  checkAttributes(context, caller, 'create', {
    resource: 'floatingip',
    draft,
    unless: { floatingIpAddress: null },
    object: { projectId },
  });
  const names = checkNames(draft);
  await claimQuota(context, trx, projectId, { floatingip: 1 });
  const network = await getExternal(trx, floatingNetworkId, scopeOf(caller));
  const born = newborn(projectId, now);
  const port = await holdAddress(context, current, { network, floatingIpId: born.id, draft });
  const [held] = ipv4Of(port);
  if (!held) {
    throw new Failure(
      'external-address-exhausted',
      `Unable to find any IP address on external network ${network.id}.`,
    );
  }
  const floatingIp: FloatingIp = {
    ...born,
    ...noAssociation,
    description: draft.description ?? '',
    floatingNetworkId,
    floatingIpAddress: held.ipAddress,
    floatingPortId: port.id,
    ...names,
    portDetails: null,
    portForwardings: [],
  };
  const association = await nextAssociation(trx, { floatingIp, changes: draft, caller });
  const made: FloatingIp = { ...floatingIp, ...association };
  await insertFloatingIp(trx, made);
  await noteTranslation(current, made);
  return getFloatingIp(trx, made.id);
}

/** A network that the caller does not see is none that floating IPs come from. */
async function getExternal(trx: Trx, id: Uuid, scope: Scope): Promise<Network> {
  const network = await findNetwork(trx, id, scope);
  if (!network?.external) {
    throw badRequest('floatingip', `Network ${id} is not a valid external network`);
  }
  const subnets = await findSubnets(trx, everything, { network_id: [id] });
  if (subnets.some(({ ipVersion }) => ipVersion === 4)) return network;
  throw badRequest('floatingip', `Network ${id} does not contain any IPv4 subnet`);
}

function holdAddress(
  context: NetworkContext,
  current: Change,
  order: { readonly network: Network; readonly floatingIpId: Uuid; readonly draft: FloatingIpDraft },
): Promise<Port> {
  const { subnetId, floatingIpAddress } = order.draft;
  const asked: AskedAddress = {
    ...(subnetId ? { subnetId } : {}),
    ...(floatingIpAddress ? { ipAddress: floatingIpAddress } : {}),
    ...(subnetId || floatingIpAddress ? {} : { ipVersion: 4 }),
  };
  return makeNetworkPort(context, current, {
    network: order.network,
    projectId: '',
    status: 'N/A',
    draft: { deviceId: order.floatingIpId, deviceOwner: floatingIpOwner, fixedIps: [asked] },
  });
}

/** A name needs a domain to be one outside, and the other way round. */
function checkNames(draft: FloatingIpDraft): Pick<FloatingIp, 'dnsName' | 'dnsDomain'> {
  const dnsName = checkDnsName(draft.dnsName ?? '');
  const dnsDomain = checkDnsDomain(draft.dnsDomain ?? '');
  if (dnsDomain !== '' && dnsName === '') {
    throw badRequest('floatingip', 'dns_domain cannot be specified without a dns_name');
  }
  if (dnsName !== '' && dnsDomain === '') {
    throw badRequest('floatingip', 'dns_name cannot be specified without a dns_domain');
  }
  return { dnsName, dnsDomain };
}
