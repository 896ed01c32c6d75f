/**
 * Verbs that change what a container is doing: checked against the state table, stored as an operation together
 * with what is wanted from now on, then the agent is woken. The request does not wait for it.
 */
import type { Caller } from '../../model/caller.ts';
import {
  assertAllowed,
  type ContainerAction,
  type OperationVerb,
  type ServerVerb,
} from '../../model/container.ts';
import {
  type Container,
  isVisible,
  type OperationArgs,
  type StoredSpec,
} from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import { newUuid } from '../../model/ids.ts';
import { shownBy } from '../../model/operation-table.ts';
import type { ContainerChange } from '../../store/container/codec.ts';
import { findContainer, updateContainer } from '../../store/container/containers.ts';
import { insertOperation } from '../../store/container/operations.ts';
import type { DbOrTrx } from '../../store/database.ts';
import type { PolicyRule } from '../policy.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { getContainer } from './look-up.ts';

export type PowerVerb = 'start' | 'stop' | 'reboot' | 'pause' | 'unpause' | 'kill' | 'rebuild';

interface VerbRow {
  readonly policy: PolicyRule;
  /** What is wanted afterwards; kill: only when the signal ends the process for certain. */
  readonly wants: (args: OperationArgs, container: Container) => ContainerChange;
}

/** The image that a rebuild is to use from now on. */
export interface OperateAsk {
  readonly verb: PowerVerb;
  readonly args: OperationArgs;
  readonly image?: Partial<Pick<StoredSpec, 'image' | 'imageDriver'>>;
}

const deadlySignals = ['KILL', 'SIGKILL', '9'];

const verbs: Readonly<Record<PowerVerb, VerbRow>> = {
  start: {
    policy: 'container:start',
    wants: () => ({ power: 'running' }),
  },
  stop: {
    policy: 'container:stop',
    wants: () => ({ power: 'stopped' }),
  },
  reboot: {
    policy: 'container:reboot',
    wants: () => ({ power: 'running' }),
  },
  pause: {
    policy: 'container:pause',
    wants: () => ({ power: 'paused' }),
  },
  unpause: {
    policy: 'container:unpause',
    wants: () => ({ power: 'running' }),
  },
  kill: {
    policy: 'container:kill',
    wants: ({ signal }) =>
      signal === undefined || deadlySignals.includes(signal.toUpperCase()) ? { power: 'stopped' } : {},
  },
  // Ports and addresses stay; it runs afterwards only if it runs now.
  rebuild: {
    policy: 'container:rebuild',
    wants: (_args, { status }) => ({ power: status === 'Running' ? 'running' : 'created' }),
  },
};

export async function operate(
  ctx: ContainerContext,
  caller: Caller,
  ident: string,
  ask: OperateAsk,
): Promise<void> {
  const { verb, args } = ask;
  const { policy, wants } = verbs[verb];
  const { uuid } = await getContainer(ctx, caller, ident, policy);
  const host = await ctx.db.transaction().execute(async (trx) => {
    const container = await mustFind(trx, uuid);
    assertAllowed(verb, uuid, container.status);
    const placedOn = assertOnHost(container);
    await updateContainer(trx, uuid, {
      ...shownBy(verb),
      ...wants(args, container),
      ...(ask.image ? { spec: { ...container.spec, ...ask.image }, revision: container.revision + 1 } : {}),
      updatedAt: nowIso(ctx),
    });
    await queueOperation(ctx, trx, { caller, container, verb, args });
    return placedOn;
  });
  ctx.waker.wake(host, { containers: [uuid] });
}

/** Inside a transaction the container is read again: its status may have changed since it was looked up. */
export async function mustFind(db: DbOrTrx, uuid: string): Promise<Container> {
  const container = await findContainer(db, uuid);
  if (!container) throw new Failure('container-not-found', `Container ${uuid} could not be found.`);
  return container;
}

/** Throws `invalid` (400) for a container that has nothing on any host. */
export function assertOnHost(container: Container): string {
  if (container.host !== null && isVisible(container)) return container.host;
  throw new Failure('invalid', 'Cannot operate an uncreated container.');
}

export interface QueuedOperation {
  readonly caller: Caller;
  readonly container: Container;
  readonly verb: (OperationVerb | ServerVerb) & (ContainerAction | 'create');
  readonly args: OperationArgs;
}

/** Returns the operation's id. */
export async function queueOperation(
  ctx: ContainerContext,
  db: DbOrTrx,
  { caller, container, verb, args }: QueuedOperation,
): Promise<string> {
  const id = newUuid();
  await insertOperation(db, {
    id,
    containerUuid: container.uuid,
    projectId: container.projectId,
    userId: caller.userId,
    requestId: caller.requestId,
    verb,
    args,
    startedAt: nowIso(ctx),
  });
  return id;
}
