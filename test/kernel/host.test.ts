/** The door to the kernel against the real one, with `ip -j` and `nft -j` as the judge. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import { type Kernel, type KernelStep, macvlanModes } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { until } from '../helpers/until.ts';
import { testKernelContract } from '../kernel-contract.ts';

testKernelContract('real kernel', () => openKernel({ log: silentLog() }));

const unique = randomBytes(3).toString('hex');
const netns = `berth-host-${unique}`;
const netnsB = `${netns}-b`;
const [near, far] = [`p${unique}`, `c${unique}`];
let kernel: Kernel;

const run = (file: string, ...args: readonly string[]) => execFileSync(file, args, { encoding: 'utf8' });
// biome-ignore lint/suspicious/noExplicitAny: the tools' output has no type
const json = (file: string, ...args: readonly string[]): any => JSON.parse(run(file, ...args) || '[]');
/** All that belongs to this test on the machine. */
const traces = () => ({
  links: json('ip', '-j', 'link')
    .map((link: { ifname: string }) => link.ifname)
    .filter((name: string) => name.includes(unique)),
  namespaces: readdirSync('/run/netns').filter((name) => name.includes(unique)),
});

before(async () => {
  kernel = await openKernel({ log: silentLog() });
});
after(() => kernel.close());

const check = (what: string, work: () => Promise<void>) =>
  test(`real kernel: ${what}`, async () => {
    await kernel.apply([
      { do: 'ensure-netns', name: netns },
      { do: 'ensure-netns', name: netnsB },
    ]);
    try {
      await work();
    } finally {
      await kernel.apply([
        { do: 'delete-netns', name: netns },
        { do: 'delete-netns', name: netnsB },
        { do: 'delete-link', name: far },
      ]);
    }
    assert.deepEqual(traces(), { links: [], namespaces: [] });
  });

check('ip sees the bridge, its port and the flags as asked', async () => {
  await kernel.apply([
    { do: 'ensure-bridge', netns, name: 'br0', mtu: 1450, mac: '02:00:00:00:00:07', alias: 'berth test' },
    {
      do: 'ensure-veth',
      netns,
      name: near,
      mtu: 1450,
      peer: { name: far, mac: '02:00:00:00:00:09', alias: 'berth peer' },
    },
    {
      do: 'set-link',
      netns,
      name: near,
      bridge: 'br0',
      hairpin: true,
      learning: false,
      flood: false,
      neighSuppress: true,
      up: true,
    },
  ]);
  const [bridge] = json('ip', '-n', netns, '-j', '-d', 'link', 'show', 'br0');
  assert.deepEqual(
    [bridge.mtu, bridge.address, bridge.ifalias, bridge.linkinfo.info_data.mcast_snooping],
    [1450, '02:00:00:00:00:07', 'berth test', 0],
  );
  const [port] = json('ip', '-n', netns, '-j', '-d', 'link', 'show', near);
  assert.equal(port.master, 'br0');
  assert.ok(port.flags.includes('UP'));
  const { hairpin, learning, flood, mcast_flood, bcast_flood, neigh_suppress } =
    port.linkinfo.info_slave_data;
  assert.deepEqual(
    { hairpin, learning, flood, mcast_flood, bcast_flood, neigh_suppress },
    {
      hairpin: true,
      learning: false,
      flood: false,
      mcast_flood: false,
      bcast_flood: true,
      neigh_suppress: true,
    },
  );
  const [peer] = json('ip', '-j', '-d', 'link', 'show', far);
  assert.deepEqual(
    [peer.mtu, peer.address, peer.ifalias, peer.linkinfo.info_kind],
    [1450, '02:00:00:00:00:09', 'berth peer', 'veth'],
  );
});

check('tc sees the limits as asked, and none after they went', async () => {
  const detour = { name: 'detour', alias: 'berth test' };
  const limit = { do: 'limit-link', netns, name: near, detour } as const;
  const leaving = { bytesPerSecond: 12_500_000_000, burstBytes: 12_500_000, queueBytes: 625_000 };
  const arriving = { bytesPerSecond: 125_000, burstBytes: 100_000, queueBytes: 65_536 };
  await kernel.apply([
    { do: 'ensure-veth', netns, name: near, mtu: 1450, peer: { name: far } },
    { do: 'set-link', netns, name: near, up: true },
    { ...limit, leaving: arriving, arriving: leaving },
    { ...limit, leaving, arriving },
  ]);
  // tc cuts a burst to what passes in whole microseconds.
  const milliseconds = (bytes = 0, rate = 1) => Math.round((bytes / rate) * 1e3);
  const queues = () =>
    json('tc', '-n', netns, '-j', 'qdisc')
      .filter(({ kind }: TcQueue) => kind !== 'noqueue')
      .map(({ kind, dev, options: { rate, burst, limit: queue } }: TcQueue) =>
        kind === 'tbf' ? [kind, dev, rate, milliseconds(burst, rate), queue] : [kind, dev],
      );
  assert.deepEqual(queues(), [
    ['tbf', near, 12_500_000_000, 1, 625_000],
    ['ingress', near],
    ['tbf', 'detour', 125_000, 800, 65_536],
  ]);
  const [filter, ...more] = json('tc', '-n', netns, '-j', 'filter', 'show', 'dev', near, 'ingress').filter(
    ({ options }: { options?: { actions?: unknown } }) => options?.actions,
  );
  assert.deepEqual(more, []);
  const [action] = filter.options.actions;
  assert.deepEqual([filter.protocol, action.mirred_action, action.to_dev], ['all', 'redirect', 'detour']);
  await kernel.apply([{ ...limit, leaving: null, arriving: null }]);
  assert.deepEqual(queues(), []);
});

check('ip and bridge see a tunnel that sends from here, and its peers', async () => {
  const id = 0x10_00 + (process.pid % 0x10_00);
  const on = { netns, link: 'vx0' } as const;
  await kernel.apply([
    { do: 'ensure-vxlan', netns, name: 'vx0', id, local: '127.0.0.1', port: 4790, mtu: 1450 },
    { do: 'set-link', netns, name: 'vx0', up: true },
    {
      do: 'ensure-peer',
      ...on,
      mac: '02:42:0a:00:00:05',
      via: '192.0.2.7',
      addresses: ['10.0.0.5', 'fd00::5'],
    },
    { do: 'ensure-peer', ...on, mac: '02:42:0a:00:00:06', via: '192.0.2.8', addresses: ['10.0.0.6'] },
    { do: 'delete-peer', ...on, mac: '02:42:0a:00:00:06' },
  ]);
  const [tunnel] = json('ip', '-n', netns, '-j', '-d', 'link', 'show', 'vx0');
  const data = tunnel.linkinfo.info_data;
  assert.deepEqual(
    [data.id, data.local, data.port, data.learning, data.proxy, data.group ?? data.remote],
    [id, '127.0.0.1', 4790, false, true, undefined],
  );
  assert.ok(tunnel.link_netnsid !== undefined, 'its socket is in another namespace');
  const entries = json('bridge', '-n', netns, '-j', 'fdb', 'show', 'dev', 'vx0');
  assert.deepEqual(
    entries.map(({ mac, dst, state, flags }: FdbEntry) => [mac, dst, state, flags]),
    [['02:42:0a:00:00:05', '192.0.2.7', 'permanent', ['self']]],
  );
  const neighbours = json('ip', '-n', netns, '-j', 'neigh', 'show', 'dev', 'vx0', 'nud', 'permanent');
  assert.deepEqual(
    neighbours.map(({ dst, lladdr }: { dst: string; lladdr: string }) => `${dst} ${lladdr}`).toSorted(),
    ['10.0.0.5 02:42:0a:00:00:05', 'fd00::5 02:42:0a:00:00:05'],
  );
  await kernel.apply([{ do: 'delete-link', netns, name: 'vx0' }]);
});

interface FdbEntry {
  readonly mac: string;
  readonly dst: string;
  readonly state: string;
  readonly flags: readonly string[];
}

check('ip sees macvlans in the mode that was asked for', async () => {
  for (const mode of macvlanModes) {
    await kernel.apply([
      { do: 'ensure-dummy', netns, name: 'nowhere' },
      { do: 'ensure-macvlan', netns, name: 'mv0', parent: 'nowhere', mode },
    ]);
    const [card] = json('ip', '-n', netns, '-j', '-d', 'link', 'show', 'mv0');
    assert.deepEqual([card.linkinfo.info_data.mode, card.link], [mode, 'nowhere']);
    await kernel.apply([{ do: 'delete-link', netns, name: 'mv0' }]);
  }
});

/** Whether the kernel was built with VLANs. */
const hasVlans = () => {
  try {
    run('ip', 'link', 'add', 'link', 'lo', 'name', `v${unique}`, 'type', 'vlan', 'id', '10');
    run('ip', 'link', 'del', `v${unique}`);
    return true;
  } catch (error) {
    return !String(error).includes('Unknown device type');
  }
};

check('ip sees a VLAN with its number', async () => {
  const steps: KernelStep[] = [
    { do: 'ensure-dummy', netns, name: 'nowhere' },
    { do: 'ensure-vlan', netns, name: 'nowhere.10', parent: 'nowhere', id: 10, alias: 'whose' },
  ];
  if (!hasVlans()) {
    await assert.rejects(kernel.apply(steps), /step 2 ensure-vlan nowhere\.10 .*operation not supported/);
    return;
  }
  await kernel.apply(steps);
  const [vlan] = json('ip', '-n', netns, '-j', '-d', 'link', 'show', 'nowhere.10');
  assert.deepEqual([vlan.linkinfo.info_data.id, vlan.link, vlan.ifalias], [10, 'nowhere', 'whose']);
});

interface TcQueue {
  readonly kind: string;
  readonly dev: string;
  readonly options: { readonly rate?: number; readonly burst?: number; readonly limit?: number };
}

check('our tables of links, addresses and routes say what ip says', async () => {
  await kernel.apply([
    { do: 'ensure-bridge', netns, name: 'br0', mtu: 1450 },
    { do: 'set-link', netns, name: 'br0', up: true },
    { do: 'ensure-address', netns, link: 'br0', address: '10.9.0.1/24' },
    { do: 'ensure-address', netns, link: 'br0', address: 'fd00:9::1/64' },
    { do: 'ensure-route', netns, to: '10.10.0.0/16', link: 'br0' },
    { do: 'ensure-route', netns, to: '::/0', via: 'fd00:9::fe' },
  ]);
  const links = json('ip', '-n', netns, '-j', 'link');
  assert.deepEqual(
    (await kernel.links(netns)).map(({ index, name, mtu, mac }) => ({ index, name, mtu, mac })),
    links.map((link: { ifindex: number; ifname: string; mtu: number; address: string }) => ({
      index: link.ifindex,
      name: link.ifname,
      mtu: link.mtu,
      mac: link.address,
    })),
  );
  const [bridge] = json('ip', '-n', netns, '-j', 'addr', 'show', 'br0');
  const v6 = bridge.addr_info.find((each: { local: string }) => each.local === 'fd00:9::1');
  assert.ok(!v6.tentative, 'usable at once, without duplicate address detection');
  assert.deepEqual(
    (await kernel.addresses(netns)).map((each) => each.address),
    bridge.addr_info.map((each: { local: string; prefixlen: number }) => `${each.local}/${each.prefixlen}`),
  );
  const destinations = [
    ...json('ip', '-n', netns, '-4', '-j', 'route'),
    ...json('ip', '-n', netns, '-6', '-j', 'route'),
  ].map((route: { dst: string }) => route.dst);
  const ours = (await kernel.routes(netns)).map(({ to }) => (to === '::/0' ? 'default' : to));
  assert.deepEqual(ours.toSorted(), destinations.toSorted());
});

check('a device named in an nft rule is the one of that namespace', async () => {
  // Different indexes of "same" in the two namespaces: a cache shared between them would mix them up.
  await kernel.apply([
    { do: 'ensure-bridge', netns: netnsB, name: 'first', mtu: 1500 },
    ...[netns, netnsB].map(
      (each) => ({ do: 'ensure-bridge', netns: each, name: 'same', mtu: 1500 }) as const,
    ),
    ...[netns, netnsB].map(
      (each) =>
        ({
          do: 'nft',
          netns: each,
          script: 'table inet t {\nchain c {\niif "same" accept\n}\n}\n',
        }) as const,
    ),
  ]);
  for (const each of [netns, netnsB]) {
    assert.match(run('ip', 'netns', 'exec', each, 'nft', 'list', 'table', 'inet', 't'), /iif "same" accept/);
  }
});

check('an nft script with an error changes nothing and says where', async () => {
  const script = 'add table inet t\nadd rule inet nowhere c accept\n';
  await assert.rejects(kernel.apply([{ do: 'nft', netns, script }]), /add rule inet nowhere c accept/);
  assert.deepEqual(
    json('ip', 'netns', 'exec', netns, 'nft', '-j', 'list', 'tables').nftables.length,
    1,
    'version',
  );
});

check('a namespace that was replaced behind our back is seen anew', async () => {
  await kernel.apply([{ do: 'ensure-bridge', netns, name: 'old', mtu: 1500 }]);
  run('ip', 'netns', 'del', netns);
  run('ip', 'netns', 'add', netns);
  assert.deepEqual(
    (await kernel.links(netns)).map((link) => link.name),
    ['lo'],
  );
});

check('a name without a namespace on it, as a crash leaves it, is made good', async () => {
  run('umount', `/run/netns/${netns}`);
  await kernel.apply([
    { do: 'ensure-netns', name: netns },
    { do: 'ensure-bridge', netns, name: 'br0', mtu: 1500 },
  ]);
  assert.equal(json('ip', '-n', netns, '-j', 'link').length, 2);
});

// libnftables ends the process when its socket has a number from 1024 up.
check('rules change while thousands of files and connections are open', async () => {
  const script = 'add table inet many\nadd chain inet many c\nadd rule inet many c accept';
  const files = Array.from({ length: 3000 }, () => openSync('/dev/null', 'r'));
  try {
    for (let i = 0; i < 20; i++) await kernel.apply([{ do: 'nft', netns, script }]);
    assert.ok(await kernel.nftables('table inet many', netns));
    // Low numbers become free again, and others take them.
    for (const file of files.splice(0, 1000)) closeSync(file);
    for (let i = 0; i < 20; i++) await kernel.apply([{ do: 'nft', netns, script }]);
    for (let i = 0; i < 1000; i++) files.push(openSync('/dev/null', 'r'));
    for (let i = 0; i < 20; i++) await kernel.apply([{ do: 'nft', netns, script }]);
  } finally {
    for (const file of files) closeSync(file);
  }
  const { nftables } = json('ip', 'netns', 'exec', netns, 'nft', '-j', 'list', 'ruleset');
  assert.equal(nftables.filter((each: object) => 'rule' in each).length, 60);
});

test('real kernel: a closed one refuses, and holds no namespace alive', async () => {
  const other = await openKernel({ log: silentLog() });
  const own = `${netns}-c`;
  try {
    await other.apply([
      { do: 'ensure-netns', name: own },
      { do: 'ensure-veth', netns: own, name: near, mtu: 1450, peer: { name: far } },
    ]);
    await other.close();
    await other.close();
    await assert.rejects(other.namespaces(), /the kernel was closed/);
  } finally {
    run('ip', 'netns', 'del', own);
  }
  // The pair lives in the namespace: its outer end goes when the namespace really goes.
  await until('the namespace is gone', async () => traces().links.length === 0, { patienceMs: 10_000 });
});
