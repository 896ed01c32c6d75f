/**
 * A whole tenant taken apart in any order: what is still in use is refused with a 4xx that changes nothing, everything
 * goes in the end, and nothing stays behind in the store.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNeutronApi, type NeutronApi } from '../../../test/helpers/neutron-api.ts';

const token = 'admin@demo';

/** Paths of all that was made. */
async function build(api: NeutronApi): Promise<string[]> {
  const paths: string[] = [];
  const make = async (path: string, body: object): Promise<string> => {
    const { id } = await api.make(token, path, body);
    paths.push(`${path}/${id}`);
    return id;
  };
  const scope = await make('/address-scopes', { address_scope: { name: 's', ip_version: 4 } });
  const pool = await make('/subnetpools', {
    subnetpool: { prefixes: ['10.0.0.0/16'], address_scope_id: scope, default_prefixlen: 24 },
  });
  const policy = await make('/qos/policies', { policy: {} });
  await api.make(token, `/qos/policies/${policy}/bandwidth_limit_rules`, {
    bandwidth_limit_rule: { max_kbps: 1000 },
  });
  const outside = await make('/networks', { network: { 'router:external': true } });
  await make('/subnets', { subnet: { network_id: outside, ip_version: 4, cidr: '172.24.4.0/24' } });
  const inside = await make('/networks', { network: { qos_policy_id: policy } });
  const subnet = await make('/subnets', {
    subnet: { network_id: inside, ip_version: 4, subnetpool_id: pool },
  });
  const slaac = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' };
  await make('/subnets', { subnet: { network_id: inside, ip_version: 6, cidr: 'fd00::/64', ...slaac } });
  const addresses = await make('/address-groups', { address_group: { addresses: ['192.0.2.0/24'] } });
  const group = await make('/security-groups', { security_group: {} });
  const rule = { security_group_id: group, direction: 'ingress' };
  await make('/security-group-rules', {
    security_group_rule: { ...rule, remote_address_group_id: addresses },
  });
  await make('/security-group-rules', { security_group_rule: { ...rule, remote_group_id: group } });
  const port = await make('/ports', {
    port: { network_id: inside, security_groups: [group], qos_policy_id: policy, dns_name: 'web' },
  });
  const router = await make('/routers', {
    router: { external_gateway_info: { network_id: outside } },
  });
  await api.send(token, 'PUT', `/routers/${router}/add_router_interface`, { subnet_id: subnet });
  await make('/floatingips', { floatingip: { floating_network_id: outside, port_id: port } });
  for (const [object_type, object_id] of [
    ['network', inside],
    ['security_group', group],
    ['subnetpool', pool],
    ['address_scope', scope],
    ['address_group', addresses],
    ['qos_policy', policy],
  ] as const) {
    const action = 'access_as_shared';
    const rbac_policy = { object_type, object_id, action, target_tenant: 'eve' };
    await make('/rbac-policies', { rbac_policy });
  }
  for (const path of [`/networks/${inside}`, `/ports/${port}`, `/subnetpools/${pool}`]) {
    await api.send(token, 'PUT', `${path}/tags`, { tags: ['a', 'b'] });
  }
  return paths;
}

/** A router's interface goes by an action of its own. */
async function detach(api: NeutronApi, path: string): Promise<void> {
  const id = path.split('/').at(-1);
  const { body } = await api.send(token, 'GET', `/ports?device_id=${id}`);
  for (const port of body.ports as { id: string; device_owner: string }[]) {
    if (port.device_owner !== 'network:router_interface') continue;
    await api.send(token, 'PUT', `/routers/${id}/remove_router_interface`, { port_id: port.id });
  }
}

async function takeApart(api: NeutronApi, order: readonly string[]): Promise<void> {
  let left = order;
  while (left.length > 0) {
    const refused: string[] = [];
    for (const path of left) {
      const before = await api.send(token, 'GET', path);
      // Rules go with their group, subnets with their network, policies with what they share.
      if (before.status === 404) continue;
      if (path.startsWith('/routers/')) await detach(api, path);
      const { status, body } = await api.send(token, 'DELETE', path);
      if (status === 204) continue;
      assert.ok(status === 409 || status === 400, `${path}: ${status} ${JSON.stringify(body)}`);
      assert.equal((await api.send(token, 'GET', path)).status, 200, path);
      refused.push(path);
    }
    assert.ok(refused.length < left.length, `nothing goes any more: ${refused.join(' ')}`);
    left = refused;
  }
}

const tables = [
  'networks',
  'subnets',
  'ports',
  'fixed_ips',
  'routers',
  'floating_ips',
  'subnet_pools',
  'address_scopes',
  'address_groups',
  'qos_policies',
  'bandwidth_limits',
  'rbac_policies',
  'network_tags',
] as const;

test('a tenant is taken apart in any order and leaves nothing behind', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { minLength: 40, maxLength: 40 }), async (keys) => {
      await using api = await createNeutronApi();
      const paths = await build(api);
      const order = paths
        .map((path, index) => ({ path, key: keys[index] ?? 0 }))
        .toSorted((a, b) => a.key - b.key)
        .map(({ path }) => path);
      await takeApart(api, order);
      for (const table of tables) {
        const rows = await api.world.db.selectFrom(table).selectAll().execute();
        assert.deepEqual(rows, [], table);
      }
    }),
    { numRuns: 12 },
  );
});
