/** What may not be done in which status, made of the table that says so; and what may be done in any. */
import { allowedIn, type ContainerAction, containerStatuses } from '../../src/model/container.ts';
import type { Row } from './row.ts';
import { zunAnywhere } from './zun-reference.ts';

const verbActions: readonly (readonly [ContainerAction, string, string])[] = [
  ['start', 'POST', '/start'],
  ['stop', 'POST', '/stop'],
  ['pause', 'POST', '/pause'],
  ['unpause', 'POST', '/unpause'],
  ['kill', 'POST', '/kill'],
  ['reboot', 'POST', '/reboot'],
  ['rebuild', 'POST', '/rebuild'],
  ['execute', 'POST', '/execute?command=id'],
  ['execute_resize', 'POST', `/execute_resize?exec_id=${'a'.repeat(64)}&h=1&w=1`],
  ['resize', 'POST', '/resize?h=1&w=1'],
  ['attach', 'GET', '/attach'],
  ['top', 'GET', '/top'],
  ['stats', 'GET', '/stats'],
  ['logs', 'GET', '/logs'],
  ['get_archive', 'GET', '/get_archive?path=/x'],
  ['put_archive', 'POST', '/put_archive?path=/x'],
  ['update', 'PATCH', ''],
  ['resize_container', 'POST', '/resize_container'],
  ['delete', 'DELETE', ''],
  ['delete_after_stop', 'DELETE', '?stop=true'],
  ['delete_force', 'DELETE', '?force=true'],
  ['network_attach', 'POST', '/network_attach?network=other'],
  ['network_detach', 'POST', '/network_detach?network=net-default'],
  ['default_gateway', 'POST', '/default_gateway?network=net-default'],
  ['add_security_group', 'POST', '/add_security_group?name=other'],
  ['remove_security_group', 'POST', '/remove_security_group?name=default'],
];

const versionsOf: Partial<Record<ContainerAction, string>> = {
  default_gateway: '1.41',
  add_security_group: '1.14',
  remove_security_group: '1.14',
};

/** What Zun allows in any status. */
const anywhere: Readonly<Record<(typeof zunAnywhere)[number], Partial<Row> & Pick<Row, 'method' | 'url'>>> = {
  rename: { method: 'POST', url: '/containers/{web}/rename?name=renamed', version: '1.13' },
  show: { method: 'GET', url: '/containers/{web}' },
  network_list: { method: 'GET', url: '/containers/{web}/network_list' },
  container_actions: { method: 'GET', url: '/containers/{web}/container_actions' },
};

function anywhereRows(): Row[] {
  return zunAnywhere.flatMap((of) =>
    containerStatuses.map(
      (inStatus): Row => ({ area: 'status', of, ...anywhere[of], inStatus, status: 200 }),
    ),
  );
}

/** Every action in every status in which it is not allowed, and in all of them what is allowed in any. */
export function statusRows(): Row[] {
  const refused = verbActions.flatMap(([action, method, suffix]) => {
    const allowed: readonly string[] = allowedIn[action];
    return containerStatuses
      .filter((status) => !allowed.includes(status))
      .map(
        (inStatus): Row => ({
          area: 'status',
          of: action,
          method,
          url: `/containers/{web}${suffix}`,
          token: action === 'delete_force' ? 'admin' : 'alice',
          ...(versionsOf[action] ? { version: versionsOf[action] } : {}),
          ...(method === 'PATCH' || action === 'resize_container' ? { body: { memory: 64 } } : {}),
          ...(action === 'put_archive' ? { body: { data: '' } } : {}),
          inStatus,
          status: 409,
          code: 'invalid-state-exception',
          says: new RegExp(`^Cannot ${action} container .* in ${inStatus} state$`),
        }),
      );
  });
  return [...refused, ...anywhereRows()];
}
