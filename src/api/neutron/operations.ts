/**
 * What operators look at: agents (the hosts) with what runs on them, addresses left, and the lists of what there is only
 * one of, or none: providers of services, flavors.
 */
import type { FastifyInstance } from 'fastify';
import { ipVersion } from '../../control/network/resource/parsers.ts';
import { Failure } from '../../model/failure.ts';
import { expectedRevision, queryOf, unwrap } from './bodies.ts';
import type { NeutronOptions } from './options.ts';

interface WithId {
  Params: { id: string };
}

export function registerOperations(app: FastifyInstance, options: NeutronOptions): void {
  registerAgents(app, options);
  registerAgentLists(app, options);
  registerAvailabilities(app, options);
  registerProviders(app);
}

function registerAgents(app: FastifyInstance, { control }: NeutronOptions): void {
  const { agents } = control.resources;

  app.get('/v2.0/agents', async (request) => ({
    agents: (await agents.list({ caller: request.caller }, queryOf(request))).items,
  }));

  app.get<WithId>('/v2.0/agents/:id', async (request) => ({
    agent: await agents.get({ caller: request.caller }, request.params.id, queryOf(request).fields),
  }));

  app.put<WithId>('/v2.0/agents/:id', async (request) => {
    const body = unwrap(request, 'agent');
    const { caller, params } = request;
    return { agent: await agents.update({ caller }, params.id, body, expectedRevision(request)) };
  });
}

/** Which agents have a router or network, and what an agent has. */
function registerAgentLists(app: FastifyInstance, { control }: NeutronOptions): void {
  const { agents, resources } = control;

  app.get<WithId>('/v2.0/routers/:id/l3-agents', async ({ caller, params }) => ({
    agents: (await agents.ofRouter(caller, params.id)).map((agent) => ({
      ...resources.agents.view({ caller }, agent),
      ha_state: null,
    })),
  }));

  app.get<WithId>('/v2.0/networks/:id/dhcp-agents', async ({ caller, params }) => ({
    agents: (await agents.ofNetwork(caller, params.id)).map((agent) =>
      resources.agents.view({ caller }, agent),
    ),
  }));

  app.get<WithId>('/v2.0/agents/:id/dhcp-networks', async ({ caller, params }) => {
    const ids = await agents.networksOn(caller, params.id);
    const networks = ids.length === 0 ? [] : await control.networks.list(caller, { id: ids });
    return { networks: networks.map((network) => resources.view({ caller }, 'networks', network)) };
  });

  app.get<WithId>('/v2.0/agents/:id/l3-routers', async ({ caller, params }) => {
    const ids = await agents.routersOn(caller, params.id);
    const routers = ids.length === 0 ? [] : await control.routers.list(caller, { id: ids });
    return { routers: routers.map((router) => resources.view({ caller }, 'routers', router)) };
  });
}

function registerAvailabilities(app: FastifyInstance, { control }: NeutronOptions): void {
  const { availabilitiesOf } = control.resources;
  const path = '/v2.0/network-ip-availabilities';

  app.get(path, async (request) => {
    const { ip_version: [version] = [], ...query } = queryOf(request);
    const only = version === undefined ? undefined : ipVersion.parse(version, 'ip_version');
    const page = await availabilitiesOf(only).list({ caller: request.caller }, query);
    return { network_ip_availabilities: page.items };
  });

  app.get<WithId>(`${path}/:id`, async ({ caller, params }) => ({
    network_ip_availability: await availabilitiesOf(undefined).get({ caller }, params.id),
  }));
}

function registerProviders(app: FastifyInstance): void {
  app.get('/v2.0/service-providers', async () => ({
    service_providers: [{ service_type: 'L3_ROUTER_NAT', name: 'berth', default: true }],
  }));

  app.get('/v2.0/flavors', async () => ({ flavors: [] }));

  app.get<WithId>('/v2.0/flavors/:id', async ({ params }) => {
    throw new Failure('flavor-not-found', `Flavor ${params.id} could not be found.`);
  });
}
