/** Agents in Neutron's JSON. Their times have their own form. */
import type { Agent, AgentChanges } from '../agents.ts';
import type { Attribute } from './attribute.ts';
import { boolean, orNull, text } from './parsers.ts';

const both = { on: 'create-and-update' } as const;
const binary = 'berth-agent';

/** `2026-01-01 00:00:00` */
const time = (iso: string) => iso.slice(0, 19).replace('T', ' ');

export const agentAttributes: readonly Attribute<Agent, AgentChanges>[] = [
  { name: 'id', view: (agent) => agent.id },
  { name: 'agent_type', view: () => 'Berth agent' },
  { name: 'binary', view: () => binary },
  { name: 'topic', view: () => 'berth' },
  { name: 'host', view: (agent) => agent.host },
  {
    name: 'admin_state_up',
    view: (agent) => agent.adminStateUp,
    field: 'adminStateUp',
    parser: boolean,
    ...both,
  },
  { name: 'created_at', view: (agent) => time(agent.createdAt) },
  { name: 'started_at', view: (agent) => time(agent.createdAt) },
  { name: 'heartbeat_timestamp', view: (agent) => time(agent.updatedAt) },
  {
    name: 'description',
    view: (agent) => agent.description,
    field: 'description',
    parser: orNull(text),
    ...both,
  },
  { name: 'resources_synced', view: () => null },
  { name: 'availability_zone', view: (agent) => agent.availabilityZone },
  { name: 'alive', view: (agent) => agent.alive },
  { name: 'configurations', view: (agent) => agent.configurations, filter: false },
];
