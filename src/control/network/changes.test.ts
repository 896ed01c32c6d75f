/** What changes do beside the change itself: who is woken, who wins a race, what a list costs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestNetwork, type TestNetwork, testCaller } from '../../../test/helpers/network-control.ts';
import { isFailure } from '../../model/failure.ts';
import type { Network, Port, SecurityGroup } from '../../model/network.ts';
import type { PortDraft } from './port-lifecycle.ts';

const demo = testCaller('demo');
const admin = testCaller('demo', { isAdmin: true });

async function makeNetwork({ control }: TestNetwork, cidr: string): Promise<Network> {
  const [network] = await control.networks.create(demo, [{}]);
  assert.ok(network);
  await control.subnets.create(demo, [{ networkId: network.id, cidr }]);
  return control.networks.get(demo, network.id);
}

async function makePort({ control }: TestNetwork, draft: PortDraft): Promise<Port> {
  const [port] = await control.ports.create(admin, [draft]);
  assert.ok(port);
  return port;
}

async function makeGroup({ control }: TestNetwork, name: string): Promise<SecurityGroup> {
  const [group] = await control.securityGroups.create(demo, [{ name }]);
  assert.ok(group);
  return group;
}

/** Hosts and networks woken by the work, as `host:network` with the given names. */
async function wokenBy(
  { wakes }: TestNetwork,
  names: Readonly<Record<string, Network>>,
  work: () => Promise<unknown>,
): Promise<string[]> {
  wakes.length = 0;
  await work();
  const nameOf = (id: string) => Object.keys(names).find((name) => names[name]?.id === id) ?? id;
  return wakes.flatMap(({ host, networks }) => networks.map((id) => `${host}:${nameOf(id)}`)).sort();
}

describe('a host is woken', () => {
  test('for its own ports only, and for both hosts when a port moves', async () => {
    await using world = await createTestNetwork();
    const { ports } = world.control;
    const [a, b] = [await makeNetwork(world, '10.0.0.0/24'), await makeNetwork(world, '10.1.0.0/24')];
    const woken = (work: () => Promise<unknown>) => wokenBy(world, { a, b }, work);
    await makePort(world, { networkId: b.id, bindingHost: 'h1' });
    await makePort(world, { networkId: a.id, bindingHost: 'h3' });
    assert.deepEqual(await woken(() => makePort(world, { networkId: a.id, securityGroupIds: [] })), []);
    const port = await makePort(world, { networkId: a.id, bindingHost: 'h1', securityGroupIds: [] });
    assert.deepEqual(await woken(() => ports.update(admin, port.id, { bindingHost: 'h2' })), [
      'h1:a',
      'h2:a',
    ]);
    assert.deepEqual(await woken(() => ports.update(admin, port.id, { adminStateUp: false })), ['h2:a']);
    assert.deepEqual(await woken(() => ports.remove(admin, port.id)), ['h2:a']);
  });

  test('when a group of its ports has other rules', async () => {
    await using world = await createTestNetwork();
    const { securityGroupRules } = world.control;
    const [a, b] = [await makeNetwork(world, '10.0.0.0/24'), await makeNetwork(world, '10.1.0.0/24')];
    const [used, unused] = [await makeGroup(world, 'used'), await makeGroup(world, 'unused')];
    await makePort(world, { networkId: a.id, bindingHost: 'h1', securityGroupIds: [used.id] });
    await makePort(world, { networkId: b.id, bindingHost: 'h2', securityGroupIds: [] });
    const woken = (work: () => Promise<unknown>) => wokenBy(world, { a, b }, work);
    const rule = (group: SecurityGroup) => ({
      securityGroupId: group.id,
      direction: 'ingress' as const,
      protocol: 'tcp',
      portRangeMin: 80,
      portRangeMax: 80,
    });
    assert.deepEqual(await woken(() => securityGroupRules.create(demo, [rule(used)])), ['h1:a']);
    assert.deepEqual(await woken(() => securityGroupRules.create(demo, [rule(unused)])), []);
    const [made] = await securityGroupRules.list(demo, { security_group_id: [used.id], protocol: ['tcp'] });
    assert.ok(made);
    assert.deepEqual(await woken(() => securityGroupRules.update(demo, made.id, { description: 'x' })), []);
    assert.deepEqual(await woken(() => securityGroupRules.remove(demo, made.id)), ['h1:a']);
  });

  test('when a group that its rules name has other members', async () => {
    await using world = await createTestNetwork();
    const { ports, securityGroups, securityGroupRules } = world.control;
    const [a, b] = [await makeNetwork(world, '10.0.0.0/24'), await makeNetwork(world, '10.1.0.0/24')];
    const [web, clients] = [await makeGroup(world, 'web'), await makeGroup(world, 'clients')];
    const remote = { securityGroupId: web.id, direction: 'ingress' as const, remoteGroupId: clients.id };
    await securityGroupRules.create(demo, [remote]);
    await makePort(world, { networkId: a.id, bindingHost: 'h1', securityGroupIds: [web.id] });
    const woken = (work: () => Promise<unknown>) => wokenBy(world, { a, b }, work);
    const draft = { networkId: b.id, bindingHost: 'h2', securityGroupIds: [clients.id] };
    assert.deepEqual(await woken(() => makePort(world, draft)), ['h1:a', 'h2:b']);
    const [member] = await ports.list(admin, { network_id: [b.id] });
    assert.ok(member);
    assert.deepEqual(await woken(() => ports.update(demo, member.id, { name: 'x' })), ['h2:b']);
    const groups = { securityGroupIds: [] };
    assert.deepEqual(await woken(() => ports.update(demo, member.id, groups)), ['h1:a', 'h2:b']);
    assert.deepEqual(await woken(() => securityGroups.remove(demo, clients.id)), ['h1:a']);
    assert.equal((await securityGroups.get(demo, web.id)).rules.length, 2);
  });

  test('when a subnet, the network or a router of its network changes', async () => {
    await using world = await createTestNetwork();
    const { networks, subnets, routers } = world.control;
    const [a, b] = [await makeNetwork(world, '10.0.0.0/24'), await makeNetwork(world, '10.1.0.0/24')];
    await makePort(world, { networkId: a.id, bindingHost: 'h1', securityGroupIds: [] });
    const woken = (work: () => Promise<unknown>) => wokenBy(world, { a, b }, work);
    const [subnetA, subnetB] = [a.subnetIds[0] ?? '', b.subnetIds[0] ?? ''];
    assert.deepEqual(await woken(() => networks.update(demo, a.id, { mtu: 1400 })), ['h1:a']);
    assert.deepEqual(await woken(() => subnets.update(demo, subnetA, { dnsNameservers: ['10.0.0.9'] })), [
      'h1:a',
    ]);
    assert.deepEqual(await woken(() => subnets.update(demo, subnetB, { enableDhcp: false })), []);
    const [router] = await routers.create(demo, [{ name: 'r' }]);
    assert.ok(router);
    const plug = (subnetId: string) => routers.addInterface(demo, router.id, { subnetId });
    assert.deepEqual(await woken(() => plug(subnetB)), []);
    assert.deepEqual(await woken(() => plug(subnetA)), ['h1:a', 'h1:b']);
    assert.deepEqual(await woken(() => networks.update(demo, b.id, { name: 'b' })), ['h1:b']);
    const first = { networkId: b.id, bindingHost: 'h2', securityGroupIds: [] };
    assert.deepEqual(await woken(() => makePort(world, first)), ['h2:a', 'h2:b']);
    assert.deepEqual(await woken(() => makePort(world, first)), ['h2:b']);
  });

  test('not at all when the change fails', async () => {
    await using world = await createTestNetwork();
    const a = await makeNetwork(world, '10.0.0.0/29');
    const drafts = Array.from({ length: 6 }, () => ({ networkId: a.id, bindingHost: 'h1' }));
    world.wakes.length = 0;
    await assert.rejects(world.control.ports.create(admin, drafts), (error) =>
      isFailure(error, 'ip-address-exhausted'),
    );
    assert.deepEqual(world.wakes, []);
    assert.deepEqual(await world.control.ports.list(admin), []);
  });
});

describe('races', () => {
  test('many ports at once get different addresses and MACs', async () => {
    await using world = await createTestNetwork();
    const { ports } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24');
    const made = await Promise.all(
      Array.from({ length: 60 }, () => ports.create(demo, [{ networkId: network.id }])),
    );
    const all = made.flat();
    assert.equal(new Set(all.map((port) => port.fixedIps[0]?.ipAddress)).size, 60);
    assert.equal(new Set(all.map((port) => port.macAddress)).size, 60);
  });

  test('one address asked for by many goes to one', async () => {
    await using world = await createTestNetwork();
    const { ports } = world.control;
    const network = await makeNetwork(world, '10.0.0.0/24');
    const draft = { networkId: network.id, fixedIps: [{ ipAddress: '10.0.0.9' }] };
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => ports.create(demo, [draft])));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.equal(refused.length, 7);
    assert.ok(refused.every(({ reason }) => isFailure(reason, 'ip-address-in-use')));
  });

  test('a lost race for a unique value is run again, and given up only after many', async () => {
    const drawn = [1, 7, 7, 7, 8];
    const random = (count: number) => new Uint8Array(count).fill(drawn.shift() ?? 9);
    await using world = await createTestNetwork({}, random);
    const [network] = await world.control.networks.create(demo, [{}]);
    assert.ok(network);
    const macs: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      macs.push((await makePort(world, { networkId: network.id })).macAddress);
    }
    assert.deepEqual(macs, ['fa:16:3e:07:07:07', 'fa:16:3e:08:08:08', 'fa:16:3e:09:09:09']);
    await assert.rejects(makePort(world, { networkId: network.id }), (error) => isFailure(error, 'conflict'));
    assert.equal((await world.control.ports.list(demo)).length, 3);
  });

  test('tags added at once are all there', async () => {
    await using world = await createTestNetwork();
    const { tags } = world.control.resources;
    const network = await makeNetwork(world, '10.0.0.0/24');
    await Promise.all(['a', 'b', 'c'].map((tag) => tags.add(demo, 'networks', network.id, tag)));
    assert.deepEqual(await tags.get(demo, 'networks', network.id), ['a', 'b', 'c']);
  });

  test('the last place of a quota goes to one', async () => {
    await using world = await createTestNetwork({ quotas: { network: 1 } });
    const { networks } = world.control;
    const outcomes = await Promise.allSettled([networks.create(demo, [{}]), networks.create(demo, [{}])]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  });

  test('a project gets one default group', async () => {
    await using world = await createTestNetwork();
    const { securityGroups } = world.control;
    await Promise.all(Array.from({ length: 5 }, () => securityGroups.list(demo)));
    assert.equal((await securityGroups.list(demo)).length, 1);
  });
});

test('addresses by version: one each, computed ones where hosts compute them', async () => {
  await using world = await createTestNetwork();
  const { control } = world;
  const network = await makeNetwork(world, '10.0.0.0/24');
  const v6 = { networkId: network.id, ipv6AddressMode: 'slaac', ipv6RaMode: 'slaac' };
  await control.subnets.create(demo, [
    { ...v6, cidr: 'fd00:1::/64' },
    { networkId: network.id, cidr: 'fd00:2::/64' },
    { networkId: network.id, cidr: '10.1.0.0/24' },
  ]);
  const macAddress = 'fa:16:3e:11:22:33';
  const port = await makePort(world, { networkId: network.id, macAddress });
  const addresses = port.fixedIps.map((ip) => ip.ipAddress);
  assert.equal(addresses[0], '10.0.0.2');
  assert.match(addresses[1] ?? '', /^fd00:2::/);
  assert.equal(addresses[2], 'fd00:1::f816:3eff:fe11:2233');
  const changed = await control.ports.update(demo, port.id, {
    fixedIps: [{ ipAddress: '10.1.0.7' }, { subnetId: port.fixedIps[0]?.subnetId ?? '' }],
  });
  assert.deepEqual(
    changed.fixedIps.map((ip) => ip.ipAddress),
    ['10.1.0.7', '10.0.0.2', 'fd00:1::f816:3eff:fe11:2233'],
  );
});

test('hosts are told of the limits of their ports and networks', async () => {
  await using world = await createTestNetwork();
  const { qosPolicies, networks } = world.control;
  const [a, b] = [await makeNetwork(world, '10.0.0.0/24'), await makeNetwork(world, '10.1.0.0/24')];
  const woken = (work: () => Promise<unknown>) => wokenBy(world, { a, b }, work);
  const [policy] = await qosPolicies.create(admin, [{ shared: true }]);
  assert.ok(policy);
  await makePort(world, { networkId: a.id, bindingHost: 'h1', qosPolicyId: policy.id });
  await makePort(world, { networkId: a.id, bindingHost: 'h3' });
  await makePort(world, { networkId: b.id, bindingHost: 'h2' });
  const add = () => qosPolicies.addLimit(admin, policy.id, { maxKbps: 1000 });
  assert.deepEqual(await woken(add), ['h1:a']);
  const set = (qosPolicyId: string | null) => networks.update(demo, b.id, { qosPolicyId });
  assert.deepEqual(await woken(() => set(policy.id)), ['h2:b']);
  const direction = 'ingress' as const;
  assert.deepEqual(await woken(() => qosPolicies.addLimit(admin, policy.id, { maxKbps: 1, direction })), [
    'h1:a',
    'h2:b',
  ]);
  assert.deepEqual(await woken(() => qosPolicies.update(admin, policy.id, { name: 'x' })), []);
});

test('hosts whose rules name an address group are told its addresses', async () => {
  await using world = await createTestNetwork();
  const { addressGroups, securityGroupRules } = world.control;
  const [a, b] = [await makeNetwork(world, '10.0.0.0/24'), await makeNetwork(world, '10.1.0.0/24')];
  const woken = (work: () => Promise<unknown>) => wokenBy(world, { a, b }, work);
  const [group] = await addressGroups.create(demo, [{ addresses: ['192.0.2.1'] }]);
  assert.ok(group);
  const web = await makeGroup(world, 'web');
  const direction = 'ingress' as const;
  await securityGroupRules.create(demo, [
    { securityGroupId: web.id, direction, remoteAddressGroupId: group.id },
  ]);
  await makePort(world, { networkId: a.id, bindingHost: 'h1', securityGroupIds: [web.id] });
  await makePort(world, { networkId: b.id, bindingHost: 'h2', securityGroupIds: [] });
  assert.deepEqual(await woken(() => addressGroups.addAddresses(demo, group.id, ['192.0.2.2'])), ['h1:a']);
  assert.deepEqual(await woken(() => addressGroups.removeAddresses(demo, group.id, ['192.0.2.1'])), ['h1:a']);
  assert.deepEqual(await woken(() => addressGroups.update(demo, group.id, { name: 'x' })), []);
});

test('every host of a network is told its names', async () => {
  await using world = await createTestNetwork();
  const { ports } = world.control;
  const a = await makeNetwork(world, '10.0.0.0/24');
  const woken = (work: () => Promise<unknown>) => wokenBy(world, { a }, work);
  await makePort(world, { networkId: a.id, bindingHost: 'h1', securityGroupIds: [] });
  const named = { networkId: a.id, bindingHost: 'h2', securityGroupIds: [], dnsName: 'web' };
  let port: Port | undefined;
  assert.deepEqual(
    await woken(async () => {
      port = await makePort(world, named);
    }),
    ['h1:a', 'h2:a'],
  );
  const id = port?.id ?? '';
  const [fixedIps] = [[{ ipAddress: '10.0.0.9' }]];
  assert.deepEqual(await woken(() => ports.update(admin, id, { fixedIps })), ['h1:a', 'h2:a']);
  assert.deepEqual(await woken(() => ports.update(admin, id, { dnsName: 'db' })), ['h1:a', 'h2:a']);
  assert.deepEqual(await woken(() => ports.update(admin, id, { description: 'x' })), ['h2:a']);
  assert.deepEqual(await woken(() => ports.remove(admin, id)), ['h1:a', 'h2:a']);
});

test('a page costs a page, and is the same as that part of the whole list', async () => {
  await using world = await createTestNetwork({ quotas: { port: -1 } });
  const { control } = world;
  const network = await makeNetwork(world, '10.0.0.0/16');
  const drafts = Array.from({ length: 60 }, (_, index) => ({
    networkId: network.id,
    name: `p${index % 7}`,
    ...(index % 3 === 0 ? { deviceId: 'd' } : {}),
  }));
  for (const draft of drafts) await control.ports.create(demo, [draft]);
  const list = (query: Record<string, string[]>) => control.resources.list({ caller: demo }, 'ports', query);
  const queries: Record<string, string[]>[] = [
    {},
    { device_id: ['d'] },
    { sort_key: ['name'], sort_dir: ['desc'] },
    { sort_key: ['name', 'id'], sort_dir: ['desc', 'asc'], fields: ['name'] },
    { name: ['p1', 'p2'], tags: [''] },
    { sort_key: ['created_at'] },
  ];
  for (const query of queries) {
    const { fields: _, ...unpicked } = query;
    const whole = await list(unpicked);
    const pages: unknown[] = [];
    let marker: string | undefined;
    for (;;) {
      const page = await list({ ...query, limit: ['7'], ...(marker ? { marker: [marker] } : {}) });
      pages.push(...page.items);
      if (page.next === undefined) break;
      marker = page.next;
    }
    const expected = query.fields ? whole.items.map(({ name }) => ({ name })) : whole.items;
    assert.deepEqual(pages, expected, JSON.stringify(query));
    const last = String(whole.items.at(-1)?.id ?? '');
    if (!last) continue;
    const back = await list({ ...unpicked, limit: ['7'], marker: [last], page_reverse: ['True'] });
    assert.deepEqual(back.items, whole.items.slice(-8, -1));
  }
  await assert.rejects(list({ limit: ['7'], marker: [network.id] }), (error) =>
    isFailure(error, 'port-not-found'),
  );
  await assert.rejects(list({ limit: ['7'], sort_key: ['zzz'] }), (error) =>
    isFailure(error, 'invalid-value'),
  );
});

test('a long list costs as many queries as a short one', async () => {
  await using world = await createTestNetwork({ quotas: { port: -1 } });
  const { control } = world;
  const network = await makeNetwork(world, '10.0.0.0/16');
  const draft = { networkId: network.id, bindingHost: 'h1' };
  const list = async () => {
    const page = await control.resources.list({ caller: demo }, 'ports', { network_id: [network.id] });
    return page.items.length;
  };
  await control.ports.create(admin, [draft]);
  const short = await world.countQueries(list);
  await control.ports.create(
    admin,
    Array.from({ length: 300 }, () => draft),
  );
  assert.equal(await list(), 301);
  assert.equal(await world.countQueries(list), short);
  // Ports, addresses, groups, pairs, tags and domains of networks; a sub-query is counted as one more.
  assert.ok(short <= 7, `${short} queries`);
});
