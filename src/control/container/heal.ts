/**
 * `auto_heal`: an unhealthy container is restarted, then made anew, with pauses that grow; when it is healthy again the count starts
 * over. What is done is an operation like any other: it is in the action log and survives a crash.
 */
import type { Container, Heals } from '../../model/container-record.ts';
import { newRequestId, newUuid } from '../../model/ids.ts';
import { shownBy } from '../../model/operation-table.ts';
import { findContainer, unhealthyContainers, updateContainer } from '../../store/container/containers.ts';
import { insertOperation, pendingOperations } from '../../store/container/operations.ts';
import { type ContainerContext, nowIso } from './context.ts';

const restartsBeforeRebuild = 3;
const firstPauseMs = 30_000;
const longestPauseMs = 3_600_000;

const never: Heals = { restarts: 0, rebuilds: 0, attempts: 0, lastAt: '' };

/** What to do now; null = nothing, or not yet. Pure. */
export function planHeal({ spec, status, vitals, heals }: Container, now: Date): 'reboot' | 'rebuild' | null {
  if (!spec.autoHeal || status !== 'Running' || vitals?.health?.status !== 'unhealthy') return null;
  const { attempts, lastAt } = heals ?? never;
  const pauseMs = attempts === 0 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (attempts - 1));
  if (attempts > 0 && now.getTime() - Date.parse(lastAt) < pauseMs) return null;
  return attempts < restartsBeforeRebuild ? 'reboot' : 'rebuild';
}

export class Healer {
  readonly #ctx: ContainerContext;

  constructor(ctx: ContainerContext) {
    this.#ctx = ctx;
  }

  async pass(): Promise<void> {
    for (const uuid of await unhealthyContainers(this.#ctx.db)) await this.#heal(uuid);
  }

  async #heal(uuid: string): Promise<void> {
    const { db, clock, waker, log } = this.#ctx;
    const begun = await db.transaction().execute(async (trx) => {
      const container = await findContainer(trx, uuid);
      const verb = container ? planHeal(container, clock.now()) : null;
      if (!container || !verb || (await pendingOperations(trx, [uuid])).length > 0) return undefined;
      const at = nowIso(this.#ctx);
      const { restarts, rebuilds, attempts } = container.heals ?? never;
      const isRestart = verb === 'reboot';
      await updateContainer(trx, uuid, {
        heals: {
          restarts: restarts + Number(isRestart),
          rebuilds: rebuilds + Number(!isRestart),
          attempts: attempts + 1,
          lastAt: at,
        },
        ...shownBy(verb),
        power: 'running',
        updatedAt: at,
      });
      const { projectId, userId, host } = container;
      const who = { projectId, userId, requestId: newRequestId() };
      await insertOperation(trx, {
        id: newUuid(),
        containerUuid: uuid,
        ...who,
        verb,
        args: {},
        startedAt: at,
      });
      return { host, verb };
    });
    if (!begun) return;
    log.warn({ container: uuid, verb: begun.verb }, 'unhealthy container: healing it');
    if (begun.host !== null) waker.wake(begun.host, { containers: [uuid] });
  }
}
