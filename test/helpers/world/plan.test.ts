/**
 * What is planned for a host lets the first packets of connections get exactly where the model says: for worlds as hosts are
 * told of them, and for worlds that were made through the use cases of the network service.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadConfig } from '../../../src/base/config.ts';
import { wantedOn } from '../../../src/control/network/wanted.ts';
import { createTestNetwork } from '../network-control.ts';
import { anyWorld } from './any-world.ts';
import { arrivalOf } from './model.ts';
import { PlannedWorld } from './planned.ts';
import { probesOf } from './probes.ts';
import { asTheServiceHasIt, makeThroughControl, worldHost } from './through-control.ts';
import { type Ids, idsOf, wantedOf } from './wanted.ts';
import { addressOn, isOn, networkOf, outside, routedBy, versionOf, type World } from './world.ts';

const counts = { reached: 0, refused: 0 };

/** Between ports and routers: what goes by way of the machine is the kernel's test. */
function compare(world: World, planned: PlannedWorld, ids: Ids): void {
  const routers = new Map(world.routers.map((router) => [ids(router.name), router]));
  for (const { sender, packet } of probesOf(world, 20_000)) {
    const port = world.ports.find(({ name }) => name === sender);
    const version = versionOf(packet.to);
    const isBeyond = [outside.machine, outside.uplink, outside.outside].some(
      (of) => of(version) === packet.to,
    );
    if (!port || isBeyond || routedBy(world, packet.to)) continue;
    const network = networkOf(world, port.network);
    const gateway = isOn(network, packet.to) ? undefined : addressOn(network, 1, version);
    const expected = arrivalOf(world, sender, packet);
    const reached = planned.send(ids(sender), packet, gateway);
    const isElsewhere = reached?.at === 'machine';
    const actual = isElsewhere ? undefined : reached;
    const wanted = expected && { at: ids(expected.at), from: expected.packet.from };
    const what = `${sender} ${packet.from} ${packet.protocol} ${packet.to} ${packet.port}`;
    assert.deepEqual(actual, wanted, `${what} ${routers.size}`);
    counts[wanted ? 'reached' : 'refused'] += 1;
  }
}

test('worlds as hosts are told of them', () => {
  const ids = idsOf('plan');
  fc.assert(
    fc.property(anyWorld, (world) => compare(world, new PlannedWorld(wantedOf(world, ids)), ids)),
    { numRuns: 100 },
  );
  assert.ok(counts.reached > 500 && counts.refused > 500, JSON.stringify(counts));
});

test('worlds made through the network service', async () => {
  const unlimited = Object.fromEntries(
    ['network', 'subnet', 'port', 'router', 'floatingip', 'securityGroup', 'securityGroupRule'].map((key) => [
      key,
      -1,
    ]),
  );
  await fc.assert(
    fc.asyncProperty(anyWorld.map(asTheServiceHasIt), async (world) => {
      await using network = await createTestNetwork({ quotas: unlimited });
      const made = await makeThroughControl(network.control, world);
      const config = loadConfig({ env: {}, overrides: {} });
      const wanted = await wantedOn({ db: network.db, config }, worldHost, undefined);
      const planned = new PlannedWorld(wanted);
      // A router runs where one of its networks has a port.
      const here = {
        ...world,
        routers: world.routers.filter(({ name }) => planned.hasRouter(made.get(name) ?? '')),
      };
      compare(here, planned, (name) => made.get(name) ?? name);
    }),
    { numRuns: 15 },
  );
});
