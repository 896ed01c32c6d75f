/**
 * A router's way out: a port on an external network, with an address of each of its IP versions.
 *
 * The port belongs to no project: its addresses are the external network's, not the tenant's.
 */
import { canonicalAddress } from '../../../ipam/address.ts';
import type { Caller } from '../../../model/caller.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import { type Network, type Port, type Router, routerGatewayOwner } from '../../../model/network.ts';
import type { Trx } from '../../../store/database.ts';
import { everything } from '../../../store/network/common.ts';
import { findFloatingIps } from '../../../store/network/floating-ips.ts';
import { findSubnets } from '../../../store/network/subnets.ts';
import { badRequest } from '../collection.ts';
import { type Change, type NetworkContext, scopeOf } from '../context.ts';
import { getNetwork } from '../networks.ts';
import { checkGateway, type GatewayAttribute } from '../policy.ts';
import type { AskedAddress } from '../port-addresses.ts';
import { changePort, dropPorts } from '../port-lifecycle.ts';
import { checkNewSubnets, gatewayPortOf, interfacesOf, makeNetworkPort } from './router-ports.ts';

export interface GatewayDraft {
  readonly networkId: Uuid;
  /** Absent = true, also when the router had it otherwise: as Neutron does. */
  readonly enableSnat?: boolean;
  /** Absent = as they are, or one per IP version of the network. */
  readonly externalFixedIps?: readonly AskedAddress[];
}

/** The part of a router that says what its gateway is. */
export type Gateway = Pick<Router, 'externalNetworkId' | 'enableSnat' | 'gatewayIps'>;

export const noGateway: Gateway = { externalNetworkId: null, enableSnat: true, gatewayIps: [] };

/** Throws unless the caller may choose what the draft chooses. */
export function checkGatewayDraft(
  context: NetworkContext,
  caller: Caller,
  action: string,
  {
    draft,
    object,
  }: { readonly draft: GatewayDraft | null | undefined; readonly object: { readonly projectId: string } },
): void {
  const given: GatewayAttribute[] = [];
  if (draft?.enableSnat !== undefined) given.push('enable_snat');
  if (draft?.externalFixedIps !== undefined) given.push('external_fixed_ips');
  checkGateway(context, caller, action, { given, object });
}

export interface GatewayOrder {
  readonly router: Router;
  /** Null = no gateway. */
  readonly draft: GatewayDraft | null;
  readonly caller: Caller;
}

/** Makes, moves, changes or removes the gateway's port; the router's row is the caller's to write. */
export async function changeGateway(
  context: NetworkContext,
  current: Change,
  { router, draft, caller }: GatewayOrder,
): Promise<Gateway> {
  const { trx } = current;
  const network = draft ? await getNetwork(trx, draft.networkId, scopeOf(caller)) : undefined;
  if (network) await checkNetwork(trx, network, draft?.externalFixedIps ?? []);
  const present = await gatewayPortOf(trx, router.id);
  const stays = present !== undefined && present.networkId === network?.id;
  if (present && !stays) await dropGateway(current, router, present);
  if (!network) return noGateway;
  const port = stays
    ? await readdress(context, current, present, draft?.externalFixedIps)
    : await makeGateway(context, current, { router, network, asked: draft?.externalFixedIps });
  return {
    externalNetworkId: network.id,
    enableSnat: draft?.enableSnat ?? true,
    gatewayIps: port.fixedIps,
  };
}

/** Throws `router-gateway-needed` while floating IPs lead through it. */
export async function dropGateway(current: Change, router: Router, port: Port): Promise<void> {
  const dependent = await findFloatingIps(current.trx, everything, { router_id: [router.id] });
  if (dependent.length > 0) {
    throw new Failure(
      'router-gateway-needed',
      `Gateway cannot be updated for router ${router.id}, since a gateway to external network ` +
        `${port.networkId} is required by one or more floating IPs.`,
    );
  }
  await dropPorts(current, [port]);
}

async function checkNetwork(trx: Trx, network: Network, asked: readonly AskedAddress[]): Promise<void> {
  if (!network.external) throw badRequest('router', `Network ${network.id} is not an external network`);
  const given = asked.flatMap(({ ipAddress }) =>
    ipAddress === undefined ? [] : canonicalAddress(ipAddress),
  );
  if (given.length === 0) return;
  const subnets = await findSubnets(trx, everything, { network_id: [network.id] });
  const taken = given.find((address) => subnets.some(({ gatewayIp }) => gatewayIp === address));
  if (taken) throw badRequest('router', `External IP ${taken} is the same as the gateway IP`);
}

async function readdress(
  context: NetworkContext,
  current: Change,
  port: Port,
  asked: readonly AskedAddress[] | undefined,
): Promise<Port> {
  if (!asked || asked.length === 0) return port;
  return changePort(context, current, { port, changes: { fixedIps: asked }, scope: everything });
}

async function makeGateway(
  context: NetworkContext,
  current: Change,
  order: {
    readonly router: Router;
    readonly network: Network;
    readonly asked: readonly AskedAddress[] | undefined;
  },
): Promise<Port> {
  const { router, network, asked } = order;
  const subnets = await findSubnets(current.trx, everything, { network_id: [network.id] });
  await checkNewSubnets(current.trx, await interfacesOf(current.trx, router.id), subnets);
  return makeNetworkPort(context, current, {
    network,
    projectId: '',
    status: 'ACTIVE',
    draft: {
      deviceId: router.id,
      deviceOwner: routerGatewayOwner,
      ...(asked && asked.length > 0 ? { fixedIps: asked } : {}),
    },
  });
}
