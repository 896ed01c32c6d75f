/**
 * Use cases of routers. Their gateway is ./gateways.ts, their interfaces ./interfaces.ts, their static routes
 * ./routes.ts. A project sees its own.
 */
import type { Caller } from '../../../model/caller.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import type { HostRoute, Router } from '../../../model/network.ts';
import type { Where } from '../../../store/network/common.ts';
import {
  deleteRouter,
  findRouters,
  insertRouter,
  touchRouter,
  updateRouter,
} from '../../../store/network/routers.ts';
import type { RouterRow } from '../../../store/network/tables.ts';
import { type Collection, checkRevision, newborn, revised } from '../collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from '../context.ts';
import { checkZones } from '../networks.ts';
import { checkAttributes, checkCreate, checkObject, checkWriter } from '../policy.ts';
import { claimQuota } from '../quotas.ts';
import { changeGateway, checkGatewayDraft, dropGateway, type GatewayDraft, noGateway } from './gateways.ts';
import { type InterfaceDraft, plugInterface, type RouterInterface, unplugInterface } from './interfaces.ts';
import { gatewayPortOf, getRouter, interfacesOf } from './router-ports.ts';
import { checkRoutes, compileRoute, compileRoutes, withoutRoutes, withRoutes } from './routes.ts';

export interface RouterDraft {
  readonly projectId?: string;
  readonly name?: string;
  readonly description?: string;
  readonly adminStateUp?: boolean;
  /** Null = none. */
  readonly gateway?: GatewayDraft | null;
  readonly zoneHints?: readonly string[];
  /** Administrators may say what every router is anyway: on all hosts that need it, without a standby. */
  readonly distributed?: true;
  readonly ha?: false;
  /** On updates only: a new router is connected with nothing yet. */
  readonly routes?: readonly HostRoute[];
}
export type RouterChanges = Omit<RouterDraft, 'projectId' | 'zoneHints'>;

export const routerDefaults = {
  name: '',
  description: '',
  adminStateUp: true,
  zoneHints: [],
} as const satisfies RouterDraft;

export interface Routers extends Collection<Router, RouterDraft, RouterChanges, Where<RouterRow>> {
  addInterface(caller: Caller, id: Uuid, draft: InterfaceDraft): Promise<RouterInterface>;
  removeInterface(caller: Caller, id: Uuid, draft: InterfaceDraft): Promise<RouterInterface>;
  addRoutes(caller: Caller, id: Uuid, routes: readonly HostRoute[]): Promise<Router>;
  removeRoutes(caller: Caller, id: Uuid, routes: readonly HostRoute[]): Promise<Router>;
}

export function createRouters(context: NetworkContext): Routers {
  const { db } = context;

  const changeInterface = (work: typeof plugInterface, action: string): Routers['addInterface'] => {
    return async (caller, id, draft) => {
      checkWriter(context, caller, action);
      return change(context, async (current) => {
        const router = await getRouter(current.trx, id, scopeOf(caller));
        checkObject(context, caller, action, router);
        // Before and after: the network whose interface goes is no longer one of the router's afterwards.
        await current.concerned.router(id);
        const changed = await work(context, current, { router, draft, caller });
        await current.concerned.router(id);
        await touchRouter(current.trx, id, current.now);
        return changed;
      });
    };
  };

  const changeRoutes = (
    next: (present: readonly HostRoute[], given: readonly HostRoute[]) => HostRoute[],
    action: string,
  ): Routers['addRoutes'] => {
    return async (caller, id, given) => {
      checkWriter(context, caller, action);
      return change(context, async (current) => {
        const router = await getRouter(current.trx, id, scopeOf(caller));
        checkObject(context, caller, action, router);
        const routes = next(router.routes, given.map(compileRoute));
        return updateOne(context, current, { router, changes: { routes }, caller });
      });
    };
  };

  return {
    list: (caller, where) => findRouters(db, scopeOf(caller), where),
    get: (caller, id) => getRouter(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        const made: Router[] = [];
        for (const draft of drafts) made.push(await createOne(context, current, caller, draft));
        return made;
      }),

    update: (caller, id, changes, expect) =>
      change(context, async (current) => {
        const router = await getRouter(current.trx, id, scopeOf(caller));
        checkObject(context, caller, 'update_router', router);
        checkAttributes(context, caller, 'update', { resource: 'router', draft: changes, object: router });
        checkGatewayDraft(context, caller, 'update_router', { draft: changes.gateway, object: router });
        checkRevision(router, expect);
        return updateOne(context, current, { router, changes, caller });
      }),

    remove: (caller, id, expect) =>
      change(context, async (current) => {
        const router = await getRouter(current.trx, id, scopeOf(caller));
        checkObject(context, caller, 'delete_router', router);
        checkRevision(router, expect);
        const interfaces = await interfacesOf(current.trx, id);
        if (interfaces.length > 0) {
          const ids = interfaces.map((port) => port.id).join(', ');
          throw new Failure('router-in-use', `Router ${id} has ports still attached: ${ids}`);
        }
        const gateway = await gatewayPortOf(current.trx, id);
        if (gateway) await dropGateway(current, router, gateway);
        await deleteRouter(current.trx, id);
      }),

    addInterface: changeInterface(plugInterface, 'add_router_interface'),
    removeInterface: changeInterface(unplugInterface, 'remove_router_interface'),
    addRoutes: changeRoutes(withRoutes, 'add_extraroutes'),
    removeRoutes: changeRoutes(withoutRoutes, 'remove_extraroutes'),
  };
}

async function createOne(
  context: NetworkContext,
  current: Change,
  caller: Caller,
  draft: RouterDraft,
): Promise<Router> {
  const { trx, now } = current;
  const { projectId = caller.projectId, gateway, distributed: _d, ha: _h, routes: _r, ...given } = draft;
  checkCreate(context, caller, 'create_router', { projectId });
  checkAttributes(context, caller, 'create', { resource: 'router', draft, object: { projectId } });
  checkGatewayDraft(context, caller, 'create_router', { draft: gateway, object: { projectId } });
  checkZones(context, given.zoneHints);
  await claimQuota(context, trx, projectId, { router: 1 });
  const router: Router = {
    ...routerDefaults,
    ...given,
    ...newborn(projectId, now),
    ...noGateway,
    routes: [],
  };
  await insertRouter(trx, router);
  if (!gateway) return router;
  const connected = {
    ...router,
    ...(await changeGateway(context, current, { router, draft: gateway, caller })),
  };
  await updateRouter(trx, connected);
  return connected;
}

async function updateOne(
  context: NetworkContext,
  current: Change,
  order: { readonly router: Router; readonly changes: RouterChanges; readonly caller: Caller },
): Promise<Router> {
  const { router, caller } = order;
  const { gateway: draft, routes: given, distributed: _d, ha: _h, ...plain } = order.changes;
  const routes = given && compileRoutes(given);
  const gateway = draft === undefined ? {} : await changeGateway(context, current, { router, draft, caller });
  if (routes) await checkRoutes(current.trx, router, routes);
  const after = revised(router, { ...plain, ...gateway, routes }, current.now);
  await updateRouter(current.trx, after);
  if (draft !== undefined || routes || plain.adminStateUp !== undefined) {
    await current.concerned.router(router.id);
  }
  return after;
}
