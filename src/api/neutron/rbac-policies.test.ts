/** Policies that share objects: what they make visible and usable, and what ends with them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createNeutronApi, type NeutronApi } from '../../../test/helpers/neutron-api.ts';

let api: NeutronApi;
before(async () => {
  api = await createNeutronApi();
});
after(() => api[Symbol.asyncDispose]());

type Body = Record<string, unknown>;

async function outcome(token: string, method: string, path: string, body?: Body) {
  const { status, body: answer } = await api.send(token, method, path, body);
  return [status, answer?.NeutronError?.type];
}

const share = (object_type: string, object_id: string, target_tenant: string, more: Body = {}) => ({
  rbac_policy: { object_type, object_id, target_tenant, action: 'access_as_shared', ...more },
});
const policy = (...[token, ...given]: [string, ...Parameters<typeof share>]) =>
  api.make(token, '/rbac-policies', share(...given));

async function ownNetwork(token = 'demo') {
  const net = await api.make(token, '/networks', { network: {} });
  const subnet = { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24' };
  return { net: net.id as string, subnet: (await api.make(token, '/subnets', { subnet })).id as string };
}

test('a network is shared with one project: seen, used, and not changed', async () => {
  const { net, subnet } = await ownNetwork();
  const made = await policy('demo', 'network', net, 'eve');
  assert.deepEqual(made, {
    id: made.id,
    tenant_id: 'demo',
    project_id: 'demo',
    object_type: 'network',
    object_id: net,
    action: 'access_as_shared',
    target_tenant: 'eve',
  });
  const seen = (await api.send('eve', 'GET', `/networks/${net}`)).body.network;
  assert.equal(seen.shared, true);
  assert.equal((await api.send('demo', 'GET', `/networks/${net}`)).body.network.shared, false);
  assert.equal((await api.send('eve', 'GET', `/subnets/${subnet}`)).status, 200);
  assert.deepEqual(await outcome('mallory', 'GET', `/networks/${net}`), [404, 'NetworkNotFound']);
  assert.deepEqual(await outcome('mallory', 'GET', `/subnets/${subnet}`), [404, 'SubnetNotFound']);
  assert.deepEqual(await outcome('eve', 'DELETE', `/networks/${net}`), [403, 'PolicyNotAuthorized']);
  const port = await api.make('eve', '/ports', { port: { network_id: net } });
  assert.deepEqual(await outcome('demo', 'DELETE', `/rbac-policies/${made.id}`), [
    409,
    'InvalidSharedSetting',
  ]);
  const elsewhere = { rbac_policy: { target_tenant: 'mallory' } };
  assert.deepEqual(await outcome('demo', 'PUT', `/rbac-policies/${made.id}`, elsewhere), [
    409,
    'InvalidSharedSetting',
  ]);
  assert.equal((await api.send('eve', 'DELETE', `/ports/${port.id}`)).status, 204);
  assert.equal((await api.send('demo', 'PUT', `/rbac-policies/${made.id}`, elsewhere)).status, 200);
  assert.deepEqual(await outcome('eve', 'GET', `/networks/${net}`), [404, 'NetworkNotFound']);
  assert.equal((await api.send('mallory', 'GET', `/networks/${net}`)).status, 200);
  assert.equal((await api.send('demo', 'DELETE', `/rbac-policies/${made.id}`)).status, 204);
  assert.deepEqual(await outcome('mallory', 'GET', `/networks/${net}`), [404, 'NetworkNotFound']);
});

test('sharing with everybody is a policy too, which only administrators make', async () => {
  const { net } = await ownNetwork('admin@infra');
  const list = async () =>
    (await api.send('admin@infra', 'GET', `/rbac-policies?object_id=${net}`)).body.rbac_policies;
  await api.send('admin@infra', 'PUT', `/networks/${net}`, { network: { shared: true } });
  const [wildcard] = await list();
  assert.deepEqual([wildcard.target_tenant, wildcard.action], ['*', 'access_as_shared']);
  await policy('admin@infra', 'network', net, 'eve');
  await api.make('eve', '/ports', { port: { network_id: net } });
  const unshared = { network: { shared: false } };
  assert.equal((await api.send('admin@infra', 'PUT', `/networks/${net}`, unshared)).status, 200);
  assert.equal((await list()).length, 1);
  await api.send('admin@infra', 'PUT', `/networks/${net}`, { network: { shared: true } });
  await api.make('mallory', '/ports', { port: { network_id: net } });
  assert.deepEqual(await outcome('admin@infra', 'PUT', `/networks/${net}`, unshared), [
    409,
    'InvalidSharedSetting',
  ]);
  const own = (await ownNetwork()).net;
  assert.deepEqual(await outcome('demo', 'POST', '/rbac-policies', share('network', own, '*')), [
    403,
    'PolicyNotAuthorized',
  ]);
  const external = share('network', own, 'eve', { action: 'access_as_external' });
  assert.deepEqual(await outcome('demo', 'POST', '/rbac-policies', external), [403, 'PolicyNotAuthorized']);
});

test('an external network is one through policies', async () => {
  const { net } = await ownNetwork('admin@infra');
  const external = { action: 'access_as_external' };
  const made = await policy('admin@infra', 'network', net, 'eve', external);
  const seen = (await api.send('eve', 'GET', `/networks/${net}`)).body.network;
  assert.deepEqual([seen['router:external'], seen.shared], [true, false]);
  assert.deepEqual(await outcome('demo', 'GET', `/networks/${net}`), [404, 'NetworkNotFound']);
  await api.make('eve', '/routers', { router: { external_gateway_info: { network_id: net } } });
  assert.deepEqual(await outcome('admin@infra', 'DELETE', `/rbac-policies/${made.id}`), [
    409,
    'RbacPolicyInUse',
  ]);
  const unused = (await ownNetwork('admin@infra')).net;
  const other = await policy('admin@infra', 'network', unused, '*', external);
  await api.send('admin@infra', 'PUT', `/networks/${unused}`, { network: { is_default: true } });
  assert.deepEqual(await outcome('admin@infra', 'DELETE', `/rbac-policies/${other.id}`), [
    409,
    'RbacPolicyInUse',
  ]);
  await api.send('admin@infra', 'PUT', `/networks/${unused}`, { network: { is_default: false } });
  assert.equal((await api.send('admin@infra', 'DELETE', `/rbac-policies/${other.id}`)).status, 204);
  const after = (await api.send('admin@infra', 'GET', `/networks/${unused}`)).body.network;
  assert.equal(after['router:external'], false);
});

test('pools and scopes are shared while they are used', async () => {
  const prefixes = ['10.5.0.0/16'];
  const pool = await api.make('demo', '/subnetpools', { subnetpool: { prefixes } });
  const made = await policy('demo', 'subnetpool', pool.id, 'eve');
  const net = await api.make('eve', '/networks', { network: {} });
  const subnet = { network_id: net.id, ip_version: 4, subnetpool_id: pool.id, prefixlen: 24 };
  const { id } = await api.make('eve', '/subnets', { subnet });
  assert.deepEqual(await outcome('demo', 'DELETE', `/rbac-policies/${made.id}`), [409, 'RbacPolicyInUse']);
  await api.send('eve', 'DELETE', `/subnets/${id}`);
  assert.equal((await api.send('demo', 'DELETE', `/rbac-policies/${made.id}`)).status, 204);
  assert.deepEqual(await outcome('eve', 'GET', `/subnetpools/${pool.id}`), [404, 'SubnetPoolNotFound']);
});

test('a policy goes with its object, and is its maker’s', async () => {
  const { net } = await ownNetwork();
  const made = await policy('demo', 'network', net, 'eve');
  assert.deepEqual(await outcome('eve', 'GET', `/rbac-policies/${made.id}`), [404, 'RbacPolicyNotFound']);
  assert.deepEqual(await outcome('eve', 'DELETE', `/rbac-policies/${made.id}`), [404, 'RbacPolicyNotFound']);
  await api.send('demo', 'DELETE', `/networks/${net}`);
  assert.deepEqual(await outcome('demo', 'GET', `/rbac-policies/${made.id}`), [404, 'RbacPolicyNotFound']);
});

test('bad policies are refused', async () => {
  const { net } = await ownNetwork();
  const shared = (await ownNetwork()).net;
  await policy('demo', 'network', shared, 'eve');
  for (const [token, body, status, type] of [
    ['demo', share('router', net, 'eve'), 400, 'InvalidInput'],
    ['demo', share('network', net, 'eve', { action: 'steal' }), 400, 'InvalidInput'],
    ['demo', share('subnetpool', net, 'eve'), 404, 'SubnetPoolNotFound'],
    ['demo', share('network', 'x', 'eve'), 400, 'HTTPBadRequest'],
    ['demo', share('network', shared, 'eve'), 409, 'DuplicateRbacPolicy'],
    ['mallory', share('network', net, 'mallory'), 404, 'NetworkNotFound'],
    ['eve', share('network', shared, 'mallory'), 400, 'InvalidInput'],
    ['reader@demo', share('network', net, 'eve'), 403, 'PolicyNotAuthorized'],
  ] as const) {
    assert.deepEqual(await outcome(token, 'POST', '/rbac-policies', body), [status, type]);
  }
});
