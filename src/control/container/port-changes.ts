/**
 * Ports of a container that is with its agent, brought after a change of its networks and security groups.
 *
 * Groups first, then missing ports, then those that nobody wants: a port that is to go stays while the agent has yet to
 * disconnect it. All of it may be done twice. What cannot be done is undone in the record, with a reason; the row is
 * written only if it is still what the work was done for.
 */
import type { Nic, WantedNet } from '../../model/container.ts';
import type { Container, ContainerOperation } from '../../model/container-record.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import type { ContainerChange } from '../../store/container/codec.ts';
import { findContainer, updateContainer } from '../../store/container/containers.ts';
import { finishOperation, pendingOperations } from '../../store/container/operations.ts';
import type { PortRequest } from '../networking.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { undone } from './group-changes.ts';
import { dnsNameOf } from './names.ts';
import { inOrderOf, withoutNet } from './nic-changes.ts';

/** How long a network service that cannot be reached is waited for before what needs it fails. */
const patienceMs = 120_000;

export function mayRecover({ clock }: ContainerContext, since: string, error: unknown): boolean {
  const isOutage = isFailure(error, 'unavailable') || isFailure(error, 'timeout');
  return isOutage && clock.now().getTime() - Date.parse(since) < patienceMs;
}

export function portRequest(container: Container, host: string, net: WantedNet): PortRequest {
  const { uuid, projectId, name, securityGroupIds, exposedGroupId } = container;
  return {
    projectId,
    containerUuid: uuid,
    containerName: name,
    dnsName: dnsNameOf(container),
    host,
    net,
    securityGroupIds:
      exposedGroupId === null ? securityGroupIds : [...(securityGroupIds ?? []), exposedGroupId],
  };
}

interface Work {
  readonly container: Container;
  readonly host: string;
  readonly pending: readonly ContainerOperation[];
}

/** False = the container has changed meanwhile: look again. Throws what may pass. */
export async function followChanges(ctx: ContainerContext, { uuid }: Container): Promise<boolean> {
  const work = await look(ctx, uuid);
  if (!work) return true;
  if (!(await applyGroups(ctx, work))) return false;
  const { container, host } = work;
  const nics = await makeMissing(ctx, work);
  if (nics === undefined) return false;
  await ctx.networking.releasePorts(uuid, { keep: keptIndexes(work), dnsName: dnsNameOf(container) });
  const isWritten = await updateContainer(
    ctx.db,
    uuid,
    { nics, portsPhase: 'ready', ...endOfTask(container), revision: container.revision + 1 },
    { inPhase: 'changing', atRevision: container.revision },
  );
  if (isWritten) ctx.waker.wake(host, { containers: [uuid] });
  return isWritten;
}

/** Row and operations as of one moment: a detachment that fails puts its network back. */
function look(ctx: ContainerContext, uuid: string): Promise<Work | undefined> {
  return ctx.db.transaction().execute(async (trx) => {
    const container = await findContainer(trx, uuid);
    if (container?.portsPhase !== 'changing' || container.host === null) return undefined;
    return { container, host: container.host, pending: await pendingOperations(trx, [uuid]) };
  });
}

/** One after the other, as they were asked for. */
async function applyGroups(ctx: ContainerContext, { container, pending }: Work): Promise<boolean> {
  for (const operation of pending) {
    const { verb, args } = operation;
    if (verb !== 'add_security_group' && verb !== 'remove_security_group') continue;
    const id = args.securityGroupId ?? '';
    try {
      const change = verb === 'add_security_group' ? { add: id } : { remove: id };
      await ctx.networking.changeSecurityGroup(container.uuid, change);
    } catch (error) {
      const undo = (now: Container) => undone(now, operation);
      await giveUp(ctx, { container, operation, error }, undo);
      return false;
    }
    await finishOperation(ctx.db, operation.id, { result: 'Success', message: null, at: nowIso(ctx) });
  }
  return true;
}

/** Undefined = one could not be made, and its network is out of the list again. */
async function makeMissing(
  ctx: ContainerContext,
  { container, host, pending }: Work,
): Promise<readonly Nic[] | undefined> {
  const made: Nic[] = [...container.nics];
  for (const net of container.nets) {
    if (made.some(({ index }) => index === net.index)) continue;
    try {
      made.push(await ctx.networking.ensurePort(portRequest(container, host, net)));
    } catch (error) {
      const operation = pending.find(
        ({ verb, args }) => verb === 'network_attach' && args.nicIndex === net.index,
      );
      await giveUp(ctx, { container, operation, error }, (now) => withoutNet(now, net).change);
      return undefined;
    }
  }
  return inOrderOf(container.nets, made);
}

function keptIndexes({ container, pending }: Work): number[] {
  const leaving = pending.filter(({ verb }) => verb === 'network_detach');
  return [
    ...container.nets.map(({ index }) => index),
    ...leaving.flatMap(({ args }) => (args.detached?.nic ? [args.detached.net.index] : [])),
  ];
}

/** What the agent does not report on ends here. */
function endOfTask({ taskState }: Container): ContainerChange {
  return taskState === 'sg_adding' || taskState === 'sg_removing' ? { taskState: null } : {};
}

interface GivenUp {
  readonly container: Container;
  readonly operation: ContainerOperation | undefined;
  readonly error: unknown;
}

/** Puts the record back and says why; throws the error when trying again may help. */
async function giveUp(
  ctx: ContainerContext,
  { container, operation, error }: GivenUp,
  undo: (now: Container) => ContainerChange,
): Promise<void> {
  const { uuid, createdAt } = container;
  if (mayRecover(ctx, operation?.startedAt ?? createdAt, error)) throw error;
  ctx.log.warn({ container: uuid, error }, 'a change of networks or groups could not be made');
  const said = error instanceof Failure ? error.message : 'An unexpected error occurred; the log says more.';
  const reason = `${operation?.verb ?? 'network_attach'} failed: ${said}`;
  await ctx.db.transaction().execute(async (trx) => {
    const now = await findContainer(trx, uuid);
    if (now?.portsPhase !== 'changing') return;
    await updateContainer(trx, uuid, {
      ...undo(now),
      statusReason: reason,
      taskState: null,
      revision: now.revision + 1,
      updatedAt: nowIso(ctx),
    });
    if (!operation) return;
    await finishOperation(trx, operation.id, { result: 'Error', message: reason, at: nowIso(ctx) });
  });
}
