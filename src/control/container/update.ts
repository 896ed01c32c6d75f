/**
 * Changes of a container in place: name, auto_heal, and its CPU and memory, live.
 *
 * New resources are checked against quota and host inside the transaction that claims them; the agent then carries
 * them out as an operation. `update` waits for its outcome (Zun's PATCH is synchronous), `resize` does not. When
 * the Engine refuses, the report handler puts the old values back (./observe.ts).
 */
import type { Caller } from '../../model/caller.ts';
import { assertAllowed } from '../../model/container.ts';
import { type Container, noUsage } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import { growthFilters, type HostState } from '../../scheduler/filters.ts';
import { updateContainer } from '../../store/container/containers.ts';
import { findOperation } from '../../store/container/operations.ts';
import type { Trx } from '../../store/database.ts';
import type { PolicyRule } from '../policy.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { assertHostUp, hostStates } from './hosts.ts';
import { getContainer } from './look-up.ts';
import { assertNameFree } from './names.ts';
import { mustFind, queueOperation } from './operate.ts';
import type { OperationEnds } from './operation-ends.ts';
import { assertQuota } from './quotas.ts';

export interface ContainerUpdate {
  readonly name?: string;
  readonly autoHeal?: boolean;
  readonly cpu?: number;
  readonly memoryMiB?: number;
}

const outcomeDeadlineMs = 15_000;

type UpdateContext = ContainerContext & { readonly operationEnds: OperationEnds };

export async function updateInPlace(
  ctx: UpdateContext,
  caller: Caller,
  ident: string,
  update: ContainerUpdate,
): Promise<Container> {
  const begun = await begin(ctx, caller, ident, { update, action: 'update' });
  if (begun.operation !== null) {
    await ctx.operationEnds.wait(begun.operation, outcomeDeadlineMs);
    const operation = await findOperation(ctx.db, begun.operation);
    if (operation?.result === 'Error') {
      throw new Failure('conflict', `The container could not be updated: ${operation.message}`);
    }
  }
  return mustFind(ctx.db, begun.uuid);
}

/** Answers at once, with the container as it was. */
export async function resizeContainer(
  ctx: UpdateContext,
  caller: Caller,
  ident: string,
  update: ContainerUpdate,
): Promise<Container> {
  return (await begin(ctx, caller, ident, { update, action: 'resize_container' })).before;
}

export async function renameContainer(
  ctx: ContainerContext,
  caller: Caller,
  ident: string,
  name: string,
): Promise<Container> {
  const { uuid, name: oldName } = await getContainer(ctx, caller, ident, 'container:rename');
  if (name === oldName) {
    throw new Failure('conflict', 'The new name for the container is the same as the old name.');
  }
  return ctx.db.transaction().execute(async (trx) => {
    const container = await mustFind(trx, uuid);
    await assertNameFree(trx, ctx.config, name, container.projectId);
    await updateContainer(trx, uuid, { name, updatedAt: nowIso(ctx) });
    return mustFind(trx, uuid);
  });
}

interface Begun {
  readonly uuid: string;
  readonly before: Container;
  /** Null = nothing for the agent to do. */
  readonly operation: string | null;
}

async function begin(
  ctx: UpdateContext,
  caller: Caller,
  ident: string,
  ask: { readonly update: ContainerUpdate; readonly action: 'update' | 'resize_container' },
): Promise<Begun> {
  const rule: PolicyRule = `container:${ask.action}`;
  const { uuid, host } = await getContainer(ctx, caller, ident, rule);
  const changesResources = ask.update.cpu !== undefined || ask.update.memoryMiB !== undefined;
  const begun = await ctx.db.transaction().execute(async (trx) => {
    const before = await mustFind(trx, uuid);
    assertAllowed(ask.action, uuid, before.status);
    await store(ctx, trx, before, ask.update);
    const operation = changesResources
      ? await queueOperation(ctx, trx, {
          caller,
          container: before,
          verb: 'update',
          args: { previous: { cpu: before.spec.cpu, memoryMiB: before.spec.memoryMiB } },
        })
      : null;
    // Last, so that a host that is down undoes the rest.
    if (operation !== null && before.host !== null) await assertHostUp({ ...ctx, db: trx }, before.host);
    return { uuid, before, operation };
  });
  if (begun.operation !== null && host !== null) ctx.waker.wake(host, { containers: [uuid] });
  return begun;
}

async function store(
  ctx: ContainerContext,
  trx: Trx,
  container: Container,
  update: ContainerUpdate,
): Promise<void> {
  const { name = container.name, autoHeal = container.spec.autoHeal } = update;
  if (name !== container.name) await assertNameFree(trx, ctx.config, name, container.projectId);
  const cpu = update.cpu ?? container.spec.cpu;
  const memoryMiB = update.memoryMiB ?? container.spec.memoryMiB;
  const growth = {
    ...noUsage,
    cpu: cpu - container.spec.cpu,
    memoryMiB: memoryMiB - container.spec.memoryMiB,
  };
  await assertQuota(trx, ctx.config, container.projectId, growth);
  if (growth.cpu > 0 || growth.memoryMiB > 0) await assertFits(ctx, trx, container, growth);
  await updateContainer(trx, container.uuid, {
    name,
    spec: { ...container.spec, autoHeal, cpu, memoryMiB },
    revision: container.revision + 1,
    updatedAt: nowIso(ctx),
  });
}

async function assertFits(
  ctx: ContainerContext,
  trx: Trx,
  container: Container,
  growth: { readonly cpu: number; readonly memoryMiB: number },
): Promise<void> {
  const host = (await hostStates(ctx, trx)).find(({ name }) => name === container.host);
  if (!host) return;
  const refusal = growthRefusal(ctx, host, growth);
  if (refusal === undefined) return;
  throw new Failure('conflict', `The container cannot grow in place: its host is one ${refusal}.`);
}

function growthRefusal(
  { config }: ContainerContext,
  host: HostState,
  growth: { readonly cpu: number; readonly memoryMiB: number },
): string | undefined {
  const ask = {
    ...growth,
    diskGiB: 0,
    cpuPolicy: 'shared',
    runtime: null,
    availabilityZone: null,
    host: null,
    hostLabels: {},
  } as const;
  const ratios = {
    cpu: config.scheduler.cpuAllocationRatio,
    memory: config.scheduler.memoryAllocationRatio,
    disk: config.scheduler.diskAllocationRatio,
  };
  return growthFilters.map((filter) => filter(host, ask, ratios)).find((refusal) => refusal !== undefined);
}
