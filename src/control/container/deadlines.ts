/** Operations that did not end in time end here, with a reason: whatever keeps them from it, nobody waits for ever. */
import { statusOf } from '../../model/container.ts';
import type { ContainerOperation } from '../../model/container-record.ts';
import { operationRow } from '../../model/operation-table.ts';
import { findContainer, updateContainer } from '../../store/container/containers.ts';
import { allPendingOperations, finishOperation, lastFinish } from '../../store/container/operations.ts';
import { type ContainerContext, nowIso } from './context.ts';
import type { Provisioner } from './provisioner.ts';

export class Deadlines {
  readonly #ctx: ContainerContext & { readonly provisioner: Provisioner };

  constructor(ctx: ContainerContext & { readonly provisioner: Provisioner }) {
    this.#ctx = ctx;
  }

  async pass(): Promise<void> {
    const byContainer = Map.groupBy(
      await allPendingOperations(this.#ctx.db),
      ({ containerUuid }) => containerUuid,
    );
    for (const [, [first]] of byContainer) if (first && (await this.#isLate(first))) await this.#end(first);
  }

  /** Counted from when it was first in line. */
  async #isLate({ containerUuid, startedAt, verb, args }: ContainerOperation): Promise<boolean> {
    const { db, clock } = this.#ctx;
    const limitMs = (operationRow(verb).seconds + (args.timeoutSeconds ?? 0)) * 1000;
    const isOver = (since: string) => clock.now().getTime() - Date.parse(since) > limitMs;
    return isOver(startedAt) && isOver((await lastFinish(db, containerUuid)) ?? startedAt);
  }

  async #end({ id, containerUuid, verb }: ContainerOperation): Promise<void> {
    const { db, log, provisioner } = this.#ctx;
    const { seconds, becomes } = operationRow(verb);
    const reason = `The ${verb} did not end within ${seconds / 60} minutes.`;
    const isReleased = await db.transaction().execute(async (trx) => {
      const container = await findContainer(trx, containerUuid);
      if (!container) return false;
      const at = nowIso(this.#ctx);
      await finishOperation(trx, id, { result: 'Error', message: reason, at });
      const seen = container.engineState === null ? container.status : statusOf(container.engineState);
      // It has nothing on its host that is known of: what there may be is swept, and its place is given up.
      const neverMade = verb === 'create' && !container.wasCreated;
      await updateContainer(trx, containerUuid, {
        status: becomes ?? seen,
        statusReason: reason,
        taskState: null,
        updatedAt: at,
        ...(neverMade ? { portsPhase: 'releasing' } : {}),
      });
      return neverMade;
    });
    log.warn({ container: containerUuid, operation: id, verb }, 'operation did not end in time');
    if (isReleased) provisioner.kick(containerUuid);
  }
}
