/**
 * What the container API promises, row by row: a request and the answer that has to come. Here are the rows about endpoints, which are
 * written down, and those about policy, which are made of what the endpoints say about theirs; the others are in files beside.
 */
import type { Endpoint } from '../../src/api/zun/endpoint.ts';
import type { Row } from './row.ts';
import { errorRows } from './zun-error-rows.ts';
import { morePolicyRows } from './zun-policy-rows.ts';
import { quirkRows } from './zun-quirk-rows.ts';
import { statusRows } from './zun-status-rows.ts';
import { versionRows } from './zun-version-rows.ts';

type Success = readonly [of: string, url: string, more?: Partial<Row>];

const admin = { token: 'admin' };
/** The version of what Zun does not have. */
const own = { version: '1.41' };
/** Declared, and answered with what is missing. */
const notYet = { status: 501, code: 'not-implemented' };
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
  ['POST /containers/:ident/execute', '/containers/{web}/execute?command=sh&run=false&interactive=true'],
  ['POST /containers/:ident/execute', '/containers/{web}/execute?command=id'],
  ['GET /containers/:ident/attach', '/containers/{console}/attach'],
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
  ['POST /containers/:ident/commit', '/containers/{web}/commit?repository=x', notYet],
  ['GET /capsules', '/capsules', notYet],
  ['POST /capsules', '/capsules', { body: { template: {} }, ...notYet }],
  ['GET /capsules/:ident', '/capsules/x', notYet],
  ['DELETE /capsules/:ident', '/capsules/x', notYet],
  ['POST /networks', '/networks', { ...admin, body: { name: 'x' }, ...notYet }],
  ['DELETE /networks/:ident', '/networks/x', { ...admin, ...notYet }],
  ['GET /', '/', { isRoot: true, token: null, shows: /"max_version":"1\.\d+"/ }],
  ['GET /v1', '/v1/', { isRoot: true, token: null, shows: /"id":"v1"/ }],
  ['GET /healthcheck', '/healthcheck', { isRoot: true, token: null, shows: /^"OK"$/ }],
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
    if (policy === null || (!(of in inputs) && path.startsWith('/images/'))) return [];
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
    const missing = notYet === undefined ? [] : [row('admin', 501, 'not-implemented')];
    if (missing.length > 0 && !isOwned) return [...missing, ...(reads.has(policy) ? [] : refused)];
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
  'capsule:get',
  'capsule:get_all',
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
    ...errorRows,
    ...versionRows,
    ...policyRows(endpoints),
    ...morePolicyRows,
    ...statusRows(),
    ...quirkRows,
  ];
}
