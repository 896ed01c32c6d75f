/** Subnet pools and address scopes over HTTP: blocks given out and taken back, and every refusal with its type. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createNeutronApi, type NeutronApi } from '../../../test/helpers/neutron-api.ts';

let api: NeutronApi;
before(async () => {
  api = await createNeutronApi();
});
after(() => api[Symbol.asyncDispose]());

type Body = Record<string, unknown>;

const pool = (body: Body, token = 'demo') => api.make(token, '/subnetpools', { subnetpool: body });
const network = async () => (await api.make('demo', '/networks', { network: {} })).id as string;
const subnet = (body: Body) => api.make('demo', '/subnets', { subnet: { ip_version: 4, ...body } });

async function refused(method: string, path: string, body?: Body, token = 'demo') {
  const { status, body: answer } = await api.send(token, method, path, body);
  return [status, answer?.NeutronError?.type];
}
const refusedSubnet = (body: Body) => refused('POST', '/subnets', { subnet: { ip_version: 4, ...body } });

test('a pool is shown as Neutron shows it: lengths as text, as numbers after a change', async () => {
  const made = await pool({ name: 'p', prefixes: ['10.91.0.0/16', '10.90.0.0/16'], default_prefixlen: 24 });
  assert.deepEqual(made.prefixes, ['10.90.0.0/15']);
  assert.deepEqual(
    [made.min_prefixlen, made.default_prefixlen, made.max_prefixlen, made.ip_version],
    ['8', '24', '32', 4],
  );
  assert.deepEqual(
    [made.is_default, made.shared, made.default_quota, made.address_scope_id],
    [false, false, null, null],
  );
  const change = { subnetpool: { default_prefixlen: '25', description: 'd' } };
  const changed = (await api.send('demo', 'PUT', `/subnetpools/${made.id}`, change)).body.subnetpool;
  assert.deepEqual([changed.default_prefixlen, changed.min_prefixlen, changed.description], [25, 8, 'd']);
  const [listed] = (await api.send('demo', 'GET', '/subnetpools?name=p')).body.subnetpools;
  assert.equal(listed.default_prefixlen, '25');
  assert.deepEqual(await refused('GET', `/subnetpools/${made.id}`, undefined, 'eve'), [
    404,
    'SubnetPoolNotFound',
  ]);
  assert.equal((await api.send('demo', 'PUT', `/subnetpools/${made.id}/tags/t`)).status, 201);
});

test('subnets take the next free block, an asked one, or the one around their gateway', async () => {
  const { id } = await pool({ prefixes: ['10.92.0.0/24'], default_prefixlen: 26 });
  const net = await network();
  const from = { network_id: net, subnetpool_id: id };
  const first = await subnet(from);
  assert.deepEqual([first.cidr, first.subnetpool_id, first.gateway_ip], ['10.92.0.0/26', id, '10.92.0.1']);
  assert.equal((await subnet({ ...from, prefixlen: '28' })).cidr, '10.92.0.64/28');
  assert.equal((await subnet({ ...from, cidr: '10.92.0.128/26' })).cidr, '10.92.0.128/26');
  assert.equal((await subnet({ ...from, gateway_ip: '10.92.0.254', prefixlen: 27 })).cidr, '10.92.0.224/27');
  assert.deepEqual(await refusedSubnet({ ...from, cidr: '10.92.0.192/26' }), [500, 'SubnetAllocationError']);
  assert.deepEqual(await refusedSubnet(from), [500, 'SubnetAllocationError']);
  assert.deepEqual(await refused('DELETE', `/subnetpools/${id}`), [400, 'SubnetPoolDeleteError']);
  await api.send('demo', 'DELETE', `/subnets/${first.id}`);
  assert.equal((await subnet(from)).cidr, '10.92.0.0/26');
  await api.send('demo', 'DELETE', `/networks/${net}`);
  assert.equal((await api.send('demo', 'DELETE', `/subnetpools/${id}`)).status, 204);
});

test('what a subnet may ask of a pool', async () => {
  const six = await pool({ prefixes: ['fd00::/48'] });
  assert.deepEqual([six.min_prefixlen, six.default_prefixlen, six.max_prefixlen], ['64', '64', '128']);
  const bounds = { min_prefixlen: 24, max_prefixlen: 28, default_prefixlen: 26, default_quota: 64 };
  const four = await pool({ prefixes: ['10.93.0.0/16'], ...bounds });
  const [net, from] = [await network(), four.id];
  for (const [body, status, type] of [
    [{ subnetpool_id: from, prefixlen: 29 }, 400, 'MaxPrefixSubnetAllocationError'],
    [{ subnetpool_id: from, prefixlen: 23 }, 400, 'MinPrefixSubnetAllocationError'],
    [{ subnetpool_id: from, prefixlen: 24 }, 409, 'SubnetPoolQuotaExceeded'],
    [{ subnetpool_id: from, prefixlen: 26, cidr: '10.93.0.0/26' }, 400, 'BadRequest'],
    [{ subnetpool_id: from, allocation_pools: [] }, 400, 'BadRequest'],
    [{ subnetpool_id: six.id }, 400, 'BadRequest'],
    [{ subnetpool_id: from, use_default_subnetpool: true }, 400, 'BadRequest'],
    [{ use_default_subnetpool: true }, 400, 'BadRequest'],
    [{}, 400, 'BadRequest'],
    [{ subnetpool_id: net }, 404, 'SubnetPoolNotFound'],
  ] as const) {
    assert.deepEqual(await refusedSubnet({ network_id: net, ...body }), [status, type], JSON.stringify(body));
  }
  await subnet({ network_id: net, subnetpool_id: from });
  assert.deepEqual(await refusedSubnet({ network_id: net, subnetpool_id: from }), [
    409,
    'SubnetPoolQuotaExceeded',
  ]);
});

test('all subnets of a network have one origin', async () => {
  const [one, two] = [await pool({ prefixes: ['10.94.0.0/16'] }), await pool({ prefixes: ['10.95.0.0/16'] })];
  const net = await network();
  await subnet({ network_id: net, subnetpool_id: one.id, prefixlen: 24 });
  const refusal = [400, 'NetworkSubnetPoolAffinityError'];
  assert.deepEqual(await refusedSubnet({ network_id: net, subnetpool_id: two.id, prefixlen: 24 }), refusal);
  assert.deepEqual(await refusedSubnet({ network_id: net, cidr: '10.1.0.0/24' }), refusal);
  await subnet({ network_id: net, ip_version: 6, cidr: 'fd01::/64' });
  const plain = await network();
  await subnet({ network_id: plain, cidr: '10.1.0.0/24' });
  assert.deepEqual(await refusedSubnet({ network_id: plain, subnetpool_id: one.id, prefixlen: 24 }), refusal);
});

test('a pool grows, and gives up what nobody has', async () => {
  const { id } = await pool({ prefixes: ['10.96.0.0/24'] });
  const put = (prefixes: string[]) => refused('PUT', `/subnetpools/${id}`, { subnetpool: { prefixes } });
  assert.deepEqual(await put(['10.96.0.0/25']), [400, 'IllegalSubnetPoolPrefixUpdate']);
  assert.deepEqual(await put(['10.96.0.0/24', 'fd00::/64']), [400, 'PrefixVersionMismatch']);
  const act = async (verb: string, prefixes: unknown) =>
    (await api.send('demo', 'PUT', `/subnetpools/${id}/${verb}`, { prefixes })).body;
  assert.deepEqual(await act('add_prefixes', ['10.96.1.0/24']), { prefixes: ['10.96.0.0/23'] });
  await subnet({ network_id: await network(), subnetpool_id: id, cidr: '10.96.1.0/26' });
  assert.equal(
    (await act('remove_prefixes', ['10.96.1.0/24'])).NeutronError.type,
    'IllegalSubnetPoolPrefixUpdate',
  );
  assert.deepEqual(await act('remove_prefixes', ['10.96.0.0/24']), { prefixes: ['10.96.1.0/24'] });
  assert.equal((await act('add_prefixes', 'x')).NeutronError.type, 'HTTPBadRequest');
  assert.equal((await act('add_prefixes', [])).NeutronError.type, 'HTTPBadRequest');
});

test('a network’s subnets can join a pool', async () => {
  const { id } = await pool({ prefixes: ['10.97.0.0/24'] });
  const net = await network();
  const { id: subnetId } = await subnet({ network_id: net, cidr: '10.98.0.0/24' });
  const { body } = await api.send('demo', 'PUT', `/subnetpools/${id}/onboard_network_subnets`, {
    network_id: net,
  });
  assert.deepEqual(body, [{ id: subnetId, cidr: '10.98.0.0/24' }]);
  assert.equal((await api.send('demo', 'GET', `/subnets/${subnetId}`)).body.subnet.subnetpool_id, id);
  assert.deepEqual((await api.send('demo', 'GET', `/subnetpools/${id}`)).body.subnetpool.prefixes, [
    '10.97.0.0/24',
    '10.98.0.0/24',
  ]);
  const again = await refused('PUT', `/subnetpools/${id}/onboard_network_subnets`, { network_id: net });
  assert.deepEqual(again, [400, 'IllegalSubnetPoolUpdate']);
});

test('one default pool per IP version, made by administrators', async () => {
  const wanted = { prefixes: ['10.100.0.0/16'], is_default: true, shared: true, default_prefixlen: 24 };
  assert.deepEqual(await refused('POST', '/subnetpools', { subnetpool: wanted }), [
    403,
    'PolicyNotAuthorized',
  ]);
  const made = await pool(wanted, 'admin@infra');
  assert.deepEqual(await refused('POST', '/subnetpools', { subnetpool: wanted }, 'admin@infra'), [
    400,
    'InvalidInput',
  ]);
  await pool({ prefixes: ['fd02::/48'], is_default: true, shared: true }, 'admin@infra');
  const net = await network();
  const taken = await subnet({ network_id: net, use_default_subnetpool: true });
  assert.deepEqual([taken.cidr, taken.subnetpool_id], ['10.100.0.0/24', made.id]);
  const six = await subnet({ network_id: net, ip_version: 6, use_default_subnetpool: true });
  assert.equal(six.cidr, 'fd02::/64');
  const seen = (await api.send('demo', 'GET', `/subnetpools/${made.id}`)).body.subnetpool;
  assert.equal(seen.shared, true);
  const change = { subnetpool: { name: 'mine' } };
  assert.deepEqual(await refused('PUT', `/subnetpools/${made.id}`, change), [403, 'PolicyNotAuthorized']);
});

test('bad pools are refused', async () => {
  for (const [body, status, type] of [
    [{}, 400, 'HTTPBadRequest'],
    [{ prefixes: [] }, 400, 'EmptySubnetPoolPrefixList'],
    [{ prefixes: ['10.0.0.0/8', 'fd00::/8'] }, 400, 'PrefixVersionMismatch'],
    [{ prefixes: ['10.0.0.0'] }, 400, 'HTTPBadRequest'],
    [
      { prefixes: ['10.0.0.0/8'], min_prefixlen: 25, max_prefixlen: 24 },
      400,
      'IllegalSubnetPoolPrefixBounds',
    ],
    [{ prefixes: ['10.0.0.0/8'], max_prefixlen: 33 }, 400, 'IllegalSubnetPoolPrefixBounds'],
    [{ prefixes: ['10.0.0.0/8'], default_prefixlen: 7 }, 400, 'IllegalSubnetPoolPrefixBounds'],
    [{ prefixes: ['10.0.0.0/8'], default_prefixlen: -1 }, 400, 'HTTPBadRequest'],
  ] as const) {
    const made = await refused('POST', '/subnetpools', { subnetpool: body });
    assert.deepEqual(made, [status, type], JSON.stringify(body));
  }
});

test('within an address scope every address exists once, and networks show their scope', async () => {
  const scope = (body: Body, token = 'demo') => api.make(token, '/address-scopes', { address_scope: body });
  const mine = await scope({ name: 's', ip_version: 4 });
  assert.deepEqual(Object.keys(mine).sort(), [
    'id',
    'ip_version',
    'name',
    'project_id',
    'shared',
    'tenant_id',
  ]);
  const inScope = { prefixes: ['10.101.0.0/16'], address_scope_id: mine.id };
  const { id } = await pool(inScope);
  const refusedPool = (body: Body) => refused('POST', '/subnetpools', { subnetpool: body });
  assert.deepEqual(await refusedPool(inScope), [409, 'AddressScopePrefixConflict']);
  assert.deepEqual(await refusedPool({ prefixes: ['fd00::/48'], address_scope_id: mine.id }), [
    400,
    'IllegalSubnetPoolIpVersionAssociationToAddressScope',
  ]);
  assert.deepEqual(await refusedPool({ ...inScope, address_scope_id: id }), [404, 'AddressScopeNotFound']);
  const net = await network();
  await subnet({ network_id: net, subnetpool_id: id, prefixlen: 24 });
  const shown = (await api.send('demo', 'GET', `/networks/${net}`)).body.network;
  assert.deepEqual([shown.ipv4_address_scope, shown.ipv6_address_scope], [mine.id, null]);
  const elsewhere = await pool({ prefixes: ['10.102.0.0/16'] });
  assert.deepEqual(await refusedSubnet({ network_id: net, subnetpool_id: elsewhere.id, prefixlen: 24 }), [
    400,
    'NetworkAddressScopeAffinityError',
  ]);
  const sibling = await pool({ prefixes: ['10.103.0.0/16'], address_scope_id: mine.id });
  await subnet({ network_id: net, subnetpool_id: sibling.id, prefixlen: 24 });
  assert.deepEqual(await refused('PUT', `/subnetpools/${id}`, { subnetpool: { address_scope_id: null } }), [
    200,
    undefined,
  ]);
  assert.deepEqual(await refused('DELETE', `/address-scopes/${mine.id}`), [409, 'AddressScopeInUse']);
  const common = await scope({ name: 'c', ip_version: 4, shared: true }, 'admin@infra');
  assert.deepEqual(
    await refused('PUT', `/address-scopes/${common.id}`, { address_scope: { shared: false } }, 'admin@infra'),
    [400, 'AddressScopeUpdateError'],
  );
  assert.equal(
    (await api.send('demo', 'GET', `/address-scopes/${common.id}`)).body.address_scope.shared,
    true,
  );
});
