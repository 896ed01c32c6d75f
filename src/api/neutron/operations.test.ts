/** What operators look at: agents, addresses left, quotas with use. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testCaller } from '../../../test/helpers/network-control.ts';
import { createNeutronApi, type NeutronApi } from '../../../test/helpers/neutron-api.ts';
import { recordHeartbeat } from '../../store/container/hosts.ts';

let api: NeutronApi;
before(async () => {
  api = await createNeutronApi({ quotas: { network: 3, floatingip: -1 } });
});
after(() => api[Symbol.asyncDispose]());

const admin = 'admin@infra';
const get = async (token: string, path: string) => (await api.send(token, 'GET', path)).body;

async function outcome(token: string, method: string, path: string, body?: object) {
  const { status, body: answer } = await api.send(token, method, path, body);
  return [status, answer?.NeutronError?.type];
}

test('hosts are agents: seen and switched by administrators, with what they have', async () => {
  const beat = { engineOk: true, engineError: null };
  await recordHeartbeat(api.world.db, { ...beat, name: 'h1', at: new Date('2026-01-01').toISOString() });
  await recordHeartbeat(api.world.db, { ...beat, name: 'h2', at: new Date('2000-01-01').toISOString() });
  const { agents } = await get(admin, '/agents');
  assert.deepEqual(
    agents.map((agent: Record<string, unknown>) => [agent.host, agent.alive, agent.admin_state_up]),
    [
      ['h1', true, true],
      ['h2', false, true],
    ],
  );
  const [h1] = agents;
  assert.deepEqual(
    [h1.binary, h1.availability_zone, h1.heartbeat_timestamp],
    ['berth-agent', 'nova', '2026-01-01 00:00:00'],
  );
  assert.equal((await get(admin, '/agents?host=h2')).agents.length, 1);
  assert.deepEqual(await get('demo', '/agents'), { agents: [] });
  assert.deepEqual(await outcome('demo', 'GET', `/agents/${h1.id}`), [404, 'AgentNotFound']);
  const down = { agent: { admin_state_up: false, description: 'repairs' } };
  assert.deepEqual(await outcome('demo', 'PUT', `/agents/${h1.id}`, down), [404, 'AgentNotFound']);
  const { body } = await api.send(admin, 'PUT', `/agents/${h1.id}`, down);
  assert.deepEqual([body.agent.admin_state_up, body.agent.description], [false, 'repairs']);
  assert.deepEqual(await outcome(admin, 'PUT', `/agents/${h1.id}`, { agent: { host: 'x' } }), [
    400,
    'HTTPBadRequest',
  ]);
  assert.equal((await outcome(admin, 'POST', '/agents', { agent: {} }))[0], 404);

  const net = await api.make('demo', '/networks', { network: { name: 'n' } });
  const subnet = { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24' };
  const { id: subnetId } = await api.make('demo', '/subnets', { subnet });
  await api.make(admin, '/ports', { port: { network_id: net.id, 'binding:host_id': 'h1' } });
  const { control } = api.world;
  const [router] = await control.routers.create(testCaller('demo'), [{ name: 'r' }]);
  assert.ok(router);
  await api.send('demo', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnetId });
  const hosts = async (path: string) =>
    (await get(admin, path)).agents.map(({ host }: { host: string }) => host);
  assert.deepEqual(await hosts(`/routers/${router.id}/l3-agents`), ['h1']);
  assert.deepEqual(await hosts(`/networks/${net.id}/dhcp-agents`), ['h1']);
  assert.equal((await get(admin, `/agents/${h1.id}/dhcp-networks`)).networks[0].id, net.id);
  assert.equal((await get(admin, `/agents/${h1.id}/l3-routers`)).routers[0].id, router.id);
  assert.deepEqual(await outcome('eve', 'GET', `/routers/${router.id}/l3-agents`), [404, 'RouterNotFound']);
  assert.deepEqual(await outcome('eve', 'GET', `/networks/${net.id}/dhcp-agents`), [404, 'NetworkNotFound']);
});

test('administrators see how many addresses networks have left', async () => {
  const net = await api.make('acme', '/networks', { network: { name: 'small' } });
  const make = (ip_version: number, cidr: string) =>
    api.make('acme', '/subnets', { subnet: { network_id: net.id, ip_version, cidr } });
  const [four] = [await make(4, '10.0.0.0/29'), await make(6, 'fd00::/124')];
  await api.make('acme', '/ports', { port: { network_id: net.id } });
  const path = '/network-ip-availabilities';
  const { network_ip_availabilities: both } = await get(admin, `${path}?network_name=small`);
  assert.deepEqual([both[0].total_ips, both[0].used_ips, both.length], [5 + 14, 2, 1]);
  const { network_ip_availabilities: only } = await get(admin, `${path}?network_id=${net.id}&ip_version=4`);
  assert.deepEqual(only[0], {
    network_id: net.id,
    network_name: 'small',
    tenant_id: 'acme',
    project_id: 'acme',
    total_ips: 5,
    used_ips: 1,
    subnet_ip_availability: [
      {
        subnet_id: four.id,
        subnet_name: '',
        ip_version: 4,
        cidr: '10.0.0.0/29',
        total_ips: 5,
        used_ips: 1,
      },
    ],
  });
  const shown = await get(admin, `${path}/${net.id}`);
  assert.equal(shown.network_ip_availability.total_ips, 19);
  assert.deepEqual(await get('acme', path), { network_ip_availabilities: [] });
  assert.deepEqual(await outcome('acme', 'GET', `${path}/${net.id}`), [404, 'NetworkNotFound']);
});

test('there is one provider of routers and no flavor', async () => {
  assert.deepEqual(await get('demo', '/service-providers'), {
    service_providers: [{ service_type: 'L3_ROUTER_NAT', name: 'berth', default: true }],
  });
  assert.deepEqual(await get('demo', '/flavors'), { flavors: [] });
  assert.deepEqual(await outcome('demo', 'GET', '/flavors/x'), [404, 'FlavorNotFound']);
});

test('quotas: what there is, what is used, and no limit below that', async () => {
  const details = async () => (await get('quotas', '/quotas/quotas/details.json')).quota;
  await api.make('quotas', '/networks', { network: {} });
  const ids: string[] = [];
  for (const path of ['/networks', '/networks'])
    ids.push((await api.make('quotas', path, { network: {} })).id);
  await api.make('quotas', '/subnetpools', { subnetpool: { prefixes: ['10.0.0.0/8'] } });
  await api.make('quotas', '/rbac-policies', {
    rbac_policy: {
      object_type: 'network',
      object_id: ids[0],
      action: 'access_as_shared',
      target_tenant: 'eve',
    },
  });
  const used = await details();
  assert.deepEqual(used.network, { limit: 3, used: 3, reserved: 0 });
  assert.deepEqual([used.subnetpool.used, used.rbac_policy.used, used.security_group.used], [1, 1, 1]);
  assert.equal(used.floatingip.limit, -1);
  const bulk = { networks: [{ name: 'a' }, { name: 'b' }] };
  assert.deepEqual(await outcome('quotas', 'POST', '/networks', bulk), [409, 'OverQuota']);
  const set = (quota: object) => outcome(admin, 'PUT', '/quotas/quotas', { quota });
  assert.deepEqual(await set({ network: 2, check_limit: true }), [400, 'HTTPBadRequest']);
  assert.deepEqual(await set({ network: 4, check_limit: true }), [200, undefined]);
  assert.deepEqual(await outcome('quotas', 'POST', '/networks', bulk), [409, 'OverQuota']);
  assert.equal((await details()).network.used, 3, 'a bulk is made whole or not at all');
  assert.deepEqual(await set({ network: -1 }), [200, undefined]);
  assert.equal((await outcome('quotas', 'POST', '/networks', bulk))[0], 201);
  assert.equal((await get('quotas', '/quotas/quotas/default')).quota.network, 3);
  assert.deepEqual(await set({ zzz: 1 }), [400, 'HTTPBadRequest']);
});
