/** Lists of containers and their action logs. */
import type { Caller } from '../../model/caller.ts';
import type { Container, ContainerOperation } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import {
  type ContainerFilters,
  type ContainerListQuery,
  containerSortColumns,
  type LabelFilter,
  listContainers,
  type MoreFilters,
} from '../../store/container/container-list.ts';
import { findContainer } from '../../store/container/containers.ts';
import { operationsOf } from '../../store/container/operations.ts';
import type { Db } from '../../store/database.ts';
import type { ContainerContext } from './context.ts';
import { getContainer } from './look-up.ts';

export type { ContainerFilters, LabelFilter, MoreFilters };

export interface ListAsk extends Omit<ContainerListQuery, 'projectId'> {
  readonly allProjects: boolean;
}

/** Throws `invalid-parameter-value` for an unknown sort key, `container-not-found` for an unknown marker. */
export async function listFor(ctx: ContainerContext, caller: Caller, ask: ListAsk): Promise<Container[]> {
  const { db } = ctx;
  const { allProjects, ...query } = ask;
  enforceList(ctx, caller, ask);
  if (!Object.hasOwn(containerSortColumns, query.sortKey)) {
    throw new Failure(
      'invalid-parameter-value',
      `The sort_key value "${query.sortKey}" is an invalid field for sorting`,
    );
  }
  const projectId = allProjects ? null : caller.projectId;
  if (query.marker !== undefined) {
    const last = await findContainer(db, query.marker);
    if (!last || (projectId !== null && last.projectId !== projectId)) {
      throw new Failure('container-not-found', `Container ${query.marker} could not be found.`);
    }
  }
  return listLabelled(db, { ...query, projectId });
}

/** Throws `policy-not-authorized`: what a caller may not see is no filter for them either. */
export function enforceList(
  { policy }: Pick<ContainerContext, 'policy'>,
  caller: Caller,
  { allProjects, filters }: Pick<ListAsk, 'allProjects' | 'filters'>,
): void {
  policy.enforce(caller, allProjects ? 'container:get_all_all_projects' : 'container:get_all');
  if (filters.host !== undefined) policy.enforce(caller, 'container:get_one:host');
}

/** The store finds all that may have the labels; pages are filled with those that do. */
export async function listLabelled(db: Db, query: ContainerListQuery): Promise<Container[]> {
  const found: Container[] = [];
  let marker = query.marker;
  for (;;) {
    const page = await listContainers(db, { ...query, ...(marker === undefined ? {} : { marker }) });
    found.push(...page.filter(({ spec }) => hasLabels(spec.labels, query.more?.labels ?? [])));
    marker = page.at(-1)?.uuid;
    if (page.length < query.limit || found.length >= query.limit) return found.slice(0, query.limit);
  }
}

function hasLabels(labels: Readonly<Record<string, string>>, wanted: readonly LabelFilter[]): boolean {
  return wanted.every(
    ([name, value]) => Object.hasOwn(labels, name) && (value === null || labels[name] === value),
  );
}

/** Newest first. */
export async function actionsOf(
  ctx: ContainerContext,
  caller: Caller,
  ident: string,
): Promise<ContainerOperation[]> {
  const { uuid } = await getContainer(ctx, caller, ident, 'container:actions');
  return operationsOf(ctx.db, uuid);
}

/** All that one request started on the container. Throws `resource-not-found`. */
export async function actionOf(
  ctx: ContainerContext,
  caller: Caller,
  ident: string,
  requestId: string,
): Promise<ContainerOperation> {
  const action = (await actionsOf(ctx, caller, ident)).find((each) => each.requestId === requestId);
  if (action) return action;
  throw new Failure('resource-not-found', `The Action resource ${requestId} could not be found.`);
}
