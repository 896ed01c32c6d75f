/** The macvlan driver on the real kernel: the contract of all drivers on a parent that leads nowhere, and a real wire. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MacvlanDriver } from '../../../src/cnm/drivers/macvlan/driver.ts';
import { testDriverContract } from '../../cnm-contract.ts';
import { CnmHost } from '../../helpers/cnm-host.ts';
import { enterPrivateNetwork } from '../../helpers/private-network.ts';
import { tool } from '../../helpers/wired-container.ts';

enterPrivateNetwork();

let host: CnmHost;

before(async () => {
  host = await CnmHost.start({
    drivers: (kernel, records) => [new MacvlanDriver(kernel, records)],
  });
});
after(() => host.stop());

testDriverContract(() => host, {
  name: 'macvlan',
  has6: true,
  isolates: true,
  draft: (number) => ({
    name: `net${number}`,
    driver: 'macvlan',
    pools: [{ cidr: `10.5${number}.0.0/24` }, { cidr: `fd5${number}::/64` }],
  }),
});

/** A wire `wire0` to a router with the gateway's address, which is in a namespace of its own. */
async function withWire(work: () => Promise<void>): Promise<void> {
  await tool('ip', 'netns', 'add', 'beyond');
  try {
    await tool('ip', 'link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'far0', 'netns', 'beyond');
    await tool('ip', 'link', 'set', 'wire0', 'up');
    await tool('ip', '-n', 'beyond', 'link', 'set', 'far0', 'up');
    await tool('ip', '-n', 'beyond', 'address', 'add', '10.55.0.1/24', 'dev', 'far0');
    await work();
  } finally {
    await host.clear();
    await tool('ip', 'link', 'del', 'wire0').catch(() => undefined);
    await tool('ip', 'netns', 'del', 'beyond');
  }
}

for (const [mode, reach] of [
  ['bridge', true],
  ['private', false],
  ['vepa', false],
] as const) {
  test(`macvlan: on a wire, in mode ${mode}: what is beyond it, and ${reach ? '' : 'not '}neighbours`, () =>
    withWire(async () => {
      const network = await host.controller.createNetwork({
        name: 'wired',
        driver: 'macvlan',
        pools: [{ cidr: '10.55.0.0/24' }],
        options: { parent: 'wire0', macvlan_mode: mode },
      });
      await host.attach('a', network.id);
      const b = await host.attach('b', network.id);
      assert.ok(await host.pings('a', '10.55.0.1'));
      assert.equal(await host.pings('a', b.address), reach);
      assert.match(await host.exec('a', 'ip', 'route'), /default via 10\.55\.0\.1 dev eth0/);
    }));
}

test('macvlan: passthru gives the wire to one sandbox only', () =>
  withWire(async () => {
    const network = await host.controller.createNetwork({
      name: 'wired',
      driver: 'macvlan',
      pools: [{ cidr: '10.55.0.0/24' }],
      options: { parent: 'wire0', macvlan_mode: 'passthru' },
    });
    await host.attach('a', network.id);
    assert.ok(await host.pings('a', '10.55.0.1'));
    await assert.rejects(host.attach('b', network.id), /ensure-macvlan/);
    assert.ok(await host.pings('a', '10.55.0.1'));
  }));
