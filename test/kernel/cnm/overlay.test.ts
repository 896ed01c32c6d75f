/** The overlay driver on the real kernel: the contract of all drivers on one host, and a network over two hosts. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { silentLog } from '../../../src/base/log.ts';
import { OverlayDriver } from '../../../src/cnm/drivers/overlay/driver.ts';
import { FolderDirectory } from '../../../src/cnm/peers/folder.ts';
import { testDriverContract } from '../../cnm-contract.ts';
import { CnmCli } from '../../helpers/cnm-cli.ts';
import { CnmHost } from '../../helpers/cnm-host.ts';
import { enterPrivateNetwork } from '../../helpers/private-network.ts';
import { SimulatedHost } from '../../helpers/simulated-host.ts';
import { until } from '../../helpers/until.ts';

enterPrivateNetwork();

const shared = mkdtempSync(join(tmpdir(), 'berth-peers-'));
const drivers: OverlayDriver[] = [];
let host: CnmHost;

before(async () => {
  const directory = new FolderDirectory({ folder: join(shared, 'one') });
  const tunnelAddress = async () => '127.0.0.1';
  host = await CnmHost.start({
    drivers: (kernel, records) => {
      const driver = new OverlayDriver({ kernel, records, directory, tunnelAddress, log: silentLog() });
      drivers.push(driver);
      return [driver];
    },
  });
});
after(async () => {
  for (const driver of drivers) await driver.close();
  await host.stop();
  rmSync(shared, { recursive: true });
});

testDriverContract(() => host, {
  name: 'overlay',
  has6: true,
  isolates: true,
  draft: (number) => ({
    name: `net${number}`,
    driver: 'overlay',
    pools: [{ cidr: `10.8${number}.0.0/24` }, { cidr: `fd8${number}::/64` }],
  }),
});

class Side {
  readonly host: SimulatedHost;
  readonly cli: CnmCli;

  constructor(host: SimulatedHost) {
    this.host = host;
    this.cli = new CnmCli(host.enter);
  }

  /** A sandbox of the name with an endpoint of the name. */
  async attach(name: string): Promise<{ netns: string; address: string; address6: string }> {
    await this.cli.must('endpoint', 'create', 'net', name);
    const { netns } = await this.cli.json('sandbox', 'create', name);
    const { address, address6 } = await this.cli.json('endpoint', 'join', name, name);
    return { netns, address: address.split('/')[0], address6: address6.split('/')[0] };
  }

  inside(netns: string, ...command: readonly string[]): Promise<string> {
    return this.host.exec('ip', 'netns', 'exec', netns, ...command);
  }

  pings(netns: string, address: string): Promise<boolean> {
    return this.inside(netns, 'ping', '-n', '-c', '3', '-i', '0.2', '-W', '1', address).then(
      () => true,
      () => false,
    );
  }

  /** MAC addresses behind the other host that this one knows. */
  async peers(id: string): Promise<string[]> {
    const entries = await this.inside(`cov-${id.slice(0, 12)}`, 'bridge', '-j', 'fdb', 'show', 'dev', 'vx0');
    return (JSON.parse(entries) as { mac: string; dst?: string }[]).flatMap(({ mac, dst }) =>
      dst ? [mac] : [],
    );
  }
}

test('a network over two hosts: ping and TCP across, seen on the wire, nothing flooded', async () => {
  const id = 'c0de'.repeat(16);
  const [a, b] = [new Side(await SimulatedHost.start()), new Side(await SimulatedHost.start())];
  const folder = join(shared, 'two');
  try {
    await SimulatedHost.connect(a.host, b.host, ['192.0.2.1/24', '192.0.2.2/24']);
    await a.cli.start('--tunnel-address', '192.0.2.1', '--peers', folder);
    await b.cli.start('--tunnel-address', '192.0.2.2', '--peers', folder);
    const subnets = ['--subnet', '10.90.0.0/24', '--subnet', 'fd90::/64'];
    for (const { cli } of [a, b])
      await cli.must('network', 'create', '-d', 'overlay', '--id', id, ...subnets, 'net');
    const wire = a.host.start('tcpdump', '-n', '-l', '-i', 'under0', 'udp', 'port', '4789');
    const [left, right] = [await a.attach('left'), await b.attach('right')];
    assert.notEqual(left.address, right.address);
    await until(
      'both know each other',
      async () => [...(await a.peers(id)), ...(await b.peers(id))].length === 2,
    );

    // Before anything is known to pass: what goes to nobody and to everybody stays on its host.
    assert.ok(!(await a.pings(left.netns, '10.90.0.200')));
    assert.ok(!(await a.pings(left.netns, 'fd90::200')));
    await a
      .inside(left.netns, 'ping', '-n', '-b', '-c', '2', '-i', '0.2', '-W', '1', '10.90.0.255')
      .catch(() => '');
    await a
      .inside(left.netns, 'ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', 'ff02::1%eth0')
      .catch(() => '');

    assert.ok(await a.pings(left.netns, right.address));
    assert.ok(await b.pings(right.netns, left.address6));
    await until('the wire shows it', async () => wire.lines.some((line) => line.includes('fd90::')));
    const own = [left.address, right.address, left.address6, right.address6];
    assert.ok(
      wire.lines.some((line) => line.includes('192.0.2.1') && line.includes('VXLAN')),
      wire.lines.join('\n'),
    );
    const inner = wire.lines.flatMap((line) => /^\S*\s*IP6? (\S+) > (\S+): /.exec(line)?.slice(1) ?? []);
    const strangers = inner.filter(
      (one) => !own.includes(one) && !/^192\.0\.2\.[12]\.\d+$/.test(one) && !one.startsWith('fe80:'),
    );
    assert.deepEqual(strangers, [], 'nothing to nobody, nothing to everybody');
    assert.ok(
      !wire.lines.some((line) => /ARP|ff02::|10\.90\.0\.255|\.200/.test(line)),
      wire.lines.join('\n'),
    );

    for (const address of [right.address, right.address6]) {
      const server = b.host.start(
        'ip',
        'netns',
        'exec',
        right.netns,
        'busybox',
        'nc',
        '-ll',
        '-p',
        '80',
        '-e',
        'echo',
        'across',
      );
      await until(`TCP to ${address}`, async () =>
        (await a.inside(left.netns, 'busybox', 'nc', '-w', '1', address, '80').catch(() => '')).includes(
          'across',
        ),
      );
      await server.stop();
    }

    const taken = await b.cli.run('endpoint', 'create', '--ip', left.address, 'net', 'thief');
    assert.match(taken.stderr, /in use on another host/);

    await a.cli.kill();
    assert.ok(await b.pings(right.netns, left.address), 'the dead daemon is not missed');
    await a.cli.start('--tunnel-address', '192.0.2.1', '--peers', folder);
    assert.ok(await b.pings(right.netns, left.address));

    await b.cli.must('endpoint', 'leave', 'right');
    await until('the peer that left is forgotten', async () => (await a.peers(id)).length === 0);
    assert.equal(await b.host.exec('ls', '/run/netns').then((names) => names.includes('cov-')), false);
    await wire.stop();
    for (const { cli, host: side } of [a, b]) {
      for (const { name } of await cli.json('sandbox', 'ls')) await cli.must('sandbox', 'rm', name);
      for (const { name } of await cli.json('endpoint', 'ls')) await cli.must('endpoint', 'rm', name);
      await cli.must('network', 'rm', 'net');
      assert.equal(await side.exec('ls', '/run/netns'), '');
      assert.deepEqual(
        (JSON.parse(await side.exec('ip', '-j', 'link')) as { ifname: string }[]).map(({ ifname }) => ifname),
        ['lo', 'under0'],
      );
    }
    assert.deepEqual(readdirSync(folder), []);
  } finally {
    for (const { cli, host: side } of [a, b]) {
      await cli.stop();
      await side.stop();
    }
  }
});
