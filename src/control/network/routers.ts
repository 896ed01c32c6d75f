/**
 * Routers, as far as a first start needs them: make one, give it a gateway and interfaces, show it.
 *
 * Interfaces and gateway are ports that the router owns. An interface takes the subnet's gateway address. The
 * gateway's port belongs to no project: it is an address of the external network, not of the tenant's.
 */
import { contains, overlaps, parseAddress, parseCidr } from '../../ipam/address.ts';
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import { type Port, type Router, routerGatewayOwner, routerInterfaceOwner } from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../../store/database.ts';
import { everything, type Scope, type Where } from '../../store/network/common.ts';
import { findPorts, updatePort } from '../../store/network/ports.ts';
import { findRouter, findRouters, insertRouter, updateRouter } from '../../store/network/routers.ts';
import type { RouterRow } from '../../store/network/tables.ts';
import { newborn, revised } from './collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from './context.ts';
import { getNetwork } from './networks.ts';
import { checkOwner, checkProject } from './policy.ts';
import { makePort, type PortDraft } from './port-lifecycle.ts';
import { claimQuota } from './quotas.ts';
import { getSubnet } from './subnets.ts';

export interface RouterDraft {
  readonly projectId?: string;
  readonly name: string;
  readonly description?: string;
}

export type Routers = ReturnType<typeof createRouters>;

async function getRouter(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<Router> {
  const router = await findRouter(db, id, scope);
  if (!router) throw new Failure('router-not-found', `Router ${id} could not be found`);
  return router;
}

export function createRouters(context: NetworkContext) {
  const { db } = context;
  return {
    list: (caller: Caller, where?: Where<RouterRow>): Promise<Router[]> =>
      findRouters(db, scopeOf(caller), where),

    get: (caller: Caller, id: Uuid): Promise<Router> => getRouter(db, id, scopeOf(caller)),

    /** The project's oldest router of that name; makes it when there is none. */
    ensure: (caller: Caller, draft: RouterDraft): Promise<Router> =>
      change(context, async ({ trx, now }) => {
        const { projectId = caller.projectId, name, description = '' } = draft;
        checkProject(caller, 'create_router', projectId);
        const [known] = await findRouters(trx, everything, { project_id: [projectId], name: [name] });
        if (known) return known;
        await claimQuota(context, trx, projectId, { router: 1 });
        const router: Router = {
          ...newborn(projectId, now),
          name,
          description,
          adminStateUp: true,
          externalNetworkId: null,
          enableSnat: true,
          gatewayIps: [],
        };
        await insertRouter(trx, router);
        return router;
      }),

    /** Throws `bad-router-request` when the router has a port on the subnet already. */
    addInterface: (caller: Caller, routerId: Uuid, subnetId: Uuid): Promise<Port> =>
      change(context, async (current) => {
        const router = await getRouter(current.trx, routerId, scopeOf(caller));
        checkOwner(caller, 'add_router_interface', router);
        const known = await interfaceOn(current.trx, routerId, subnetId);
        if (known) {
          throw new Failure(
            'bad-router-request',
            `Bad router request: Router already has a port on subnet ${subnetId}.`,
          );
        }
        return plugInterface(context, current, { router, subnetId, scope: scopeOf(caller) });
      }),

    /** The router's port on the subnet; makes it when there is none. */
    ensureInterface: (caller: Caller, routerId: Uuid, subnetId: Uuid): Promise<Port> =>
      change(context, async (current) => {
        const router = await getRouter(current.trx, routerId, scopeOf(caller));
        checkOwner(caller, 'add_router_interface', router);
        const known = await interfaceOn(current.trx, routerId, subnetId);
        return known ?? plugInterface(context, current, { router, subnetId, scope: scopeOf(caller) });
      }),

    /** Gives the router its way out. The same network again changes nothing; another one is not possible yet. */
    setGateway: (caller: Caller, routerId: Uuid, networkId: Uuid): Promise<Router> =>
      change(context, async (current) => {
        const router = await getRouter(current.trx, routerId, scopeOf(caller));
        checkOwner(caller, 'update_router', router);
        if (router.externalNetworkId === networkId) return router;
        if (router.externalNetworkId !== null) {
          throw new Failure('conflict', `Router ${routerId} has another gateway network already.`);
        }
        return plugGateway(context, current, { router, networkId, scope: scopeOf(caller) });
      }),
  };
}

async function interfaceOn(trx: Trx, routerId: Uuid, subnetId: Uuid): Promise<Port | undefined> {
  const ports = await findPorts(trx, everything, {
    device_id: [routerId],
    device_owner: [routerInterfaceOwner],
    subnet: [subnetId],
  });
  return ports[0];
}

async function plugInterface(
  context: NetworkContext,
  current: Change,
  { router, subnetId, scope }: { router: Router; subnetId: Uuid; scope: Scope },
): Promise<Port> {
  const subnet = await getSubnet(current.trx, subnetId, scope);
  const { gatewayIp } = subnet;
  if (!gatewayIp || !contains(parseCidr(subnet.cidr), parseAddress(gatewayIp))) {
    throw badRouterRequest('Subnet for router interface must have a gateway IP');
  }
  await refuseOverlap(current.trx, router, subnet);
  const network = await getNetwork(current.trx, subnet.networkId, scope);
  const port = await plug(context, current, {
    network,
    projectId: router.projectId,
    draft: {
      deviceId: router.id,
      deviceOwner: routerInterfaceOwner,
      fixedIps: [{ subnetId, ipAddress: gatewayIp }],
    },
  });
  await current.concerned.networks(await networksOf(current.trx, router.id));
  return port;
}

async function plugGateway(
  context: NetworkContext,
  current: Change,
  { router, networkId, scope }: { router: Router; networkId: Uuid; scope: Scope },
): Promise<Router> {
  const network = await getNetwork(current.trx, networkId, scope);
  if (!network.external) throw badRouterRequest(`Network ${networkId} is not an external network`);
  const port = await plug(context, current, {
    network,
    projectId: '',
    draft: { deviceId: router.id, deviceOwner: routerGatewayOwner },
  });
  const after = revised(router, { externalNetworkId: networkId, gatewayIps: port.fixedIps }, current.now);
  await updateRouter(current.trx, after);
  await current.concerned.networks(await networksOf(current.trx, router.id));
  return after;
}

/** A router's port is there wherever the router is: it is active from the start. */
async function plug(
  context: NetworkContext,
  current: Change,
  order: {
    readonly network: Parameters<typeof makePort>[2]['network'];
    readonly projectId: string;
    readonly draft: Omit<PortDraft, 'networkId' | 'projectId'>;
  },
): Promise<Port> {
  const port = await makePort(context, current, {
    ...order,
    draft: { ...order.draft, portSecurityEnabled: false },
    scope: everything,
  });
  const active: Port = { ...port, status: 'ACTIVE' };
  await updatePort(current.trx, active);
  return active;
}

async function networksOf(trx: Trx, routerId: Uuid): Promise<Uuid[]> {
  const ports = await findPorts(trx, everything, {
    device_id: [routerId],
    device_owner: [routerInterfaceOwner],
  });
  return ports.map((port) => port.networkId);
}

/** A router cannot tell two networks with the same addresses apart. */
async function refuseOverlap(
  trx: Trx,
  router: Router,
  subnet: { readonly id: Uuid; readonly cidr: string },
): Promise<void> {
  const ports = await findPorts(trx, everything, {
    device_id: [router.id],
    device_owner: [routerInterfaceOwner, routerGatewayOwner],
  });
  for (const { subnetId } of ports.flatMap((port) => port.fixedIps)) {
    const other = await getSubnet(trx, subnetId);
    if (!overlaps(parseCidr(other.cidr), parseCidr(subnet.cidr))) continue;
    throw badRouterRequest(
      `Cidr ${subnet.cidr} of subnet ${subnet.id} overlaps with cidr ${other.cidr} of subnet ${other.id}.`,
    );
  }
}

function badRouterRequest(text: string): Failure {
  return new Failure('bad-router-request', `Bad router request: ${text}`);
}
