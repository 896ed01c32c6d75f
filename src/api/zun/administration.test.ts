/** What 1.41 adds for administrators: quota classes of projects, the hardware of hosts, registries tried on request. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

let api: ZunApi;
before(async () => {
  api = await createZunApi();
});
after(() => api.close());

const admin = (method: string, url: string, body?: unknown, version = '1.41') =>
  api.ask(method, `/v1${url}`, { token: 'admin', version, ...(body === undefined ? {} : { body }) });
const create = () => api.ask('POST', '/v1/containers', { body: { image: 'busybox' } });

test('a project in a quota class has its limits; its own go before them; out of it, the defaults count', async () => {
  await admin('PUT', '/quota_classes/tiny', { containers: 1 });
  const put = await admin('PUT', '/quotas/alice', { quota_class: 'tiny' });
  assert.deepEqual([put.status, put.body.containers, put.body.quota_class], [200, 1, 'tiny']);
  assert.equal((await admin('GET', '/quotas/alice/defaults')).body.containers, 1);
  assert.equal((await create()).status, 202);
  const refused = await create();
  assert.deepEqual([refused.status, refused.body.errors[0].code], [403, 'container.over-quota']);
  await admin('PUT', '/quotas/alice', { containers: 2 });
  assert.equal((await create()).status, 202);
  const [own, zun] = [
    await admin('GET', '/quotas/alice'),
    await admin('GET', '/quotas/alice', undefined, '1.40'),
  ];
  assert.deepEqual([own.body.containers, own.body.quota_class], [2, 'tiny']);
  assert.ok(!('quota_class' in zun.body));
  assert.equal((await admin('PUT', '/quotas/alice', { quota_class: null })).body.quota_class, null);
  await admin('PUT', '/quotas/alice', { quota_class: 'tiny' });
  await admin('DELETE', '/quotas/alice');
  assert.equal((await admin('GET', '/quotas/alice')).body.quota_class, null);
  assert.equal((await create()).status, 202);
  const mine = await api.ask('PUT', '/v1/quotas/alice', { version: '1.41', body: { quota_class: null } });
  assert.equal(mine.status, 403);
});

test('a class without limits cannot be given, and nothing else of the request happens', async () => {
  const { status } = await admin('PUT', '/quotas/bob', { quota_class: 'nothing', containers: 3 });
  assert.equal(status, 404);
  assert.notEqual((await admin('GET', '/quotas/bob')).body.containers, 3);
});

test('a name that nothing could be put under is refused, of a class as of a project', async () => {
  for (const name of ['x'.repeat(256), 'a%00b']) {
    for (const path of [`/quota_classes/${name}`, `/quotas/${name}`]) {
      const { status, body } = await admin('PUT', path, { containers: 1 });
      assert.deepEqual([status, body.errors[0].code], [400, 'container.invalid-value'], path);
    }
  }
  assert.equal((await admin('PUT', `/quota_classes/${'x'.repeat(255)}`, { containers: 1 })).status, 200);
});

test('hosts tell their NUMA nodes and PCI devices from 1.41 on', async () => {
  const { body } = await admin('GET', '/hosts/host-1');
  assert.deepEqual(body.numa_topology, { nodes: [{ id: 0, cpuset: '0-7', mem_total: 16_384 }] });
  assert.deepEqual(body.pci_devices, [
    { address: '0000:00:02.0', vendor_id: '10de', product_id: '1db6', class_id: '030200', numa_node: 0 },
  ]);
  const before = await admin('GET', '/hosts/host-1', undefined, '1.40');
  assert.ok(!('pci_devices' in before.body) && !('numa_topology' in before.body));
});

test('a registry is tried on request, and what failed is said', async () => {
  const made = async (registry: object) =>
    (await api.ask('POST', '/v1/registries', { body: { registry } })).body.registry.uuid;
  const tried = async (uuid: string, token = 'alice', version = '1.41') =>
    api.ask('POST', `/v1/registries/${uuid}/test`, { token, version });
  const good = await made({ domain: 'good.example', username: 'ann', password: 'right' });
  const bad = await made({ domain: 'bad.example', username: 'ann', password: 'wrong' });
  api.world.agent.refusals.set('silent.example', 'no registry answers at silent.example');
  const silent = await made({ domain: 'silent.example' });
  assert.deepEqual((await tried(good)).body, { works: true, reason: null });
  assert.match((await tried(bad)).body.reason, /refuses the log-in/);
  assert.deepEqual((await tried(silent)).body, {
    works: false,
    reason: 'no registry answers at silent.example',
  });
  assert.equal((await tried(good, 'bob')).status, 404);
  assert.equal((await tried(good, 'reader-of-alice')).status, 403);
  assert.equal((await tried(good, 'alice', '1.40')).status, 406);
  await admin('PUT', '/services/disable?host=host-1&binary=zun-compute');
  assert.deepEqual((await tried(good)).body, { works: false, reason: 'no host is up that could try it' });
  await admin('PUT', '/services/enable?host=host-1&binary=zun-compute');
});
