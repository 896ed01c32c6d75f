import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestNetwork, testCaller } from '../../../../test/helpers/network-control.ts';
import { loadConfig } from '../../../base/config.ts';
import { toBindingProfile } from '../../../model/host-binding.ts';
import { wantedOn } from '../wanted.ts';

const admin = testCaller('demo', { isAdmin: true });
const only = <T>(all: readonly T[]): T => {
  assert.equal(all.length, 1);
  return all[0] as T;
};

test('host ports lead through the router that is the subnet’s gateway, in the families that both sides have', async () => {
  await using world = await createTestNetwork();
  const { networks, subnets, routers, ports } = world.control;
  const external = only(await networks.create(admin, [{ external: true }]));
  const inside = only(await networks.create(admin, [{}]));
  const near = only(await subnets.create(admin, [{ networkId: inside.id, cidr: '10.0.0.0/24' }]));
  await subnets.create(admin, [{ networkId: inside.id, cidr: 'fd00::/64' }]);
  await subnets.create(admin, [{ networkId: external.id, cidr: '172.24.4.0/24' }]);
  const router = only(await routers.create(admin, [{ gateway: { networkId: external.id } }]));
  const bindingProfile = toBindingProfile({
    hostPorts: [
      { protocol: 'tcp', hostIp: '', hostPort: 80, containerPort: 8080, routerPort: 80 },
      { protocol: 'udp', hostIp: '192.0.2.1', hostPort: 53, containerPort: 53, routerPort: 54 },
      { protocol: 'tcp', hostIp: '2001:db8::1', hostPort: 81, containerPort: 81, routerPort: 81 },
    ],
    ingress: { maxKbps: 1000, maxBurstKbps: 100 },
    egress: null,
  });
  const bound = { networkId: inside.id, bindingProfile };
  const port = only(await ports.create(admin, [{ ...bound, bindingHost: 'h1' }]));
  await ports.create(admin, [
    { ...bound, bindingHost: 'h2' },
    { networkId: inside.id, bindingHost: 'h1' },
  ]);
  const wanted = async () => {
    const network = only(await wantedOn({ db: world.db, config: loadConfig({ env: {} }) }, 'h1', undefined));
    return { network, router: network.routers[0] };
  };
  assert.equal((await wanted()).router, undefined, 'no router yet');
  await routers.addInterface(admin, router.id, { subnetId: near.id });
  const { network, router: seen } = await wanted();
  const address = seen?.gateway?.addresses[0]?.split('/')[0];
  const of = { portId: port.id, routerAddress: address };
  assert.deepEqual(seen?.hostPorts, [
    { ...of, protocol: 6, hostAddress: null, hostPort: 80, routerPort: 80 },
    { ...of, protocol: 17, hostAddress: '192.0.2.1', hostPort: 53, routerPort: 54 },
  ]);
  const internalAddress = port.fixedIps.find(({ subnetId }) => subnetId === near.id)?.ipAddress;
  assert.deepEqual(
    seen?.portForwardings.map(({ id: _, ...rest }) => rest),
    [
      {
        address,
        protocol: 6,
        internalAddress,
        externalPorts: { from: 80, to: 80 },
        internalPorts: { from: 8080, to: 8080 },
      },
      {
        address,
        protocol: 17,
        internalAddress,
        externalPorts: { from: 54, to: 54 },
        internalPorts: { from: 53, to: 53 },
      },
    ],
  );
  const limits = network.ports.map(({ id, bandwidth }) => [
    id === port.id,
    bandwidth.ingress,
    bandwidth.egress,
  ]);
  assert.deepEqual(
    limits.toSorted(([a], [b]) => Number(b) - Number(a)),
    [
      [true, { kilobitsPerSecond: 1000, burstKilobits: 100 }, null],
      [false, null, null],
    ],
  );
});

test('of a limit and a QoS policy the lower rate counts; a profile of somebody else means nothing', async () => {
  await using world = await createTestNetwork();
  const { networks, ports, qosPolicies } = world.control;
  const net = only(await networks.create(admin, [{}]));
  const policy = only(await qosPolicies.create(admin, [{}]));
  await qosPolicies.addLimit(admin, policy.id, { maxKbps: 500, direction: 'ingress' });
  const profile = (maxKbps: number) =>
    toBindingProfile({ hostPorts: [], ingress: { maxKbps, maxBurstKbps: 1 }, egress: null });
  for (const [bindingProfile, rate] of [
    [profile(400), 400],
    [profile(600), 500],
    [{ host_ports: 'x', ingress_limit: { max_kbps: 'fast' } }, 500],
    [{ ingress_limit: 7, host_ports: [{ protocol: 'tcp', host_port: 0 }, null] }, 500],
  ] as const) {
    const made = only(
      await ports.create(admin, [
        { networkId: net.id, bindingHost: 'h1', qosPolicyId: policy.id, bindingProfile },
      ]),
    );
    const network = only(await wantedOn({ db: world.db, config: loadConfig({ env: {} }) }, 'h1', undefined));
    const seen = network.ports.find(({ id }) => id === made.id);
    assert.equal(seen?.bandwidth.ingress?.kilobitsPerSecond, rate);
  }
});
