import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createNeutronApi, type NeutronApi } from '../../../test/helpers/neutron-api.ts';

const nobody = '00000000-0000-4000-8000-000000000000';

describe('documents and authentication', () => {
  let api: NeutronApi;
  before(async () => {
    api = await createNeutronApi();
  });
  after(() => api[Symbol.asyncDispose]());

  test('without a good token everything is 401 in the shape of Keystone’s middleware', async () => {
    for (const [token, path] of [
      ['', '/networks'],
      ['bad', '/ports'],
      ['', ''],
      ['', '/nonsense'],
    ] as const) {
      const { status, body, headers } = await api.send(token, 'GET', path);
      assert.equal(status, 401, path);
      assert.equal(body.error.title, 'Unauthorized');
      assert.equal(headers['www-authenticate'], 'Keystone uri="http://cloud.test:9517/identity"');
    }
  });

  test('resources, extensions and zones are listed; unknown ones are 404', async () => {
    const { body } = await api.send('demo', 'GET', '/');
    const href = 'http://cloud.test:9517/network/v2.0/networks';
    assert.deepEqual(body.resources[0], {
      name: 'network',
      collection: 'networks',
      links: [{ rel: 'self', href }],
    });
    const { extensions } = (await api.send('demo', 'GET', '/extensions')).body;
    assert.ok(extensions.some(({ alias }: { alias: string }) => alias === 'security-group'));
    assert.equal((await api.send('demo', 'GET', '/extensions/port-security')).status, 200);
    const unknown = await api.send('demo', 'GET', '/extensions/trunk');
    assert.deepEqual([unknown.status, unknown.headers['content-type']], [404, 'text/html; charset=UTF-8']);
    assert.equal(
      (await api.send('demo', 'GET', '/availability_zones')).body.availability_zones[0].name,
      'nova',
    );
    assert.deepEqual((await api.send('demo', 'GET', '/floatingips')).body, { floatingips: [] });
    assert.equal((await api.send('demo', 'GET', '/nonsense')).body.NeutronError.type, 'HTTPNotFound');
    assert.equal((await api.send('demo', 'PATCH', '/networks')).status, 405);
  });
});

describe('a project at work', () => {
  let api: NeutronApi;
  before(async () => {
    api = await createNeutronApi();
  });
  after(() => api[Symbol.asyncDispose]());

  test('a network has every attribute that clients expect', async () => {
    const made = await api.make('demo', '/networks', { network: { name: 'net', description: 'd' } });
    assert.deepEqual(Object.keys(made).sort(), [
      'admin_state_up',
      'availability_zone_hints',
      'availability_zones',
      'created_at',
      'description',
      'dns_domain',
      'id',
      'ipv4_address_scope',
      'ipv6_address_scope',
      'is_default',
      'mtu',
      'name',
      'port_security_enabled',
      'project_id',
      'qos_policy_id',
      'revision_number',
      'router:external',
      'shared',
      'status',
      'subnets',
      'tags',
      'tenant_id',
      'updated_at',
    ]);
    assert.equal(made.mtu, 1450);
    assert.match(made.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const seen = (await api.send('admin@infra', 'GET', `/networks/${made.id}`)).body.network;
    assert.equal(seen['provider:network_type'], 'vxlan');
    assert.ok(seen['provider:segmentation_id'] > 0);
  });

  test('subnet, port, group, rule: made, shown, changed and deleted', async () => {
    const net = await api.make('demo', '/networks', { network: { name: 'life' } });
    const subnet = await api.make('demo', '/subnets', {
      subnet: {
        network_id: net.id,
        ip_version: '4',
        cidr: '10.80.0.0/24',
        gateway_ip: '10.80.0.1',
        dns_nameservers: ['192.0.2.1'],
        host_routes: [{ destination: '10.81.0.0/16', nexthop: '10.80.0.9' }],
        allocation_pools: [{ start: '10.80.0.10', end: '10.80.0.12' }],
      },
    });
    assert.equal(subnet.gateway_ip, '10.80.0.1');
    const group = await api.make('demo', '/security-groups', { security_group: { name: 'web' } });
    assert.equal(group.security_group_rules.length, 2);
    const rule = await api.make('demo', '/security-group-rules', {
      security_group_rule: {
        security_group_id: group.id,
        direction: 'ingress',
        protocol: 'TCP',
        port_range_min: '80',
        port_range_max: 81,
        remote_ip_prefix: '192.0.2.7/24',
      },
    });
    assert.equal(rule.protocol, 'tcp');
    assert.deepEqual([rule.remote_ip_prefix, rule.normalized_cidr], ['192.0.2.7/24', '192.0.2.0/24']);
    const port = await api.make('demo', '/ports', {
      port: {
        network_id: net.id,
        name: 'p',
        security_groups: [group.id],
        allowed_address_pairs: [{ ip_address: '10.80.0.99' }],
        mac_address: 'FA:16:3E:11:22:33',
        fixed_ips: [{ subnet_id: subnet.id, ip_address: '10.80.0.11' }],
      },
    });
    assert.deepEqual(port.fixed_ips, [{ subnet_id: subnet.id, ip_address: '10.80.0.11' }]);
    assert.deepEqual(port.allowed_address_pairs, [
      { mac_address: 'fa:16:3e:11:22:33', ip_address: '10.80.0.99' },
    ]);
    assert.equal(port['binding:host_id'], undefined);
    assert.equal((await api.send('demo', 'DELETE', `/security-groups/${group.id}`)).status, 409);
    assert.equal(
      (await api.send('demo', 'DELETE', `/subnets/${subnet.id}`)).body.NeutronError.type,
      'SubnetInUse',
    );
    assert.equal(
      (await api.send('demo', 'DELETE', `/networks/${net.id}`)).body.NeutronError.type,
      'NetworkInUse',
    );
    const changed = await api.send(
      'demo',
      'PUT',
      `/ports/${port.id}`,
      { port: { name: 'q', security_groups: [] } },
      { 'if-match': 'revision_number=1' },
    );
    assert.equal(changed.body.port.revision_number, 2);
    const late = { 'if-match': 'revision_number=1' };
    const refused = await api.send('demo', 'PUT', `/ports/${port.id}`, { port: { name: 'r' } }, late);
    assert.equal(refused.status, 412);
    assert.equal(refused.body.NeutronError.type, 'RevisionNumberConstraintFailed');
    for (const path of [
      `/ports/${port.id}`,
      `/security-group-rules/${rule.id}`,
      `/security-groups/${group.id}`,
      `/networks/${net.id}`,
    ]) {
      assert.equal((await api.send('demo', 'DELETE', path)).status, 204, path);
      assert.equal((await api.send('demo', 'GET', path)).status, 404, path);
    }
    assert.equal((await api.send('demo', 'GET', `/subnets/${subnet.id}`)).status, 404);
  });

  test('the default group has four rules, comes by itself and stays', async () => {
    const { security_groups } = (await api.send('fresh', 'GET', '/security-groups')).body;
    assert.equal(security_groups.length, 1);
    const [group] = security_groups;
    const rules: { direction: string; ethertype: string; remote_group_id: string | null }[] =
      group.security_group_rules;
    assert.deepEqual(
      rules.map((rule) => `${rule.direction} ${rule.ethertype} ${rule.remote_group_id === group.id}`).sort(),
      ['egress IPv4 false', 'egress IPv6 false', 'ingress IPv4 true', 'ingress IPv6 true'],
    );
    const deleted = await api.send('fresh', 'DELETE', `/security-groups/${group.id}`);
    assert.equal(deleted.body.NeutronError.type, 'SecurityGroupCannotRemoveDefault');
    const again = await api.send('fresh', 'POST', '/security-groups', {
      security_group: { name: 'default' },
    });
    assert.equal(again.body.NeutronError.type, 'SecurityGroupDefaultAlreadyExists');
  });

  test('whose only role is reader looks, and changes nothing', async () => {
    const { id } = await api.make('demo', '/networks', { network: { name: 'looked-at' } });
    const path = `/networks/${id}`;
    assert.equal((await api.send('reader@demo', 'GET', path)).status, 200);
    for (const [method, to, body] of [
      ['POST', '/networks', { network: {} }],
      ['PUT', path, { network: { name: 'changed' } }],
      ['PUT', `${path}/tags`, { tags: ['changed'] }],
      ['DELETE', path, undefined],
    ] as const) {
      const answer = await api.send('reader@demo', method, to, body);
      assert.deepEqual([answer.status, answer.body.NeutronError.type], [403, 'PolicyNotAuthorized'], to);
    }
    assert.equal((await api.send('demo', 'GET', path)).body.network.revision_number, 1);
  });

  test('tags are set, added, asked for and removed', async () => {
    const net = await api.make('demo', '/networks', { network: { name: 'tagged' } });
    const path = `/networks/${net.id}/tags`;
    assert.deepEqual((await api.send('demo', 'PUT', path, { tags: ['b', 'a'] })).body, { tags: ['b', 'a'] });
    assert.equal((await api.send('demo', 'PUT', `${path}/c`)).status, 201);
    assert.equal((await api.send('demo', 'GET', `${path}/c`)).status, 204);
    assert.equal((await api.send('demo', 'DELETE', `${path}/c`)).status, 204);
    assert.equal((await api.send('demo', 'GET', `${path}/c`)).body.NeutronError.type, 'TagNotFound');
    assert.deepEqual((await api.send('demo', 'GET', path)).body, { tags: ['a', 'b'] });
    const named = async (query: string) =>
      (await api.send('demo', 'GET', `/networks?name=tagged&${query}`)).body.networks.length;
    assert.deepEqual(
      [
        await named('tags=a,b'),
        await named('tags=a,z'),
        await named('tags-any=a,z'),
        await named('not-tags=a,b'),
        await named('not-tags-any=z'),
      ],
      [1, 0, 1, 0, 1],
    );
    assert.equal((await api.send('eve', 'PUT', path, { tags: [] })).status, 404);
    assert.equal((await api.send('demo', 'PUT', path, { tags: ['a,b'] })).status, 400);
    assert.equal((await api.send('demo', 'DELETE', path)).status, 204);
  });

  test('quotas are shown, counted, set by administrators and kept', async () => {
    const own = await api.send('q', 'GET', '/quotas/q');
    assert.equal(own.body.quota.network, 100);
    const set = (token: string) => api.send(token, 'PUT', '/quotas/q', { quota: { network: '1' } });
    assert.equal((await set('q')).body.NeutronError.message, 'rule:update_quota is disallowed by policy');
    assert.equal((await set('admin@infra')).body.quota.network, 1);
    await api.make('q', '/networks', { network: {} });
    const over = await api.send('q', 'POST', '/networks', { network: {} });
    assert.deepEqual(
      [over.status, over.body.NeutronError.type, over.body.NeutronError.message],
      [409, 'OverQuota', "Quota exceeded for resources: ['network']."],
    );
    const { quota } = (await api.send('q', 'GET', '/quotas/q/details.json')).body;
    assert.deepEqual(quota.network, { limit: 1, used: 1, reserved: 0 });
    assert.equal((await api.send('q', 'GET', '/quotas/q/default')).body.quota.network, 100);
    const low = { quota: { network: 0, check_limit: true } };
    assert.equal((await api.send('admin@infra', 'PUT', '/quotas/q', low)).status, 400);
    assert.equal((await api.send('admin@infra', 'DELETE', '/quotas/q')).status, 204);
    assert.equal((await api.send('q', 'GET', '/quotas/q')).body.quota.network, 100);
    assert.equal((await api.send('eve', 'GET', '/quotas/q')).status, 403);
  });

  test('bulk creation makes all or none', async () => {
    const good = { networks: [{ name: 'bulk' }, { name: 'bulk' }] };
    assert.equal((await api.send('demo', 'POST', '/networks', good)).body.networks.length, 2);
    const bad = { networks: [{ name: 'none' }, { name: 'none', mtu: 9000 }] };
    assert.equal((await api.send('demo', 'POST', '/networks', bad)).status, 400);
    assert.deepEqual((await api.send('demo', 'GET', '/networks?name=none')).body, { networks: [] });
  });
});

describe('lists', () => {
  let api: NeutronApi;
  let networkId: string;
  before(async () => {
    api = await createNeutronApi();
    for (const name of ['c', 'a', 'b']) await api.make('demo', '/networks', { network: { name } });
    networkId = (await api.make('demo', '/networks', { network: { name: 'd', admin_state_up: false } })).id;
    const subnet = { network_id: networkId, ip_version: 6, cidr: 'fd00:80::/64' };
    await api.make('demo', '/subnets', { subnet });
    const fixed_ips = [{ ip_address: 'fd00:80::AB' }];
    await api.make('demo', '/ports', { port: { network_id: networkId, fixed_ips, device_id: 'x' } });
  });
  after(() => api[Symbol.asyncDispose]());

  const namesOf = (list: { name: string }[]) => list.map(({ name }) => name).join('');

  test('filters: repeated means one of, booleans in any spelling', async () => {
    const names = async (query: string) =>
      namesOf((await api.send('demo', 'GET', `/networks?${query}`)).body.networks);
    assert.equal(await names('name=a&name=b'), 'ab');
    assert.equal(await names('admin_state_up=False'), 'd');
    assert.equal(await names('router:external=true'), '');
    assert.equal(await names(`id=${networkId}&name=a`), '');
    assert.equal(await names('tenant_id=eve'), '');
    assert.equal(await names('sort_key=name&sort_dir=desc'), 'dcba');
    assert.equal(await names('changed_since=2999-01-01T00:00:00Z'), '');
  });

  test('ports are found by address in any spelling, by subnet, by part of an address', async () => {
    const count = async (value: string) =>
      (await api.send('demo', 'GET', `/ports?fixed_ips=${value}`)).body.ports.length;
    assert.equal(await count('ip_address%3DFD00:80:0::ab'), 1);
    assert.equal(await count('ip_address%3Dfd00:80::ac'), 0);
    assert.equal(await count(`subnet_id%3D${nobody}`), 0);
    assert.equal(await count('ip_address_substr%3D80::'), 1);
    assert.equal(await count('nonsense'), 0);
  });

  test('fields, also unknown ones', async () => {
    const { ports } = (await api.send('demo', 'GET', '/ports?fields=device_id&fields=zzz')).body;
    assert.deepEqual(ports, [{ device_id: 'x' }]);
  });

  test('pages follow each other both ways', async () => {
    const page = async (query: string) => (await api.send('demo', 'GET', `/networks?${query}`)).body;
    const first = await page('sort_key=name&limit=3&fields=name&fields=id');
    assert.equal(namesOf(first.networks), 'abc');
    assert.equal(first.networks_links.length, 1);
    const [next] = first.networks_links;
    assert.equal(next.rel, 'next');
    const second = await page(next.href.split('?')[1]);
    assert.equal(namesOf(second.networks), 'd');
    const [previous] = second.networks_links;
    assert.equal(previous.rel, 'previous');
    assert.equal(namesOf((await page(previous.href.split('?')[1])).networks), 'abc');
    assert.equal((await api.send('demo', 'GET', `/networks?limit=1&marker=${nobody}`)).status, 404);
    assert.equal((await api.send('demo', 'GET', '/networks?limit=x')).body.NeutronError.type, 'InvalidInput');
  });
});

describe('whose things', () => {
  let api: NeutronApi;
  before(async () => {
    api = await createNeutronApi();
  });
  after(() => api[Symbol.asyncDispose]());

  test('another project’s objects are not there', async () => {
    const net = await api.make('demo', '/networks', { network: { name: 'private' } });
    const subnet = await api.make('demo', '/subnets', {
      subnet: { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24' },
    });
    const port = await api.make('demo', '/ports', { port: { network_id: net.id } });
    const group = await api.make('demo', '/security-groups', { security_group: { name: 'g' } });
    const paths = [
      `/networks/${net.id}`,
      `/subnets/${subnet.id}`,
      `/ports/${port.id}`,
      `/security-groups/${group.id}`,
      `/security-group-rules/${group.security_group_rules[0].id}`,
    ];
    for (const path of paths) {
      const key = path.split('/')[1]?.slice(0, -1).replaceAll('-', '_') ?? '';
      assert.equal((await api.send('eve', 'GET', path)).status, 404, path);
      assert.equal((await api.send('eve', 'DELETE', path)).status, 404, path);
      assert.equal((await api.send('eve', 'PUT', path, { [key]: { description: 'x' } })).status, 404, path);
      assert.equal((await api.send('admin@infra', 'GET', path)).status, 200, path);
    }
    const onTheirs = { port: { network_id: net.id } };
    assert.equal(
      (await api.send('eve', 'POST', '/ports', onTheirs)).body.NeutronError.type,
      'NetworkNotFound',
    );
    const mine = await api.make('eve', '/networks', { network: {} });
    const withTheirs = { port: { network_id: mine.id, security_groups: [group.id] } };
    const refused = await api.send('eve', 'POST', '/ports', withTheirs);
    assert.deepEqual([refused.status, refused.body.NeutronError.type], [404, 'SecurityGroupNotFound']);
    const remote = {
      security_group_id: (await api.send('eve', 'GET', '/security-groups')).body.security_groups[0].id,
      direction: 'ingress',
      remote_group_id: group.id,
    };
    const rule = await api.send('eve', 'POST', '/security-group-rules', { security_group_rule: remote });
    assert.equal(rule.status, 404);
  });

  test('a shared network is seen and used, but not changed', async () => {
    const net = await api.make('admin@infra', '/networks', { network: { name: 'all', shared: true } });
    const subnet = { network_id: net.id, ip_version: 4, cidr: '10.9.0.0/24' };
    await api.make('admin@infra', '/subnets', { subnet });
    assert.equal((await api.send('eve', 'GET', `/networks/${net.id}`)).status, 200);
    assert.equal((await api.send('eve', 'GET', '/subnets')).body.subnets.length, 1);
    const deleted = await api.send('eve', 'DELETE', `/networks/${net.id}`);
    assert.deepEqual(
      [deleted.status, deleted.body.NeutronError.message],
      [403, 'rule:delete_network is disallowed by policy'],
    );
    const sub = await api.send('eve', 'POST', '/subnets', {
      subnet: { network_id: net.id, ip_version: 4, cidr: '10.10.0.0/24' },
    });
    assert.equal(sub.status, 403);
    await api.make('eve', '/ports', { port: { network_id: net.id } });
    for (const attributes of [
      { mac_address: 'fa:16:3e:00:00:01' },
      { fixed_ips: [{ ip_address: '10.9.0.77' }] },
      { allowed_address_pairs: [{ ip_address: '10.9.0.1' }] },
      { port_security_enabled: false },
    ]) {
      const refused = await api.send('eve', 'POST', '/ports', {
        port: { network_id: net.id, ...attributes },
      });
      assert.equal(refused.status, 403, JSON.stringify(attributes));
    }
  });

  test('attributes for administrators are refused with Neutron’s names of rules', async () => {
    const refusal = async (path: string, body: object) => {
      const { status, body: answer } = await api.send('eve', 'POST', path, body);
      assert.equal(status, 403, JSON.stringify(body));
      return answer.NeutronError.message;
    };
    const { id: network_id } = await api.make('eve', '/networks', { network: { shared: false } });
    assert.equal(
      await refusal('/ports', { port: { network_id, 'binding:host_id': 'h' } }),
      '(rule:create_port and rule:create_port:binding:host_id) is disallowed by policy',
    );
    assert.equal(
      await refusal('/networks', {
        network: { 'provider:network_type': 'flat', 'provider:physical_network': 'public' },
      }),
      '((rule:create_network and rule:create_network:provider:network_type) and ' +
        'rule:create_network:provider:physical_network) is disallowed by policy',
    );
    await refusal('/networks', { network: { shared: true } });
    await refusal('/networks', { network: { 'router:external': true } });
    await refusal('/networks', { network: { tenant_id: 'demo' } });
    await refusal('/ports', { port: { network_id, device_owner: 'network:router_interface' } });
  });
});

describe('bad input', () => {
  let api: NeutronApi;
  let net: string;
  let group: string;
  before(async () => {
    api = await createNeutronApi();
    net = (await api.make('demo', '/networks', { network: { name: 'n' } })).id;
    const subnet = { network_id: net, ip_version: 4, cidr: '10.0.0.0/29' };
    await api.make('demo', '/subnets', { subnet });
    const fixed_ips = [{ ip_address: '10.0.0.3' }];
    await api.make('demo', '/ports', {
      port: { network_id: net, mac_address: 'fa:16:3e:00:00:01', fixed_ips },
    });
    group = (await api.make('demo', '/security-groups', { security_group: { name: 'g' } })).id;
  });
  after(() => api[Symbol.asyncDispose]());

  const inNet = (subnet: object) => ({ subnet: { network_id: net, ip_version: 4, ...subnet } });
  const onNet = (port: object) => ({ port: { network_id: net, ...port } });
  const inGroup = (rule: object) => ({
    security_group_rule: { security_group_id: group, direction: 'ingress', ...rule },
  });
  const pool = (start: string, end: string) => ({ start, end });

  const table: readonly [what: string, path: string, body: () => unknown, status: number, type: string][] = [
    ['no body', '/networks', () => undefined, 400, 'HTTPBadRequest'],
    ['no JSON', '/networks', () => '{x', 400, 'HTTPBadRequest'],
    ['no resource', '/networks', () => ({}), 400, 'HTTPBadRequest'],
    ['a list', '/networks', () => [], 400, 'HTTPBadRequest'],
    ['unknown attribute', '/networks', () => ({ network: { zzz: 1 } }), 400, 'HTTPBadRequest'],
    ['read-only attribute', '/networks', () => ({ network: { status: 'DOWN' } }), 400, 'HTTPBadRequest'],
    ['no boolean either', '/networks', () => ({ network: { shared: 'constructor' } }), 400, 'InvalidInput'],
    ['no boolean', '/networks', () => ({ network: { admin_state_up: 'maybe' } }), 400, 'InvalidInput'],
    ['name not text', '/networks', () => ({ network: { name: {} } }), 400, 'HTTPBadRequest'],
    ['long name', '/networks', () => ({ network: { name: 'x'.repeat(256) } }), 400, 'HTTPBadRequest'],
    ['mtu too big', '/networks', () => ({ network: { mtu: 9000 } }), 400, 'InvalidInput'],
    ['mtu no number', '/networks', () => ({ network: { mtu: '1e3' } }), 400, 'InvalidInput'],
    ['no ip_version', '/subnets', () => ({ subnet: { cidr: '10.0.0.0/24' } }), 400, 'HTTPBadRequest'],
    ['no cidr', '/subnets', () => inNet({}), 400, 'BadRequest'],
    ['octal cidr', '/subnets', () => inNet({ cidr: '010.1.0.0/24' }), 400, 'HTTPBadRequest'],
    ['host bits', '/subnets', () => inNet({ cidr: '10.1.0.5/24' }), 400, 'HTTPBadRequest'],
    ['everything', '/subnets', () => inNet({ cidr: '0.0.0.0/0' }), 400, 'InvalidInput'],
    ['loopback', '/subnets', () => inNet({ cidr: '127.0.0.0/24' }), 400, 'InvalidInput'],
    ['multicast', '/subnets', () => inNet({ cidr: '224.1.0.0/24' }), 400, 'InvalidInput'],
    ['wrong version', '/subnets', () => inNet({ cidr: 'fd00::/64' }), 400, 'InvalidInput'],
    ['overlap', '/subnets', () => inNet({ cidr: '10.0.0.0/24' }), 400, 'InvalidInput'],
    [
      'gateway outside',
      '/subnets',
      () => inNet({ cidr: '10.1.0.0/24', gateway_ip: '10.2.0.1' }),
      400,
      'InvalidInput',
    ],
    [
      'gateway in pool',
      '/subnets',
      () => inNet({ cidr: '10.1.0.0/24', allocation_pools: [pool('10.1.0.1', '10.1.0.9')] }),
      409,
      'GatewayConflictWithAllocationPools',
    ],
    [
      'pool outside',
      '/subnets',
      () => inNet({ cidr: '10.1.0.0/24', allocation_pools: [pool('10.1.0.9', '10.1.1.9')] }),
      400,
      'InvalidAllocationPool',
    ],
    [
      'pools overlap',
      '/subnets',
      () =>
        inNet({
          cidr: '10.1.0.0/24',
          allocation_pools: [pool('10.1.0.9', '10.1.0.19'), pool('10.1.0.19', '10.1.0.29')],
        }),
      409,
      'OverlappingAllocationPools',
    ],
    [
      'v6 mode on v4',
      '/subnets',
      () => inNet({ cidr: '10.1.0.0/24', ipv6_ra_mode: 'slaac' }),
      400,
      'InvalidInput',
    ],
    [
      'unknown mode',
      '/subnets',
      () => ({ subnet: { network_id: net, ip_version: 6, cidr: 'fd00::/64', ipv6_ra_mode: 'x' } }),
      400,
      'HTTPBadRequest',
    ],
    [
      'nameserver',
      '/subnets',
      () => inNet({ cidr: '10.1.0.0/24', dns_nameservers: ['x'] }),
      400,
      'HTTPBadRequest',
    ],
    [
      'subnet pool',
      '/subnets',
      () => inNet({ cidr: '10.1.0.0/24', subnetpool_id: net }),
      404,
      'SubnetPoolNotFound',
    ],
    ['no network', '/ports', () => ({ port: { network_id: nobody } }), 404, 'NetworkNotFound'],
    ['network no id', '/ports', () => ({ port: { network_id: 'n' } }), 400, 'HTTPBadRequest'],
    ['mac in use', '/ports', () => onNet({ mac_address: 'fa-16-3e-00-00-01' }), 409, 'MacAddressInUse'],
    ['multicast mac', '/ports', () => onNet({ mac_address: '01:00:5e:00:00:01' }), 400, 'HTTPBadRequest'],
    [
      'address in use',
      '/ports',
      () => onNet({ fixed_ips: [{ ip_address: '10.0.0.3' }] }),
      409,
      'IpAddressAlreadyAllocated',
    ],
    [
      'address elsewhere',
      '/ports',
      () => onNet({ fixed_ips: [{ ip_address: '10.9.0.3' }] }),
      400,
      'InvalidIpForNetwork',
    ],
    [
      'broadcast',
      '/ports',
      () => onNet({ fixed_ips: [{ ip_address: '10.0.0.7' }] }),
      400,
      'InvalidIpForSubnet',
    ],
    ['empty address', '/ports', () => onNet({ fixed_ips: [{}] }), 400, 'InvalidInput'],
    ['unknown subnet', '/ports', () => onNet({ fixed_ips: [{ subnet_id: nobody }] }), 400, 'InvalidInput'],
    ['addresses no list', '/ports', () => onNet({ fixed_ips: 'x' }), 400, 'HTTPBadRequest'],
    ['group twice', '/ports', () => onNet({ security_groups: [group, group] }), 400, 'HTTPBadRequest'],
    ['group unknown', '/ports', () => onNet({ security_groups: [nobody] }), 404, 'SecurityGroupNotFound'],
    ['pair', '/ports', () => onNet({ allowed_address_pairs: [{ ip_address: 'x' }] }), 400, 'HTTPBadRequest'],
    ['pair key', '/ports', () => onNet({ allowed_address_pairs: [{ ip: 'x' }] }), 400, 'HTTPBadRequest'],
    [
      'no security, groups',
      '/ports',
      () => onNet({ port_security_enabled: false, security_groups: [group] }),
      400,
      'PortSecurityAndIPRequiredForSecurityGroups',
    ],
    ['vnic type', '/ports', () => onNet({ 'binding:vnic_type': 'direct' }), 400, 'HTTPBadRequest'],
    ['direction', '/security-group-rules', () => inGroup({ direction: 'sideways' }), 400, 'HTTPBadRequest'],
    [
      'ethertype',
      '/security-group-rules',
      () => inGroup({ ethertype: 'IPX' }),
      400,
      'SecurityGroupRuleInvalidEtherType',
    ],
    [
      'protocol',
      '/security-group-rules',
      () => inGroup({ protocol: 'bogus' }),
      400,
      'SecurityGroupRuleInvalidProtocol',
    ],
    [
      'protocol 256',
      '/security-group-rules',
      () => inGroup({ protocol: 256 }),
      400,
      'SecurityGroupRuleInvalidProtocol',
    ],
    [
      'protocol of Object',
      '/security-group-rules',
      () => inGroup({ protocol: 'constructor' }),
      400,
      'SecurityGroupRuleInvalidProtocol',
    ],
    [
      'ports alone',
      '/security-group-rules',
      () => inGroup({ port_range_min: 1, port_range_max: 2 }),
      400,
      'SecurityGroupProtocolRequiredWithPorts',
    ],
    [
      'ports swapped',
      '/security-group-rules',
      () => inGroup({ protocol: 'tcp', port_range_min: 2, port_range_max: 1 }),
      400,
      'SecurityGroupInvalidPortRange',
    ],
    [
      'port too big',
      '/security-group-rules',
      () => inGroup({ protocol: 'udp', port_range_min: 1, port_range_max: 65536 }),
      400,
      'SecurityGroupInvalidPortValue',
    ],
    [
      'port 0',
      '/security-group-rules',
      () => inGroup({ protocol: 'udp', port_range_min: 0, port_range_max: 7 }),
      400,
      'SecurityGroupInvalidPortValue',
    ],
    [
      'one port only',
      '/security-group-rules',
      () => inGroup({ protocol: 'udp', port_range_min: 7 }),
      400,
      'SecurityGroupInvalidPortRange',
    ],
    [
      'ports of a protocol without',
      '/security-group-rules',
      () => inGroup({ protocol: 'gre', port_range_min: 7, port_range_max: 7 }),
      400,
      'SecurityGroupInvalidProtocolForPort',
    ],
    [
      'ICMP type',
      '/security-group-rules',
      () => inGroup({ protocol: 'icmp', port_range_min: 256 }),
      400,
      'SecurityGroupInvalidIcmpValue',
    ],
    [
      'ICMPv6 in IPv4',
      '/security-group-rules',
      () => inGroup({ protocol: 'ipv6-icmp' }),
      400,
      'SecurityGroupEthertypeConflictWithProtocol',
    ],
    [
      'prefix no CIDR',
      '/security-group-rules',
      () => inGroup({ remote_ip_prefix: '10.0.0.0/99' }),
      400,
      'InvalidCIDR',
    ],
    [
      'unknown address group',
      '/security-group-rules',
      () => inGroup({ remote_address_group_id: nobody }),
      404,
      'AddressGroupNotFound',
    ],
    [
      'code alone',
      '/security-group-rules',
      () => inGroup({ protocol: 'icmp', port_range_max: 0 }),
      400,
      'SecurityGroupMissingIcmpType',
    ],
    [
      'two remotes',
      '/security-group-rules',
      () => inGroup({ remote_group_id: group, remote_ip_prefix: '10.0.0.0/8' }),
      400,
      'SecurityGroupMultipleRemoteEntites',
    ],
    [
      'prefix of v6',
      '/security-group-rules',
      () => inGroup({ remote_ip_prefix: 'fd00::/8' }),
      400,
      'SecurityGroupRuleParameterConflict',
    ],
    [
      'same rule',
      '/security-group-rules',
      () => inGroup({ direction: 'egress' }),
      409,
      'SecurityGroupRuleExists',
    ],
    [
      'no such group',
      '/security-group-rules',
      () => ({ security_group_rule: { security_group_id: nobody, direction: 'ingress' } }),
      404,
      'SecurityGroupNotFound',
    ],
  ];

  for (const [what, path, body, status, type] of table) {
    test(`${path}: ${what} is ${status} ${type}`, async () => {
      const payload = body();
      const headers = typeof payload === 'string' ? { 'content-type': 'application/json' } : {};
      const answer = await api.send('demo', 'POST', path, payload, headers);
      assert.deepEqual(
        [answer.status, answer.body.NeutronError.type],
        [status, type],
        JSON.stringify(answer.body),
      );
      assert.ok(answer.body.NeutronError.message);
    });
  }

  test('unknown filters are named', async () => {
    const { status, body } = await api.send('demo', 'GET', '/networks?zzz=1');
    assert.deepEqual(
      [status, body.NeutronError.message],
      [400, "['zzz'] is invalid attribute for filtering"],
    );
  });

  test('what cannot change is refused', async () => {
    const change = (path: string, body: object) => api.send('demo', 'PUT', path, body);
    const { subnets } = (await api.send('demo', 'GET', '/subnets')).body;
    const subnet = await change(`/subnets/${subnets[0].id}`, { subnet: { cidr: '10.5.0.0/24' } });
    assert.match(subnet.body.NeutronError.message, /Cannot update read-only attribute cidr/);
    assert.equal((await change(`/networks/${net}`, { network: { project_id: 'eve' } })).status, 400);
    assert.equal(
      (await api.send('demo', 'PUT', `/networks/${net}`, { network: { name: 'x' } }, { 'if-match': 'x' }))
        .status,
      400,
    );
  });

  test('the last address is given, the next is refused, and a freed one is given again', async () => {
    const ports: string[] = [];
    for (let left = 4; left > 0; left -= 1) {
      ports.push((await api.make('demo', '/ports', onNet({}))).id);
    }
    const { status, body } = await api.send('demo', 'POST', '/ports', onNet({}));
    assert.deepEqual([status, body.NeutronError.type], [409, 'IpAddressGenerationFailure']);
    await api.send('demo', 'DELETE', `/ports/${ports[1]}`);
    await api.make('demo', '/ports', onNet({}));
  });
});

describe('names, providers and the rest of the attributes', () => {
  let api: NeutronApi;
  before(async () => {
    api = await createNeutronApi();
  });
  after(() => api[Symbol.asyncDispose]());
  const refusal = async (...args: Parameters<NeutronApi['send']>) => {
    const { status, body } = await api.send(...args);
    return [status, body.NeutronError?.type];
  };

  test('a port has a name in the domain of its network, and shows what it was given', async () => {
    const net = await api.make('demo', '/networks', { network: { dns_domain: 'My-Corp.example.' } });
    assert.equal(net.dns_domain, 'my-corp.example.');
    await api.make('demo', '/subnets', {
      subnet: { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24' },
    });
    const given = { network_id: net.id, dns_name: 'Web-1', dns_domain: 'x.test.' };
    const options = [{ opt_name: 'mtu', opt_value: '1400' }];
    const port = await api.make('demo', '/ports', { port: { ...given, extra_dhcp_opts: options } });
    assert.equal(port.dns_name, 'web-1');
    assert.equal(port.dns_domain, 'x.test.');
    assert.deepEqual(port.dns_assignment, [
      { ip_address: '10.0.0.2', hostname: 'web-1', fqdn: 'web-1.my-corp.example.' },
    ]);
    assert.deepEqual(port.extra_dhcp_opts, [{ opt_name: 'mtu', opt_value: '1400', ip_version: 4 }]);
    assert.deepEqual([port.ip_allocation, port.propagate_uplink_status], ['immediate', true]);
    const change = { dns_name: '', extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: null }] };
    const { body } = await api.send('demo', 'PUT', `/ports/${port.id}`, { port: change });
    assert.deepEqual(
      [body.port.dns_name, body.port.dns_assignment[0].fqdn, body.port.extra_dhcp_opts],
      ['', 'host-10-0-0-2.my-corp.example.', []],
    );
  });

  test('without a domain of its own a network is in that of the service', async () => {
    const net = await api.make('demo', '/networks', { network: {} });
    await api.make('demo', '/subnets', { subnet: { network_id: net.id, ip_version: 6, cidr: 'fd00::/64' } });
    const port = await api.make('demo', '/ports', {
      port: { network_id: net.id, fixed_ips: [{ ip_address: 'fd00::7' }] },
    });
    assert.equal(port.dns_assignment[0].fqdn, 'host-fd00--7.openstacklocal.');
  });

  test('an administrator makes flat external networks, one of them the default', async () => {
    const flat = { 'provider:network_type': 'flat', 'provider:physical_network': 'physnet1' };
    const outside = { ...flat, 'router:external': true, is_default: true };
    const net = await api.make('admin@infra', '/networks', { network: outside });
    assert.deepEqual(
      [net['provider:network_type'], net['provider:physical_network'], net['provider:segmentation_id']],
      ['flat', 'physnet1', null],
    );
    assert.deepEqual([net.is_default, net.mtu], [true, 1500]);
    const post = (network: object) => refusal('admin@infra', 'POST', '/networks', { network });
    assert.deepEqual(await post({ ...flat, 'router:external': true }), [409, 'FlatNetworkInUse']);
    assert.deepEqual(await post({ 'router:external': true, is_default: true }), [
      409,
      'DefaultExternalNetworkExists',
    ]);
    assert.deepEqual(await post({ ...flat, 'provider:physical_network': 'p2' }), [400, 'InvalidInput']);
    assert.deepEqual(await post({ 'provider:network_type': 'vlan' }), [400, 'InvalidInput']);
    assert.deepEqual(await post({ 'provider:segmentation_id': 7 }), [400, 'InvalidInput']);
    assert.deepEqual(await refusal('demo', 'POST', '/networks', { network: flat }), [
      403,
      'PolicyNotAuthorized',
    ]);
    assert.deepEqual(await refusal('demo', 'POST', '/networks', { network: { is_default: true } }), [
      403,
      'PolicyNotAuthorized',
    ]);
  });

  test('zones, domains and names that are none are refused', async () => {
    const post = (network: object) => refusal('demo', 'POST', '/networks', { network });
    assert.deepEqual(await post({ availability_zone_hints: ['moon'] }), [404, 'AvailabilityZoneNotFound']);
    assert.deepEqual(await post({ dns_domain: 'nodot' }), [400, 'HTTPBadRequest']);
    assert.deepEqual(await post({ dns_domain: '-x.test.' }), [400, 'HTTPBadRequest']);
    const net = await api.make('demo', '/networks', { network: { availability_zone_hints: ['nova'] } });
    assert.deepEqual(net.availability_zone_hints, ['nova']);
    for (const dns_name of ['a_b', 'a..b', `${'x'.repeat(64)}`, 'web.openstacklocal.', '-a', 'a.1']) {
      const port = { network_id: net.id, dns_name };
      assert.deepEqual(await refusal('demo', 'POST', '/ports', { port }), [400, 'HTTPBadRequest'], dns_name);
    }
  });

  test('a subnet may be for some owners only', async () => {
    const net = await api.make('demo', '/networks', { network: {} });
    const subnet = (cidr: string, service_types: string[]) => ({
      subnet: { network_id: net.id, ip_version: 4, cidr, service_types },
    });
    await api.make('demo', '/subnets', subnet('10.0.0.0/24', ['compute:berth']));
    const port = { network_id: net.id };
    assert.deepEqual(await refusal('demo', 'POST', '/ports', { port }), [
      409,
      'IpAddressGenerationFailureNoMatchingSubnet',
    ]);
    await api.make('demo', '/subnets', subnet('10.1.0.0/24', []));
    const plain = await api.make('demo', '/ports', { port });
    assert.equal(plain.fixed_ips[0].ip_address, '10.1.0.2');
    const owned = await api.make('demo', '/ports', { port: { ...port, device_owner: 'compute:berth' } });
    assert.equal(owned.fixed_ips[0].ip_address, '10.0.0.2');
    assert.deepEqual(await refusal('demo', 'POST', '/subnets', subnet('10.2.0.0/24', ['x:y'])), [
      400,
      'InvalidSubnetServiceType',
    ]);
  });

  test('a new MAC address on request, and a profile by administrators', async () => {
    const net = await api.make('demo', '/networks', { network: {} });
    const port = await api.make('demo', '/ports', { port: { network_id: net.id } });
    const { body } = await api.send('demo', 'PUT', `/ports/${port.id}`, { port: { mac_address: null } });
    assert.match(body.port.mac_address, /^fa:16:3e:/);
    assert.notEqual(body.port.mac_address, port.mac_address);
    const profile = { 'binding:profile': { slot: [1, { a: null }] } };
    assert.deepEqual(await refusal('demo', 'PUT', `/ports/${port.id}`, { port: profile }), [
      403,
      'PolicyNotAuthorized',
    ]);
    const seen = await api.send('admin@infra', 'PUT', `/ports/${port.id}`, { port: profile });
    assert.deepEqual(seen.body.port['binding:profile'], { slot: [1, { a: null }] });
  });

  test('ports compute their addresses in a SLAAC subnet, whichever was first', async () => {
    const net = await api.make('demo', '/networks', { network: {} });
    const mac_address = 'fa:16:3e:11:22:33';
    const port = await api.make('demo', '/ports', { port: { network_id: net.id, mac_address } });
    assert.deepEqual(port.fixed_ips, []);
    const modes = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' };
    const { id } = await api.make('demo', '/subnets', {
      subnet: { network_id: net.id, ip_version: 6, cidr: 'fd00:80::/64', ...modes },
    });
    const addresses = async () => {
      const { body } = await api.send('demo', 'GET', `/ports/${port.id}`);
      return body.port.fixed_ips.map((ip: { ip_address: string }) => ip.ip_address);
    };
    assert.deepEqual(await addresses(), ['fd00:80::f816:3eff:fe11:2233']);
    const small = { network_id: net.id, ip_version: 6, cidr: 'fd00:81::/80', ...modes };
    assert.deepEqual(await refusal('demo', 'POST', '/subnets', { subnet: small }), [400, 'InvalidInput']);
    assert.equal((await api.send('demo', 'DELETE', `/subnets/${id}`)).status, 204);
    assert.deepEqual(await addresses(), []);
  });

  test('a bound port keeps its MAC address', async () => {
    const net = await api.make('demo', '/networks', { network: {} });
    const port = await api.make('admin@infra', '/ports', {
      port: { network_id: net.id, 'binding:host_id': 'h1', project_id: 'demo' },
    });
    const change = { port: { mac_address: 'fa:16:3e:00:00:09' } };
    assert.deepEqual(await refusal('demo', 'PUT', `/ports/${port.id}`, change), [409, 'PortBound']);
    await api.send('admin@infra', 'PUT', `/ports/${port.id}`, { port: { 'binding:host_id': null } });
    assert.deepEqual(await refusal('demo', 'PUT', `/ports/${port.id}`, change), [200, undefined]);
  });
});
