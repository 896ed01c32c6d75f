/** /deleted_containers: who they were whose logs are kept; the logs are read at their old place, by uuid. */
import type { ContainerControl } from '../../../control/container/control.ts';
import type { DeletedContainer } from '../../../model/kept-logs.ts';
import { toTime } from '../container-view.ts';
import type { Call, Endpoint } from '../endpoint.ts';
import { ownMinor } from '../microversion.ts';
import { linkAfter, parseLimit } from '../paging.ts';
import { parseWideBoolean } from '../vocabulary.ts';

export function deletedEndpoints(control: ContainerControl): Endpoint[] {
  const { config, policy, deleted } = control;

  function toWire(container: DeletedContainer, { caller }: Call) {
    const { uuid, name, projectId, userId, image, host, createdAt, deletedAt } = container;
    const seesHost = policy.allows(caller, 'container:get_one:host', container);
    return {
      uuid,
      name,
      project_id: projectId,
      user_id: userId,
      image,
      ...(seesHost ? { host } : {}),
      created_at: toTime(createdAt),
      deleted_at: toTime(deletedAt),
      deleted_by: container.deletedBy,
      request_id: container.requestId,
      kept_until: toTime(container.keptUntil),
      logs_bytes: container.logs.bytes,
      logs_reason: container.logs.reason,
    };
  }

  return [
    {
      method: 'GET',
      path: '/deleted_containers',
      summary: 'Deleted containers whose logs are kept, or why not; newest first (not in Zun)',
      policy: 'container:get_all',
      checksPolicyItself: true,
      since: ownMinor,
      parameters: ['limit', 'marker', 'all_projects', 'name'],
      status: 200,
      async handle(call) {
        const { query, caller } = call;
        const limit = parseLimit(query.limit, config.containers.maxListLimit);
        const page = await deleted.list(caller, {
          limit,
          allProjects: parseWideBoolean('all_projects', query.all_projects),
          ...(query.name === undefined ? {} : { name: String(query.name) }),
          ...(query.marker === undefined ? {} : { marker: String(query.marker) }),
        });
        const last = page.length < limit ? undefined : page.at(-1);
        return {
          body: {
            deleted_containers: page.map((each) => toWire(each, call)),
            next: last ? linkAfter(call, 'deleted_containers', { limit, last: last.uuid }) : null,
          },
        };
      },
    },
    {
      method: 'DELETE',
      path: '/deleted_containers/:uuid',
      summary: 'Forget a deleted container and its logs before their time (not in Zun)',
      policy: 'container:delete',
      checksPolicyItself: true,
      since: ownMinor,
      status: 204,
      async handle({ caller, path }) {
        await deleted.forget(caller, path.uuid ?? '');
        return {};
      },
    },
  ];
}
