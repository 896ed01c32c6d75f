/** What each microversion brought, seen from below and from its own. `checked` = an older version refuses the field and says why. */
import type { Row } from './row.ts';

type Given = Partial<Omit<Row, 'area' | 'of'>> & Pick<Row, 'method' | 'url' | 'status'>;

const admin = { token: 'admin' };
const create = { method: 'POST', url: '/containers', status: 202 } as const;
const withField = (field: object) => ({ ...create, body: { image: 'busybox', ...field } });
const refused = { status: 400, code: 'invalid-param-in-version' } as const;
const unknown = {
  status: 400,
  code: 'schema-validation-error',
  says: /^Additional properties are not allowed/,
} as const;
const absent = { status: 406, code: '' } as const;

/** Just below the version it is answered in another way. */
function since(minor: number, given: Given, below: Partial<Row>): Row[] {
  return [at(minor, minor - 1, { ...given, ...below }), at(minor, minor, given)];
}

function at(of: number, minor: number, given: Given): Row {
  return { area: 'microversion', of: `1.${of}`, version: `1.${minor}`, ...given };
}

const file = { type: 'bind', source: 'YQ==', destination: '/x' };
const tar = `${'A'.repeat(1366)}==`;
const archived = {
  method: 'GET',
  url: '/containers/{web}/get_archive?path=/x',
  first: { method: 'POST', url: '/containers/{web}/put_archive?path=/x', body: { data: tar } },
  status: 200,
} as const;
const listed = { method: 'GET', url: '/containers/{web}/network_list', status: 200 } as const;
const group = {
  method: 'POST',
  url: '/containers/{web}/add_security_group?name=other',
  status: 202,
} as const;
const rename = { method: 'POST', url: '/containers/{web}/rename?name=renamed', status: 200 } as const;

const header = (value: string, says: RegExp): Row => ({
  area: 'microversion',
  of: 'header',
  method: 'GET',
  url: '/containers',
  headers: { 'openstack-api-version': value },
  status: 406,
  code: '',
  shows: says,
});

export const versionRows: readonly Row[] = [
  header('container', /Invalid service type for OpenStack-API-Version header/),
  header('container 1.1, container 1.2', /Invalid service type for OpenStack-API-Version header/),
  header('compute 1.1', /Invalid service type for OpenStack-API-Version header/),
  header('container one', /Invalid value for OpenStack-API-Version header/),
  header('container 2.1', /Mutually exclusive versions requested\. Version 2\.1 requested but not supported/),
  header('container 1.0', /Version 1\.0 was requested but the minor version is not supported/),
  header('container 1.99', /Version 1\.99 was requested but the minor version is not supported/),
  at(2, 1, withField({ nets: [{ network: 'private' }] })),
  ...since(3, withField({ auto_remove: false }), refused),
  ...since(4, { ...admin, method: 'GET', url: '/hosts', status: 200 }, absent),
  ...since(5, { ...admin, ...withField({ runtime: 'runc' }) }, refused),
  ...since(
    6,
    { method: 'POST', url: '/containers/{web}/network_detach?network=net-default', status: 202 },
    absent,
  ),
  ...since(7, { ...admin, method: 'DELETE', url: '/containers/{web}?force=true', status: 204 }, refused),
  at(7, 1, { method: 'DELETE', url: '/containers/{box}?force=False', status: 204 }),
  ...since(8, { method: 'POST', url: '/containers/{web}/network_attach?network=other', status: 200 }, absent),
  ...since(9, withField({ hostname: 'web' }), refused),
  at(10, 9, { method: 'DELETE', url: '/containers/{box}', status: 204 }),
  ...since(11, withField({ mounts: [file] }), refused),
  at(11, 10, withField({ mounts: [] })),
  ...since(12, { method: 'DELETE', url: '/containers/{web}?stop=true', status: 204 }, refused),
  ...since(
    13,
    { ...listed, shows: /"subnet_id":"[^"]+","version":4,"ip_address":/ },
    { ...absent, shows: /./ },
  ),
  at(14, 13, rename),
  at(14, 14, { ...rename, ...absent }),
  at(14, 14, { method: 'PATCH', url: '/containers/{web}', body: { name: 'renamed' }, status: 200 }),
  at(15, 14, group),
  at(15, 15, { ...group, ...absent }),
  at(17, 17, {
    method: 'POST',
    url: '/containers/{web}/network_detach?port=missing',
    status: 404,
    code: 'port-not-found',
  }),
  at(18, 17, { ...listed, hides: /"fixed_ips"/ }),
  at(18, 18, { ...listed, shows: /"fixed_ips":\[\{"subnet_id":/ }),
  ...since(
    19,
    { method: 'POST', url: '/containers/{web}/resize_container', body: { memory: 64 }, status: 202 },
    absent,
  ),
  ...since(20, withField({ command: ['sh', '-c', 'a b'] }), { status: 400, code: 'schema-validation-error' }),
  at(20, 19, { ...withField({ command: "sh -c 'a b'" }), shows: /"command":\["sh","-c","a b"\]/ }),
  at(20, 20, { ...withField({ command: 'sh' }), status: 400, code: 'schema-validation-error' }),
  ...since(
    21,
    { ...admin, ...withField({ privileged: false }), status: 403, code: 'policy-not-authorized' },
    refused,
  ),
  ...since(22, withField({ healthcheck: { cmd: 'true' } }), refused),
  at(23, 23, withField({ mounts: [file] })),
  ...since(24, withField({ exposed_ports: { '80/tcp': {} } }), refused),
  at(25, 24, { ...archived, shows: /"data":"\\u0000/ }),
  at(25, 25, { ...archived, shows: /"data":"AAAA/ }),
  at(26, 1, { method: 'GET', url: '/quotas/alice', status: 200, shows: /"containers":/ }),
  ...since(
    27,
    { ...admin, method: 'DELETE', url: '/networks/x', status: 501, code: 'not-implemented' },
    absent,
  ),
  at(28, 1, withField({ cpu_policy: 'shared' })),
  at(29, 4, {
    ...admin,
    method: 'GET',
    url: '/hosts/host-1',
    status: 200,
    shows: /"enable_cpu_pinning":false/,
  }),
  at(30, 1, { method: 'GET', url: '/registries', status: 200 }),
  ...since(31, withField({ registry: '{registry}' }), refused),
  at(31, 31, { ...withField({ registry: '{registry}' }), shows: /"registry_id":"[0-9a-f-]{36}"/ }),
  at(33, 1, {
    method: 'GET',
    url: '/containers/{web}/container_actions',
    status: 200,
    shows: /"finish_time":/,
  }),
  at(36, 35, { ...withField({ interactive: false, tty: true }), shows: /"tty":false/ }),
  at(36, 36, { ...withField({ interactive: false, tty: true }), shows: /"tty":true/ }),
  ...since(39, { ...admin, ...withField({ host: 'host-1' }) }, unknown),
  ...since(
    40,
    { ...withField({ entrypoint: ['sh'] }), shows: /"entrypoint":\["sh"\]/ },
    { ...unknown, shows: /./ },
  ),
];
