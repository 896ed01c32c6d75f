/**
 * What Berth's identity service does not have, but clients ask about on their way: groups and unified limits.
 * Lists are truthfully empty; making one is refused in words.
 */
import { Failure } from '../../model/failure.ts';
import type { Endpoint } from './endpoint.ts';
import type { Action } from './policy.ts';

export const absentEndpoints: readonly Endpoint[] = [
  emptyList('/v3/groups', 'groups', 'identity:list_groups'),
  emptyList('/v3/users/:user_id/groups', 'groups', 'identity:list_groups_for_user'),
  emptyList('/v3/registered_limits', 'registered_limits', 'identity:list_registered_limits'),
  emptyList('/v3/limits', 'limits', 'identity:list_limits'),
  {
    method: 'GET',
    path: '/v3/groups/:id',
    policy: 'identity:get_group',
    handle: ({ params: { id = '' } }) => {
      throw new Failure('resource-not-found', `Could not find group: ${id}.`);
    },
  },
  {
    method: 'POST',
    path: '/v3/groups',
    policy: 'identity:create_group',
    handle: () => {
      throw new Failure('not-implemented', 'This identity service has no groups; assign roles to users.');
    },
  },
];

function emptyList(path: string, name: string, policy: Action): Endpoint {
  return { method: 'GET', path, policy, handle: ({ links }) => ({ [name]: [], links: links.ofList() }) };
}
