/**
 * Hosts and their agents: liveness, what the scheduler sees of them, and the operator's switches.
 *
 * A host is up when its agent has been heard lately *and* its Docker answered: an agent that only breathes is of no
 * use. The record of a host appears with the first heartbeat; deleting it lasts until the next one.
 */
import type { Config } from '../../base/config-schema.ts';
import type { Caller } from '../../model/caller.ts';
import { type HostRecord, noUsage, type Usage } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import { looksLikeUuid } from '../../model/ids.ts';
import type { HostState } from '../../scheduler/filters.ts';
import { deleteHost, findHost, listHosts, switchHost } from '../../store/container/hosts.ts';
import { usageByHost } from '../../store/container/sums.ts';
import type { DbOrTrx } from '../../store/database.ts';
import type { PolicyRule } from '../policy.ts';
import type { ContainerContext } from './context.ts';

/** The name of an agent in the list of services, as Zun has it. */
export const agentBinary = 'zun-compute';

/** Heartbeats that may be missed before a host counts as down. */
const missedHeartbeats = 6;

/** Null = up. The words follow a number of hosts: `1 down`. */
export function downReason(host: HostRecord, now: Date, config: Pick<Config, 'agent'>): string | null {
  if (host.forcedDown) return 'forced down';
  const silentMs = now.getTime() - Date.parse(host.lastSeenAt);
  if (silentMs > missedHeartbeats * config.agent.heartbeatSeconds * 1000) return 'down';
  return host.engineOk ? null : 'whose Docker does not answer';
}

/** Throws `host-not-up`: nobody there could answer. */
export async function assertHostUp(ctx: ContainerContext, name: string): Promise<void> {
  const host = await findHost(ctx.db, name);
  const reason = host ? downReason(host, ctx.clock.now(), ctx.config) : 'unknown';
  if (reason !== null) throw new Failure('host-not-up', `The container's host ${name} is ${reason}.`);
}

/** Name of a host that is up and not switched off. */
export async function findHostUp({ db, clock, config }: ContainerContext): Promise<string | undefined> {
  const now = clock.now();
  const hosts = await listHosts(db);
  return hosts.find((host) => !host.disabled && downReason(host, now, config) === null)?.name;
}

export function zoneOf(host: HostRecord, config: Pick<Config, 'agent'>): string {
  return host.availabilityZone || config.agent.availabilityZone;
}

/** All hosts with what is claimed on them. Call it inside the transaction that makes the claim. */
export async function hostStates(ctx: ContainerContext, db: DbOrTrx): Promise<HostState[]> {
  const usage = await usageByHost(db);
  const now = ctx.clock.now();
  return (await listHosts(db)).map((host) => ({
    ...host,
    availabilityZone: zoneOf(host, ctx.config),
    down: downReason(host, now, ctx.config),
    usage: usage.get(host.name) ?? noUsage,
  }));
}

export interface HostWithUsage {
  readonly host: HostRecord;
  readonly usage: Usage;
}

export interface AgentService {
  readonly host: HostRecord;
  readonly isUp: boolean;
  readonly availabilityZone: string;
}

/** The use cases behind /hosts, /services and /availability_zones. */
export function hostUseCases(ctx: ContainerContext) {
  const { db, policy, config, clock } = ctx;

  async function flip(
    caller: Caller,
    rule: PolicyRule,
    target: { readonly host: string; readonly binary: string },
    change: (name: string) => Promise<boolean>,
  ): Promise<void> {
    policy.enforce(caller, rule);
    if (target.binary === agentBinary && (await change(target.host))) return;
    throw new Failure(
      'zun-service-not-found',
      `Zun service ${target.binary} on host ${target.host} could not be found.`,
    );
  }

  return {
    async list(caller: Caller): Promise<HostWithUsage[]> {
      policy.enforce(caller, 'host:get_all');
      const usage = await usageByHost(db);
      return (await listHosts(db)).map((host) => ({ host, usage: usage.get(host.name) ?? noUsage }));
    },

    /** By uuid or host name. */
    async get(caller: Caller, ident: string): Promise<HostWithUsage> {
      policy.enforce(caller, 'host:get');
      const host = looksLikeUuid(ident)
        ? (await listHosts(db)).find(({ uuid }) => uuid === ident)
        : await findHost(db, ident);
      if (!host) throw new Failure('compute-node-not-found', `Compute node ${ident} could not be found.`);
      return { host, usage: (await usageByHost(db)).get(host.name) ?? noUsage };
    },

    async services(caller: Caller): Promise<AgentService[]> {
      policy.enforce(caller, 'zun-service:get_all');
      const now = clock.now();
      return (await listHosts(db)).map((host) => ({
        host,
        isUp: downReason(host, now, config) === null,
        availabilityZone: zoneOf(host, config),
      }));
    },

    enable: (caller: Caller, target: { host: string; binary: string }) =>
      flip(caller, 'zun-service:enable', target, (name) =>
        switchHost(db, name, { disabled: false, disabledReason: null }),
      ),

    disable: (caller: Caller, target: { host: string; binary: string }, disabledReason: string | null) =>
      flip(caller, 'zun-service:disable', target, (name) =>
        switchHost(db, name, { disabled: true, disabledReason }),
      ),

    forceDown: (caller: Caller, target: { host: string; binary: string }, forcedDown: boolean) =>
      flip(caller, 'zun-service:force_down', target, (name) => switchHost(db, name, { forcedDown })),

    remove: (caller: Caller, target: { host: string; binary: string }) =>
      flip(caller, 'zun-service:delete', target, (name) => deleteHost(db, name)),

    /** Distinct zones of all hosts, also of disabled ones and those that are down. */
    async zones(caller: Caller): Promise<string[]> {
      policy.enforce(caller, 'availability_zones:get_all');
      return [...new Set((await listHosts(db)).map((host) => zoneOf(host, config)))].sort();
    },
  };
}
