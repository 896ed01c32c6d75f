/**
 * Use cases of forwarded ports: a port, or a range, of a floating IP leads to a port of one of the tenant's ports.
 *
 * A floating IP forwards ports or stands for a port, never both; likewise the tenant's port. All forwarded ports of
 * a floating IP lead through one router. Whoever may change the floating IP may change them.
 */
import type { Caller } from '../../../model/caller.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import type { FloatingIp, Port, PortAddress, PortForwarding } from '../../../model/network.ts';
import type { Trx } from '../../../store/database.ts';
import { floatingIpsOf } from '../../../store/network/floating-ips.ts';
import {
  findPortForwardings,
  insertPortForwarding,
  updatePortForwarding,
} from '../../../store/network/port-forwardings.ts';
import { badRequest, newborn } from '../collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from '../context.ts';
import { checkObject } from '../policy.ts';
import { getPort } from '../port-lifecycle.ts';
import { getSubnet } from '../subnets.ts';
import { alreadyAssociated } from './association.ts';
import { getFloatingIp } from './floating-ips.ts';
import { compileForwarding, type PortForwardingDraft, refuseCollisions } from './forwarding-rules.ts';
import { dropForwardings, settleRouter } from './releases.ts';
import { findRouterBetween, ipv4Of, noteTranslation } from './translation.ts';

export interface PortForwardings {
  list(caller: Caller, floatingIpId: Uuid): Promise<PortForwarding[]>;
  get(caller: Caller, floatingIpId: Uuid, id: Uuid): Promise<PortForwarding>;
  create(
    caller: Caller,
    floatingIpId: Uuid,
    drafts: readonly PortForwardingDraft[],
  ): Promise<PortForwarding[]>;
  update(caller: Caller, floatingIpId: Uuid, id: Uuid, changes: PortForwardingDraft): Promise<PortForwarding>;
  remove(caller: Caller, floatingIpId: Uuid, id: Uuid): Promise<void>;
}

export function createPortForwardings(context: NetworkContext): PortForwardings {
  const { db } = context;
  /** In one transaction, with the floating IP as the caller may change it. */
  const changeOf = <T>(
    caller: Caller,
    { action, floatingIpId }: { readonly action: string; readonly floatingIpId: Uuid },
    work: (current: Change, floatingIp: FloatingIp) => Promise<T>,
  ): Promise<T> =>
    change(context, async (current) => {
      const floatingIp = await getFloatingIp(current.trx, floatingIpId, scopeOf(caller));
      checkObject(context, caller, action, floatingIp);
      return work(current, floatingIp);
    });

  return {
    list: async (caller, floatingIpId) => [
      ...(await getFloatingIp(db, floatingIpId, scopeOf(caller))).portForwardings,
    ],

    get: async (caller, floatingIpId, id) =>
      forwardingOf(await getFloatingIp(db, floatingIpId, scopeOf(caller)), id),

    create: (caller, floatingIpId, drafts) =>
      changeOf(caller, { action: 'create_floatingip_port_forwarding', floatingIpId }, async (current, of) => {
        const made: PortForwarding[] = [];
        for (const draft of drafts) {
          const floatingIp = made.length === 0 ? of : await getFloatingIp(current.trx, floatingIpId);
          made.push(await createOne(current, caller, floatingIp, draft));
        }
        return made;
      }),

    update: (caller, floatingIpId, id, changes) =>
      changeOf(caller, { action: 'update_floatingip_port_forwarding', floatingIpId }, async (current, of) => {
        const order = { caller, floatingIp: of, draft: changes, before: forwardingOf(of, id) };
        return updateOne(current, order);
      }),

    remove: (caller, floatingIpId, id) =>
      changeOf(caller, { action: 'delete_floatingip_port_forwarding', floatingIpId }, async (current, of) => {
        await dropForwardings(current, of, [forwardingOf(of, id)]);
      }),
  };
}

function forwardingOf({ portForwardings }: FloatingIp, id: Uuid): PortForwarding {
  const known = portForwardings.find((forwarding) => forwarding.id === id);
  if (known) return known;
  throw new Failure('port-forwarding-not-found', `Port Forwarding ${id} could not be found.`);
}

async function createOne(
  current: Change,
  caller: Caller,
  floatingIp: FloatingIp,
  draft: PortForwardingDraft,
): Promise<PortForwarding> {
  const { trx, now } = current;
  const { routerId, forwarding } = await settle(trx, { caller, floatingIp, draft, before: undefined });
  const { id, createdAt, updatedAt } = newborn(floatingIp.projectId, now);
  const made: PortForwarding = { ...forwarding, id, floatingIpId: floatingIp.id, createdAt, updatedAt };
  await insertPortForwarding(trx, made);
  await settleRouter(current, floatingIp, routerId);
  await noteTranslation(current, { routerId, portId: made.internalPortId });
  return made;
}

async function updateOne(
  current: Change,
  order: ForwardingOrder & { readonly before: PortForwarding },
): Promise<PortForwarding> {
  const { floatingIp, draft, before } = order;
  const { routerId, forwarding } = await settle(current.trx, order);
  const after = { ...before, ...forwarding, updatedAt: current.now };
  const leadsElsewhere = Object.keys(draft).some((field) => field !== 'description');
  const note = async (of: Uuid | null, portId: Uuid) => {
    if (leadsElsewhere) await noteTranslation(current, { routerId: of, portId });
  };
  await note(floatingIp.routerId, before.internalPortId);
  await updatePortForwarding(current.trx, after);
  await settleRouter(current, floatingIp, routerId);
  await note(routerId, after.internalPortId);
  return after;
}

interface Settled {
  readonly routerId: Uuid;
  readonly forwarding: Omit<PortForwarding, 'id' | 'floatingIpId' | 'createdAt' | 'updatedAt'>;
}

interface ForwardingOrder {
  readonly caller: Caller;
  readonly floatingIp: FloatingIp;
  readonly draft: PortForwardingDraft;
  readonly before: PortForwarding | undefined;
}

/** Checks all that a forwarding says, in Neutron's order, and finds its router. */
async function settle(trx: Trx, { caller, floatingIp, draft, before }: ForwardingOrder): Promise<Settled> {
  const compiled = compileForwarding(draft, before);
  const { internalPortId, internalIpAddress: asked } = compiled;
  const port = await getPort(trx, internalPortId, scopeOf(caller));
  const fixed = chooseInternal(port, asked);
  const forwarding = { ...compiled, internalIpAddress: fixed.ipAddress };
  refuseCollisions(
    forwarding,
    others(await findPortForwardings(trx, { internal_port_id: [internalPortId] }), before),
    others(floatingIp.portForwardings, before),
  );
  await refuseAssociated(trx, forwarding, floatingIp);
  const subnet = await getSubnet(trx, fixed.subnetId);
  const routerId = await findRouterBetween(trx, subnet, floatingIp.floatingNetworkId);
  if (routerId === undefined) {
    throw badRequest(
      'port_forwarding',
      `External network ${floatingIp.floatingNetworkId} is not reachable from subnet ${subnet.id}. Cannot set ` +
        `Port forwarding for port ${internalPortId} with Floating IP ${floatingIp.id}`,
    );
  }
  const isOnly = others(floatingIp.portForwardings, before).length === 0;
  if (!isOnly && floatingIp.routerId !== routerId) {
    throw badRequest(
      'port_forwarding',
      `The Floating IP ${floatingIp.id} had been set on router ${floatingIp.routerId}, the internal Neutron port ` +
        `${internalPortId} can not reach it`,
    );
  }
  return { routerId, forwarding };
}

function chooseInternal(port: Port, asked: string | undefined): PortAddress {
  const candidates = ipv4Of(port);
  const [first] = candidates;
  if (!first) {
    throw badRequest(
      'port_forwarding',
      `Requested internal port ${port.id} must allocate an IPv4 address at least`,
    );
  }
  const chosen = asked === undefined ? first : candidates.find(({ ipAddress }) => ipAddress === asked);
  if (chosen) return chosen;
  const known = candidates.map(({ ipAddress }) => ipAddress).join(', ');
  throw badRequest(
    'port_forwarding',
    `Requested internal IP address ${asked} is not suitable for internal neutron port ${port.id}, ` +
      `as its fixed_ips are ${known}`,
  );
}

async function refuseAssociated(
  trx: Trx,
  { internalPortId, internalIpAddress }: Settled['forwarding'],
  floatingIp: FloatingIp,
): Promise<void> {
  const [own] = (await floatingIpsOf(trx, [internalPortId])).get(internalPortId) ?? [];
  if (own) {
    throw new Failure(
      'port-has-floating-ip',
      `Cannot create port forwarding to floating IP ${own.address} (${own.id}) with port ${internalPortId} ` +
        `using fixed IP ${internalIpAddress}, as that port already has a binding floating IP.`,
    );
  }
  if (floatingIp.portId !== null) throw alreadyAssociated(floatingIp, internalPortId, internalIpAddress);
}

function others(
  forwardings: readonly PortForwarding[],
  self: PortForwarding | undefined,
): readonly PortForwarding[] {
  return forwardings.filter(({ id }) => id !== self?.id);
}
