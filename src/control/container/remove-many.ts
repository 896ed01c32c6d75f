/**
 * Delete of all containers that filters choose, each as an ordinary delete: what stands in the way of one keeps none of the others.
 *
 * They are taken in the order of their uuids and a bounded number at a time, so that whoever asks goes on after the last one of them,
 * whether it is still there or not. What is gone meanwhile, or is being deleted already, is as it was asked for.
 */
import type { Caller } from '../../model/caller.ts';
import type { Container } from '../../model/container-record.ts';
import { isFailure } from '../../model/failure.ts';
import type { ContainerContext } from './context.ts';
import { type ContainerFilters, enforceList, listLabelled, type MoreFilters } from './list.ts';
import type { Provisioner } from './provisioner.ts';
import { type RemoveAsk, removeContainer } from './remove.ts';

export interface RemoveManyAsk extends RemoveAsk {
  readonly filters: ContainerFilters;
  readonly more: MoreFilters;
  readonly limit: number;
  /** Uuid of the last one that was taken before. */
  readonly after?: string;
}

export interface Removal {
  readonly container: Container;
  /** What stood in the way; undefined = it is being deleted. */
  readonly refusal: unknown;
}

/** Throws `policy-not-authorized` for who may not do such a thing at all; what is refused of single containers is in the answer. */
export async function removeMany(
  ctx: ContainerContext & { readonly provisioner: Provisioner },
  caller: Caller,
  ask: RemoveManyAsk,
): Promise<Removal[]> {
  const { policy, db } = ctx;
  const { filters, more, limit, after, force, stop, allProjects } = ask;
  policy.enforce(caller, 'container:delete');
  if (allProjects) policy.enforce(caller, 'container:delete_all_projects');
  if (force) policy.enforce(caller, 'container:delete_force');
  enforceList(ctx, caller, ask);
  const chosen = await listLabelled(db, {
    projectId: allProjects ? null : caller.projectId,
    filters,
    more,
    limit,
    sortKey: 'uuid',
    descending: false,
    ...(after === undefined ? {} : { marker: after }),
  });
  const removals: Removal[] = [];
  for (const container of chosen) {
    const isUnderWay = container.status === 'Deleting' && !force;
    const refusal = isUnderWay
      ? undefined
      : await refusalOf(removeContainer(ctx, caller, container.uuid, { force, stop, allProjects }));
    removals.push({ container, refusal });
  }
  return removals;
}

async function refusalOf(removal: Promise<void>): Promise<unknown> {
  try {
    await removal;
    return undefined;
  } catch (error) {
    return isFailure(error, 'container-not-found') ? undefined : error;
  }
}
