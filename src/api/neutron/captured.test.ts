/**
 * The requests that the `openstack` command line was seen to send to a real Neutron, in that order, with the bodies as
 * it sent them and the statuses that it got. Afterwards everything can be deleted in the order that it chose.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createNeutronApi, type NeutronApi } from '../../../test/helpers/neutron-api.ts';

let api: NeutronApi;
before(async () => {
  api = await createNeutronApi({ network: { mtu: 1450 } });
});
after(() => api[Symbol.asyncDispose]());

type Body = Record<string, unknown>;
interface Call {
  readonly of: string;
  /** Names in braces become ids: `{networks/labnet}`. */
  readonly path: string;
  readonly body?: Body;
  readonly status: number;
}

const post = (path: string, body: Body, status = 201): Call => ({ of: 'POST', path, body, status });
const put = (path: string, body: Body, status = 200): Call => ({ of: 'PUT', path, body, status });
const get = (path: string, status = 200): Call => ({ of: 'GET', path, status });
const drop = (path: string, status = 204): Call => ({ of: 'DELETE', path, status });

const rule = {
  port_range_max: 81,
  security_group_id: '{security-groups/labsg}',
  remote_ip_prefix: '192.0.2.0/24',
  port_range_min: 80,
  ethertype: 'IPv4',
  protocol: 'tcp',
  direction: 'ingress',
};
const labport = {
  device_id: 'd',
  network_id: '{networks/labnet2}',
  allowed_address_pairs: [{ ip_address: '10.80.0.99' }],
  fixed_ips: [{ subnet_id: '{subnets/labsubx}', ip_address: '10.80.0.11' }],
  dns_name: 'h1',
  name: 'labport',
  security_groups: ['{security-groups/labsg}'],
  mac_address: 'fa:16:3e:11:22:33',
  admin_state_up: true,
  device_owner: 'compute:zun',
};

const calls: readonly Call[] = [
  get('/extensions'),
  get('/networks'),
  post('/networks', { network: { description: 'd1', admin_state_up: true, name: 'labnet' } }),
  put('/networks/{networks/labnet}/tags', { tags: ['t1', 't2'] }),
  get('/networks/labnet', 404),
  get('/networks?name=nosuch'),
  get('/networks?name=labnet&tags=t1'),
  put('/networks/{networks/labnet}', { network: { name: 'labnet2', description: 'd2' } }),
  put('/networks/{networks/labnet2}/tags', { tags: [] }),
  get('/networks?router%3Aexternal=True'),
  post('/subnetpools', {
    subnetpool: { default_prefixlen: 24, prefixes: ['10.90.0.0/16'], name: 'labpool' },
  }),
  put('/subnetpools/{subnetpools/labpool}/tags', { tags: ['p1'] }),
  get('/subnetpools/labpool', 404),
  put('/subnetpools/{subnetpools/labpool}', { subnetpool: { default_prefixlen: 25 } }),
  post('/subnets', {
    subnet: {
      name: 'labsub',
      ip_version: 4,
      dns_nameservers: ['192.0.2.1'],
      network_id: '{networks/labnet2}',
      gateway_ip: '10.80.0.1',
      cidr: '10.80.0.0/24',
      host_routes: [{ destination: '10.81.0.0/16', nexthop: '10.80.0.9' }],
      allocation_pools: [{ start: '10.80.0.10', end: '10.80.0.12' }],
    },
  }),
  post('/networks', { network: { name: 'poolnet', admin_state_up: true } }),
  post('/subnets', {
    subnet: {
      network_id: '{networks/poolnet}',
      ip_version: 4,
      subnetpool_id: '{subnetpools/labpool}',
      prefixlen: '26',
      name: 'labsub2',
    },
  }),
  drop('/subnets/{subnets/labsub2}'),
  drop('/networks/{networks/poolnet}'),
  post(
    '/subnets',
    {
      subnet: { name: 'labsub3', network_id: '{networks/labnet2}', ip_version: 4, cidr: '10.80.0.0/25' },
    },
    400,
  ),
  post('/subnets', {
    subnet: {
      cidr: 'fd00:80::/64',
      name: 'labsub6',
      ipv6_ra_mode: 'slaac',
      ip_version: 6,
      network_id: '{networks/labnet2}',
      ipv6_address_mode: 'slaac',
    },
  }),
  put('/subnets/{subnets/labsub}', { subnet: { enable_dhcp: false, name: 'labsubx' } }),
  put('/subnets/{subnets/labsubx}/tags', { tags: ['st'] }),
  post('/security-groups', { security_group: { name: 'labsg', description: 'sgd' } }),
  put('/security-groups/{security-groups/labsg}/tags', { tags: ['x'] }),
  get('/security-groups?fields=id&fields=name&fields=description&fields=project_id&fields=tags'),
  put('/security-groups/{security-groups/labsg}', { security_group: { description: 'sgd2' } }),
  post('/security-group-rules', { security_group_rule: rule }),
  post('/security-group-rules', { security_group_rule: rule }, 409),
  post('/security-group-rules', {
    security_group_rule: {
      remote_group_id: '{security-groups/labsg}',
      ethertype: 'IPv4',
      protocol: 'icmp',
      direction: 'ingress',
      security_group_id: '{security-groups/labsg}',
    },
  }),
  post('/address-groups', { address_group: { addresses: ['192.0.2.1/32'], name: 'labag' } }),
  drop('/address-groups/{address-groups/labag}'),
  get('/extensions/tag-ports-during-bulk-creation', 404),
  post('/ports', { port: labport }),
  put('/ports/{ports/labport}/tags', { tags: ['pt'] }),
  post('/ports', { port: { admin_state_up: true, network_id: '{networks/labnet2}', name: 'labport2' } }),
  post(
    '/ports',
    { port: { name: 'p3', fixed_ips: labport.fixed_ips, network_id: '{networks/labnet2}' } },
    409,
  ),
  post(
    '/ports',
    {
      port: {
        name: 'p3',
        network_id: '{networks/labnet2}',
        fixed_ips: [{ subnet_id: '{subnets/labsubx}', ip_address: '10.99.0.11' }],
      },
    },
    400,
  ),
  post('/ports', { port: { network_id: '{networks/labnet2}', 'binding:host_id': 'oslab-host' } }, 403),
  get('/ports?fields=id&fields=name&fields=security_group_ids&fixed_ips=ip_address%3D10.80.0.11'),
  get('/ports?device_id=d&device_owner=compute%3Azun&fields=id'),
  put('/ports/{ports/labport}', {
    port: {
      security_groups: ['{security-groups/labsg}', '{security-groups/default}'],
      name: 'labportx',
      allowed_address_pairs: [
        { mac_address: 'fa:16:3e:11:22:33', ip_address: '10.80.0.99' },
        { ip_address: '10.80.0.98' },
      ],
    },
  }),
  put('/ports/{ports/labport2}', { port: { port_security_enabled: false, security_groups: [] } }),
  drop('/subnets/{subnets/labsubx}', 409),
  drop('/networks/{networks/labnet2}', 409),
  put(
    '/ports/{ports/labportx}',
    { port: { security_groups: ['{security-groups/labsg}', '{security-groups/labsg}'] } },
    400,
  ),
  drop('/security-groups/{security-groups/labsg}', 409),
  drop('/ports/{ports/labportx}'),
  drop('/ports/{ports/labport2}'),
  drop('/security-groups/{security-groups/labsg}'),
  drop('/subnets/{subnets/labsubx}'),
  drop('/networks/{networks/labnet2}'),
  drop('/subnetpools/{subnetpools/labpool}'),
  get('/availability_zones'),
  get('/agents'),
  get('/network-ip-availabilities?ip_version=4'),
  get('/rbac-policies'),
  get('/service-providers'),
  get('/flavors'),
];

/** `{networks/labnet}` → the id of the network of that name. */
async function resolve(text: string): Promise<string> {
  let resolved = text;
  for (const [whole, path, name] of text.matchAll(/\{([a-z-]+)\/([a-z0-9]+)\}/g)) {
    const { body } = await api.send('demo', 'GET', `/${path}?name=${name}`);
    const [found] = Object.values(body)[0] as { id: string }[];
    assert.ok(found, whole);
    resolved = resolved.replaceAll(whole, found.id);
  }
  return resolved;
}

test('every captured request has the captured status', async () => {
  await api.send('demo', 'GET', '/security-groups');
  for (const { of, path, body, status } of calls) {
    const sent = body && JSON.parse(await resolve(JSON.stringify(body)));
    const answer = await api.send('demo', of, await resolve(path), sent);
    assert.equal(answer.status, status, `${of} ${path}: ${JSON.stringify(answer.body)}`);
    const shown = Object.values(answer.body ?? {})[0] as Body | undefined;
    if (of !== 'POST' || status !== 201) continue;
    const [given] = Object.values(sent ?? {}) as Body[];
    for (const [name, value] of Object.entries(given ?? {})) {
      if (['prefixlen', 'fixed_ips', 'allowed_address_pairs', 'default_prefixlen'].includes(name)) continue;
      assert.deepEqual(shown?.[name], value, `${path}: ${name} as it was set`);
    }
  }
});
