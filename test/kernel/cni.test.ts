/**
 * The CNI plugin as runtimes run it, with the embedded network service and the dataplane in the kernel. The runtime is our
 * own imitation of the reference library; other plugins of a chain are Debian's.
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CniRuntime, runPlugin } from '../helpers/cni-runtime.ts';
import { cniWorld, within as inside, refusesWith as refuses } from '../helpers/cni-world.ts';
import { testCaller } from '../helpers/network-control.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';

enterPrivateNetwork();

const world = cniWorld({ furnish });
const { service } = world;
const listOf: typeof world.listOf = (...args) => world.listOf(...args);
const makeSandbox: typeof world.makeSandbox = (...args) => world.makeSandbox(...args);
let netId: string;

async function furnish(): Promise<void> {
  const net = await service.create('networks', { name: 'pods' });
  netId = net.id;
  await service.create('subnets', {
    name: 'pods4',
    network_id: net.id,
    ip_version: 4,
    cidr: '10.70.0.0/24',
    dns_nameservers: ['192.0.2.53'],
    host_routes: [{ destination: '10.71.0.0/16', nexthop: '10.70.0.9' }],
  });
  await service.create('subnets', { name: 'pods6', network_id: net.id, ip_version: 6, cidr: 'fd70::/64' });
}

test('two containers get interfaces of both families, reach each other, and leave nothing', async () => {
  const runtime = new CniRuntime(listOf('1.1.0'));
  const [a, b] = [await makeSandbox('a'), await makeSandbox('b')];
  const result = await runtime.add(a);
  assert.equal(result.cniVersion, '1.1.0');
  const [link] = result.interfaces;
  assert.deepEqual({ ...link, mac: '' }, { name: 'eth0', mac: '', mtu: 1450, sandbox: a.netns });
  const addresses = result.ips.map((ip: { address: string }) => ip.address);
  assert.match(addresses[0], /^10\.70\.0\.\d+\/24$/);
  assert.match(addresses[1], /^fd70::[0-9a-f:]+\/64$/);
  assert.equal(result.ips[0].gateway, '10.70.0.1');
  assert.deepEqual(result.dns, {
    nameservers: ['169.254.169.253', '192.0.2.53'],
    search: ['openstacklocal'],
  });
  assert.ok(
    result.routes.some(
      (route: { dst: string; gw: string }) => route.dst === '10.71.0.0/16' && route.gw === '10.70.0.9',
    ),
  );
  const seen = JSON.parse(await inside(a, 'ip', '-j', 'addr', 'show', 'eth0'))[0];
  assert.equal(seen.address, link.mac);
  assert.equal(seen.mtu, 1450);
  assert.match(await inside(a, 'ip', 'route'), /default via 10\.70\.0\.1 dev eth0/);
  assert.match(await inside(a, 'ip', '-6', 'route'), /default via fd70::1 dev eth0/);

  const other = await runtime.add(b);
  for (const { address } of other.ips)
    await inside(a, 'ping', '-n', '-c', '1', '-W', '5', address.split('/')[0]);
  await runtime.check(a);
  await inside(a, 'ip', 'route', 'del', 'default');
  await assert.rejects(runtime.check(a), refuses(101, /route to 0\.0\.0\.0\/0 via 10\.70\.0\.1/));
  for (const sandbox of [a, b, a]) await runtime.del(sandbox);
  assert.equal((await inside(a, 'ip', '-o', 'link')).trim().split('\n').length, 1, 'lo only');
});

test('each version is answered in its own shape; wrong ones are refused', async () => {
  for (const version of ['0.3.1', '0.4.0', '1.0.0']) {
    const runtime = new CniRuntime(listOf(version));
    const sandbox = await makeSandbox(`v${version.replaceAll('.', '')}`);
    const result = await runtime.add(sandbox);
    assert.equal(result.cniVersion, version);
    assert.equal(result.ips[0].version, version === '1.0.0' ? undefined : '4');
    assert.equal(result.interfaces[0].mtu, undefined);
    await runtime.del(sandbox);
  }
  const sandbox = await makeSandbox('future');
  await assert.rejects(new CniRuntime(listOf('2.0.0')).add(sandbox), refuses(1, /incompatible CNI versions/));
  await assert.rejects(new CniRuntime(listOf('0.3.1')).check(sandbox), refuses(1, /does not allow CHECK/));
  const { stdout } = await runPlugin('berth-cni', { CNI_COMMAND: 'VERSION' }, '{"cniVersion":"1.0.0"}');
  assert.deepEqual(JSON.parse(stdout).supportedVersions, ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']);
});

test('addresses, MAC and names that the runtime asks for are given; what cannot be is refused and leaves nothing', async () => {
  const runtime = new CniRuntime(listOf('1.0.0', { securityGroups: ['default'] }));
  const sandbox = await makeSandbox('asked', {
    capabilities: {
      ips: ['10.70.0.77/24', 'fd70::77'],
      mac: '02:11:22:33:44:55',
      dns: { servers: ['192.0.2.9'] },
    },
    args: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=web-0',
  });
  const result = await runtime.add(sandbox);
  assert.deepEqual(
    result.ips.map((ip: { address: string }) => ip.address),
    ['10.70.0.77/24', 'fd70::77/64'],
  );
  assert.equal(result.interfaces[0].mac, '02:11:22:33:44:55');
  assert.deepEqual(result.dns.nameservers, ['192.0.2.9']);
  const rival = await makeSandbox('rival', { capabilities: { ips: ['10.70.0.77'] } });
  await assert.rejects(runtime.add(rival), refuses(102, /10\.70\.0\.77/));
  await assert.rejects(runtime.add(sandbox), refuses(100, /eth0 exists already/));
  await runtime.del(sandbox);
  const lost = await makeSandbox('lost', { capabilities: { ips: ['10.99.0.1'] } });
  await assert.rejects(runtime.add(lost), refuses(102, /10\.99\.0\.1/));
  for (const [keys, words] of [
    [{ network: 'nowhere' }, /there is no "nowhere"/],
    [{ securityGroups: ['nobody'] }, /there is no "nobody"/],
    [{ subnets: ['pods9'] }, /has no subnet pods9/],
    [{ network: 7 }, /^ADD berth-cni: network: .*not 7/],
  ] as const) {
    await assert.rejects(new CniRuntime(listOf('1.0.0', keys)).add(lost), refuses(7, words));
  }
  const [outside] = await world.control.networks.create(testCaller('operator', { isAdmin: true }), [
    { name: 'outside', external: true },
  ]);
  assert.ok(outside);
  await world.control.subnets.create(testCaller('operator'), [
    { networkId: outside.id, cidr: '172.24.4.0/24' },
  ]);
  await assert.rejects(
    new CniRuntime(listOf('1.0.0', { network: 'outside' })).add(lost),
    refuses(7, /outside is an external network of another project/),
  );
  const gone = { containerId: 'gone', netns: '/run/netns/gone' };
  await assert.rejects(runtime.add(gone), refuses(102, /gone/));
});

test('a port that was there before is used and freed', async () => {
  const port = await service.create('ports', { network_id: netId, name: 'own' });
  const runtime = new CniRuntime(listOf('1.0.0', { port: 'own' }));
  const sandbox = await makeSandbox('own');
  const result = await runtime.add(sandbox);
  assert.equal(result.interfaces[0].mac, port.mac_address);
  const second = await makeSandbox('second');
  await assert.rejects(runtime.add(second), refuses(102, /in use/));
  await runtime.del(sandbox);
  const freed = await service.get('ports', port.id);
  assert.deepEqual([freed.device_id, freed.device_owner, freed.tags], ['', '', []]);
  await service.remove('ports', port.id);
});

test('addresses may come from another IPAM plugin', async () => {
  const ipam = {
    type: 'host-local',
    subnet: '10.70.0.0/24',
    rangeStart: '10.70.0.200',
    dataDir: join(world.stateDir, 'local'),
  };
  const runtime = new CniRuntime(listOf('1.0.0', { ipam }));
  const sandbox = await makeSandbox('delegated');
  const result = await runtime.add(sandbox);
  assert.deepEqual(
    result.ips.map((ip: { address: string }) => ip.address),
    ['10.70.0.200/24'],
  );
  assert.deepEqual(
    (await readdir(join(world.stateDir, 'local/pods'))).filter((name) => name.startsWith('10.')),
    ['10.70.0.200'],
  );
  await runtime.del(sandbox);
  assert.deepEqual(
    (await readdir(join(world.stateDir, 'local/pods'))).filter((name) => name.startsWith('10.')),
    [],
  );
});

test('a second network leaves the first its default route, and each is as it was made', async () => {
  const second = await service.create('networks', { name: 'second' });
  await service.create('subnets', { network_id: second.id, ip_version: 4, cidr: '10.72.0.0/24' });
  const runtimes = [
    new CniRuntime(listOf('1.1.0')),
    new CniRuntime({ ...listOf('1.1.0', { network: 'second' }), name: 'second' }),
  ];
  const sandbox = await makeSandbox('both');
  const sandboxes = [sandbox, { ...sandbox, ifname: 'eth1' }];
  const results = [];
  for (const [index, runtime] of runtimes.entries())
    results.push(await runtime.add(sandboxes[index] ?? sandbox));
  assert.match(
    await inside(sandbox, 'ip', 'route', 'show', 'default'),
    /^default via 10\.70\.0\.1 dev eth0 [^\n]*\n$/,
  );
  assert.match(await inside(sandbox, 'ip', 'route', 'get', '169.254.169.253'), /dev eth0/);
  assert.match(await inside(sandbox, 'ip', 'route', 'get', '10.72.0.9'), /dev eth1/);
  assert.deepEqual(results[1].routes ?? [], []);
  for (const [index, runtime] of runtimes.entries()) await runtime.check(sandboxes[index] ?? sandbox);
  for (const [index, runtime] of runtimes.entries()) await runtime.del(sandboxes[index] ?? sandbox);
  await service.remove('networks', second.id);
});

test('a chain goes on with our result', async () => {
  const list = listOf('1.0.0');
  const tuning = { type: 'tuning', sysctl: { 'net.core.somaxconn': '500' } };
  const runtime = new CniRuntime({ ...list, plugins: [...list.plugins, tuning] });
  const sandbox = await makeSandbox('chained');
  const result = await runtime.add(sandbox);
  assert.equal(result.interfaces[0].name, 'eth0');
  assert.equal((await inside(sandbox, 'cat', '/proc/sys/net/core/somaxconn')).trim(), '500');
  await runtime.del(sandbox);
});

test('garbage is what no valid attachment stands for', async () => {
  const runtime = new CniRuntime(listOf('1.1.0'));
  const [kept, lost] = [await makeSandbox('kept'), await makeSandbox('lost')];
  await runtime.add(kept);
  await runtime.add(lost);
  await runtime.status();
  await runtime.gc([kept]);
  assert.equal((await service.list('ports', {})).length, 1);
  await runtime.check(kept);
  assert.equal((await inside(lost, 'ip', '-o', 'link')).trim().split('\n').length, 1);
  await runtime.del(kept);
});

test('without an agent deletions succeed and are done later, all else says so', async () => {
  const runtime = new CniRuntime(listOf('1.1.0'));
  const sandbox = await makeSandbox('orphan');
  await runtime.add(sandbox);
  await world.stopAgent();
  await assert.rejects(runtime.status(), refuses(50, /not running/));
  const late = await makeSandbox('late');
  await assert.rejects(runtime.add(late), refuses(50, /berth up/));
  await runtime.del(sandbox);
  assert.equal((await service.list('ports', {})).length, 1);
  await world.startAgent();
  assert.deepEqual(await service.list('ports', {}), []);
  assert.deepEqual(await readdir(join(world.stateDir, 'cni-pending')), []);
});

test('many at once', async () => {
  const runtime = new CniRuntime(listOf('1.0.0'));
  const all = await Promise.all(Array.from({ length: 20 }, (_, index) => makeSandbox(`m${index}`)));
  const results = await Promise.all(all.map((sandbox) => runtime.add(sandbox)));
  const addresses = new Set(results.map((result) => result.ips[0].address));
  assert.equal(addresses.size, all.length);
  await Promise.all(all.map((sandbox) => runtime.del(sandbox)));
});

test('calls that make no sense are refused in the specification’s words', async () => {
  const good = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'x', CNI_NETNS: '/run/netns/x', CNI_IFNAME: 'eth0' };
  const config = JSON.stringify({
    cniVersion: '1.0.0',
    name: 'pods',
    type: 'berth-cni',
    stateDir: world.stateDir,
  });
  for (const [variables, stdin, code, words] of [
    [{ ...good, CNI_COMMAND: 'JUMP' }, config, 4, /unknown CNI_COMMAND: JUMP/],
    [{ CNI_COMMAND: 'ADD' }, config, 4, /\[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME\] missing/],
    [{ ...good, CNI_CONTAINERID: '../x' }, config, 4, /containerID/],
    [{ ...good, CNI_IFNAME: 'a b' }, config, 4, /interface name/],
    [{ ...good, CNI_ARGS: 'novalue' }, config, 4, /novalue/],
    [good, '{"cniVersion"', 6, /cannot read the configuration/],
    [good, '[]', 6, /not a JSON object/],
    [good, '{"cniVersion":"1.0.0"}', 7, /missing network name/],
    [good, '{"cniVersion":"1.0.0","name":"a/b"}', 7, /invalid characters found in network name/],
    [good, '{"name":"pods"}', 1, /incompatible/],
  ] as const) {
    const outcome = await runPlugin('berth-cni', variables, stdin);
    const answer = JSON.parse(outcome.stdout);
    assert.equal(outcome.code, 1);
    assert.equal(answer.code, code, outcome.stdout);
    assert.match(answer.msg, words);
  }
});
