/** DELETE /containers: all that filters choose, with an answer that says of each what became of it. */
import type { ContainerControl } from '../../../control/container/control.ts';
import type { Removal, RemoveManyAsk } from '../../../control/container/remove-many.ts';
import type { Container } from '../../../model/container-record.ts';
import { Failure } from '../../../model/failure.ts';
import { looksLikeUuid } from '../../../model/ids.ts';
import type { Call, Endpoint, Input } from '../endpoint.ts';
import { type ListedError, toErrorReply } from '../errors.ts';
import { filterParameters, ownFilterParameters, parseFilters, parseMoreFilters } from '../list-filters.ts';
import { ownMinor } from '../microversion.ts';
import { linkAfter, parseLimit } from '../paging.ts';
import { parseWideBoolean } from '../vocabulary.ts';

const choosing: readonly string[] = [...filterParameters, ...ownFilterParameters];
const switches = ['all', 'force', 'stop', 'all_projects'] as const;

export function bulkDeleteEndpoints(control: ContainerControl): Endpoint[] {
  const { config, log } = control;

  function toRefused({ container, refusal }: Removal, { caller }: Call) {
    const { body, correlationId } = toErrorReply(refusal);
    if (correlationId)
      log.error({ request: caller.requestId, correlation: correlationId, error: refusal }, 'delete failed');
    const [error]: readonly (ListedError | undefined)[] = 'errors' in body ? body.errors : [];
    return { ...named(container), status: container.status, error };
  }

  return [
    {
      method: 'DELETE',
      path: '/containers',
      summary:
        'Delete the containers that filters choose, or with `all=true` those of the project; says of each whether it was accepted (not in Zun)',
      policy: 'container:delete',
      checksPolicyItself: true,
      since: ownMinor,
      parameters: ['limit', 'marker', ...switches, ...choosing],
      status: 202,
      async handle(call) {
        const ask = toAsk(call.query, config.containers.maxListLimit);
        const removals = await control.removeMany(call.caller, ask);
        const last = removals.length < ask.limit ? undefined : removals.at(-1);
        return {
          body: {
            accepted: removals.filter(({ refusal }) => !refusal).map(({ container }) => named(container)),
            refused: removals.filter(({ refusal }) => refusal).map((each) => toRefused(each, call)),
            next: last
              ? linkAfter(call, 'containers', { limit: ask.limit, last: last.container.uuid })
              : null,
          },
        };
      },
    },
  ];
}

/** Throws `invalid-value`; nobody empties a project because a filter was forgotten. */
function toAsk(query: Input, most: number): RemoveManyAsk {
  const { marker } = query;
  const { all, force, stop, all_projects: allProjects } = switchesOf(query);
  const given = choosing.filter((name) => query[name] !== undefined);
  if (given.length === 0 && !all)
    throw new Failure('invalid-value', `Which containers? Give one of ${choosing.join(', ')}, or all=true`);
  if (given.length > 0 && all)
    throw new Failure(
      'invalid-value',
      `all=true means all, but there is ${given.join(', ')}, too: leave one out`,
    );
  if (marker !== undefined && !looksLikeUuid(String(marker)))
    throw new Failure('invalid-value', `marker: '${marker}' is not the uuid of a container`);
  return {
    filters: parseFilters(query),
    more: parseMoreFilters(query),
    limit: parseLimit(query.limit, most),
    force,
    stop,
    allProjects,
    ...(marker === undefined ? {} : { after: String(marker) }),
  };
}

function switchesOf(query: Input): Record<(typeof switches)[number], boolean> {
  const of = (name: string) => parseWideBoolean(name, query[name]);
  return { all: of('all'), force: of('force'), stop: of('stop'), all_projects: of('all_projects') };
}

function named({ uuid, name, projectId }: Container) {
  return { uuid, name, project_id: projectId };
}
