/**
 * Hosts as agents of the network service: one per host does all that Neutron has several kinds of agents for.
 *
 * Only administrators see them. Taking an agent's admin state down keeps new containers off its host; what runs there
 * goes on.
 */
import type { Caller } from '../../model/caller.ts';
import type { HostRecord } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import { findHost, listHosts, switchHost } from '../../store/container/hosts.ts';
import {
  networksOfRouter,
  networksWantedOn,
  placementsOf,
  routersAtNetworks,
} from '../../store/network/placement.ts';
import { findRouters } from '../../store/network/routers.ts';
import { downReason, zoneOf } from '../container/hosts.ts';
import { type NetworkContext, scopeOf } from './context.ts';
import { getNetwork } from './networks.ts';
import { allows, checkCloud, nobodys } from './policy.ts';

export interface Agent {
  readonly id: Uuid;
  readonly host: string;
  readonly adminStateUp: boolean;
  readonly description: string | null;
  readonly alive: boolean;
  readonly availabilityZone: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly configurations: Readonly<Record<string, string>>;
}

export interface AgentChanges {
  readonly adminStateUp?: boolean;
  readonly description?: string | null;
}

export type Agents = ReturnType<typeof createAgents>;

export function createAgents(context: NetworkContext) {
  const { db, clock, config } = context;
  const toAgent = (host: HostRecord): Agent => ({
    id: host.uuid,
    host: host.name,
    adminStateUp: !host.disabled,
    description: host.disabledReason,
    alive: downReason(host, clock.now(), config) === null,
    availabilityZone: zoneOf(host, config),
    createdAt: host.createdAt,
    updatedAt: host.lastSeenAt,
    configurations: { kernel: host.kernelVersion, engine: host.engineVersion },
  });

  const all = async (caller: Caller): Promise<HostRecord[]> =>
    allows(context, caller, 'get_agent', nobodys) ? listHosts(db) : [];

  const get = async (caller: Caller, id: Uuid): Promise<HostRecord> => {
    const host = (await all(caller)).find(({ uuid }) => uuid === id);
    if (host) return host;
    throw new Failure('agent-not-found', `Agent ${id} could not be found.`);
  };

  /** Agents of the hosts on which any of these networks is. */
  const ofNetworks = async (caller: Caller, networkIds: readonly Uuid[]): Promise<Agent[]> => {
    const hosts = new Set((await placementsOf(db, networkIds)).map(({ host }) => host));
    return (await all(caller)).filter(({ name }) => hosts.has(name)).map(toAgent);
  };

  return {
    list: async (caller: Caller): Promise<Agent[]> => (await all(caller)).map(toAgent),

    get: async (caller: Caller, id: Uuid): Promise<Agent> => toAgent(await get(caller, id)),

    async update(caller: Caller, id: Uuid, changes: AgentChanges): Promise<Agent> {
      const host = await get(caller, id);
      checkCloud(context, caller, 'update_agent');
      const { adminStateUp, description } = changes;
      await switchHost(db, host.name, {
        ...(adminStateUp === undefined ? {} : { disabled: !adminStateUp }),
        ...(description === undefined ? {} : { disabledReason: description }),
      });
      return toAgent((await findHost(db, host.name)) ?? host);
    },

    /** Where the router runs. */
    async ofRouter(caller: Caller, id: Uuid): Promise<Agent[]> {
      const [router] = await findRouters(db, scopeOf(caller), { id: [id] });
      if (!router) throw new Failure('router-not-found', `Router ${id} could not be found`);
      return ofNetworks(caller, await networksOfRouter(db, id));
    },

    /** Where ports of the network get their addresses. */
    async ofNetwork(caller: Caller, id: Uuid): Promise<Agent[]> {
      await getNetwork(db, id, scopeOf(caller));
      return ofNetworks(caller, [id]);
    },

    /** Routers that run on the agent's host. */
    routersOn: async (caller: Caller, id: Uuid): Promise<Uuid[]> => {
      const networkIds = await networksWantedOn(db, (await get(caller, id)).name);
      return routersAtNetworks(db, networkIds);
    },

    /** Networks that the agent's host has. */
    networksOn: async (caller: Caller, id: Uuid): Promise<Uuid[]> =>
      networksWantedOn(db, (await get(caller, id)).name),
  };
}
