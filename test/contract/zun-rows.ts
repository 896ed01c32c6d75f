/**
 * What the container API promises, row by row: a request and the answer that has to come. The rows about endpoints and errors are
 * written down; those about policy and statuses are made of the tables that say who may do what and when, and of nothing else.
 *
 * `{web}` in a URL is a running container of alice's, `{box}` a stopped one, `{request}` the request that made `{web}`, `{registry}` a
 * registry of hers, `{webhook}` a webhook of hers, `{gone}` a deleted container of hers, `{image}` an image that the administrator had pulled; `{exec}` is a command that runs in a container.
 */
import type { Endpoint } from '../../src/api/zun/endpoint.ts';
import { allowedIn, type ContainerAction, containerStatuses } from '../../src/model/container.ts';

export const areas = ['endpoint', 'error', 'policy', 'status'] as const;

export interface Row {
  readonly area: (typeof areas)[number];
  /** Of the table that the row is of: `GET /containers`, a code, a rule, an action. */
  readonly of: string;
  readonly method: string;
  readonly url: string;
  readonly token?: string | null;
  readonly version?: string;
  readonly body?: unknown;
  /** The container `{web}` is put into this status first. */
  readonly inStatus?: string;
  /** Asked for first, by alice, and carried out. */
  readonly first?: Readonly<Pick<Row, 'method' | 'url' | 'body'>>;
  readonly status: number;
  /** Behind `container.`. */
  readonly code?: string;
  readonly says?: RegExp;
}

type Success = readonly [of: string, url: string, more?: Partial<Row>];

const admin = { token: 'admin' };
/** The version of what Zun does not have. */
const own = { version: '1.41' };
const emptyArchive = { data: `${'A'.repeat(1366)}==` };
const successes: readonly Success[] = [
  ['POST /containers', '/containers', { body: { image: 'busybox' }, status: 202 }],
  ['GET /containers', '/containers'],
  ['GET /containers/:ident', '/containers/{web}'],
  ['PATCH /containers/:ident', '/containers/{web}', { body: { name: 'web-2' } }],
  [
    'POST /containers/:ident/resize_container',
    '/containers/{web}/resize_container',
    { body: { memory: 64 }, status: 202 },
  ],
  ['POST /containers/:ident/rename', '/containers/{web}/rename?name=web-3', { version: '1.13' }],
  [
    'DELETE /containers/:ident',
    '/containers/{box}?force=False&stop=False&all_projects=False',
    { status: 204 },
  ],
  ['DELETE /containers', '/containers?name=nobody', { ...own, status: 202 }],
  ['GET /deleted_containers', '/deleted_containers?limit=1', own],
  ['DELETE /deleted_containers/:uuid', '/deleted_containers/{gone}', { ...own, status: 204 }],
  ['POST /containers/:ident/stop', '/containers/{web}/stop?timeout=1', { status: 202 }],
  ['POST /containers/:ident/start', '/containers/{box}/start', { status: 202 }],
  ['POST /containers/:ident/reboot', '/containers/{web}/reboot', { status: 202 }],
  ['POST /containers/:ident/pause', '/containers/{web}/pause', { status: 202 }],
  ['POST /containers/:ident/unpause', '/containers/{web}/unpause', { status: 202, inStatus: 'Paused' }],
  ['POST /containers/:ident/kill', '/containers/{web}/kill?signal=None', { status: 202 }],
  ['POST /containers/:ident/rebuild', '/containers/{web}/rebuild', { status: 202 }],
  ['GET /containers/:ident/logs', '/containers/{web}/logs?stdout=True&stderr=True&timestamps=False&tail=all'],
  ['POST /containers/:ident/execute', '/containers/{web}/execute?command=id'],
  ['GET /containers/:ident/top', '/containers/{web}/top?ps_args=None'],
  ['GET /containers/:ident/stats', '/containers/{web}/stats'],
  ['POST /containers/:ident/resize', '/containers/{web}/resize?h=24&w=80'],
  ['GET /containers/:ident/network_list', '/containers/{web}/network_list'],
  ['GET /containers/:ident/container_actions', '/containers/{web}/container_actions'],
  ['GET /containers/:ident/container_actions/:request', '/containers/{web}/container_actions/{request}'],
  ['POST /containers/:ident/put_archive', '/containers/{web}/put_archive?path=/x', { body: emptyArchive }],
  [
    'GET /containers/:ident/get_archive',
    '/containers/{web}/get_archive?path=/x',
    { first: { method: 'POST', url: '/containers/{web}/put_archive?path=/x', body: emptyArchive } },
  ],
  ['POST /containers/:ident/execute_resize', '/containers/{web}/execute_resize?exec_id={exec}&h=24&w=80'],
  ['POST /containers/:ident/network_attach', '/containers/{web}/network_attach?network=other'],
  [
    'POST /containers/:ident/network_detach',
    '/containers/{web}/network_detach?network=net-default',
    { status: 202 },
  ],
  [
    'POST /containers/:ident/default_gateway',
    '/containers/{web}/default_gateway?network=net-default',
    { ...own, status: 202 },
  ],
  [
    'POST /containers/:ident/add_security_group',
    '/containers/{web}/add_security_group?name=web',
    { version: '1.14', status: 202 },
  ],
  [
    'POST /containers/:ident/remove_security_group',
    '/containers/{web}/remove_security_group?name=default',
    { ...own, status: 202 },
  ],
  ['GET /services', '/services', admin],
  ['PUT /services/enable', '/services/enable?host=host-1&binary=zun-compute', admin],
  ['PUT /services/disable', '/services/disable?host=host-1&binary=zun-compute&disabled_reason=x', admin],
  ['PUT /services/force_down', '/services/force_down?host=host-1&binary=zun-compute&forced_down=True', admin],
  ['DELETE /services', '/services?host=host-1&binary=zun-compute', admin],
  ['GET /hosts', '/hosts/', admin],
  ['GET /hosts/:ident', '/hosts/host-1', admin],
  ['GET /availability_zones', '/availability_zones'],
  ['GET /quotas/:project', '/quotas/alice?usages=True'],
  ['GET /quotas/:project/defaults', '/quotas/alice/defaults'],
  ['PUT /quotas/:project', '/quotas/alice', { ...admin, body: { containers: 50, cpu: '40' } }],
  ['DELETE /quotas/:project', '/quotas/alice', admin],
  ['GET /quota_classes/:name', '/quota_classes/default', admin],
  ['PUT /quota_classes/:name', '/quota_classes/default', { ...admin, body: { containers: 10_000 } }],
  ['GET /registries', '/registries'],
  ['POST /registries', '/registries', { body: { registry: { domain: 'r.example' } }, status: 201 }],
  ['GET /registries/:ident', '/registries/{registry}'],
  ['PATCH /registries/:ident', '/registries/{registry}', { body: { registry: { name: 'other' } } }],
  ['POST /registries/:ident/test', '/registries/{registry}/test', own],
  ['DELETE /registries/:ident', '/registries/{registry}', { status: 204 }],
  ['GET /images', '/images/', admin],
  ['POST /images', '/images/', { ...admin, body: { repo: 'nginx', host: 'host-1' }, status: 202 }],
  ['GET /images/*', '/images/nginx/search?image_driver=docker&exact_match=False'],
  ['GET /images/:ident', '/images/{image}', admin],
  ['DELETE /images/:ident', '/images/{image}', admin],
  ['GET /events', '/events?seconds=0', own],
  ['GET /webhooks', '/webhooks', own],
  ['POST /webhooks', '/webhooks', { ...own, body: { url: 'https://hooks.example/x' }, status: 201 }],
  ['GET /webhooks/:ident', '/webhooks/{webhook}', own],
  ['PATCH /webhooks/:ident', '/webhooks/{webhook}', { ...own, body: { enabled: false, secret: null } }],
  ['POST /webhooks/:ident/test', '/webhooks/{webhook}/test', own],
  ['DELETE /webhooks/:ident', '/webhooks/{webhook}', { ...own, status: 204 }],
  ['GET /policies', '/policies', admin],
  ['GET /policies/:action/explain', '/policies/container:start/explain?user=alice', admin],
];

const uuid = '11111111-1111-4111-8111-111111111111';
type Refusal = readonly [code: string, status: number, method: string, url: string, more?: Partial<Row>];

const refusals: readonly Refusal[] = [
  [
    'schema-validation-error',
    400,
    'POST',
    '/containers',
    { body: {}, says: /^'image' is a required property$/ },
  ],
  [
    'schema-validation-error',
    400,
    'POST',
    '/containers',
    { body: { image: 'busybox', cpu: '0.05' }, says: /^Invalid input for field 'cpu'\.Value: '0\.05'\. / },
  ],
  [
    'schema-validation-error',
    400,
    'POST',
    '/containers/{web}/stop?timeout=abc',
    { says: /^Invalid input for query parameters 'timeout'\. Value: 'abc'\. / },
  ],
  ['schema-validation-error', 400, 'GET', '/containers/{web}/get_archive'],
  ['validation-error', 400, 'POST', '/containers/{web}/rebuild?image_driver=tape'],
  [
    'invalid',
    400,
    'POST',
    '/images',
    { ...admin, body: { repo: 'nginx', host: 'none' }, says: /^The host none does not exist\.$/ },
  ],
  ['invalid-value', 400, 'GET', '/containers?limit=0', { says: /^Limit must be positive integer$/ }],
  ['invalid-value', 400, 'DELETE', '/containers', { ...own, says: /^Which containers\? Give one of name, / }],
  [
    'invalid-value',
    400,
    'DELETE',
    '/containers?all=true&label=app',
    { ...own, says: /^all=true means all, but there is label, too: leave one out$/ },
  ],
  ['invalid-value', 400, 'DELETE', '/containers?all=true&force=maybe', { ...own, says: /^force: / }],
  ['invalid-value', 400, 'DELETE', '/containers?all=true&marker=web', { ...own, says: /^marker: 'web'/ }],
  [
    'invalid-parameter-value',
    400,
    'DELETE',
    '/containers?lable=app',
    { ...own, says: /^Unknown .*: lable$/ },
  ],
  ['', 406, 'DELETE', '/containers?all=true', { version: '1.40' }],
  [
    'policy-not-authorized',
    403,
    'DELETE',
    '/containers?all=true&force=true',
    { ...own, says: /^Policy doesn't allow container:delete_force to be performed\.$/ },
  ],
  [
    'policy-not-authorized',
    403,
    'DELETE',
    '/containers?all=true&all_projects=true',
    { ...own, says: /^Policy doesn't allow container:delete_all_projects to be performed\.$/ },
  ],
  [
    'policy-not-authorized',
    403,
    'DELETE',
    '/containers?host=host-1',
    { ...own, says: /^Policy doesn't allow container:get_one:host to be performed\.$/ },
  ],
  ['invalid-value', 400, 'GET', '/containers?sort_dir=up', { says: /^Invalid sort direction: up\./ }],
  [
    'invalid-parameter-value',
    400,
    'GET',
    '/containers?sort_key=shoe',
    { says: /^The sort_key value "shoe" is an invalid field/ },
  ],
  ['invalid-parameter-value', 400, 'GET', '/registries?colour=1', { says: /^Unknown parameters: colour$/ }],
  [
    'invalid-param-in-version',
    400,
    'POST',
    '/containers',
    {
      version: '1.30',
      body: { image: 'busybox', registry: 'xx' },
      says: /^Invalid param registry because current request version is 1\.30\./,
    },
  ],
  ['image-not-found', 400, 'GET', `/images/${uuid}`, admin],
  ['no-interactive-flag', 400, 'GET', '/containers/{web}/attach'],
  [
    'policy-not-authorized',
    403,
    'GET',
    '/hosts',
    { says: /^Policy doesn't allow host:get_all to be performed\.$/ },
  ],
  [
    'over-quota',
    403,
    'POST',
    '/containers',
    { body: { image: 'busybox', disk: 101 }, says: /^Quota exceeded for resources: \['disk'\]$/ },
  ],
  [
    'container-not-found',
    404,
    'GET',
    '/containers/nobody',
    { says: /^Container nobody could not be found\.$/ },
  ],
  ['container-not-found', 404, 'GET', '/containers/{web}', { token: 'bob' }],
  ['container-not-found', 404, 'GET', `/containers?marker=${uuid}`],
  [
    'container-not-found',
    404,
    'GET',
    '/containers/{gone}/logs',
    { says: /^Container .* could not be found\.$/ },
  ],
  ['container-not-found', 404, 'GET', '/containers/{gone}/logs', { ...own, token: 'bob' }],
  ['container-not-found', 404, 'GET', '/deleted_containers?marker={gone}', { ...own, token: 'bob' }],
  ['invalid-value', 400, 'GET', '/deleted_containers?limit=0', own],
  ['invalid-parameter-value', 400, 'GET', '/deleted_containers?sort_key=name', own],
  ['', 406, 'GET', '/deleted_containers', { version: '1.40' }],
  ['compute-node-not-found', 404, 'GET', '/hosts/none', admin],
  [
    'network-not-found',
    404,
    'POST',
    '/containers',
    { body: { image: 'busybox', nets: [{ network: 'missing' }] } },
  ],
  ['registry-not-found', 404, 'GET', '/registries/none'],
  ['registry-not-found', 404, 'POST', '/containers', { body: { image: 'busybox', registry: 'none' } }],
  ['webhook-not-found', 404, 'GET', '/webhooks/none', own],
  ['', 406, 'GET', '/webhooks'],
  [
    'invalid-value',
    400,
    'POST',
    '/webhooks',
    {
      ...own,
      body: { url: 'http://169.254.169.254/' },
      says: /^url: 169\.254\.169\.254 is no address that this cloud delivers to$/,
    },
  ],
  [
    'invalid-value',
    400,
    'POST',
    '/webhooks',
    { ...own, body: { url: 'https://hooks.example/', after: 2 ** 40 }, says: /^after: \d+ has not happened/ },
  ],
  [
    'policy-not-authorized',
    403,
    'POST',
    '/webhooks',
    {
      ...own,
      body: { url: 'https://hooks.example/', all_projects: true },
      says: /^Policy doesn't allow webhook:all_projects to be performed\.$/,
    },
  ],
  ['zun-service-not-found', 404, 'PUT', '/services/enable?host=none&binary=zun-compute', admin],
  [
    'requested-host-not-found',
    404,
    'POST',
    '/containers',
    { ...admin, body: { image: 'busybox', host: 'none' } },
  ],
  [
    'resource-not-found',
    404,
    'GET',
    '/containers/{web}/container_actions/req-1',
    { says: /^The Action resource req-1 could not be found\.$/ },
  ],
  ['', 404, 'GET', '/nothing'],
  ['', 405, 'PUT', '/containers'],
  ['', 406, 'GET', '/hosts', { ...admin, version: '1.3' }],
  ['', 406, 'POST', '/containers/{web}/rename?name=x', { version: '1.14' }],
  ['', 406, 'GET', '/containers', { version: '2.0' }],
  [
    'invalid-state-exception',
    409,
    'POST',
    '/containers/{box}/stop',
    { says: /^Cannot stop container .* in Stopped state$/ },
  ],
  [
    'external-network-attach-forbidden',
    403,
    'POST',
    '/containers',
    { body: { image: 'busybox', nets: [{ network: 'public' }] } },
  ],
  [
    'invalid',
    400,
    'POST',
    '/containers',
    {
      body: { image: 'busybox', security_groups: ['no-such'] },
      says: /^Security group no-such not found\.$/,
    },
  ],
  ['port-not-found', 404, 'POST', '/containers/{web}/network_attach?port=missing'],
  [
    'port-in-use',
    400,
    'POST',
    '/containers/{web}/network_attach?port=taken',
    { says: /^Port taken is still in use\.$/ },
  ],
  [
    'port-not-usable',
    400,
    'POST',
    '/containers',
    {
      body: { image: 'busybox', nets: [{ port: 'foreign' }] },
      says: /^Port foreign not usable for the container\.$/,
    },
  ],
  [
    'conflict',
    409,
    'DELETE',
    '/registries/{registry}',
    {
      first: { method: 'POST', url: '/containers', body: { image: 'team/app', registry: '{registry}' } },
      says: /^Registry .* is in use by container /,
    },
  ],
  ['invalid-value', 400, 'POST', '/containers/{web}/remove_security_group?name=web', { ...own, says: /web/ }],
  [
    'invalid-value-remote',
    400,
    'POST',
    `/containers/{web}/execute_resize?exec_id=${'b'.repeat(64)}&h=1&w=1`,
    { says: /^no such exec instance: b+$/ },
  ],
  ['invalid-value-remote', 400, 'GET', '/containers/{web}/get_archive?path=/none', { says: /no such file$/ }],
  ['resource-not-found', 404, 'GET', '/policies/container:fly/explain?user=alice', admin],
  [
    'quota-class-not-found',
    404,
    'PUT',
    '/quotas/alice',
    { ...admin, ...own, body: { quota_class: 'none' }, says: /^Quota class none could not be found/ },
  ],
  [
    'schema-validation-error',
    400,
    'PUT',
    '/quotas/alice',
    { ...admin, body: { quota_class: 'default' }, says: /quota_class/ },
  ],
  ['zun-service-not-found', 404, 'DELETE', '/services?host=host-1&binary=other', admin],
  ['compute-node-not-found', 404, 'GET', `/hosts/${uuid}`, admin],
  ['image-already-exists', 409, 'POST', '/images', { ...admin, body: { repo: 'busybox', host: 'host-1' } }],
  ['not-implemented', 501, 'POST', '/containers/{web}/commit?repository=x'],
];

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
];

/** Every action in every status in which it is not allowed. */
function statusRows(): Row[] {
  return verbActions.flatMap(([action, method, suffix]) => {
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
          ...(method === 'PATCH' || action === 'resize_container' ? { body: { memory: 64 } } : {}),
          ...(action === 'put_archive' ? { body: { data: '' } } : {}),
          inStatus,
          status: 409,
          code: 'invalid-state-exception',
          says: new RegExp(`^Cannot ${action} container .* in ${inStatus} state$`),
        }),
      );
  });
}

/** An input that passes its schema, for endpoints whose input is checked before their policy. */
const inputs: Readonly<Record<string, Partial<Row> & { readonly query?: string }>> = Object.fromEntries(
  successes.map(([of, url, more]) => [
    of,
    { ...more, query: url.includes('?') ? url.slice(url.indexOf('?')) : '' },
  ]),
);

/** Every endpoint with a rule, asked by who may not: a stranger does not find it, a reader and a member get 403. */
export function policyRows(endpoints: readonly Endpoint[]): Row[] {
  return endpoints.flatMap((endpoint): Row[] => {
    const { method, path, policy, notYet } = endpoint;
    const version = endpoint.until ?? Math.max(endpoint.since ?? 1, 40);
    const of = `${method} ${path}`;
    const { query = '', body } = inputs[of] ?? {};
    if (policy === null || notYet !== undefined || (!(of in inputs) && path.startsWith('/images/')))
      return [];
    const given = {
      method,
      ...(body === undefined ? {} : { body }),
      version: `1.${version}`,
    };
    const url = path
      .replace('/containers/:ident', '/containers/{web}')
      .replace('/registries/:ident', '/registries/{registry}')
      .replace('/webhooks/:ident', '/webhooks/{webhook}')
      .replace('/hosts/:ident', '/hosts/host-1')
      .replace(':uuid', '{gone}')
      .replace(':project', 'alice')
      .replace('/*', '/nginx/search')
      .replace(':name', 'default')
      .replace(':request', 'req-1')
      .replace(':action', 'container:start');
    const isOwned = /\{(web|registry|webhook|gone)\}/.test(url);
    const row = (token: string, status: number, code: string): Row => ({
      area: 'policy',
      of: policy,
      ...given,
      url: `${url}${query || suffixes[of] || ''}`,
      token,
      status,
      code,
    });
    const refused = [row('reader-of-alice', 403, 'policy-not-authorized')];
    if (isOwned) return [row('bob', 404, notFoundOf(url)), ...(reads.has(policy) ? [] : refused)];
    return reads.has(policy) ? [] : refused;
  });
}

function notFoundOf(url: string): string {
  if (/\{(web|gone)\}/.test(url)) return 'container-not-found';
  return url.includes('{webhook}') ? 'webhook-not-found' : 'registry-not-found';
}

const suffixes: Readonly<Record<string, string>> = {
  'GET /containers/:ident/get_archive': '?path=/x',
  'POST /containers/:ident/execute_resize': `?exec_id=${'a'.repeat(64)}&h=1&w=1`,
  'GET /policies/:action/explain': '?user=alice',
  'POST /containers/:ident/network_attach': '?network=private',
  'POST /containers/:ident/network_detach': '?network=private',
  'POST /containers/:ident/add_security_group': '?name=default',
  'POST /containers/:ident/remove_security_group': '?name=default',
};

/** What a reader may do in a project of their own. */
const reads = new Set([
  'container:get_one',
  'container:get_all',
  'container:logs',
  'container:top',
  'container:stats',
  'container:network_list',
  'container:actions',
  'image:search',
  'quota:get',
  'quota:get_default',
  'availability_zones:get_all',
  'registry:get_one',
  'registry:get_all',
  'webhook:get_one',
  'webhook:get_all',
]);

export function contractRows(endpoints: readonly Endpoint[]): Row[] {
  return [
    ...successes.map(
      ([of, url, more]): Row => ({
        area: 'endpoint',
        of,
        method: of.split(' ')[0] ?? '',
        url,
        status: 200,
        ...more,
      }),
    ),
    ...refusals.map(
      ([code, status, method, url, more]): Row => ({
        area: 'error',
        of: code === '' ? `(none) ${status}` : code,
        method,
        url,
        status,
        code,
        ...more,
      }),
    ),
    ...policyRows(endpoints),
    ...statusRows(),
  ];
}
