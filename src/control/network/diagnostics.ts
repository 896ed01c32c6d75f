/**
 * Questions about the dataplane that only hosts can answer, asked in a caller's name: where a packet would go, and (for
 * administrators) whether the kernel has what is wanted.
 *
 * A host answers from all that it knows; what the caller may learn of it is decided here. The first thing on the way
 * that is not the caller's ends the story: how it went on is told in one sentence, without whose rule it was.
 */

import type { Bus } from '../../bus/bus.ts';
import { findAddress, formatAddress } from '../../ipam/address.ts';
import type { Caller } from '../../model/caller.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import { ipProtocols } from '../../model/ip-protocols.ts';
import type { Port } from '../../model/network.ts';
import { everything } from '../../store/network/common.ts';
import { findNetworks } from '../../store/network/networks.ts';
import { hostsWithPorts } from '../../store/network/placement.ts';
import { findPorts } from '../../store/network/ports.ts';
import { findRouters } from '../../store/network/routers.ts';
import { findRules } from '../../store/network/security-groups.ts';
import type { CallDefinition, ReplyOf, RequestOf } from '../../wire/call.ts';
import { type Finding, networkDoctor } from '../../wire/doctor.ts';
import { type Trace, type TracedPacket, type TraceStep, tracePacket } from '../../wire/trace.ts';
import { invalidInput } from './collection.ts';
import { type NetworkContext, scopeOf } from './context.ts';
import { checkCloud } from './policy.ts';
import { getPort } from './port-lifecycle.ts';
import { toWantedRule } from './wanted.ts';

export interface TraceAsk {
  /** Null = from outside of the cloud. */
  readonly fromPortId: Uuid | null;
  /** Default: the port's own address; an address of nobody for the outside. */
  readonly fromAddress?: string;
  /** One of the two. */
  readonly toPortId?: Uuid;
  readonly toAddress?: string;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly port: number;
  readonly code: number;
}

export interface ToldStep extends TraceStep {
  readonly ruleId?: Uuid;
}

export interface ToldTrace {
  readonly passes: boolean;
  readonly steps: readonly ToldStep[];
  /** As it arrived; null when that is not the caller's to know. */
  readonly packet: TracedPacket | null;
}

export interface HostExamination {
  readonly host: string;
  readonly networks: number;
  readonly findings: readonly Finding[];
  /** Why the host could not be examined; null = it was. */
  readonly error: string | null;
}

export interface DoctorAsk {
  readonly repair: boolean;
  /** Absent = all hosts that have a port. */
  readonly host?: string;
}

export interface Diagnostics {
  /** Throws `port-not-found` also for what the caller may not see, `unavailable` when the host does not answer. */
  trace(caller: Caller, ask: TraceAsk): Promise<ToldTrace>;
  /** A host that does not answer is an answer, too. */
  examine(caller: Caller, ask: DoctorAsk): Promise<HostExamination[]>;
}

/** Addresses for documentation: nobody has them. */
const somewhere = { 4: '203.0.113.1', 6: '2001:db8::1' } as const;

export function createDiagnostics(context: NetworkContext, bus: () => Bus | undefined): Diagnostics {
  const ask: Ask = (host, call, request) => askHost(bus(), host, { call, request });
  return {
    async trace(caller, asked) {
      const { packet, hosts } = await resolve(context, caller, asked);
      let best: Trace | undefined;
      for (const host of hosts) {
        const trace = await ask(host, tracePacket, packet);
        // From outside several hosts may be asked: the one that has the address knows more than the others.
        if (!best || trace.steps.length > best.steps.length) best = trace;
      }
      if (!best) throw new Failure('unavailable', 'No host has a port that could be traced.');
      return tell(context, caller, best);
    },

    async examine(caller, { repair, host }) {
      checkCloud(context, caller, 'examine_dataplane');
      const hosts = await hostsWithPorts(context.db);
      const chosen = host === undefined ? hosts : [host];
      return Promise.all(
        chosen.map(async (name): Promise<HostExamination> => {
          try {
            return { host: name, ...(await ask(name, networkDoctor, { repair })), error: null };
          } catch (error) {
            if (!isFailure(error)) throw error;
            return { host: name, networks: 0, findings: [], error: error.message };
          }
        }),
      );
    },
  };
}

type Ask = <C extends CallDefinition>(host: string, call: C, request: RequestOf<C>) => Promise<ReplyOf<C>>;

async function askHost<C extends CallDefinition>(
  bus: Bus | undefined,
  host: string,
  { call, request }: { readonly call: C; readonly request: RequestOf<C> },
): Promise<ReplyOf<C>> {
  const silent = new Failure('unavailable', `The agent of host ${host} does not answer.`);
  if (!bus) throw silent;
  try {
    return await bus.call({ kind: 'agent', host }, call, request);
  } catch (error) {
    throw isFailure(error, 'unavailable') || isFailure(error, 'timeout') ? silent : error;
  }
}

// ---- what is asked ----------------------------------------------------------------------------------------------

async function resolve(
  { db }: NetworkContext,
  caller: Caller,
  ask: TraceAsk,
): Promise<{ readonly packet: TracedPacket; readonly hosts: readonly string[] }> {
  const scope = scopeOf(caller);
  const from = ask.fromPortId === null ? null : await getPort(db, ask.fromPortId, scope);
  const to = ask.toPortId === undefined ? undefined : await getPort(db, ask.toPortId, scope);
  const { protocol, sourcePort, port, code } = ask;
  const destination = ask.toAddress === undefined ? undefined : addressIn(ask.toAddress);
  const given = ask.fromAddress === undefined ? undefined : addressIn(ask.fromAddress);
  const theirs = destination ? [destination] : addressesOf(to);
  const ours = given ? [given] : from ? addressesOf(from) : Object.values(somewhere);
  const version = versionFor([ours, theirs], protocol);
  const [source, target] = [ours, theirs].map((all) => all.find((one) => versionOf(one) === version));
  if (target === undefined || source === undefined) {
    throw invalidInput('the two ends have no addresses of the same IP version.');
  }
  const hosts = from ? [from.bindingHost] : to?.bindingHost ? [to.bindingHost] : await hostsWithPorts(db);
  if (hosts.includes('')) throw new Failure('conflict', `Port ${ask.fromPortId} is bound to no host.`);
  return {
    packet: { portId: ask.fromPortId, source, destination: target, protocol, sourcePort, port, code },
    hosts,
  };
}

function addressIn(text: string): string {
  const address = findAddress(text);
  if (!address) throw invalidInput(`'${text.slice(0, 80)}' is not a valid IP address.`);
  return formatAddress(address);
}

function addressesOf(port: Port | undefined): string[] {
  return port?.fixedIps.map(({ ipAddress }) => ipAddress) ?? [];
}

function versionOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** IPv4 when both ends can, unless the protocol is one of IPv6's. */
function versionFor(ends: readonly (readonly string[])[], protocol: number): 4 | 6 {
  const can = (version: 4 | 6) => ends.every((all) => all.some((one) => versionOf(one) === version));
  return can(4) && protocol !== ipProtocols.icmpv6 ? 4 : 6;
}

// ---- what is told -----------------------------------------------------------------------------------------------

async function tell({ db }: NetworkContext, caller: Caller, trace: Trace): Promise<ToldTrace> {
  const own = await ownedBy({ db }, caller, trace.steps);
  const foreign = trace.steps.findIndex(({ at, id }) => at !== 'outside' && !own.has(id));
  const known = foreign < 0 ? trace.steps : trace.steps.slice(0, foreign);
  const rules = await findRules(db, everything, {
    security_group_id: known.flatMap(({ groupId }) => groupId ?? []),
  });
  const steps = known.map((step): ToldStep => {
    const same = rules.find(
      (rule) =>
        rule.securityGroupId === step.groupId &&
        JSON.stringify(toWantedRule(rule)) === JSON.stringify(step.rule),
    );
    return { ...step, ...(same ? { ruleId: same.id } : {}) };
  });
  if (foreign < 0) return { passes: trace.passes, steps, packet: trace.packet };
  return { passes: trace.passes, steps: [...steps, endElsewhere(trace)], packet: null };
}

function endElsewhere({ passes }: Trace): ToldStep {
  const text = passes ? 'let through by the receiver' : 'dropped by the receiver';
  return { at: 'outside', id: '', what: 'ingress', passes, text };
}

/** Ids on the way that are the caller's: networks that it may use, ports and routers of its project. */
async function ownedBy(
  { db }: Pick<NetworkContext, 'db'>,
  caller: Caller,
  steps: readonly TraceStep[],
): Promise<Set<Uuid>> {
  const ids = (kind: TraceStep['at']) => steps.flatMap(({ at, id }) => (at === kind ? [id] : []));
  const scope = scopeOf(caller);
  const [ports, routers, networks] = await Promise.all([
    findPorts(db, scope, { id: ids('port') }),
    findRouters(db, scope, { id: ids('router') }),
    findNetworks(db, scope, { id: ids('network') }),
  ]);
  const isOwn = ({ projectId }: { readonly projectId: string }) =>
    caller.isAdmin || projectId === caller.projectId;
  return new Set([...ports.filter(isOwn), ...routers.filter(isOwn), ...networks].map(({ id }) => id));
}
