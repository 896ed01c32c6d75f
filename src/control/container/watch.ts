/** Who may watch what. */
import type { Readable } from 'node:stream';
import type { Caller } from '../../model/caller.ts';
import type { ContainerContext } from './context.ts';
import type { EventFeed, Subscription } from './event-feed.ts';

export interface WatchAsk extends Omit<Subscription, 'projectId'> {
  readonly allProjects: boolean;
}

export function watchContainers(
  { policy, feed }: ContainerContext & { readonly feed: EventFeed },
  caller: Caller,
  { allProjects, ...rest }: WatchAsk,
): Promise<Readable> {
  policy.enforce(caller, allProjects ? 'container:get_all_all_projects' : 'container:get_all');
  return feed.subscribe({ ...rest, projectId: allProjects ? null : caller.projectId });
}
