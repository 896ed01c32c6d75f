/** QoS policies over HTTP: their rules below them and by alias, on networks and ports, and every refusal. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createNeutronApi, type NeutronApi } from '../../../test/helpers/neutron-api.ts';

let api: NeutronApi;
before(async () => {
  api = await createNeutronApi();
});
after(() => api[Symbol.asyncDispose]());

type Body = Record<string, unknown>;
const admin = 'admin@infra';

async function outcome(token: string, method: string, path: string, body?: Body) {
  const { status, body: answer } = await api.send(token, method, path, body);
  return [status, answer?.NeutronError?.type];
}
const policy = (body: Body = {}) => api.make(admin, '/qos/policies', { policy: body });
const limit = (id: string, body: Body) =>
  api.make(admin, `/qos/policies/${id}/bandwidth_limit_rules`, { bandwidth_limit_rule: body });

test('a policy has rules, which are shown with it, below it and by their own id', async () => {
  const made = await policy({ name: 'gold', description: 'd' });
  assert.deepEqual([made.shared, made.is_default, made.rules, made.tags], [false, false, [], []]);
  const rule = await limit(made.id, { max_kbps: '1000' });
  assert.deepEqual(rule, { id: rule.id, max_kbps: 1000, max_burst_kbps: 0, direction: 'egress' });
  const path = `/qos/policies/${made.id}/bandwidth_limit_rules/${rule.id}`;
  const changed = await api.send(admin, 'PUT', path, { bandwidth_limit_rule: { max_burst_kbps: 100 } });
  assert.equal(changed.body.bandwidth_limit_rule.max_burst_kbps, 100);
  const alias = `/qos/alias_bandwidth_limit_rules/${rule.id}`;
  const aliased = await api.send(admin, 'PUT', alias, { alias_bandwidth_limit_rule: { max_kbps: 7 } });
  assert.equal(aliased.body.alias_bandwidth_limit_rule.max_kbps, 7);
  const { body } = await api.send(admin, 'GET', `/qos/policies/${made.id}`);
  assert.deepEqual(body.policy.rules, [
    {
      id: rule.id,
      qos_policy_id: made.id,
      type: 'bandwidth_limit',
      max_kbps: 7,
      max_burst_kbps: 100,
      direction: 'egress',
    },
  ]);
  assert.equal(body.policy.revision_number, made.revision_number + 3);
  const listed = await api.send(admin, 'GET', `/qos/policies/${made.id}/bandwidth_limit_rules`);
  assert.equal(listed.body.bandwidth_limit_rules.length, 1);
  assert.equal((await api.send(admin, 'PUT', `/qos/policies/${made.id}/tags/t`)).status, 201);
  assert.equal((await api.send(admin, 'DELETE', alias)).status, 204);
  assert.deepEqual(await outcome(admin, 'GET', path), [404, 'QosRuleNotFound']);
  assert.deepEqual(await outcome(admin, 'GET', alias), [404, 'QosRuleNotFound']);
  assert.equal((await api.send(admin, 'DELETE', `/qos/policies/${made.id}`)).status, 204);
});

test('a policy is used by whom it is shared with, and is then in use', async () => {
  const { id } = await policy({ shared: true });
  const net = await api.make('demo', '/networks', { network: { qos_policy_id: id } });
  assert.equal(net.qos_policy_id, id);
  const port = await api.make('demo', '/ports', { port: { network_id: net.id } });
  assert.deepEqual([port.qos_policy_id, port.qos_network_policy_id], [null, id]);
  const put = (path: string, body: Body) => outcome('demo', 'PUT', path, body);
  assert.equal((await put(`/ports/${port.id}`, { port: { qos_policy_id: id } }))[0], 200);
  assert.equal((await put(`/networks/${net.id}`, { network: { qos_policy_id: null } }))[0], 200);
  const seen = (await api.send('demo', 'GET', `/ports/${port.id}`)).body.port;
  assert.deepEqual([seen.qos_policy_id, seen.qos_network_policy_id], [id, null]);
  assert.deepEqual(await outcome(admin, 'DELETE', `/qos/policies/${id}`), [409, 'QosPolicyInUse']);
  const unshared = { policy: { shared: false } };
  assert.deepEqual(await outcome(admin, 'PUT', `/qos/policies/${id}`, unshared), [409, 'RbacPolicyInUse']);
  assert.equal((await put(`/ports/${port.id}`, { port: { qos_policy_id: null } }))[0], 200);
  assert.equal((await outcome(admin, 'PUT', `/qos/policies/${id}`, unshared))[0], 200);
  const hidden = [404, 'QosPolicyNotFound'];
  assert.deepEqual(await outcome('demo', 'GET', `/qos/policies/${id}`), hidden);
  assert.deepEqual(await put(`/ports/${port.id}`, { port: { qos_policy_id: id } }), hidden);
  assert.deepEqual(await put(`/networks/${net.id}`, { network: { qos_policy_id: id } }), hidden);
});

test('a project’s default policy is that of its new networks', async () => {
  const { id } = await policy({ project_id: 'acme', is_default: true, shared: true });
  const net = await api.make('acme', '/networks', { network: {} });
  assert.equal(net.qos_policy_id, id);
  assert.equal((await api.make('demo', '/networks', { network: {} })).qos_policy_id, null);
  const second = { policy: { project_id: 'acme', is_default: true } };
  assert.deepEqual(await outcome(admin, 'POST', '/qos/policies', second), [
    409,
    'QoSPolicyDefaultAlreadyExists',
  ]);
});

test('what hosts do not do is refused, and so is what contradicts itself', async () => {
  const { id } = await policy({ shared: true });
  await limit(id, { max_kbps: 1 });
  const rules = `/qos/policies/${id}/bandwidth_limit_rules`;
  const body = (rule: Body) => ({ bandwidth_limit_rule: rule });
  for (const [token, method, path, sent, status, type] of [
    [admin, 'POST', rules, body({ max_kbps: 2 }), 409, 'QoSRulesConflict'],
    [admin, 'POST', rules, body({}), 400, 'HTTPBadRequest'],
    [admin, 'POST', rules, body({ max_kbps: -1 }), 400, 'HTTPBadRequest'],
    [admin, 'POST', rules, body({ max_kbps: 1, direction: 'up' }), 400, 'HTTPBadRequest'],
    ['demo', 'POST', rules, body({ max_kbps: 2 }), 403, 'PolicyNotAuthorized'],
    ['demo', 'POST', '/qos/policies', { policy: {} }, 403, 'PolicyNotAuthorized'],
    ['demo', 'DELETE', `/qos/policies/${id}`, undefined, 403, 'PolicyNotAuthorized'],
    [admin, 'POST', `/qos/policies/${id}/dscp_marking_rules`, {}, 409, 'QosRuleNotSupported'],
    [admin, 'POST', `/qos/policies/${id}/minimum_bandwidth_rules`, {}, 409, 'QosRuleNotSupported'],
    [admin, 'PATCH', '/qos/policies', undefined, 405, 'HTTPMethodNotAllowed'],
  ] as const) {
    assert.deepEqual(await outcome(token, method, path, sent), [status, type], `${method} ${path}`);
  }
  const { body: types } = await api.send('demo', 'GET', '/qos/rule-types');
  assert.deepEqual(types, { rule_types: [{ type: 'bandwidth_limit' }] });
  const { body: dscp } = await api.send('demo', 'GET', `/qos/policies/${id}/dscp_marking_rules`);
  assert.deepEqual(dscp, { dscp_marking_rules: [] });
});
