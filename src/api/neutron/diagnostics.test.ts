/** `berth-diagnostics` over HTTP, with an agent that knows what the real one knows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testCaller } from '../../../test/helpers/network-control.ts';
import { createNeutronApi, type NeutronApi } from '../../../test/helpers/neutron-api.ts';
import { serveDiagnostics } from '../../agent/diagnostics.ts';
import { silentLog } from '../../base/log.ts';
import { Switchboard } from '../../bus/in-process.ts';
import { type WantedNetwork, wantedNetworks } from '../../wire/host-network.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Answer = any;

/** A network of `demo`, shared with everybody, with a port of `demo` and one of `other` on host h1. */
async function twoTenants(): Promise<NeutronApi & { readonly ids: Record<string, string> }> {
  const api = await createNeutronApi();
  const board = new Switchboard(silentLog());
  api.world.control.serve(board.connect({ kind: 'server' }), async () => testCaller('demo'));
  const agent = board.connect({ kind: 'agent', host: 'h1' });
  let known: WantedNetwork[] = [];
  serveDiagnostics({
    bus: agent,
    networks: { all: () => known, find: (id) => known.find((network) => network.id === id) },
    dataplane: {
      examine: async (wanted, repair) =>
        wanted.map(({ id }) => ({ where: `n${id}`, text: 'a rule is missing', isRepaired: repair })),
    },
  });
  const admin = 'admin@demo';
  const network = await api.make(admin, '/networks', { network: { name: 'n', shared: true } });
  await api.make('demo', '/subnets', {
    subnet: { network_id: network.id, cidr: '10.0.0.0/24', ip_version: 4 },
  });
  const group = await api.make('other', '/security-groups', { security_group: { name: 'web' } });
  const rule = await api.make('other', '/security-group-rules', {
    security_group_rule: {
      security_group_id: group.id,
      direction: 'ingress',
      ethertype: 'IPv4',
      protocol: 'tcp',
      port_range_min: 80,
      port_range_max: 80,
    },
  });
  const port = (project: string, more: object = {}) =>
    api.make(admin, '/ports', {
      port: { network_id: network.id, project_id: project, 'binding:host_id': 'h1', ...more },
    });
  const own = await port('demo');
  const foreign = await port('other', { security_groups: [group.id] });
  known = (await agent.call({ kind: 'server' }, wantedNetworks, {})).networks;
  const ids = {
    own: own.id,
    foreign: foreign.id,
    address: foreign.fixed_ips[0].ip_address,
    rule: rule.id,
    group: group.id,
  };
  return { ...api, ids };
}

const trace = async (api: NeutronApi, token: string, body: object): Promise<Answer> =>
  api.send(token, 'POST', '/berth/trace', { trace: { protocol: 'tcp', port: 80, ...body } });

test('the receiver’s rule is told to its owner, and to nobody else', async () => {
  await using api = await twoTenants();
  const { own, foreign, address, rule, group } = api.ids;
  const seen = await trace(api, 'admin@infra', { from_port_id: own, to_port_id: foreign });
  assert.equal(seen.status, 200);
  const { passes, steps, packet } = seen.body.trace;
  assert.equal(passes, true);
  const last = steps.at(-1);
  assert.deepEqual(
    [last.id, last.what, last.security_group_id, last.security_group_rule_id],
    [foreign, 'ingress', group, rule],
  );
  assert.match(last.text, /let through by: ingress IPv4 tcp 80 from anywhere/);
  assert.equal(packet.destination, address);

  const told = await trace(api, 'demo', { from_port_id: own, to_address: address });
  assert.equal(told.body.trace.passes, true);
  assert.equal(told.body.trace.packet, null);
  assert.equal(told.body.trace.steps.at(-1).text, 'let through by the receiver');
  assert.ok(
    !JSON.stringify(told.body).includes(rule ?? '?') && !JSON.stringify(told.body).includes(foreign ?? '?'),
  );
  const dropped = await trace(api, 'demo', { from_port_id: own, to_address: address, port: 81 });
  assert.equal(dropped.body.trace.passes, false);
  assert.equal(dropped.body.trace.steps.at(-1).text, 'dropped by the receiver');
});

test('somebody else’s port is not found, whichever end it is', async () => {
  await using api = await twoTenants();
  const { own, foreign } = api.ids;
  for (const body of [
    { from_port_id: foreign, to_address: '10.0.0.99' },
    { from_port_id: null, to_port_id: own },
  ]) {
    const { status, body: answer } = await trace(api, 'third', body);
    assert.deepEqual([status, answer.NeutronError.type], [404, 'PortNotFound']);
  }
});

test('the doctor is for administrators, and a silent host is an answer', async () => {
  await using api = await twoTenants();
  const doctor = (token: string, body: object) => api.send(token, 'POST', '/berth/doctor', { doctor: body });
  assert.equal((await doctor('demo', {})).status, 403);
  const { body } = await doctor('admin@infra', { repair: true });
  const [host] = body.doctor.hosts;
  assert.deepEqual([host.host, host.networks, host.error], ['h1', 1, null]);
  assert.deepEqual([host.findings[0].text, host.findings[0].is_repaired], ['a rule is missing', true]);
  const silent = await doctor('admin@infra', { host: 'h9' });
  assert.match(silent.body.doctor.hosts[0].error, /h9 does not answer/);
  assert.equal((await doctor('admin@infra', { repair: 'maybe' })).status, 400);
  assert.equal((await doctor('admin@infra', { fix: true })).status, 400);
});

test('bad input is refused, and a silent host is said to be', async () => {
  await using api = await twoTenants();
  const { own, foreign } = api.ids;
  for (const body of [
    { from_port_id: own },
    { from_port_id: own, to_port_id: own, to_address: '10.0.0.1' },
    { from_port_id: own, to_address: 'nowhere' },
    { from_port_id: own, to_address: 'fd00::1' },
    { from_port_id: own, to_address: '10.0.0.1', protocol: 'tpc' },
    { from_port_id: own, to_address: '10.0.0.1', port: null },
    { from_port_id: own, to_address: '10.0.0.1', port: 65_536 },
    { from_port_id: own, to_address: '10.0.0.1', speed: 1 },
    { from_port_id: 'x; drop', to_address: '10.0.0.1' },
  ]) {
    assert.equal((await trace(api, 'demo', body)).status, 400, JSON.stringify(body));
  }
  const unbound = await api.make('admin@demo', '/ports', {
    port: { network_id: (await api.send('demo', 'GET', `/ports/${own}`)).body.port.network_id },
  });
  assert.equal((await trace(api, 'admin@demo', { from_port_id: unbound.id, to_port_id: own })).status, 409);
  await api.send('admin@demo', 'PUT', `/ports/${foreign}`, { port: { 'binding:host_id': 'h2' } });
  assert.equal((await trace(api, 'admin@demo', { from_port_id: foreign, to_port_id: own })).status, 503);
});
