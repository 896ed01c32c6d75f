/** The options of a create that only 1.41 has: taken, shown, handed to the agent; refused below, when they are wrong, or not allowed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';
import { Policy } from '../../control/policy.ts';

let api: ZunApi;
before(async () => {
  const quotas = { containers: -1, cpu: -1, memory: -1 };
  api = await createZunApi({ quotas, scheduler: { memoryAllocationRatio: 100, cpuAllocationRatio: 100 } });
});
after(() => api.close());

const create = (body: Record<string, unknown>, version = '1.41', of = api) =>
  of.ask('POST', '/v1/containers?run=true', { version, body: { image: 'busybox', ...body } });

const all = {
  cpu_limit: 0.5,
  pids_limit: 100,
  ulimits: { nofile: { soft: 1024, hard: 2048 }, core: 0 },
  shm_size: 32,
  tmpfs: { '/run': { size: 16 }, '/scratch': {} },
  read_only: true,
  user: '1000:1000',
  cap_drop: ['NET_RAW', 'CAP_MKNOD'],
  sysctls: { 'net.core.somaxconn': '512' },
  extra_hosts: { db: '10.0.0.9', six: 'fd00::9' },
  dns: ['9.9.9.9'],
  dns_search: ['corp.example'],
  stop_signal: 'SIGUSR1',
  stop_grace: 5,
  init: true,
};
const shown = {
  ...all,
  ulimits: { nofile: { soft: 1024, hard: 2048 }, core: { soft: 0, hard: 0 } },
  cap_drop: ['NET_RAW', 'MKNOD'],
  cap_add: [],
};
type Body = Record<string, unknown>;
const only = (body: Body, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, body[name]]));

test('all options at once are taken, shown in both views, and reach the agent', async () => {
  const { status, body } = await create(all);
  assert.equal(status, 202, JSON.stringify(body));
  assert.deepEqual(only(body, Object.keys(shown)), shown);
  const list = await api.ask('GET', `/v1/containers?name=${body.name}`, { version: '1.41' });
  assert.deepEqual(only(list.body.containers[0], Object.keys(shown)), shown);
  await api.world.until('it runs', async () => api.world.agent.engine.has(body.uuid));
  const options = api.world.agent.engine.get(body.uuid)?.wanted.spec.options;
  assert.deepEqual(options?.tmpfs, { '/run': 16, '/scratch': null });
  assert.deepEqual([options?.cpuLimit, options?.user, options?.init], [0.5, '1000:1000', true]);
});

test('a container without options shows that there are none, and an older version not even that', async () => {
  const { body } = await create({});
  assert.deepEqual(
    [body.cpu_limit, body.ulimits, body.read_only, body.cap_drop, body.dns, body.user],
    [null, {}, false, [], [], null],
  );
  const old = await api.ask('GET', `/v1/containers/${body.uuid}`, { version: '1.40' });
  assert.deepEqual(
    Object.keys(shown).filter((name) => name in old.body),
    [],
  );
});

for (const [name, value] of Object.entries({ ...all, cap_add: ['NET_ADMIN'] })) {
  test(`${name} is unknown to 1.40`, async () => {
    const { status, body } = await create({ [name]: value }, '1.40');
    assert.equal(status, 400);
    assert.match(body.errors[0].title, new RegExp(name));
  });
}

const wrong: readonly Body[] = [
  { cpu_limit: 0 },
  { cpu_limit: '1' },
  { cpu_limit: 1e9 },
  { pids_limit: 0 },
  { pids_limit: 1.5 },
  { ulimits: { rtprio: 99 } },
  { ulimits: { nofile: 2_000_000 } },
  { ulimits: { nofile: { soft: 2, hard: 1 } } },
  { ulimits: { nofile: { soft: 2 } } },
  { shm_size: 0 },
  { tmpfs: { run: {} } },
  { tmpfs: { '/': {} } },
  { tmpfs: { '/proc/x': {} } },
  { tmpfs: { '/a/../proc': {} } },
  { tmpfs: { '/a,exec': {} } },
  { tmpfs: { '/a': { size: 1, mode: 7 } } },
  { read_only: 'perhaps' },
  { read_only: true, mounts: [{ type: 'bind', source: 'aGk=', destination: '/x' }] },
  { user: 'a b' },
  { user: 'a:b:c' },
  { cap_drop: ['EVERYTHING'] },
  { cap_drop: 'ALL' },
  { sysctls: { 'kernel.panic': '1' } },
  { sysctls: { 'net.core.somaxconn': '1\n' } },
  { extra_hosts: { 'a b': '10.0.0.1' } },
  { extra_hosts: { db: 'host-gateway' } },
  { dns: ['resolver.example'] },
  { dns: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'] },
  { dns_search: ['a b'] },
  { stop_signal: 'NOPE' },
  { stop_grace: -1 },
  { stop_grace: 301 },
  { init: 2 },
];
for (const body of wrong) {
  test(`400 for ${JSON.stringify(body).slice(0, 60)}`, async () => {
    const before = (await api.ask('GET', '/v1/containers')).body.containers.length;
    assert.equal((await create(body)).status, 400);
    assert.equal((await api.ask('GET', '/v1/containers')).body.containers.length, before);
  });
}

test('nobody adds capabilities unless the policy says so', async () => {
  const refused = await create({ cap_add: ['NET_ADMIN'] });
  assert.equal(refused.status, 403);
  assert.match(refused.body.errors[0].title, /container:create:cap_add/);
  const policy = new Policy({ 'container:create:cap_add': 'rule:admin_or_member' });
  const open = await createZunApi({}, { policy });
  try {
    const { status, body } = await create({ cap_add: ['CAP_NET_ADMIN', 'NET_ADMIN'] }, '1.41', open);
    assert.deepEqual([status, body.cap_add], [202, ['NET_ADMIN']]);
  } finally {
    await open.close();
  }
});
