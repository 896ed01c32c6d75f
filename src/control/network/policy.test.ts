/** Rules of the network service: complete, with Neutron's defaults, and an operator's own really count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testCaller } from '../../../test/helpers/network-control.ts';
import { createNeutronApi, type NeutronApi } from '../../../test/helpers/neutron-api.ts';
import { recordHeartbeat } from '../../store/container/hosts.ts';
import { type NetworkRule, networkRules } from '../policy/network-defaults.ts';
import { Policy } from '../policy.ts';
import {
  agentKind,
  availabilityKind,
  portForwardingKind,
  type ResourceKind,
  resourceKinds,
} from './resource/kinds.ts';

const beat = { name: 'h1', engineOk: true, engineError: null };
const rules = Object.keys(networkRules) as NetworkRule[];
const kinds: readonly ResourceKind[] = [
  ...Object.values(resourceKinds),
  portForwardingKind,
  agentKind,
  availabilityKind,
];

test('there is a rule for all that is shown, and for nothing that is not', () => {
  const shown = kinds.flatMap(({ singular, ruleName = singular, table }) => [
    `get_${ruleName}`,
    ...table.flatMap(({ name, adminView }) => (adminView ? [`get_${ruleName}:${name}`] : [])),
  ]);
  const known = rules.filter((rule) => rule.startsWith('get_') && rule !== 'get_quota');
  assert.deepEqual(known.sort(), shown.sort());
});

test('attributes with rules are attributes', () => {
  const named = rules.filter((rule) => /^(create|update)_\w+:/.test(rule));
  const names = (rule: string) => rule.slice(rule.indexOf(':') + 1);
  const known = new Set(kinds.flatMap(({ table }) => table.map(({ name }) => name)));
  const parts = ['fixed_ips:', 'external_gateway_info:', 'target_tenant', 'action'];
  const odd = named.filter(
    (rule) => !known.has(names(rule)) && !parts.some((part) => names(rule).startsWith(part)),
  );
  assert.deepEqual(odd, []);
});

test('the defaults are Neutron’s: owners, owners of the network, administrators', () => {
  const policy = new Policy();
  const [owner, stranger, admin] = [testCaller('p'), testCaller('q'), testCaller('x', { isAdmin: true })];
  const may = (rule: NetworkRule, target: { projectId: string; networkProjectId?: string }) =>
    [owner, stranger, admin].map((caller) => policy.allows(caller, rule, target));
  assert.deepEqual(may('update_port', { projectId: 'p' }), [true, false, true]);
  assert.deepEqual(may('delete_port', { projectId: 'p', networkProjectId: 'q' }), [true, true, true]);
  assert.deepEqual(may('create_port:mac_address', { projectId: 'p', networkProjectId: 'q' }), [
    false,
    true,
    true,
  ]);
  assert.deepEqual(may('create_network:shared', { projectId: 'p' }), [false, false, true]);
  assert.deepEqual(may('get_network', { projectId: 'p' }), [true, true, true]);
  const reader = { ...owner, roles: ['reader'] };
  const writes = rules.filter((rule) => /^(create|update|delete|add|remove|onboard)_/.test(rule));
  const target = { projectId: 'p', networkProjectId: 'p' };
  assert.deepEqual(
    writes.filter((rule) => policy.allows(reader, rule, target)),
    [],
  );
});

async function withPolicy(
  overrides: Record<string, unknown>,
  work: (api: NeutronApi) => Promise<void>,
): Promise<void> {
  await using api = await createNeutronApi({}, new Policy(overrides));
  await work(api);
}

const outcome = async (api: NeutronApi, ...asked: Parameters<NeutronApi['send']>) => {
  const { status, body } = await api.send(...asked);
  return [status, body?.NeutronError?.message];
};

test('an attribute is given to whom the operator gives it', () =>
  withPolicy({ 'create_network:shared': 'project_id:trusted' }, async (api) => {
    const network = { name: 'n', shared: true };
    assert.deepEqual(await outcome(api, 'demo', 'POST', '/networks', { network }), [
      403,
      '(rule:create_network and rule:create_network:shared) is disallowed by policy',
    ]);
    assert.equal((await api.make('trusted', '/networks', { network })).shared, true);
    const external = { network: { ...network, 'router:external': true } };
    assert.deepEqual(await outcome(api, 'trusted', 'POST', '/networks', external), [
      403,
      '(rule:create_network and rule:create_network:router:external) is disallowed by policy',
    ]);
  }));

test('what members may do can be taken from them, and given to readers', () =>
  withPolicy({ create_router: 'rule:admin_only', create_network: 'rule:admin_or_owner' }, async (api) => {
    assert.deepEqual(await outcome(api, 'demo', 'POST', '/routers', { router: { name: 'r' } }), [
      403,
      'rule:create_router is disallowed by policy',
    ]);
    await api.make('admin@demo', '/routers', { router: { name: 'r' } });
    await api.make('reader@demo', '/networks', { network: { name: 'n' } });
    assert.deepEqual(
      await outcome(api, 'reader@demo', 'POST', '/security-groups', { security_group: { name: 'g' } }),
      [403, 'rule:create_security_group is disallowed by policy'],
    );
    const theirs = { network: { name: 'n', project_id: 'f'.repeat(32) } };
    assert.equal((await outcome(api, 'demo', 'POST', '/networks', theirs))[0], 403);
  }));

test('an update that is opened to others opens no attribute to them', () =>
  withPolicy({ update_network: '@', 'update_network:is_default': 'rule:admin_or_member' }, async (api) => {
    const net = await api.make('admin@infra', '/networks', { network: { name: 'n', shared: true } });
    const update = (changes: object) =>
      outcome(api, 'demo', 'PUT', `/networks/${net.id}`, { network: changes });
    assert.equal((await update({ description: 'seen' }))[0], 200);
    assert.deepEqual(await update({ is_default: true }), [
      403,
      '(rule:update_network and rule:update_network:is_default) is disallowed by policy',
    ]);
  }));

test('reading can be narrowed: what may not be seen is not there, in pages neither', () =>
  withPolicy({ get_network: 'rule:admin_or_owner', get_port: "not 'hidden':%(name)s" }, async (api) => {
    const shared = await api.make('admin@infra', '/networks', { network: { name: 's', shared: true } });
    const own = await api.make('demo', '/networks', { network: { name: 'own' } });
    const { body } = await api.send('demo', 'GET', '/networks');
    assert.deepEqual(
      body.networks.map(({ id }: { id: string }) => id),
      [own.id],
    );
    assert.deepEqual((await api.send('demo', 'GET', `/networks/${shared.id}`)).status, 404);
    for (const name of ['a', 'hidden', 'b'])
      await api.make('demo', '/ports', { port: { network_id: own.id, name } });
    const first = await api.send('demo', 'GET', '/ports?limit=1&sort_key=name&sort_dir=desc');
    assert.deepEqual(
      first.body.ports.map(({ name }: { name: string }) => name),
      ['b'],
    );
    const rest = await api.send(
      'demo',
      'GET',
      `/ports?limit=2&sort_key=name&sort_dir=desc&marker=${first.body.ports[0].id}`,
    );
    assert.deepEqual(
      rest.body.ports.map(({ name }: { name: string }) => name),
      ['a'],
    );
  }));

test('attributes are shown to whom the operator shows them, of their own objects only', () =>
  withPolicy({ 'get_network:provider:network_type': 'rule:admin_or_owner' }, async (api) => {
    const own = await api.make('demo', '/networks', { network: { name: 'own' } });
    assert.equal(own['provider:network_type'], 'vxlan');
    assert.ok(!('provider:segmentation_id' in own));
    await api.make('admin@infra', '/networks', { network: { name: 's', shared: true } });
    const { body } = await api.send('demo', 'GET', '/networks?sort_key=name');
    assert.deepEqual(
      body.networks.map((one: object) => 'provider:network_type' in one),
      [true, false],
    );
  }));

test('who counts as an administrator is the operator’s to say, here as for containers', () =>
  withPolicy({ context_is_admin: 'project_id:operators' }, async (api) => {
    const network = { name: 'n', shared: true };
    assert.equal((await api.make('operators', '/networks', { network })).shared, true);
    assert.equal((await outcome(api, 'admin@infra', 'POST', '/networks', { network }))[0], 403);
  }));

test('parts of a gateway, addresses of floating IPs, wildcards of RBAC, quotas and agents follow their rules', () =>
  withPolicy(
    {
      'create_rbac_policy:target_tenant': 'rule:admin_or_member',
      get_quota: 'project_id:auditors or rule:admin_or_owner',
      get_agent: 'project_id:auditors',
      create_policy: 'project_id:shapers',
    },
    async (api) => {
      const net = await api.make('demo', '/networks', { network: { name: 'n' } });
      const rbac = {
        object_type: 'network',
        object_id: net.id,
        action: 'access_as_shared',
        target_tenant: '*',
      };
      await api.make('demo', '/rbac-policies', { rbac_policy: rbac });
      assert.equal((await api.send('auditors', 'GET', '/quotas/demo')).status, 200);
      assert.equal((await api.send('eve', 'GET', '/quotas/demo')).status, 403);
      await recordHeartbeat(api.world.db, { ...beat, at: new Date().toISOString() });
      const agentsOf = async (who: string) => (await api.send(who, 'GET', '/agents')).body.agents.length;
      assert.deepEqual([await agentsOf('auditors'), await agentsOf('demo')], [1, 0]);
      await api.make('shapers', '/qos/policies', { policy: { name: 'p' } });
      assert.equal((await outcome(api, 'demo', 'POST', '/qos/policies', { policy: { name: 'p' } }))[0], 403);
    },
  ));

test('explanations find what a rule is about', async () => {
  await using api = await createNeutronApi();
  const { control } = api.world;
  const admin = testCaller('infra', { isAdmin: true });
  const net = await api.make('admin@infra', '/networks', { network: { name: 'n', shared: true } });
  const port = await api.make('demo', '/ports', { port: { network_id: net.id } });
  const target = await control.findPolicyTarget(admin, 'update_port:mac_address', port.id);
  assert.deepEqual([target?.projectId, target?.networkProjectId], ['demo', 'infra']);
  const explained = control.policy.explain(testCaller('demo'), 'update_port:mac_address', target);
  assert.equal(explained.allowed, false);
  const made = await control.findPolicyTarget(testCaller('demo'), 'create_subnet', net.id);
  assert.deepEqual([made?.projectId, made?.networkProjectId], ['demo', 'infra']);
  await assert.rejects(control.findPolicyTarget(admin, 'get_router', net.id), /could not be found/);
  assert.equal(await control.findPolicyTarget(admin, 'update_agent', net.id), undefined);
});
