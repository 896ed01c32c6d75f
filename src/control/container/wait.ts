/**
 * Waiting for a container to have a status, for clients that would ask again and again otherwise.
 *
 * It ends as soon as the container has one of the statuses, or is in Error and will not get there by itself, or the time is over:
 * then it is shown as it stands. Who may not see it, or when it has gone, hears so at once.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Caller } from '../../model/caller.ts';
import type { ContainerStatus } from '../../model/container.ts';
import type { Container } from '../../model/container-record.ts';
import type { ContainerContext } from './context.ts';
import { getContainer } from './look-up.ts';

const lookEveryMs = 200;

export interface WaitAsk {
  readonly statuses: readonly ContainerStatus[];
  readonly timeoutMs: number;
  /** The asker has gone: there is nothing to wait for any more. */
  readonly isGone: () => boolean;
}

export async function waitForStatus(
  ctx: ContainerContext,
  caller: Caller,
  ident: string,
  { statuses, timeoutMs, isGone }: WaitAsk,
): Promise<Container> {
  const until = performance.now() + timeoutMs;
  const ends = new Set<ContainerStatus>([...statuses, 'Error']);
  // By id from here on: a name may come to mean another one.
  let container = await getContainer(ctx, caller, ident, 'container:get_one');
  while (!ends.has(container.status) && performance.now() < until && !isGone()) {
    await pause(Math.min(lookEveryMs, Math.max(0, until - performance.now())));
    container = await getContainer(ctx, caller, container.uuid, 'container:get_one');
  }
  return container;
}
