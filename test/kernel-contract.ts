/** The contract of src/host/kernel.ts as tests: the real kernel and the fake one are run against it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import type { Kernel, KernelStep } from '../src/host/kernel.ts';
import { isFailure } from '../src/model/failure.ts';

export function testKernelContract(name: string, open: () => Promise<Kernel>): void {
  const unique = randomBytes(3).toString('hex');
  const [netns, far] = [`berth-test-${unique}`, `berth-test-${unique}-far`];
  const [near, other] = [`p${unique}`, `c${unique}`];
  let kernel: Kernel;

  before(async () => {
    kernel = await open();
  });
  after(() => kernel.close());

  const link = async (link_: string, where?: string) =>
    (await kernel.links(where)).find((each) => each.name === link_);
  const failsWith = (steps: readonly KernelStep[], ...words: readonly string[]) =>
    assert.rejects(kernel.apply(steps), (error) => {
      assert.ok(isFailure(error, 'kernel-error'), String(error));
      for (const word of words) assert.ok(error.message.includes(word), `${word} in: ${error.message}`);
      return true;
    });
  const check = (what: string, work: () => Promise<void>) =>
    test(`${name}: ${what}`, async () => {
      try {
        await kernel.apply([
          { do: 'ensure-netns', name: netns },
          { do: 'ensure-netns', name: far },
        ]);
        await work();
      } finally {
        await kernel.apply([
          { do: 'delete-netns', name: netns },
          { do: 'delete-netns', name: far },
          { do: 'delete-link', name: other },
        ]);
      }
    });
  const veth: KernelStep = {
    do: 'ensure-veth',
    netns,
    name: near,
    mtu: 1400,
    mac: '02:00:00:00:00:01',
    alias: 'near end',
    peer: { name: other, mac: '02:00:00:00:00:02', alias: 'far end' },
  };
  const bridge: KernelStep = { do: 'ensure-bridge', netns, name: 'br0', mtu: 1400, alias: 'bridge' };

  check('namespaces appear and disappear, twice is as good as once', async () => {
    await kernel.apply([{ do: 'ensure-netns', name: netns }]);
    assert.ok((await kernel.namespaces()).includes(netns));
    await kernel.apply([
      { do: 'delete-netns', name: netns },
      { do: 'delete-netns', name: netns },
    ]);
    assert.ok(!(await kernel.namespaces()).includes(netns));
  });

  check('a veth pair stands in two namespaces with its settings', async () => {
    await kernel.apply([veth]);
    const [a, b] = [await link(near, netns), await link(other)];
    assert.deepEqual(
      [a?.kind, a?.mac, a?.mtu, a?.alias, a?.up],
      ['veth', '02:00:00:00:00:01', 1400, 'near end', false],
    );
    assert.deepEqual([b?.kind, b?.mac, b?.mtu, b?.alias], ['veth', '02:00:00:00:00:02', 1400, 'far end']);
  });

  check('a veth pair that is there is kept and only changed', async () => {
    await kernel.apply([veth]);
    const first = await link(near, netns);
    await kernel.apply([veth, { ...veth, mtu: 1300, alias: 'renamed' }]);
    const second = await link(near, netns);
    assert.equal(second?.index, first?.index);
    assert.deepEqual([second?.mtu, second?.alias, (await link(other))?.mtu], [1300, 'renamed', 1300]);
  });

  check('half of a veth pair is replaced by a whole one', async () => {
    await kernel.apply([{ ...veth, peer: { netns: far, name: 'else' } }]);
    await kernel.apply([veth]);
    assert.ok(await link(near, netns));
    assert.ok(await link(other));
    assert.equal(await link('else', far), undefined);
  });

  check('what is there under the name but is something else is left alone', async () => {
    await kernel.apply([bridge]);
    await failsWith([{ ...veth, name: 'br0' }], 'step 1 ensure-veth br0', 'is a bridge');
    assert.equal((await link('br0', netns))?.kind, 'bridge');
  });

  check('deleting one end deletes both, and what is gone stays deleted', async () => {
    await kernel.apply([veth, { do: 'delete-link', name: other }, { do: 'delete-link', name: other }]);
    assert.equal(await link(near, netns), undefined);
    await kernel.apply([{ do: 'delete-link', netns: `${netns}-never`, name: 'x' }]);
  });

  check('several links of one namespace are deleted together', async () => {
    const names = ['p1', 'p2', 'p3'];
    const pairs = names.map((each) => ({ ...veth, name: each, peer: { netns: far, name: `c${each}` } }));
    await kernel.apply(pairs);
    await kernel.apply(
      ['p1', 'gone', 'p2', 'p3'].map((each) => ({ do: 'delete-link', netns, name: each }) as const),
    );
    assert.deepEqual(
      (await kernel.links(netns)).map((each) => each.name).filter((each) => each !== 'lo'),
      [],
    );
    assert.deepEqual(
      (await kernel.links(far)).map((each) => each.name).filter((each) => each !== 'lo'),
      [],
    );
  });

  check('a link moves to another namespace under another name, by name or path, once', async () => {
    for (const where of [far, `/run/netns/${far}`]) {
      await kernel.apply([veth, { do: 'set-link', netns, name: near, up: true }]);
      const move: KernelStep = { do: 'move-link', name: other, to: { netns: where, name: 'eth0' } };
      await kernel.apply([move, move]);
      assert.equal(await link(other), undefined);
      const moved = await link('eth0', where);
      assert.deepEqual([moved?.mac, moved?.mtu, moved?.up], ['02:00:00:00:00:02', 1400, false]);
      await failsWith([{ ...veth, netns: far, name: 'x' }, move], 'move-link', 'already');
      await kernel.apply([
        { do: 'delete-link', netns, name: near },
        { do: 'delete-link', name: other },
      ]);
      assert.equal(await link('eth0', far), undefined);
    }
    await failsWith([{ do: 'move-link', name: other, to: { netns: far, name: 'eth0' } }], 'there is no link');
  });

  check('links join a bridge, leave it, go up and down', async () => {
    await kernel.apply([
      bridge,
      bridge,
      veth,
      { do: 'set-link', netns, name: near, bridge: 'br0', hairpin: true, learning: false, up: true },
    ]);
    assert.deepEqual(
      [(await link(near, netns))?.bridge, (await link(near, netns))?.up, (await link('br0', netns))?.alias],
      ['br0', true, 'bridge'],
    );
    await kernel.apply([{ do: 'set-link', netns, name: near, bridge: null, up: false }]);
    assert.deepEqual([(await link(near, netns))?.bridge, (await link(near, netns))?.up], [undefined, false]);
  });

  for (const [address, outer, via, wide] of [
    ['10.9.0.1/24', '10.9.0.254', '10.9.0.253', '0.0.0.0/0'],
    ['fd00:9::1/64', 'fd00:9::fe', 'fd00:9::fd', '::/0'],
  ] as const) {
    check(`addresses and routes are ensured and deleted, ${address}`, async () => {
      const onBridge = { netns, link: 'br0', address } as const;
      const route = async () => (await kernel.routes(netns)).find(({ to }) => to === wide);
      await kernel.apply([
        bridge,
        { do: 'set-link', netns, name: 'br0', up: true },
        { do: 'ensure-address', ...onBridge },
        { do: 'ensure-address', ...onBridge },
        { do: 'ensure-route', netns, to: wide, via: outer },
        { do: 'ensure-route', netns, to: wide, via: outer },
      ]);
      assert.ok((await kernel.addresses(netns)).some((each) => each.address === address));
      assert.equal((await route())?.via, outer);
      await kernel.apply([{ do: 'ensure-route', netns, to: wide, via, link: 'br0' }]);
      assert.deepEqual(await route(), { to: wide, via, link: 'br0' });
      await kernel.apply([
        { do: 'delete-route', netns, to: wide, via },
        { do: 'delete-route', netns, to: wide, via },
        { do: 'delete-address', ...onBridge },
        { do: 'delete-address', ...onBridge },
        { do: 'delete-address', ...onBridge, link: 'gone' },
      ]);
      assert.equal(await route(), undefined);
      assert.ok(!(await kernel.addresses(netns)).some((each) => each.address === address));
    });
  }

  check('limits come, change and go with their detour; a link that is gone has none', async () => {
    const bucket = { bytesPerSecond: 1_250_000, burstBytes: 100_000, queueBytes: 65_536 };
    const detour = { name: 'detour', alias: 'whose' };
    const limit = { do: 'limit-link', netns, name: near, detour } as const;
    await kernel.apply([
      veth,
      { ...limit, leaving: bucket, arriving: bucket },
      { ...limit, leaving: null, arriving: { ...bucket, burstBytes: 200_000 } },
    ]);
    const found = await link('detour', netns);
    assert.deepEqual([found?.kind, found?.alias, found?.up], ['ifb', 'whose', true]);
    assert.deepEqual(await kernel.limits(netns), [
      { link: near, bytesPerSecond: null, isDetoured: true },
      { link: detour.name, bytesPerSecond: bucket.bytesPerSecond, isDetoured: false },
    ]);
    const none = { ...limit, leaving: null, arriving: null };
    await kernel.apply([none, none]);
    assert.equal(await link('detour', netns), undefined);
    await kernel.apply([
      { ...limit, leaving: bucket, arriving: bucket },
      { do: 'delete-link', netns, name: near },
      { ...limit, leaving: bucket, arriving: bucket },
      { ...limit, netns: `${netns}-never`, leaving: bucket, arriving: bucket },
    ]);
    assert.equal(await link('detour', netns), undefined);
  });

  check('sockets are opened in a namespace, at its addresses only, and served from here', async () => {
    const where = { address: '10.9.0.1', port: 53 };
    await kernel.apply([
      bridge,
      { do: 'set-link', netns, name: 'br0', up: true },
      { do: 'ensure-address', netns, link: 'br0', address: '10.9.0.1/24' },
    ]);
    const udp = createSocket('udp4');
    const tcp = createServer();
    const listening = Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
    udp.bind({ fd: await kernel.openSocket({ ...where, protocol: 'udp' }, netns) });
    tcp.listen({ fd: await kernel.openSocket({ ...where, protocol: 'tcp' }, netns) });
    await listening;
    assert.ok(udp.address().port > 0);
    udp.close();
    tcp.close();
    await Promise.all([once(udp, 'close'), once(tcp, 'close')]);
    await assert.rejects(
      kernel.openSocket({ ...where, address: '10.9.0.9', protocol: 'udp' }, netns),
      /open a socket udp 10.9.0.9 53/,
    );
  });

  check(
    'a macvlan stands on its parent, another parent makes it anew, it moves into a namespace',
    async () => {
      const onto = (parent: string): KernelStep => ({
        do: 'ensure-macvlan',
        netns,
        name: near,
        parent,
        mode: 'bridge',
        mtu: 1400,
        mac: '02:00:00:00:00:01',
        alias: 'whose',
      });
      await kernel.apply([
        { do: 'ensure-dummy', netns, name: 'nowhere', mtu: 1400, alias: 'dummy' },
        { do: 'ensure-dummy', netns, name: 'elsewhere', mtu: 1400 },
        onto('nowhere'),
      ]);
      const [first, dummy] = [await link(near, netns), await link('nowhere', netns)];
      assert.deepEqual([dummy?.up, dummy?.mtu, dummy?.alias], [true, 1400, 'dummy']);
      assert.deepEqual(
        [first?.kind, first?.mac, first?.mtu, first?.alias],
        ['macvlan', '02:00:00:00:00:01', 1400, 'whose'],
      );
      await kernel.apply([onto('nowhere')]);
      assert.equal((await link(near, netns))?.index, first?.index);
      await kernel.apply([onto('elsewhere')]);
      assert.notEqual((await link(near, netns))?.index, first?.index);
      await kernel.apply([{ do: 'move-link', netns, name: near, to: { netns: far, name: 'eth0' } }]);
      assert.equal((await link('eth0', far))?.mac, '02:00:00:00:00:01');
      await failsWith([onto('nobody')], 'ensure-macvlan', 'there is no link "nobody"');
    },
  );

  check('a tunnel’s end stands in its namespace and knows the peers that it is told', async () => {
    const tunnel: KernelStep = {
      do: 'ensure-vxlan',
      netns,
      name: 'vx0',
      id: 0xab_cd_ef,
      local: '127.0.0.1',
      port: 4789,
      mtu: 1450,
      alias: 'tunnel',
    };
    const peer = {
      mac: '02:42:0a:00:00:05',
      via: '192.0.2.7',
      addresses: ['10.0.0.5', 'fd00::5'],
    };
    const other_ = { mac: '02:42:0a:00:00:06', via: '192.0.2.8', addresses: [] };
    const on = { netns, link: 'vx0' } as const;
    const up: KernelStep = { do: 'set-link', netns, name: 'vx0', up: true };
    await kernel.apply([tunnel, tunnel, up, { do: 'ensure-peer', ...on, ...peer }]);
    await kernel.apply([{ do: 'ensure-peer', ...on, ...other_ }]);
    const found = await link('vx0', netns);
    assert.deepEqual([found?.kind, found?.mtu, found?.alias, found?.up], ['vxlan', 1450, 'tunnel', true]);
    assert.deepEqual(await kernel.peers('vx0', netns), [peer, other_]);
    const moved = { ...peer, via: '192.0.2.9', addresses: ['10.0.0.9'] };
    await kernel.apply([
      { do: 'ensure-peer', ...on, ...moved },
      { do: 'delete-peer', ...on, mac: other_.mac },
      { do: 'delete-peer', ...on, mac: other_.mac },
      { do: 'delete-peer', netns, link: 'gone', mac: other_.mac },
      { do: 'delete-peer', netns: `${netns}-never`, link: 'vx0', mac: other_.mac },
    ]);
    assert.deepEqual(await kernel.peers('vx0', netns), [moved]);
    await failsWith([{ do: 'ensure-peer', netns, link: 'gone', ...peer }], peer.mac, 'there is no link');
    await kernel.apply([{ do: 'delete-link', netns, name: 'vx0' }]);
  });

  check('settings belong to their namespace', async () => {
    await kernel.apply([
      { do: 'sysctl', netns, key: 'net/ipv4/conf/lo/forwarding', value: '1' },
      { do: 'sysctl', netns: far, key: 'net/ipv4/conf/lo/forwarding', value: '0' },
    ]);
    assert.equal(await kernel.readSysctl('net/ipv4/conf/lo/forwarding', netns), '1');
    assert.equal(await kernel.readSysctl('net/ipv4/conf/lo/forwarding', far), '0');
  });

  check('nftables belong to their namespace; what is not there is undefined', async () => {
    await kernel.apply([{ do: 'nft', netns, script: 'add table inet berth' }]);
    assert.match(JSON.stringify(await kernel.nftables('table inet berth', netns)), /"name":"berth"/);
    assert.equal(await kernel.nftables('table inet berth', far), undefined);
    await kernel.apply([{ do: 'nft', netns, script: 'delete table inet berth' }]);
    assert.equal(await kernel.nftables('table inet berth', netns), undefined);
  });

  check('rules are listed as text, namespace by namespace', async () => {
    await kernel.apply([{ do: 'nft', netns, script: 'add table inet berth' }]);
    assert.equal(await kernel.rules(netns), 'table inet berth {\n}\n');
    assert.equal(await kernel.rules(far), '');
  });

  check('the first step that fails is named, the ones before it stand', async () => {
    await failsWith(
      [bridge, { do: 'set-link', netns, name: 'nobody', up: true }, veth],
      `step 2 set-link nobody in ${netns}`,
      'there is no link "nobody"',
    );
    assert.ok(await link('br0', netns));
    assert.equal(await link(near, netns), undefined);
  });

  check('nothing can be made in a namespace that is not there', async () => {
    await failsWith([{ ...bridge, netns: `${netns}-never` }], 'there is no network namespace');
    await assert.rejects(kernel.links(`${netns}-never`), (error) => isFailure(error, 'kernel-error'));
  });

  check('a name too long for a link is refused', () =>
    failsWith([{ ...bridge, name: 'sixteen-bytes-00' }], 'sixteen-bytes-00'),
  );
}
