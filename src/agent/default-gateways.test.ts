import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Nic } from '../model/container.ts';
import { DefaultGateways } from './default-gateways.ts';
import { FakeDataplane, fakeWorld } from './world.fixture.ts';

const world = fakeWorld();
const network = (n: number, gateways: { v4?: string | null; v6?: string | null }) =>
  world.addNetwork({
    id: `n${n}`,
    subnets: ([4, 6] as const).flatMap((ipVersion) => {
      const gatewayIp = gateways[`v${ipVersion}`];
      if (gatewayIp === undefined) return [];
      const cidr = ipVersion === 4 ? `10.0.${n}.0/24` : `fd00:${n}::/64`;
      return { id: `s${n}-${ipVersion}`, ipVersion, cidr, gatewayIp, dnsNameservers: [], hostRoutes: [] };
    }),
  });
network(1, { v4: '10.0.1.1' });
network(2, { v4: '10.0.2.1', v6: 'fd00:2::1' });
network(3, { v4: null, v6: 'fd00:3::1' });
network(4, { v4: null });

const nic = (n: number, more: Partial<Nic> = {}): Nic => ({
  index: n,
  networkId: `n${n}`,
  portId: `p${n}`,
  macAddress: `fa:16:3e:00:00:0${n}`,
  fixedIps: [
    { address: `10.0.${n}.9`, subnetId: `s${n}-4`, version: 4 },
    { address: `fd00:${n}::9`, subnetId: `s${n}-6`, version: 6 },
  ],
  preserveOnDelete: false,
  ...more,
});

function withNics(nics: readonly Nic[]) {
  const dataplane = new FakeDataplane();
  const gateways = new DefaultGateways({
    dataplane,
    findNetwork: (id) => world.server.networks.get(id),
    nicsAround: (portId) => (nics.some((each) => each.portId === portId) ? nics : undefined),
  });
  const chosen = ([4, 6] as const).map(
    (version) => nics.find(({ portId }) => gateways.isDefault(portId, version))?.portId ?? '-',
  );
  return { dataplane, gateways, chosen: chosen.join(' ') };
}

test('each family by itself: the first that has a gateway, else the one that was asked for last', () => {
  const asked = { defaultGateway: true };
  const cases: readonly (readonly [readonly Nic[], string])[] = [
    [[nic(1)], 'p1 -'],
    [[nic(1), nic(2)], 'p1 p2'],
    [[nic(2), nic(1)], 'p2 p2'],
    [[nic(4), nic(3), nic(2)], 'p2 p3'],
    [[nic(1), nic(2, asked)], 'p2 p2'],
    [[nic(1), nic(2, asked), nic(3, asked)], 'p2 p3'],
    [[nic(1), nic(4, asked)], 'p1 -'],
    [[nic(4)], '- -'],
    [[nic(1, { fixedIps: [{ address: '10.0.1.1', subnetId: 's1-4', version: 4 }] }), nic(2)], 'p2 p2'],
  ];
  for (const [nics, expected] of cases) {
    assert.equal(withNics(nics).chosen, expected, nics.map(({ portId }) => portId).join());
  }
});

test('plain Docker’s containers and ports that join a running one', async () => {
  const { gateways } = withNics([nic(1)]);
  assert.ok(gateways.isDefault('of somebody else', 4));
  await gateways.joinRunning('p1', async () => assert.ok(!gateways.isDefault('p1', 4)));
  assert.ok(gateways.isDefault('p1', 4));
  await assert.rejects(gateways.joinRunning('p1', () => Promise.reject(new Error('no'))));
  assert.ok(gateways.isDefault('p1', 4));
});

test('what dockerd does not do is done by settling', async () => {
  for (const [nics, expected] of [
    [[nic(1)], true],
    [[nic(2)], true],
    [[nic(3)], false],
    [[nic(4)], true],
    [[nic(1), nic(2)], false],
    [[], true],
  ] as const) {
    assert.equal(withNics(nics).gateways.isDocker(nics), expected, nics.map(({ portId }) => portId).join());
  }
  const nics = [nic(4), nic(1), nic(3)];
  const { gateways, dataplane } = withNics(nics);
  await gateways.settle(7, nics);
  assert.deepEqual(dataplane.defaultRoutes.get(7), [
    { version: 4, macAddress: 'fa:16:3e:00:00:01', via: '10.0.1.1' },
    { version: 6, macAddress: 'fa:16:3e:00:00:03', via: 'fd00:3::1' },
  ]);
  const ways = ([4, 6] as const).map((version) => ({ version, macAddress: 'fa:16:3e:00:00:04' }));
  assert.deepEqual(dataplane.resolverWays.get(7), ways, 'the first network’s');
});
