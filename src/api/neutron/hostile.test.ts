/** Whatever JSON comes in, the answer is a refusal in Neutron's shape or a success, never an internal error. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createNeutronApi, type NeutronApi } from '../../../test/helpers/neutron-api.ts';
import {
  portForwardingKind,
  type ResourceKind,
  resourceKinds,
} from '../../control/network/resource/kinds.ts';

let api: NeutronApi;
let networkId: string;
let groupId: string;
let externalId: string;
let routerId: string;
let floatingId: string;

before(async () => {
  api = await createNeutronApi({
    quotas: {
      network: -1,
      subnet: -1,
      port: -1,
      securityGroup: -1,
      securityGroupRule: -1,
      router: -1,
      floatingip: -1,
    },
  });
  networkId = (await api.make('demo', '/networks', { network: {} })).id;
  await api.make('demo', '/subnets', {
    subnet: { network_id: networkId, ip_version: 4, cidr: '10.0.0.0/24' },
  });
  const outside = { name: 'public', 'router:external': true };
  externalId = (await api.make('admin@infra', '/networks', { network: outside })).id;
  await api.make('admin@infra', '/subnets', {
    subnet: { network_id: externalId, ip_version: 4, cidr: '172.24.4.0/24' },
  });
  routerId = (await api.make('demo', '/routers', { router: {} })).id;
  const floatingip = { floating_network_id: externalId };
  floatingId = (await api.make('demo', '/floatingips', { floatingip })).id;
  groupId = (await api.make('demo', '/security-groups', { security_group: {} })).id;
});
after(() => api[Symbol.asyncDispose]());

const words = fc.constantFrom(
  '',
  'x',
  'true',
  '-1',
  '80',
  'tcp',
  'ingress',
  'IPv6',
  '10.0.0.9',
  '10.9.0.0/24',
  'fd00::/64',
  'fd00::/1000',
  '::',
  'constructor',
  '__proto__',
  'fa:16:3e:00:00:01',
  '00000000-0000-4000-8000-000000000000',
  '\u0000',
  '\ud800',
);
const scalar = fc.oneof(words, fc.integer(), fc.double({ noNaN: true }), fc.boolean(), fc.constant(null));
const entry = fc.dictionary(
  fc.constantFrom('start', 'end', 'ip_address', 'subnet_id', 'mac_address', 'destination', 'nexthop', 'x'),
  scalar,
  { maxKeys: 3 },
);
/** JavaScript can make no text of it. */
const textless = fc.constantFrom<object>({ toString: [] }, [{ toString: 1, valueOf: null }]);
const value = fc.oneof({ weight: 4, arbitrary: scalar }, { weight: 4, arbitrary: entry }, textless, {
  weight: 4,
  arbitrary: fc.array(fc.oneof(scalar, entry, textless), { maxLength: 3 }),
});

for (const [path, kind] of Object.entries<ResourceKind>(resourceKinds)) {
  const names = kind.table.map(({ name }) => name);
  const bodies = fc.dictionary(fc.constantFrom(...names, 'zzz'), value, { maxKeys: 5 });

  test(`POST /${path} with anything`, async () => {
    const good: Record<string, unknown> = {
      networks: {},
      subnets: { network_id: networkId, ip_version: 4, cidr: '10.1.0.0/24' },
      ports: { network_id: networkId },
      'security-groups': {},
      'qos/policies': {},
      'address-groups': { addresses: ['10.0.0.1'] },
      subnetpools: { prefixes: ['10.64.0.0/10'] },
      'address-scopes': { ip_version: 4 },
      'rbac-policies': {
        object_type: 'network',
        object_id: networkId,
        action: 'access_as_shared',
        target_tenant: 'eve',
      },
      'security-group-rules': { security_group_id: groupId, direction: 'ingress' },
    };
    await fc.assert(
      fc.asyncProperty(bodies, fc.boolean(), async (given, isComplete) => {
        const body = isComplete ? { ...(good[path] as object), ...given } : given;
        const answer = await api.send('demo', 'POST', `/${path}`, { [kind.singular]: body });
        assert.ok(answer.status < 500, JSON.stringify(answer.body));
        if (answer.status !== 201) {
          assert.ok(answer.body.NeutronError.type && answer.body.NeutronError.message);
          return;
        }
        const { id } = answer.body[kind.singular];
        const shown = await api.send('demo', 'GET', `/${path}/${id}`);
        assert.deepEqual(shown.body[kind.singular], answer.body[kind.singular], 'shown as made');
        assert.ok((await api.send('demo', 'PUT', `/${path}/${id}`, { [kind.singular]: given })).status < 500);
        assert.equal((await api.send('demo', 'DELETE', `/${path}/${id}`)).status, 204);
      }),
      { numRuns: 150 },
    );
  });

  test(`GET /${path} with any query`, async () => {
    const keys = fc.constantFrom(
      ...names,
      'limit',
      'marker',
      'sort_key',
      'sort_dir',
      'fields',
      'tags',
      'zzz',
    );
    const query = fc.array(
      fc.tuple(
        keys,
        words.filter((word) => word.isWellFormed()),
      ),
      { maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(query, async (pairs) => {
        const { status, body } = await api.send('demo', 'GET', `/${path}?${new URLSearchParams(pairs)}`);
        assert.ok(status < 500, JSON.stringify(body));
      }),
      { numRuns: 100 },
    );
  });
}

const routeOrAnything = fc.oneof(value, fc.constant([{ destination: '10.9.0.0/24', nexthop: '10.0.0.9' }]));

/** Requests below one object: where, the keys of their body, and what the body is wrapped in. */
const below: readonly [method: string, path: () => string, keys: readonly string[], wrapped?: string][] = [
  ['PUT', () => `/routers/${routerId}/add_router_interface`, ['subnet_id', 'port_id', 'zzz']],
  ['PUT', () => `/routers/${routerId}/remove_router_interface`, ['subnet_id', 'port_id', 'zzz']],
  ['PUT', () => `/routers/${routerId}/add_extraroutes`, ['routes', 'zzz'], 'router'],
  ['PUT', () => `/routers/${routerId}/remove_extraroutes`, ['routes', 'zzz'], 'router'],
  [
    'POST',
    () => `/floatingips/${floatingId}/port_forwardings`,
    portForwardingKind.table.map(({ name }) => name),
    'port_forwarding',
  ],
];

for (const [method, path, keys, wrapped] of below) {
  test(`${method} …/${wrapped ?? keys[0]} with anything, below an object`, async () => {
    const bodies = fc.oneof(fc.dictionary(fc.constantFrom(...keys), routeOrAnything), value);
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const given = wrapped === undefined ? body : { [wrapped]: body };
        const payload = typeof given === 'object' && given !== null ? given : { given };
        const answer = await api.send('demo', method, path(), payload);
        assert.ok(answer.status < 500, JSON.stringify(answer.body));
        if (answer.status >= 400)
          assert.ok(answer.body.NeutronError.type && answer.body.NeutronError.message);
      }),
      { numRuns: 150 },
    );
  });
}
