/**
 * The server's side of the agent protocol: what a host should have, and what it says it has.
 *
 * The sender is the one that the bus names, never one in a payload: reports about containers of another host are
 * ignored. A report is applied in one transaction; what it changes is worked out in ./observe.ts.
 */
import type { CallContext } from '../../bus/bus.ts';
import type { Container, ContainerOperation } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import type { ContainerChange } from '../../store/container/codec.ts';
import { containersReadyOn, filesOf, updateContainer } from '../../store/container/containers.ts';
import { recordHeartbeat } from '../../store/container/hosts.ts';
import { finishOperation, noteOperation, pendingOperations } from '../../store/container/operations.ts';
import type { DbOrTrx, Trx } from '../../store/database.ts';
import {
  heartbeat,
  keptLogs,
  type OperationVerb,
  operationVerbs,
  report,
  type WantedContainer,
  wantedContainers,
} from '../../wire/agent.ts';
import type { RequestOf } from '../../wire/call.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { compareKeptLogs } from './deleted.ts';
import { observe } from './observe.ts';
import type { OperationEnds } from './operation-ends.ts';
import type { Provisioner } from './provisioner.ts';
import { pullOf } from './registries.ts';

export type AgentCallContext = ContainerContext & {
  readonly provisioner: Provisioner;
  readonly operationEnds: OperationEnds;
};

export type Report = RequestOf<typeof report>;

export function serveAgents(ctx: AgentCallContext): void {
  const { bus, db } = ctx;
  bus.serve(wantedContainers, async ({ uuids }, context) => ({
    containers: await wantedOn(ctx, senderOf(context), uuids),
  }));
  bus.serve(report, async (message, context) => {
    await applyReport(ctx, senderOf(context), message);
    return {};
  });
  bus.serve(keptLogs, async ({ uuids }, context) => ({
    unwanted: await compareKeptLogs(ctx, senderOf(context), uuids),
  }));
  bus.serve(heartbeat, async ({ host, engineOk, engineError }, context) => {
    await recordHeartbeat(db, {
      name: senderOf(context),
      engineOk,
      engineError,
      ...(host ? { facts: host } : {}),
      at: nowIso(ctx),
    });
    return {};
  });
}

function senderOf({ from }: CallContext): string {
  if (from.kind !== 'agent')
    throw new Failure('policy-not-authorized', 'only the agent of a host may say this');
  return from.host;
}

async function wantedOn(
  { db, secrets, log }: ContainerContext,
  host: string,
  uuids: readonly string[] | undefined,
): Promise<WantedContainer[]> {
  const ready = await containersReadyOn(db, host, uuids);
  const ids = ready.map(({ uuid }) => uuid);
  const files = await filesOf(db, ids);
  const pending = await pendingByContainer(db, ids);
  const pulls = await Promise.all(ready.map((container) => pullFor(container)));
  return ready.map((container, index) => ({
    uuid: container.uuid,
    name: container.name,
    projectId: container.projectId,
    revision: container.revision,
    // Wire types are mutable, records are not; the bus serialises these next.
    spec: {
      ...container.spec,
      image: pulls[index]?.image ?? container.spec.image,
      files: files.get(container.uuid) ?? [],
    } as unknown as WantedContainer['spec'],
    nics: [...container.nics] as WantedContainer['nics'],
    power: container.power,
    operations: forAgent(container, pending.get(container.uuid) ?? []),
    wasCreated: container.wasCreated,
    ...(pulls[index]?.logIn ? { logIn: { ...pulls[index].logIn } } : {}),
  }));

  /** A log-in that cannot be read must not keep a host from everything else: the registry then says what is missing. */
  async function pullFor(container: Container) {
    try {
      return await pullOf(db, secrets, container);
    } catch (error) {
      log.error({ container: container.uuid, error }, 'log-in of a registry cannot be read');
      return { image: container.spec.image };
    }
  }
}

/** What the agent can do now: not what the server does by itself, nor attaching a network whose port is not there yet. */
function forAgent(
  { nics }: Container,
  pending: readonly ContainerOperation[],
): WantedContainer['operations'] {
  return pending.flatMap(({ id, verb, args }) => {
    if (!isForAgent(verb)) return [];
    if (verb === 'network_attach' && !nics.some(({ index }) => index === args.nicIndex)) return [];
    const { timeoutSeconds, signal } = args;
    return {
      id,
      verb,
      ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
      ...(signal === undefined ? {} : { signal }),
    };
  });
}

function isForAgent(verb: ContainerOperation['verb']): verb is OperationVerb {
  return (operationVerbs as readonly string[]).includes(verb);
}

async function pendingByContainer(
  db: DbOrTrx,
  uuids: readonly string[],
): Promise<Map<string, ContainerOperation[]>> {
  return Map.groupBy(await pendingOperations(db, uuids), ({ containerUuid }) => containerUuid);
}

/** Applies what the agent of `host` says; also used for the live look of a show. */
export async function applyReport(ctx: AgentCallContext, host: string, message: Report): Promise<void> {
  const uuids = [
    ...new Set([
      ...message.containers.map(({ uuid }) => uuid),
      ...message.outcomes.map(({ container }) => container),
      ...message.gone,
    ]),
  ];
  if (uuids.length === 0) return;
  const applied = await ctx.db.transaction().execute(async (trx) => {
    const known = await containersReadyOn(trx, host, uuids);
    const pending = await pendingByContainer(trx, uuids);
    const all = [];
    for (const container of known) {
      const open = pending.get(container.uuid) ?? [];
      const given = new Set(forAgent(container, open).map(({ id }) => id));
      const theirs = open.filter(({ id }) => given.has(id));
      all.push(await applyTo(ctx, trx, { container, pending: theirs, message }));
    }
    return all;
  });
  for (const { uuid, hasPortWork, ended } of applied) {
    if (hasPortWork) ctx.provisioner.kick(uuid);
    for (const id of ended) ctx.operationEnds.ended(id);
  }
}

interface Applied {
  readonly uuid: string;
  readonly hasPortWork: boolean;
  readonly ended: readonly string[];
}

async function applyTo(
  ctx: ContainerContext,
  trx: Trx,
  { container, pending, message }: { container: Container; pending: ContainerOperation[]; message: Report },
): Promise<Applied> {
  const { uuid } = container;
  const { change, ended } = observe({
    container,
    pending,
    report: message.containers.find((each) => each.uuid === uuid),
    outcomes: message.outcomes.filter((each) => each.container === uuid),
    gone: message.gone.includes(uuid),
  });
  const at = nowIso(ctx);
  const news = newsIn(container, change);
  if (news) await updateContainer(trx, uuid, { ...news, updatedAt: at });
  for (const { operation, result, message: text } of ended) {
    await finishOperation(trx, operation.id, { result, message: text, at });
  }
  await noteLogs(trx, pending, message.outcomes);
  const released = news?.portsPhase === 'releasing';
  if (released) ctx.log.info({ container: uuid, status: news.status ?? container.status }, 'released');
  const hasPortWork = released || change.portsPhase === 'changing';
  return { uuid, hasPortWork, ended: ended.map(({ operation }) => operation.id) };
}

/** What became of a deleted container's logs stays with its delete, which ends with the row. */
async function noteLogs(
  trx: Trx,
  pending: readonly ContainerOperation[],
  outcomes: Report['outcomes'],
): Promise<void> {
  for (const { id, verb, args } of pending) {
    const logs = outcomes.find(({ operation }) => operation === id)?.logs;
    if (verb === 'delete' && logs)
      await noteOperation(trx, id, { args: { ...args, logs }, message: logs.reason });
  }
}

/** What differs from the record; undefined when only the time of the look does: that is not worth a write. */
function newsIn(container: Container, change: ContainerChange): ContainerChange | undefined {
  const differs = ([field, value]: [string, unknown]) => {
    const old = container[field as keyof Container];
    return typeof value === 'object' ? JSON.stringify(old) !== JSON.stringify(value) : old !== value;
  };
  const news: ContainerChange = Object.fromEntries(Object.entries(change).filter(differs));
  const isNews = Object.keys(news).some((field) => field !== 'observedAt');
  return isNews ? news : undefined;
}
