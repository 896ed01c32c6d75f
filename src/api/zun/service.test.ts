/** The container API on the wire, besides create: transport, versions, lists, verbs, hosts, quotas. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';
import { loadConfig } from '../../base/config.ts';
import { optionFields } from './container-options.ts';
import { zunEndpoints } from './endpoints.ts';

let api: ZunApi;
let uuid: string;

before(async () => {
  api = await createZunApi();
  uuid = await make('web');
});
after(() => api.close());

async function make(name: string, body: Record<string, unknown> = {}, token = 'alice'): Promise<string> {
  const made = await api.ask('POST', '/v1/containers?run=true', {
    token,
    body: { image: 'busybox', name, ...body },
  });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  await status(made.body.uuid, 'Running', token);
  return made.body.uuid;
}

async function status(ident: string, wanted: string, token = 'alice'): Promise<void> {
  await api.world.until(`${ident} ${wanted}`, async () => {
    const { body } = await api.ask('GET', `/v1/containers/${ident}`, { token });
    return body.status === wanted && body.task_state === null;
  });
}

test('discovery needs no token; everything else does, and the 401 is the middleware’s', async () => {
  const root = await api.ask('GET', '/', { token: null, version: null });
  assert.equal(root.status, 200);
  assert.equal(root.headers['openstack-api-version'], undefined);
  const [version] = root.body.versions;
  assert.deepEqual(root.body.default_version, version);
  assert.deepEqual(
    [version.id, version.status, version.min_version, version.max_version],
    ['v1', 'CURRENT', '1.1', '1.41'],
  );
  for (const path of ['/v1', '/v1/', '/v1.json']) {
    const v1 = await api.ask('GET', path, { token: null, version: null });
    assert.equal(v1.status, 200, path);
    assert.equal(v1.headers['openstack-api-maximum-version'], 'container 1.41');
    assert.deepEqual(Object.keys(v1.body), [
      'id',
      'media_types',
      'links',
      'services',
      'containers',
      'images',
      'networks',
      'hosts',
      'capsules',
      'availability_zones',
      'quotas',
      'quota_classes',
      'registries',
    ]);
  }
  assert.equal((await api.ask('GET', '/healthcheck', { token: null })).body, 'OK');
  for (const token of [null, 'NOT A TOKEN']) {
    const denied = await api.ask('GET', '/v1/nowhere', { token });
    assert.equal(denied.status, 401);
    assert.deepEqual(denied.body, {
      error: {
        code: 401,
        title: 'Unauthorized',
        message: 'The request you have made requires authentication.',
      },
    });
    assert.equal(denied.headers['www-authenticate'], 'Keystone uri="http://localhost:80/identity/v3"');
  }
});

const versionHeaders: readonly (readonly [string | null, number, string])[] = [
  [null, 200, 'container 1.1'],
  ['container 1.1', 200, 'container 1.1'],
  ['container 1.40', 200, 'container 1.40'],
  ['container 1.41', 200, 'container 1.41'],
  ['container latest', 200, 'container 1.41'],
  ['container', 406, 'Invalid service type for OpenStack-API-Version header'],
  ['container 1.1, compute 2.1', 406, 'Invalid service type for OpenStack-API-Version header'],
  ['compute 1.1', 406, 'Invalid service type for OpenStack-API-Version header'],
  ['container x', 406, 'Invalid value for OpenStack-API-Version header'],
  [
    'container 2.1',
    406,
    'Mutually exclusive versions requested. Version 2.1 requested but not supported by this service. The supported version range is: [container 1.1, container 1.41].',
  ],
  [
    'container 1.42',
    406,
    'Version 1.42 was requested but the minor version is not supported by this service. The supported version range is: [container 1.1, container 1.41].',
  ],
  [
    'container 1.0',
    406,
    'Version 1.0 was requested but the minor version is not supported by this service. The supported version range is: [container 1.1, container 1.41].',
  ],
];
for (const [header, wanted, text] of versionHeaders) {
  test(`version header ${header} is ${wanted}`, async () => {
    const headers: Record<string, string> = header === null ? {} : { 'openstack-api-version': header };
    const answer = await api.ask('GET', '/v1/containers', { version: null, headers });
    assert.equal(answer.status, wanted);
    if (wanted === 200) {
      assert.equal(answer.headers['openstack-api-version'], text);
      assert.equal(answer.headers['openstack-api-minimum-version'], 'container 1.1');
      assert.equal(answer.headers.vary, 'OpenStack-API-Version');
      assert.match(String(answer.headers['x-openstack-request-id']), /^req-[0-9a-f-]{36}$/);
      return;
    }
    const [error] = answer.body.errors;
    assert.deepEqual([error.code, error.title, error.detail], ['container.', 'Not Acceptable', text]);
  });
}

test('endpoints outside their version range are 406', async () => {
  for (const [method, url, version] of [
    ['GET', '/v1/hosts', '1.3'],
    ['POST', `/v1/containers/${uuid}/rename?name=abc`, '1.14'],
    ['POST', `/v1/containers/${uuid}/resize_container`, '1.18'],
    ['GET', `/v1/containers/${uuid}/network_list`, '1.12'],
  ] as const) {
    const answer = await api.ask(method, url, { version, token: 'admin' });
    assert.equal(answer.status, 406, url);
    assert.equal(
      answer.body.errors[0].detail,
      `Version ${version} was requested but the requested API is not supported for this version.`,
    );
  }
});

test('unknown paths are 404, other methods 405, HEAD and OPTIONS too', async () => {
  for (const [method, url, wanted, title] of [
    ['GET', '/v1/nowhere', 404, 'Not Found'],
    ['GET', `/v1/containers/${uuid}/nowhere`, 404, 'Not Found'],
    ['PUT', '/v1/containers', 405, 'Method Not Allowed'],
    ['GET', `/v1/containers/${uuid}/start`, 405, 'Method Not Allowed'],
    ['OPTIONS', '/v1/containers', 405, 'Method Not Allowed'],
  ] as const) {
    const answer = await api.ask(method, url);
    assert.equal(answer.status, wanted, url);
    assert.equal(answer.body.errors[0].title, title);
    assert.equal(answer.body.errors[0].code, 'container.');
  }
  assert.equal((await api.ask('HEAD', '/v1/containers')).status, 405);
  for (const url of ['/', '/v1', '/healthcheck']) {
    assert.equal((await api.ask('HEAD', url, { token: null })).status, 405, url);
    const posted = await api.ask('POST', url, { token: null, body: {} });
    assert.equal(posted.body.errors[0].detail, 'The method POST is not allowed for this resource.');
  }
});

test('logs want something to show, and a time that there is', async () => {
  for (const query of ['stdout=false&stderr=no', 'since=2026-99-99 00:00:00,000']) {
    const answer = await api.ask('GET', `/v1/containers/web/logs?${encodeURI(query)}`);
    assert.deepEqual([answer.status, answer.body.errors[0].code], [400, 'container.invalid-value'], query);
  }
});

test('execute names what is wrong with a command in the body', async () => {
  for (const command of [['ls'], 5, '']) {
    const answer = await api.ask('POST', '/v1/containers/web/execute', { body: { command } });
    assert.equal(answer.status, 400);
    assert.match(answer.body.errors[0].title, /^Invalid input for field 'command'/);
  }
});

const userFields = [
  'uuid',
  'links',
  'name',
  'project_id',
  'user_id',
  'image',
  'image_driver',
  'command',
  'entrypoint',
  'status',
  'status_reason',
  'status_detail',
  'task_state',
  'cpu',
  'cpu_policy',
  'memory',
  'disk',
  'environment',
  'workdir',
  'ports',
  'hostname',
  'labels',
  'addresses',
  'restart_policy',
  'interactive',
  'tty',
  'security_groups',
  'auto_remove',
  'auto_heal',
  'healthcheck',
  'registry_id',
  'created_at',
  'updated_at',
];
const adminFields = ['host', 'image_pull_policy', 'privileged', 'runtime'];

const optionNames = Object.keys(optionFields(loadConfig({ env: {} })));

test('show has 37 fields for an administrator, four fewer for others, at every version of Zun; more from 1.41 on', async () => {
  const later = ['started_at', 'finished_at', 'exit_code', 'restart_count', 'health', 'heals'];
  const { body: now } = await api.ask('GET', `/v1/containers/${uuid}`, { version: '1.41' });
  assert.deepEqual(Object.keys(now).sort(), [...userFields, ...later, ...optionNames].sort());
  assert.deepEqual(now.heals, { restarts: 0, rebuilds: 0, last_at: null });
  const { body: list } = await api.ask('GET', '/v1/containers?limit=1', { version: '1.41' });
  assert.ok('health' in list.containers[0]);
  const { body: older } = await api.ask('GET', '/v1/containers?limit=1', { version: '1.40' });
  assert.ok(!('health' in older.containers[0]));
  for (const version of ['1.1', '1.40']) {
    const { body } = await api.ask('GET', `/v1/containers/${uuid}`, { version });
    assert.deepEqual(Object.keys(body).sort(), [...userFields].sort());
    const admin = await api.ask('GET', `/v1/containers/${uuid}`, { version, token: 'admin' });
    assert.deepEqual(Object.keys(admin.body).sort(), [...userFields, ...adminFields].sort());
    assert.equal(Object.keys(admin.body).length, 37);
  }
});

test('a running container on the wire', async () => {
  const { body } = await api.ask('GET', '/v1/containers/web');
  assert.equal(body.status, 'Running');
  assert.deepEqual(body.command, ['/bin/sh']);
  assert.match(body.status_detail, /^Up \d+ seconds$/);
  assert.match(body.created_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  assert.equal(body.memory, '512');
  const [[network, entries]] = Object.entries<Record<string, unknown>[]>(body.addresses) as [
    [string, Record<string, unknown>[]],
  ];
  assert.equal(network, 'net-default');
  assert.deepEqual(Object.keys(entries[0] ?? {}), [
    'addr',
    'version',
    'port',
    'subnet_id',
    'preserve_on_delete',
  ]);
});

test('list items are the shown containers without links; a stranger sees none of them', async () => {
  const { body: shown } = await api.ask('GET', '/v1/containers/web');
  const { links: _, ...item } = shown;
  const { body } = await api.ask('GET', '/v1/containers/?name=web');
  assert.deepEqual(body, { containers: [item], next: null });
  assert.deepEqual((await api.ask('GET', '/v1/containers', { token: 'bob' })).body.containers, []);
  for (const ident of ['web', uuid, uuid.toUpperCase()]) {
    const { status: code, body: error } = await api.ask('GET', `/v1/containers/${ident}`, { token: 'bob' });
    assert.equal(code, 404);
    assert.equal(error.errors[0].title, `Container ${ident} could not be found.`);
  }
  const denied = await api.ask('GET', '/v1/containers?all_projects=1', { token: 'bob' });
  assert.equal(denied.status, 403);
  assert.equal(denied.body.errors[0].code, 'container.policy-not-authorized');
  const all = await api.ask('GET', '/v1/containers?all_projects=TRUE', { token: 'admin' });
  assert.equal(all.body.containers[0].host, 'host-1');
  assert.deepEqual((await api.ask('GET', '/v1/containers', { token: 'admin' })).body.containers, []);
});

test('a list says what changed since the last one', async () => {
  const other = await make('changing');
  const find = async () => (await api.ask('GET', '/v1/containers?name=changing')).body.containers[0];
  assert.equal((await find()).status, 'Running');
  await api.ask('POST', `/v1/containers/${other}/stop`);
  await status(other, 'Stopped');
  const stopped = await find();
  assert.equal(stopped.status, 'Stopped');
  assert.match(stopped.status_detail, /^Exited\(137\) \d+ seconds ago $/);
  await api.ask('DELETE', `/v1/containers/${other}`);
  await api.world.until('gone', async () => (await find()) === undefined);
});

test('list filters and parameters', async () => {
  const count = async (query: string) =>
    (await api.ask('GET', `/v1/containers?${query}`)).body.containers.length;
  assert.equal(await count('status=Running&image=busybox&memory=512&auto_remove=False'), 1);
  assert.equal(await count('status=Stopped'), 0);
  assert.equal(await count('memory=lots'), 0);
  assert.equal(await count('auto_remove=1'), 0);
  for (const [query, wanted, text] of [
    ['limit=0', 400, 'Limit must be positive integer'],
    ['limit=-1', 400, 'Limit must be positive integer'],
    ['limit=x', 400, 'Limit must be positive integer'],
    ['sort_dir=up', 400, "Invalid sort direction: up. Acceptable values are 'asc' or 'desc'"],
    ['sort_key=nope', 400, 'The sort_key value "nope" is an invalid field for sorting'],
    ['zz=1&aa=2', 400, 'Unknown parameters: aa, zz'],
    ['marker=nobody', 404, 'Container nobody could not be found.'],
    ['host=host-1', 403, "Policy doesn't allow container:get_one:host to be performed."],
  ] as const) {
    const { status: code, body } = await api.ask('GET', `/v1/containers?${query}`);
    assert.equal(code, wanted, query);
    assert.equal(body.errors[0].title, text);
  }
  assert.equal((await api.ask('GET', '/v1/containers?all_projects=perhaps')).status, 400);
});

test('next leads to the rest of the same list', async () => {
  for (const name of ['page-1', 'page-2', 'page-3']) await make(name, { labels: { a: 'b' } }, 'carol');
  const seen: string[] = [];
  let url: string | null = '/v1/containers?limit=2&status=Running&sort_key=name&sort_dir=desc';
  while (url) {
    const { body }: { body: { containers: { name: string }[]; next: string | null } } = await api.ask(
      'GET',
      url,
      { token: 'carol' },
    );
    seen.push(...body.containers.map(({ name }) => name));
    if (body.next) assert.match(body.next, /^http:\/\/localhost:80\/v1\/containers\?status=Running&/);
    url = body.next?.replace('http://localhost:80', '') ?? null;
  }
  assert.deepEqual(seen, ['page-3', 'page-2', 'page-1']);
});

test('verbs answer 202 null, with an empty body that says it is JSON, and end in the action log', async () => {
  const ident = await make('verbs');
  const say = async (verb: string, wanted: string) => {
    const headers = { 'content-type': 'application/json', 'content-length': '0' };
    const answer = await api.ask('POST', `/containers//${ident}/${verb}`, { raw: '', headers });
    assert.deepEqual([answer.status, answer.body], [202, null], verb);
    await status(ident, wanted);
  };
  await say('pause', 'Paused');
  await say('unpause', 'Running');
  await say('stop?timeout=10', 'Stopped');
  await say('start', 'Running');
  await say('reboot?timeout=0', 'Running');
  await say('rebuild?image=nginx', 'Running');
  assert.equal((await api.ask('GET', `/v1/containers/${ident}`)).body.image, 'nginx');
  assert.equal((await api.ask('POST', `/v1/containers/${ident}/rebuild?image_driver=x`)).status, 400);
  await say('kill?signal=None', 'Stopped');
  const again = await api.ask('POST', `/v1/containers/${ident}/stop`);
  assert.equal(again.status, 409);
  assert.equal(again.body.errors[0].code, 'container.invalid-state-exception');
  assert.equal(again.body.errors[0].title, `Cannot stop container ${ident} in Stopped state`);
  assert.equal((await api.ask('POST', `/v1/containers/${ident}/kill?signal=nonsense`)).status, 400);
  const { body } = await api.ask('GET', `/v1/containers/${ident}/container_actions`);
  const actions: { action: string; request_id: string; finish_time: string | null }[] = body.containerActions;
  assert.deepEqual(
    actions.map(({ action }) => action),
    ['kill', 'rebuild', 'reboot', 'start', 'stop', 'unpause', 'pause', 'create'],
  );
  assert.ok(actions.every(({ finish_time: finished }) => finished !== null));
  const path = `/v1/containers/${ident}/container_actions/${actions[0]?.request_id}`;
  const one = await api.ask('GET', path);
  assert.equal(one.body.events[0].event, 'compute__do_container_kill');
  assert.equal(one.body.events[0].result, 'Success');
  const unknown = await api.ask('GET', `/v1/containers/${ident}/container_actions/req-1`);
  assert.equal(unknown.body.errors[0].title, 'The Action resource req-1 could not be found.');
  await api.ask('DELETE', `/v1/containers/${ident}`);
});

test('the action log of a failure: message Error for all, the reason for administrators', async () => {
  api.world.agent.refusals.set('broken', 'Image broken could not be found.');
  const { headers, body } = await api.ask('POST', '/v1/containers?run=true', { body: { image: 'broken' } });
  await status(body.uuid, 'Error');
  const path = `/v1/containers/${body.uuid}/container_actions/${headers['x-openstack-request-id']}`;
  const mine = await api.ask('GET', path);
  assert.deepEqual([mine.body.message, mine.body.events[0].traceback], ['Error', null]);
  const admins = await api.ask('GET', path, { token: 'admin' });
  assert.equal(admins.body.events[0].traceback, 'Image broken could not be found.');
  const start = await api.ask('POST', `/v1/containers/${body.uuid}/start`);
  assert.deepEqual(
    [start.status, start.body.errors?.[0].title],
    [400, 'Cannot operate an uncreated container.'],
  );
  assert.equal((await api.ask('DELETE', `/v1/containers/${body.uuid}`)).status, 204);
});

test('delete: 204 without a body, flags as clients send them, versions and rights checked', async () => {
  const ident = await make('doomed');
  const octets = { 'content-type': 'application/octet-stream' };
  const flags = 'force=False&stop=False&all_projects=False';
  const running = await api.ask('DELETE', `/v1/containers/${ident}?${flags}`, { headers: octets });
  assert.equal(running.status, 409);
  assert.equal((await api.ask('DELETE', `/v1/containers/${ident}?force=True`)).status, 403);
  assert.equal((await api.ask('DELETE', `/v1/containers/${ident}?what=1`)).status, 400);
  const old = await api.ask('DELETE', `/v1/containers/${ident}?stop=True`, { version: '1.11' });
  assert.match(old.body.errors[0].title, /stop is only supported from version 1\.12/);
  const done = await api.ask('DELETE', `/v1/containers/${ident}?stop=True&force=False`, { headers: octets });
  assert.deepEqual([done.status, done.body, done.headers['content-type']], [204, '', undefined]);
  await api.world.until('404', async () => (await api.ask('GET', `/v1/containers/${ident}`)).status === 404);
});

test('questions: logs a JSON string, execute four keys, top, stats seven keys, networks', async () => {
  const at = (path: string) => `/v1/containers/web/${path}`;
  const logs = await api.ask('GET', at('logs?stdout=True&stderr=True&timestamps=False&tail=3&since=None'));
  assert.equal(logs.body, `log of ${uuid} tail 3\n`);
  assert.equal((await api.ask('GET', at('logs?since=yesterday'))).status, 400);
  const run = await api.ask('POST', at('execute?command=%22echo%22+%22a+b%22'));
  assert.deepEqual(run.body, { output: 'echo|a b\n', exit_code: 0, exec_id: null, proxy_url: null });
  const inBody = await api.ask('POST', at('execute'), { body: { command: 'false' } });
  assert.equal(inBody.body.exit_code, 1);
  assert.equal((await api.ask('POST', at('execute'))).status, 400);
  assert.equal((await api.ask('POST', at('execute?command=%22open'))).status, 400);
  const prepared = await api.ask('POST', at('execute?command=sh&run=False'));
  assert.deepEqual(Object.keys(prepared.body), ['output', 'exit_code', 'exec_id', 'proxy_url']);
  const slow = await api.ask('POST', at('execute?command=sleep+9'));
  assert.deepEqual([slow.status, slow.body.errors[0].title], [409, 'Timeout on executing command: sleep 9']);
  const top = await api.ask('GET', at('top?ps_args=None'));
  assert.deepEqual(Object.keys(top.body), ['Titles', 'Processes']);
  const stats = await api.ask('GET', at('stats'));
  assert.deepEqual(stats.body, {
    CONTAINER: 'web',
    'CPU %': 1.5,
    'MEM USAGE(MiB)': 10,
    'MEM LIMIT(MiB)': 512,
    'MEM %': 1.95,
    'BLOCK I/O(B)': '1/2',
    'NET I/O(B)': '3/4',
  });
  const [grouped] = (await api.ask('GET', at('network_list'))).body.networks;
  assert.deepEqual(Object.keys(grouped), ['net_id', 'port_id', 'fixed_ips']);
  const [flat] = (await api.ask('GET', at('network_list'), { version: '1.17' })).body.networks;
  assert.deepEqual(Object.keys(flat).sort(), ['ip_address', 'net_id', 'port_id', 'subnet_id', 'version']);
});

test('update: PATCH is synchronous, empty changes nothing, limits are those of create', async () => {
  const patch = (body: unknown) => api.ask('PATCH', '/v1/containers/web', { body });
  assert.equal((await patch({})).status, 200);
  const { body } = await patch({ cpu: '1.5', memory: 600, auto_heal: 'True' });
  assert.deepEqual([body.cpu, body.memory, body.auto_heal], [1.5, '600', true]);
  assert.match((await patch({ memory: 3 })).body.errors[0].title, /minimum of 4/);
  assert.match((await patch({ image: 'x' })).body.errors[0].title, /'image' was unexpected/);
  const renamed = await api.ask('POST', `/v1/containers/${uuid}/rename?name=web`, { version: '1.13' });
  assert.equal(renamed.status, 409);
});

test('what fails inside is a 500 that hides everything but an id and what a Failure says', async () => {
  await api.world.agent.beat(false);
  const { status: code, body } = await api.ask('GET', '/v1/containers/web/top');
  await api.world.agent.beat();
  assert.equal(code, 500);
  const [error] = body.errors;
  assert.deepEqual([error.code, error.title], ['container.', 'Internal Server Error']);
  assert.match(
    error.detail,
    /^Your request could not be handled because of a problem in the server\. Error Correlation id is: [0-9a-f-]{36}\. /,
  );
});

test('services and hosts are the administrators’', async () => {
  for (const path of ['/v1/services', '/v1/hosts', '/v1/hosts/host-1', '/v1/quota_classes/default']) {
    assert.equal((await api.ask('GET', path)).status, 403, path);
  }
  const admin = { token: 'admin' };
  const { body } = await api.ask('GET', '/v1/services', admin);
  const [service] = body.services;
  assert.deepEqual([service.host, service.binary, service.state], ['host-1', 'zun-compute', 'up']);
  assert.match(service.last_seen_up, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
  const target = 'host=host-1&binary=zun-compute';
  const off = await api.ask('PUT', `/v1/services/disable?${target}&disabled_reason=repair`, admin);
  assert.deepEqual(off.body, {
    service: { host: 'host-1', binary: 'zun-compute', disabled: true, disabled_reason: 'repair' },
  });
  await api.ask('PUT', `/v1/services/enable?${target}`, admin);
  const down = await api.ask('PUT', `/v1/services/force_down?${target}&forced_down=True`, admin);
  assert.equal(down.body.service.forced_down, true);
  assert.equal((await api.ask('GET', '/v1/services', admin)).body.services[0].state, 'down');
  await api.ask('PUT', `/v1/services/force_down?${target}&forced_down=False`, admin);
  assert.equal((await api.ask('PUT', '/v1/services/enable?host=host-1', admin)).status, 400);
  assert.equal((await api.ask('PUT', '/v1/services/enable?host=x&binary=y', admin)).status, 404);
  const hosts = await api.ask('GET', '/v1/hosts/', admin);
  assert.equal(hosts.body.next, null);
  const [host] = hosts.body.hosts;
  assert.equal(host.hostname, 'host-1');
  assert.ok(host.total_containers >= 1);
  assert.deepEqual((await api.ask('GET', `/v1/hosts/${host.uuid}`, admin)).body, host);
  assert.equal(
    (await api.ask('GET', '/v1/hosts/x', admin)).body.errors[0].code,
    'container.compute-node-not-found',
  );
  const zones = await api.ask('GET', '/v1/availability_zones');
  assert.deepEqual(zones.body, { availability_zones: [{ availability_zone: 'nova' }], next: null });
});

test('quotas: flat, with usages, defaults, set, reset', async () => {
  const path = '/v1/quotas/dave';
  const dave = { token: 'dave' };
  const flat = { containers: 40, memory: 51_200, cpu: 20, disk: 100 };
  assert.deepEqual((await api.ask('GET', path, dave)).body, flat);
  assert.deepEqual((await api.ask('GET', `${path}?usages=True`, dave)).body.cpu, { limit: 20, in_use: 0 });
  assert.deepEqual((await api.ask('GET', `${path}/defaults`, dave)).body, flat);
  assert.equal((await api.ask('GET', path)).status, 403);
  assert.equal((await api.ask('PUT', path, { ...dave, body: { cpu: 1 } })).status, 403);
  const admin = { token: 'admin' };
  const set = await api.ask('PUT', path, { ...admin, body: { containers: 50, cpu: '40' } });
  assert.deepEqual(set.body, { ...flat, containers: 50, cpu: 40 });
  assert.equal((await api.ask('PUT', path, { ...admin, body: { cpu: -2 } })).status, 400);
  assert.equal((await api.ask('PUT', path, { ...admin, body: { ram: 1 } })).status, 400);
  const reset = await api.ask('DELETE', path, admin);
  assert.deepEqual([reset.status, reset.body], [200, null]);
  assert.deepEqual((await api.ask('GET', path, dave)).body, flat);
});

test('what is not built yet says 501 and what is missing, after the usual checks', async () => {
  const missing = zunEndpoints(api.world.control).filter(({ notYet }) => notYet);
  assert.ok(missing.length > 0);
  const box = { image: 'busybox', name: 'box' };
  await api.ask('POST', '/v1/containers?run=true', { token: 'admin', body: box });
  await api.world.until('it runs', async () => {
    return (await api.ask('GET', '/v1/containers/box', { token: 'admin' })).body.status === 'Running';
  });
  for (const { method, path, since, until, notYet } of missing) {
    const version = `1.${until ?? Math.max(since ?? 1, 1)}`;
    const url = `/v1${path.replace(':ident', 'box').replace('*', 'library/nginx/search')}`;
    const { status: code, body } = await api.ask(method, url, { token: 'admin', version });
    assert.equal(code, 501, `${method} ${url}`);
    assert.equal(body.errors[0].title, `This service does not offer ${notYet} yet.`);
    assert.equal((await api.ask(method, url, { token: null, version })).status, 401);
  }
  assert.equal((await api.ask('GET', '/v1/containers/nothing/attach')).status, 404);
});

test('whose only role is reader looks, and changes nothing', async () => {
  const token = 'reader-of-alice';
  const ident = await make('looked-at');
  for (const url of ['', `/${ident}`, `/${ident}/logs`, `/${ident}/stats`, `/${ident}/container_actions`]) {
    assert.equal((await api.ask('GET', `/v1/containers${url}`, { token })).status, 200, url);
  }
  assert.equal((await api.ask('GET', '/v1/quotas/alice', { token })).status, 200);
  for (const [method, url, rule] of [
    ['POST', '', 'create'],
    ['PATCH', `/${ident}`, 'update'],
    ['POST', `/${ident}/stop`, 'stop'],
    ['POST', `/${ident}/execute?command=id`, 'execute'],
    ['POST', `/${ident}/rebuild`, 'rebuild'],
    ['DELETE', `/${ident}?stop=true`, 'delete'],
  ] as const) {
    const body = method === 'POST' && url === '' ? { image: 'busybox' } : {};
    const answer = await api.ask(method, `/v1/containers${url}`, { token, body });
    assert.equal(answer.status, 403, url);
    assert.equal(answer.body.errors[0].title, `Policy doesn't allow container:${rule} to be performed.`);
  }
  assert.equal((await api.ask('GET', `/v1/containers/${ident}`)).body.status, 'Running');
});
