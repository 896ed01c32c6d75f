/** What routers and floating IPs can do besides what all resources can: interfaces, routes, forwarded ports, pools. */
import type { FastifyInstance } from 'fastify';
import { portForwardingKind } from '../../control/network/resource/kinds.ts';
import { parseInterface, parseRoutes, viewInterface } from '../../control/network/resource/routers.ts';
import { bodyOf, queryOf, unwrap, unwrapSome } from './bodies.ts';
import type { NeutronOptions } from './options.ts';

interface WithId {
  Params: { id: string };
}
interface WithForwarding {
  Params: { id: string; forwarding: string };
}

export function registerRouting(app: FastifyInstance, options: NeutronOptions): void {
  registerRouterActions(app, options);
  registerPortForwardings(app, options);
  registerPools(app, options);
}

function registerRouterActions(app: FastifyInstance, { control }: NeutronOptions): void {
  const { routers, resources } = control;
  const interfaceActions = {
    add_router_interface: routers.addInterface,
    remove_router_interface: routers.removeInterface,
  };
  for (const [action, run] of Object.entries(interfaceActions)) {
    app.put<WithId>(`/v2.0/routers/:id/${action}`, async (request) => {
      const draft = parseInterface(bodyOf(request));
      return viewInterface(await run(request.caller, request.params.id, draft));
    });
  }
  const routeActions = { add_extraroutes: routers.addRoutes, remove_extraroutes: routers.removeRoutes };
  for (const [action, run] of Object.entries(routeActions)) {
    app.put<WithId>(`/v2.0/routers/:id/${action}`, async (request) => {
      const routes = parseRoutes(unwrap(request, 'router'));
      const router = await run(request.caller, request.params.id, routes);
      return { router: resources.view({ caller: request.caller }, 'routers', router) };
    });
  }
}

function registerPortForwardings(app: FastifyInstance, { control }: NeutronOptions): void {
  const { singular, plural } = portForwardingKind;
  const path = '/v2.0/floatingips/:id/port_forwardings';
  const of = (floatingIpId: string) => control.resources.portForwardingsOf(floatingIpId);

  app.get<WithId>(path, async (request) => {
    const page = await of(request.params.id).list({ caller: request.caller }, queryOf(request));
    return { [plural]: page.items };
  });

  app.post<WithId>(path, async (request, reply) => {
    const { isBulk, bodies } = unwrapSome(request, { singular, plural });
    const views = await of(request.params.id).create({ caller: request.caller }, bodies);
    return reply.code(201).send(isBulk ? { [plural]: views } : { [singular]: views[0] });
  });

  app.get<WithForwarding>(`${path}/:forwarding`, async (request) => {
    const { id, forwarding } = request.params;
    const { fields } = queryOf(request);
    return { [singular]: await of(id).get({ caller: request.caller }, forwarding, fields) };
  });

  app.put<WithForwarding>(`${path}/:forwarding`, async (request) => {
    const { id, forwarding } = request.params;
    const body = unwrap(request, singular);
    return { [singular]: await of(id).update({ caller: request.caller }, forwarding, body) };
  });

  app.delete<WithForwarding>(`${path}/:forwarding`, async ({ caller, params }, reply) => {
    await of(params.id).remove({ caller }, params.forwarding);
    return reply.code(204).send();
  });
}

function registerPools(app: FastifyInstance, { control }: NeutronOptions): void {
  app.get('/v2.0/floatingip_pools', async ({ caller }) => ({
    floatingip_pools: (await control.floatingIpPools(caller)).map((subnet) => ({
      subnet_id: subnet.id,
      subnet_name: subnet.name,
      network_id: subnet.networkId,
      cidr: subnet.cidr,
      tenant_id: caller.projectId,
      project_id: caller.projectId,
    })),
  }));
}
