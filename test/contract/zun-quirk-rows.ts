/** Where Zun errs, or leaves a choice: what is answered instead. */
import type { Row } from './row.ts';

type Given = Partial<Omit<Row, 'area' | 'of'>> & Pick<Row, 'method' | 'url' | 'status'>;

const quirk = (of: string, given: Given): Row => ({ area: 'quirk', of, ...given });
const admin = { token: 'admin' };
const schema = { status: 400, code: 'schema-validation-error' } as const;
const busybox = (more: object) =>
  ({ method: 'POST', url: '/containers', body: { image: 'busybox', ...more } }) as const;
const named = (name: string) =>
  ({ method: 'POST', url: '/containers', body: { name, image: 'busybox' } }) as const;

export const quirkRows: readonly Row[] = [
  quirk('names with dots', { method: 'GET', url: '/containers/a.txt', first: named('a.txt'), status: 200 }),
  quirk('names with dots', {
    method: 'DELETE',
    url: '/containers/b.html',
    first: named('b.html'),
    status: 204,
  }),
  quirk('names with dots', { method: 'GET', url: '/containers/{web}.json', status: 200 }),
  quirk('slashes and paths without /v1', { method: 'POST', url: '//containers//{web}//stop/', status: 202 }),
  quirk('slashes and paths without /v1', { method: 'GET', url: '/containers', isRoot: true, status: 200 }),
  quirk('content types', {
    method: 'POST',
    url: '/containers',
    headers: { 'content-type': 'text/plain' },
    raw: '{"image":"busybox"}',
    status: 415,
    code: '',
  }),
  quirk('content types', {
    method: 'DELETE',
    url: '/containers/{box}',
    headers: { 'content-type': 'application/octet-stream' },
    status: 204,
  }),
  quirk('content types', { method: 'POST', url: '/containers/{web}/stop', raw: '', status: 202 }),
  quirk('content types', { method: 'GET', url: '/images/nginx/search', raw: 'null', status: 200 }),
  quirk('a body that is no object counts as none', {
    method: 'POST',
    url: '/containers',
    raw: '[]',
    ...schema,
    says: /^'image' is a required property$/,
  }),
  quirk('links behind a prefix', {
    method: 'GET',
    url: '/containers/{web}',
    settings: { publicUrl: 'https://cloud.example/containers-api' },
    status: 200,
    shows: /"href":"https:\/\/cloud\.example\/containers-api\/v1\/containers\//,
  }),
  quirk('versions out of range', {
    method: 'GET',
    url: '/containers',
    version: '1.99',
    status: 406,
    code: '',
  }),
  quirk('versions out of range', {
    method: 'GET',
    url: '/containers',
    version: '2.0',
    status: 406,
    code: '',
  }),
  quirk('`next` keeps filters', {
    method: 'GET',
    url: '/containers?limit=1&name=quirky',
    first: named('quirky'),
    status: 200,
    shows: /"next":"[^"]*name=quirky/,
  }),
  quirk('`next` keeps filters', {
    ...admin,
    method: 'GET',
    url: '/containers?limit=1&all_projects=1',
    first: named('quirky'),
    status: 200,
    shows: /"next":"[^"]*all_projects=1/,
  }),
  quirk('explicit null is absent', { ...busybox({ cpu: null, memory: null, disk: null }), status: 202 }),
  quirk('explicit null is absent', {
    ...busybox({ restart_policy: { Name: 'on-failure', MaximumRetryCount: null } }),
    status: 202,
    shows: /"MaximumRetryCount":"0"/,
  }),
  quirk('a volume that cannot be had leaves nothing behind', {
    ...busybox({ name: 'none-left', mounts: [{ source: 'v', destination: '/x' }] }),
    status: 501,
    code: 'not-implemented',
  }),
  quirk('unknown kinds of mounts', {
    ...busybox({ mounts: [{ type: 'tape', source: 'v', destination: '/x' }] }),
    status: 400,
    code: 'invalid',
  }),
  quirk('filter by `auto_remove`', { method: 'GET', url: '/containers?auto_remove=yes', status: 200 }),
  quirk('filter by `auto_remove`', {
    method: 'GET',
    url: '/containers?auto_remove=maybe',
    status: 400,
    code: 'invalid-value',
  }),
  quirk('force and stop together need the rule of force', {
    method: 'DELETE',
    url: '/containers/{web}?force=true&stop=true',
    status: 403,
    code: 'policy-not-authorized',
    says: /container:delete_force/,
  }),
  quirk('an image that is not known', {
    ...admin,
    method: 'GET',
    url: '/images/busybox',
    status: 400,
    code: 'image-not-found',
  }),
  quirk('zones are never paged', {
    method: 'GET',
    url: '/availability_zones?limit=1',
    status: 200,
    shows: /"next":null/,
  }),
  quirk('what is required and missing is the caller’s mistake', {
    method: 'POST',
    url: '/containers/{web}/execute',
    ...schema,
    says: /'command' is a required property/,
  }),
  quirk('what is required and missing is the caller’s mistake', {
    method: 'POST',
    url: '/containers/{web}/rename',
    version: '1.13',
    ...schema,
    says: /'name' is a required property/,
  }),
  quirk('what is required and missing is the caller’s mistake', {
    ...admin,
    method: 'DELETE',
    url: '/services?host=host-1',
    ...schema,
    says: /'binary' is a required property/,
  }),
  quirk('a registry in use', {
    method: 'DELETE',
    url: '/registries/{registry}',
    first: { method: 'POST', url: '/containers', body: { image: 'team/app', registry: '{registry}' } },
    status: 409,
    code: 'conflict',
  }),
  quirk('a host that is down, for what it has to answer', {
    method: 'GET',
    url: '/containers/{web}/top',
    first: {
      ...admin,
      method: 'PUT',
      url: '/services/force_down?host=host-1&binary=zun-compute&forced_down=true',
    },
    status: 500,
    code: '',
    shows: /Error Correlation id is: [0-9a-f-]{36}/,
  }),
];
