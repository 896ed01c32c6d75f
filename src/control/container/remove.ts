/**
 * Delete: plain, after a stop, or by force. The record disappears when host and network have nothing of it any more.
 *
 * What has never reached an agent goes at once. A delete replaces what was still waiting for the agent. By force, a
 * host that is down is no obstacle: the agent cleans up when it is back.
 */
import type { Caller } from '../../model/caller.ts';
import { assertAllowed, type ContainerAction } from '../../model/container.ts';
import { type Container, isVisible } from '../../model/container-record.ts';
import { shownBy } from '../../model/operation-table.ts';
import { deleteContainer, updateContainer } from '../../store/container/containers.ts';
import { findHost } from '../../store/container/hosts.ts';
import { finishAllOperations } from '../../store/container/operations.ts';
import type { Trx } from '../../store/database.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { assertHostUp } from './hosts.ts';
import { getContainer } from './look-up.ts';
import { mustFind, queueOperation } from './operate.ts';
import type { Provisioner } from './provisioner.ts';

export interface RemoveAsk {
  readonly force: boolean;
  readonly stop: boolean;
  readonly allProjects: boolean;
}

const stopBeforeDeleteSeconds = 10;

export async function removeContainer(
  ctx: ContainerContext & { readonly provisioner: Provisioner },
  caller: Caller,
  ident: string,
  ask: RemoveAsk,
): Promise<void> {
  const { policy } = ctx;
  if (ask.allProjects) policy.enforce(caller, 'container:delete_all_projects');
  const found = await getContainer(ctx, caller, ident, 'container:delete');
  if (ask.force) policy.enforce(caller, 'container:delete_force', found);
  if (ask.stop && found.status === 'Running') policy.enforce(caller, 'container:stop', found);
  assertAllowed(actionOf(ask), found.uuid, found.status);
  if (isVisible(found) && found.host !== null && !ask.force) await assertHostUp(ctx, found.host);

  const { uuid } = found;
  const after = await ctx.db.transaction().execute(async (trx) => {
    const container = await mustFind(trx, uuid);
    assertAllowed(actionOf(ask), uuid, container.status);
    return begin(ctx, trx, { caller, container, ask });
  });
  if (after.wake !== null) ctx.waker.wake(after.wake, { containers: [uuid] });
  if (after.release) ctx.provisioner.kick(uuid);
}

function actionOf({ force, stop }: RemoveAsk): ContainerAction {
  if (stop) return 'delete_after_stop';
  return force ? 'delete_force' : 'delete';
}

interface Begun {
  /** The host whose agent has work. */
  readonly wake: string | null;
  /** The ports can go at once. */
  readonly release: boolean;
}

async function begin(
  ctx: ContainerContext,
  trx: Trx,
  { caller, container, ask }: { caller: Caller; container: Container; ask: RemoveAsk },
): Promise<Begun> {
  const { uuid, host } = container;
  if (container.portsPhase === 'none') {
    await deleteContainer(trx, uuid);
    return { wake: null, release: false };
  }
  const now = nowIso(ctx);
  const deleting = { ...shownBy('delete'), updatedAt: now };
  const agentHasIt = isVisible(container) && host !== null && (await findHost(trx, host));
  if (!agentHasIt) {
    await updateContainer(trx, uuid, { ...deleting, portsPhase: 'releasing' });
    return { wake: null, release: true };
  }
  await updateContainer(trx, uuid, { ...deleting, power: 'stopped' });
  await finishAllOperations(trx, uuid, {
    result: 'Error',
    message: 'The container was deleted before this was done.',
    at: now,
  });
  if (ask.stop && container.status === 'Running') {
    const args = { timeoutSeconds: container.spec.options?.stopGraceSeconds ?? stopBeforeDeleteSeconds };
    await queueOperation(ctx, trx, { caller, container, verb: 'stop', args });
  }
  await queueOperation(ctx, trx, { caller, container, verb: 'delete', args: {} });
  return { wake: host, release: false };
}
