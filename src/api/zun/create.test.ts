/** POST /v1/containers: every field of zun-api.md 6.2, good and bad, and the order of the checks. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

let api: ZunApi;
before(async () => {
  api = await createZunApi({
    quotas: { containers: -1, cpu: -1, memory: -1, disk: -1 },
    scheduler: { memoryAllocationRatio: 100 },
  });
});
after(() => api.close());

const create = (body: Record<string, unknown>, options = {}) =>
  api.ask('POST', '/v1/containers', { body: { image: 'busybox', ...body }, ...options });

type Shown = Record<string, unknown>;
/** Body → what the reply shows. */
const accepted: readonly (readonly [Shown, Shown])[] = [
  [{ image: 'ab:b' }, { image: 'ab:b' }],
  [{ name: 'a1' }, { name: 'a1' }],
  [{ command: ['sleep', 3] }, { command: ['sleep', '3'] }],
  [{ command: null }, { command: [] }],
  [{ entrypoint: ['/bin/x'] }, { entrypoint: ['/bin/x'] }],
  [{ cpu: 0.1 }, { cpu: 0.1 }],
  [{ cpu: '.5' }, { cpu: 0.5 }],
  [{ cpu: '16' }, { cpu: 16 }],
  [{ cpu: null }, { cpu: 1 }],
  [{}, { cpu: 1, memory: '512', disk: 0, cpu_policy: 'shared', restart_policy: {}, healthcheck: {} }],
  [{ cpu_policy: 'shared' }, { cpu_policy: 'shared' }],
  [{ memory: 4 }, { memory: '4' }],
  [{ memory: '8192' }, { memory: '8192' }],
  [{ memory: null }, { memory: '512' }],
  [{ disk: null }, { disk: 0 }],
  [{ workdir: '/w' }, { workdir: '/w' }],
  [{ environment: { A: '1' } }, { environment: { A: '1' } }],
  [{ environment: null }, { environment: {} }],
  [{ labels: { a: 1, b: 'x', c: true } }, { labels: { a: '1', b: 'x', c: 'true' } }],
  [{ labels: null }, { labels: {} }],
  [{ hostname: 'h' }, { hostname: 'h' }],
  [{ image_driver: 'glance' }, { image_driver: 'glance' }],
  [{ image_driver: 'None' }, { image_driver: 'docker' }],
  [{ image_pull_policy: null }, {}],
  [{ interactive: 'true' }, { interactive: true }],
  [
    { interactive: false, tty: true },
    { interactive: false, tty: true },
  ],
  [{ auto_remove: true }, { auto_remove: true }],
  [{ auto_heal: 'True' }, { auto_heal: true }],
  [
    { restart_policy: { Name: 'on-failure', MaximumRetryCount: 3 } },
    { restart_policy: { Name: 'on-failure', MaximumRetryCount: '3' } },
  ],
  [
    { restart_policy: { Name: 'always', MaximumRetryCount: null } },
    { restart_policy: { Name: 'always', MaximumRetryCount: '0' } },
  ],
  [
    { restart_policy: { Name: 'no', MaximumRetryCount: '7' } },
    { restart_policy: { Name: 'no', MaximumRetryCount: '0' } },
  ],
  [{ security_groups: ['web', 'web'] }, { security_groups: ['sg-web'] }],
  [{ security_groups: [] }, { security_groups: [] }],
  [
    { exposed_ports: { '80/tcp': {}, '53/udp': {}, '8080': {} } },
    { ports: [80, 53, 8080].sort((a, b) => a - b) },
  ],
  [{ nets: [{ network: 'private', 'v4-fixed-ip': '10.0.0.9' }] }, { addresses: {} }],
  [{ nets: [] }, {}],
  [{ mounts: [] }, {}],
  [{ mounts: [{ type: 'bind', source: 'aGk=', destination: '/etc/motd' }] }, {}],
  [{ hints: { 'label:disk': 'ssd' } }, { status: 'Error' }],
  [{ availability_zone: 'nova' }, { status: 'Creating' }],
  [{ availability_zone: 'mars' }, { status: 'Error' }],
  [
    { healthcheck: { cmd: 'true', interval: 10, retries: '3', timeout: 5 } },
    { healthcheck: { test: 'true', interval: 10, retries: 3, timeout: 5 } },
  ],
];
for (const [body, shown] of accepted) {
  test(`accepts ${JSON.stringify(body)}`, async () => {
    const answer = await create(body);
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    for (const [field, value] of Object.entries(shown)) {
      const got =
        field === 'ports' ? answer.body.ports.sort((a: number, b: number) => a - b) : answer.body[field];
      assert.deepEqual(got, value, field);
    }
  });
}

/** Body → status, code, and what the message says. */
const refused: readonly (readonly [Shown, number, string, RegExp])[] = [
  [{ image: undefined }, 400, 'schema-validation-error', /^'image' is a required property$/],
  [{ image: 'n' }, 400, 'schema-validation-error', /field 'image'\.Value: 'n'\. 'n' is too short/],
  [{ image: 'a:b' }, 400, 'schema-validation-error', /does not match/],
  [{ image: 3 }, 400, 'schema-validation-error', /3 is not of type 'string'/],
  [{ unknown: 1 }, 400, 'schema-validation-error', /\('unknown' was unexpected\)/],
  [{ x: 1, y: 1 }, 400, 'schema-validation-error', /\('x', 'y' were unexpected\)/],
  [{ name: 'a' }, 400, 'schema-validation-error', /field 'name'/],
  [{ name: '-a' }, 400, 'schema-validation-error', /does not match/],
  [{ name: 'a'.repeat(256) }, 400, 'schema-validation-error', /is too long/],
  [{ command: 'sleep 1' }, 400, 'schema-validation-error', /field 'command'/],
  [{ cpu: 0.05 }, 400, 'schema-validation-error', /0\.05 is less than the minimum of 0\.1/],
  [{ cpu: '16.1' }, 400, 'schema-validation-error', /is greater than the maximum of 16/],
  [{ cpu: true }, 400, 'schema-validation-error', /True is not of type/],
  [{ cpu: '1e1' }, 400, 'schema-validation-error', /field 'cpu'/],
  [{ cpu_policy: null }, 400, 'schema-validation-error', /field 'cpu_policy'/],
  [{ memory: '512M' }, 400, 'schema-validation-error', /field 'memory'\.Value: '512M'/],
  [{ memory: 3 }, 400, 'schema-validation-error', /3 is less than the minimum of 4/],
  [{ memory: '8193' }, 400, 'schema-validation-error', /maximum of 8192/],
  [{ disk: 0 }, 400, 'schema-validation-error', /minimum of 1/],
  [{ environment: { A: 1 } }, 400, 'schema-validation-error', /field 'A'\.Value: '1'/],
  [{ labels: [] }, 400, 'schema-validation-error', /field 'labels'/],
  [{ hostname: null }, 400, 'schema-validation-error', /field 'hostname'/],
  [{ hostname: 'a b' }, 400, 'schema-validation-error', /field 'hostname'/],
  [{ image_driver: 'podman' }, 400, 'schema-validation-error', /is not one of/],
  [{ image_pull_policy: 'sometimes' }, 400, 'schema-validation-error', /field 'image_pull_policy'/],
  [{ interactive: '1' }, 400, 'schema-validation-error', /field 'interactive'/],
  [{ auto_remove: 'true' }, 400, 'schema-validation-error', /field 'auto_remove'/],
  [{ restart_policy: { Name: 'sometimes' } }, 400, 'schema-validation-error', /field 'Name'/],
  [{ restart_policy: {} }, 400, 'schema-validation-error', /'Name' is a required property/],
  [
    { restart_policy: { Name: 'always', MaximumRetryCount: '3' } },
    400,
    'invalid',
    /^maximum retry count not valid with restart policy of always$/,
  ],
  [{ security_groups: 'web' }, 400, 'schema-validation-error', /field 'security_groups'/],
  [{ security_groups: ['no-such'] }, 400, 'invalid', /^Security group no-such not found\.$/],
  [{ exposed_ports: { '80/sctp': {} } }, 400, 'invalid', /^value sctp is an invalid protocol$/],
  [{ exposed_ports: { 'http/tcp': {} } }, 400, 'invalid', /^value http is invalid as publish port\.$/],
  [{ exposed_ports: { '80': {} }, security_groups: [] }, 400, 'invalid', /exposed_ports and security_groups/],
  [{ nets: [{}] }, 400, 'schema-validation-error', /field '0'/],
  [{ nets: [{ network: 'a', port: 'b' }] }, 400, 'schema-validation-error', /field '0'/],
  [{ nets: [{ network: 'a', mac: 'b' }] }, 400, 'schema-validation-error', /'mac' was unexpected/],
  [
    { nets: [{ network: 'a', 'v4-fixed-ip': '10.0.0.300' }] },
    400,
    'schema-validation-error',
    /is not a 'ipv4'/,
  ],
  [{ nets: [{ network: 'missing' }] }, 404, 'network-not-found', /missing could not be found/],
  [{ nets: [{ network: 'public' }] }, 403, 'external-network-attach-forbidden', /external network public/],
  [{ mounts: [{ destination: '/x' }] }, 400, 'schema-validation-error', /field '0'/],
  [{ mounts: [{ source: 'v', destination: '/x' }] }, 501, 'not-implemented', /volumes/],
  [{ mounts: [{ size: 1, destination: '/x' }] }, 501, 'not-implemented', /volumes/],
  [
    { mounts: [{ type: 'tmpfs', source: 'x', destination: '/x' }] },
    400,
    'invalid',
    /type 'tmpfs' is unknown/,
  ],
  [
    { mounts: [{ type: 'bind', source: '%%', destination: '/x' }] },
    400,
    'invalid',
    /^Invalid Base 64 file data$/,
  ],
  [{ mounts: [{ type: 'bind', source: 'aGk=', destination: '/a/../x' }] }, 400, 'invalid', /'\/a\/\.\.\/x'/],
  [{ hints: { a: 1 } }, 400, 'schema-validation-error', /field 'a'/],
  [{ availability_zone: '' }, 400, 'schema-validation-error', /field 'availability_zone'/],
  [{ host: 'host-1' }, 403, 'policy-not-authorized', /container:create:requested_destination/],
  [{ runtime: 'runc' }, 403, 'policy-not-authorized', /container:create:runtime/],
  [{ image_pull_policy: 'never' }, 403, 'policy-not-authorized', /container:create:image_pull_policy/],
  [{ privileged: false }, 403, 'policy-not-authorized', /container:create:privileged/],
  [{ healthcheck: 'curl' }, 400, 'schema-validation-error', /field 'healthcheck'/],
  [{ healthcheck: { cmd: 'x', interval: 'often' } }, 400, 'invalid', /interval 'often'/],
  [{ registry: 'mine' }, 404, 'registry-not-found', /^Registry mine could not be found\.$/],
];
for (const [body, status, code, message] of refused) {
  test(`refuses ${JSON.stringify(body).slice(0, 80)} with ${status} ${code}`, async () => {
    const answer = await create(body);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    const [error, ...more] = answer.body.errors;
    assert.deepEqual(more, []);
    assert.equal(error.code, `container.${code}`);
    assert.equal(error.status, status);
    assert.match(error.title, message);
    assert.equal(error.detail, error.title);
    assert.equal(error.request_id, '');
    assert.deepEqual(error.links, []);
  });
}

test('from 1.41 exposed ports and security groups go together; before, and by default, they do not', async () => {
  const both = { exposed_ports: { '80': {} }, security_groups: ['web'] };
  const { status, body } = await create(both, { version: '1.41' });
  assert.equal(status, 202);
  await api.world.until('both groups', async () => {
    const now = await api.ask('GET', `/v1/containers/${body.uuid}`);
    return now.body.security_groups.join() === `sg-web,sg-exposed-${body.uuid}`;
  });
  assert.equal((await create(both)).status, 400);
});

test('administrators may name host, runtime and pull policy, and see what they said; privileged nobody may', async () => {
  const options = { token: 'admin' };
  const { status, body } = await create(
    { host: 'host-1', runtime: 'runc', image_pull_policy: 'IfNotPresent' },
    options,
  );
  assert.equal(status, 202);
  assert.deepEqual(
    [body.host, body.runtime, body.image_pull_policy, body.privileged],
    ['host-1', 'runc', 'ifnotpresent', false],
  );
  assert.equal((await create({ privileged: true }, options)).status, 403);
  const unknown = await create({ host: 'nowhere' }, options);
  assert.equal(unknown.status, 404);
  assert.equal(unknown.body.errors[0].title, 'Requested host nowhere could not be found.');
});

test('fields newer than the request’s version are refused by name; newest ones do not exist yet', async () => {
  const fields: readonly (readonly [string, unknown, string])[] = [
    ['auto_remove', true, '1.3'],
    ['hostname', 'h', '1.9'],
    ['mounts', [{ type: 'bind', source: 'aGk=', destination: '/x' }], '1.11'],
    ['healthcheck', { cmd: 'x' }, '1.22'],
    ['exposed_ports', { '80': {} }, '1.24'],
    ['registry', 'mine', '1.31'],
    ['runtime', 'runc', '1.5'],
  ];
  for (const [field, value, since] of fields) {
    const version = `1.${Number(since.slice(2)) - 1}`;
    const { status, body } = await create({ [field]: value }, { version });
    assert.equal(status, 400, field);
    assert.equal(
      body.errors[0].title,
      `Invalid param ${field} because current request version is ${version}. ${field} is only supported from version ${since}`,
    );
    assert.equal(body.errors[0].code, 'container.invalid-param-in-version');
  }
  for (const [field, value, version] of [
    ['host', 'host-1', '1.38'],
    ['entrypoint', ['x'], '1.39'],
  ] as const) {
    const { body } = await create({ [field]: value }, { version });
    assert.equal(body.errors[0].title, `Additional properties are not allowed ('${field}' was unexpected)`);
  }
});

test('before 1.20 the command is one line in the shell’s spelling; before 1.36 tty is what interactive says', async () => {
  const old = { version: '1.19' };
  assert.deepEqual((await create({ command: '"sleep" "10 00"' }, old)).body.command, ['sleep', '10 00']);
  assert.equal((await create({ command: ['sleep'] }, old)).status, 400);
  assert.equal((await create({ interactive: true }, { version: '1.35' })).body.tty, true);
  assert.equal((await create({ interactive: true }, { version: '1.36' })).body.tty, false);
});

test('the checks come in the documented order: of two mistakes the earlier one is reported', async () => {
  const inOrder: readonly (readonly [Shown, string])[] = [
    [{ cpu: 'x' }, 'schema-validation-error'],
    [{ security_groups: ['no-such'] }, 'invalid'],
    [{ memory: 8192 }, 'over-quota'],
    [{ runtime: 'runc' }, 'policy-not-authorized'],
    [{ nets: [{ network: 'missing' }] }, 'network-not-found'],
    [{ mounts: [{ size: 1, destination: '/x' }] }, 'not-implemented'],
    [{ image_pull_policy: 'never' }, 'policy-not-authorized'],
    [{ restart_policy: { Name: 'always', MaximumRetryCount: 1 } }, 'invalid'],
    [{ registry: 'mine' }, 'registry-not-found'],
    [{ host: 'host-1' }, 'policy-not-authorized'],
  ];
  const tight = await createZunApi({ quotas: { memory: 8000 } });
  try {
    for (const [index, [body, code]] of inOrder.entries()) {
      const later = Object.assign({}, ...inOrder.slice(index + 1).map(([each]) => each));
      const answer = await tight.ask('POST', '/v1/containers', {
        body: { image: 'busybox', ...later, ...body },
      });
      assert.equal(answer.body.errors?.[0].code, `container.${code}`, JSON.stringify(body));
    }
  } finally {
    await tight.close();
  }
});

test('bodies: not JSON counts as none, other content types are 415, unknown query parameters 400', async () => {
  const none = await api.ask('POST', '/v1/containers', { raw: '{"image":' });
  assert.equal(none.body.errors[0].title, "'image' is a required property");
  const list = await api.ask('POST', '/v1/containers', { raw: '[1]' });
  assert.equal(list.body.errors[0].title, "'image' is a required property");
  const text = await api.ask('POST', '/v1/containers', {
    raw: '{}',
    headers: { 'content-type': 'text/plain' },
  });
  assert.equal(text.status, 415);
  const charset = { 'content-type': 'application/json; charset=UTF-8' };
  const fine = await api.ask('POST', '/v1/containers', { raw: '{"image":"busybox"}', headers: charset });
  assert.equal(fine.status, 202);
  const query = await api.ask('POST', '/v1/containers?run=perhaps', { body: { image: 'busybox' } });
  assert.match(query.body.errors[0].title, /^Invalid input for query parameters 'run'\. Value: 'perhaps'\./);
  assert.equal((await api.ask('POST', '/v1/containers?ran=1', { body: { image: 'busybox' } })).status, 400);
});

test('POST /v1/containers?run=true: 202, Location, links, and it runs', async () => {
  const { status, headers, body } = await api.ask('POST', '/v1/containers?run=true', {
    body: { image: 'busybox' },
  });
  assert.equal(status, 202);
  assert.equal(headers.location, `http://localhost:80/v1/containers/${body.uuid}`);
  assert.deepEqual(body.links, [
    { href: `http://localhost:80/v1/containers/${body.uuid}`, rel: 'self' },
    { href: `http://localhost:80/containers/${body.uuid}`, rel: 'bookmark' },
  ]);
  assert.match(body.name, /^[a-z]+-\d+-container$/);
  await api.world.until('Running', async () => {
    const { body: now } = await api.ask('GET', `/v1/containers/${body.uuid}`);
    return now.status === 'Running' && now.status_detail === 'Up 0 seconds';
  });
});
