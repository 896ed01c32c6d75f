/** Security groups beyond one project and one rule: address groups, sharing, state, and very many rules. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createNeutronApi, type NeutronApi } from '../../../test/helpers/neutron-api.ts';

type Body = Record<string, unknown>;

let api: NeutronApi;
before(async () => {
  api = await createNeutronApi({ quotas: { securityGroupRule: -1 } });
});
after(() => api[Symbol.asyncDispose]());

async function outcome(token: string, method: string, path: string, body?: Body) {
  const { status, body: answer } = await api.send(token, method, path, body);
  return [status, answer?.NeutronError?.type];
}
const group = async (body: Body = {}, token = 'demo') =>
  (await api.make(token, '/security-groups', { security_group: body })).id as string;
const rule = (security_group_id: string, body: Body) => ({
  security_group_rule: { security_group_id, direction: 'ingress', ...body },
});
const share = async (object_type: string, object_id: string, target_tenant: string) =>
  (
    await api.make('demo', '/rbac-policies', {
      rbac_policy: { object_type, object_id, target_tenant, action: 'access_as_shared' },
    })
  ).id as string;
const network = async () => {
  const { id } = await api.make('demo', '/networks', { network: {} });
  await api.make('demo', '/subnets', { subnet: { network_id: id, ip_version: 4, cidr: '10.0.0.0/24' } });
  return id as string;
};

describe('address groups', () => {
  const addressGroup = (addresses: string[]) =>
    api.make('demo', '/address-groups', { address_group: { name: 'ag', addresses } });

  test('hold CIDRs, each once, which come and go', async () => {
    const made = await addressGroup(['192.0.2.1/32', '10.1.2.3/8', '192.0.2.1', 'fd00::1']);
    assert.deepEqual(made, {
      id: made.id,
      name: 'ag',
      description: '',
      tenant_id: 'demo',
      project_id: 'demo',
      addresses: ['192.0.2.1/32', '10.0.0.0/8', 'fd00::1/128'],
      shared: false,
    });
    const act = (verb: string, addresses: unknown) =>
      api.send('demo', 'PUT', `/address-groups/${made.id}/${verb}`, { addresses });
    const added = await act('add_addresses', ['198.51.100.0/24']);
    assert.equal(added.body.address_group.addresses.length, 4);
    const removed = await act('remove_addresses', ['10.0.0.0/8', 'fd00::1']);
    assert.deepEqual(removed.body.address_group.addresses, ['192.0.2.1/32', '198.51.100.0/24']);
    for (const [verb, addresses, status, type] of [
      ['add_addresses', ['192.0.2.1'], 400, 'AddressesAlreadyExist'],
      ['remove_addresses', ['192.0.2.9'], 404, 'AddressesNotFound'],
      ['add_addresses', ['x'], 400, 'HTTPBadRequest'],
      ['add_addresses', 'x', 400, 'HTTPBadRequest'],
    ] as const) {
      const { status: got, body } = await act(verb, addresses);
      assert.deepEqual([got, body.NeutronError.type], [status, type]);
    }
    assert.deepEqual(
      await outcome('eve', 'PUT', `/address-groups/${made.id}/add_addresses`, { addresses: [] }),
      [404, 'AddressGroupNotFound'],
    );
    assert.deepEqual(
      await outcome('reader@demo', 'PUT', `/address-groups/${made.id}/add_addresses`, { addresses: [] }),
      [403, 'PolicyNotAuthorized'],
    );
  });

  test('are in use while a rule names them', async () => {
    const { id } = await addressGroup(['192.0.2.1']);
    const web = await group();
    const body = rule(web, { protocol: 'tcp', remote_address_group_id: id });
    const made = await api.make('demo', '/security-group-rules', body);
    assert.deepEqual([made.remote_address_group_id, made.remote_ip_prefix], [id, null]);
    assert.deepEqual(await outcome('demo', 'POST', '/security-group-rules', body), [
      409,
      'SecurityGroupRuleExists',
    ]);
    const both = rule(web, { remote_address_group_id: id, remote_ip_prefix: '10.0.0.0/8' });
    assert.deepEqual(await outcome('demo', 'POST', '/security-group-rules', both), [
      400,
      'SecurityGroupMultipleRemoteEntites',
    ]);
    assert.deepEqual(await outcome('demo', 'DELETE', `/address-groups/${id}`), [409, 'AddressGroupInUse']);
    await api.send('demo', 'DELETE', `/security-groups/${web}`);
    assert.equal((await api.send('demo', 'DELETE', `/address-groups/${id}`)).status, 204);
  });
});

describe('a shared security group', () => {
  test('is used by the other project, and changed by its owner alone', async () => {
    const web = await group({ name: 'web' });
    const { id: own } = await api.make('demo', '/security-group-rules', rule(web, { protocol: 'tcp' }));
    const policy = await share('security_group', web, 'eve');
    const seen = (await api.send('eve', 'GET', `/security-groups/${web}`)).body.security_group;
    assert.deepEqual([seen.shared, seen.security_group_rules.length], [true, 3]);
    const { security_groups } = (await api.send('eve', 'GET', '/security-groups?shared=True')).body;
    assert.deepEqual(
      security_groups.map(({ id }: { id: string }) => id),
      [web],
    );
    for (const [method, path, body] of [
      ['PUT', `/security-groups/${web}`, { security_group: { name: 'x' } }],
      ['DELETE', `/security-groups/${web}`, undefined],
      ['POST', '/security-group-rules', rule(web, { protocol: 'udp' })],
      ['PUT', `/security-group-rules/${own}`, { security_group_rule: { description: 'x' } }],
      ['DELETE', `/security-group-rules/${own}`, undefined],
    ] as const) {
      assert.deepEqual(await outcome('eve', method, path, body), [403, 'PolicyNotAuthorized'], path);
      assert.equal((await outcome('mallory', method, path, body))[0], 404, path);
    }
    const { id: net } = await api.make('eve', '/networks', { network: {} });
    const port = { port: { network_id: net, security_groups: [web] } };
    const { id } = await api.make('eve', '/ports', port);
    assert.deepEqual(await outcome('demo', 'DELETE', `/rbac-policies/${policy}`), [409, 'RbacPolicyInUse']);
    await api.send('eve', 'DELETE', `/ports/${id}`);
    assert.equal((await api.send('demo', 'DELETE', `/rbac-policies/${policy}`)).status, 204);
    assert.deepEqual(await outcome('eve', 'POST', '/ports', port), [404, 'SecurityGroupNotFound']);
  });
});

describe('groups of ports', () => {
  test('keep state all or none, and do not change that while in use', async () => {
    const [one, two] = [await group(), await group({ stateful: false })];
    const net = await network();
    const port = (security_groups: string[]) => ({ port: { network_id: net, security_groups } });
    assert.deepEqual(await outcome('demo', 'POST', '/ports', port([one, two])), [
      409,
      'SecurityGroupConflict',
    ]);
    await api.make('demo', '/ports', port([two]));
    const change = { security_group: { stateful: true } };
    assert.deepEqual(await outcome('demo', 'PUT', `/security-groups/${two}`, change), [
      409,
      'SecurityGroupInUse',
    ]);
    assert.equal((await outcome('demo', 'PUT', `/security-groups/${one}`, change))[0], 200);
  });

  test('go before port security does', async () => {
    const net = await network();
    const { id } = await api.make('demo', '/ports', { port: { network_id: net } });
    const put = (port: Body) => outcome('demo', 'PUT', `/ports/${id}`, { port });
    assert.deepEqual(await put({ port_security_enabled: false }), [409, 'PortSecurityPortHasSecurityGroup']);
    const pairs = [{ ip_address: '10.0.0.9' }];
    const off = { port_security_enabled: false, security_groups: [] };
    assert.deepEqual(await put({ ...off, allowed_address_pairs: pairs }), [
      409,
      'AddressPairAndPortSecurityRequired',
    ]);
    assert.deepEqual(await put({ allowed_address_pairs: [...pairs, ...pairs] }), [
      400,
      'DuplicateAddressPairInRequest',
    ]);
    assert.deepEqual(await put(off), [200, undefined]);
    assert.deepEqual(await put({ security_groups: [await group()] }), [
      400,
      'PortSecurityAndIPRequiredForSecurityGroups',
    ]);
  });

  test('the default one keeps its name', async () => {
    const [own] = (await api.send('demo', 'GET', '/security-groups?name=default')).body.security_groups;
    assert.equal(own.security_group_rules.length, 4);
    const renamed = { security_group: { name: 'x' } };
    assert.deepEqual(await outcome('demo', 'PUT', `/security-groups/${own.id}`, renamed), [
      409,
      'SecurityGroupCannotUpdateDefault',
    ]);
    assert.deepEqual(await outcome('demo', 'DELETE', `/security-groups/${own.id}`), [
      409,
      'SecurityGroupCannotRemoveDefault',
    ]);
  });
});

test('a thousand rules posted one after the other are all there, each as it was given', async () => {
  const many = await group();
  const ports = Array.from({ length: 1000 }, (_, index) => index + 1);
  for (const port of ports) {
    const body = rule(many, { protocol: 'tcp', port_range_min: port, port_range_max: port });
    await api.make('demo', '/security-group-rules', body);
  }
  const query = `security_group_id=${many}&direction=ingress&sort_key=port_range_min`;
  const { security_group_rules } = (await api.send('demo', 'GET', `/security-group-rules?${query}`)).body;
  assert.deepEqual(
    security_group_rules.map((one: Body) => [one.port_range_min, one.port_range_max]),
    ports.map((port) => [port, port]),
  );
  const shown = (await api.send('demo', 'GET', `/security-groups/${many}`)).body.security_group;
  assert.equal(shown.security_group_rules.length, 1002);
  assert.equal(shown.revision_number, 1001);
});
