/** Streams through a router lose nothing while everything around them changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WantedNetwork, WantedRouter } from '../../src/wire/host-network.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { outside, routerWorld } from '../helpers/router-world.ts';
import { Stream, serveStream } from '../helpers/stream.ts';
import { aGroup, aNetwork, aPort, aRouter, aRule } from '../helpers/wanted-network.ts';
import { tool } from '../helpers/wired-container.ts';

enterPrivateNetwork();
const world = routerWorld(() =>
  tool('ip', '-n', 'outside', 'route', 'add', '172.24.4.0/24', 'via', '198.51.100.1'),
);

const floatA = '172.24.4.101';
const mine = { id: crypto.randomUUID(), address: floatA, fixedAddress: '10.0.0.11' };
const rounds = 12;

const forward = (port: number) => ({
  id: crypto.randomUUID(),
  address: '172.24.4.150',
  protocol: 6,
  externalPorts: { from: port, to: port + 9 },
  internalAddress: '10.0.0.99',
  internalPorts: { from: port, to: port + 9 },
});

/** Router after router: what is wanted in each step of a round. */
const routerChanges = (round: number): Partial<WantedRouter>[] => [
  { floatingIps: [mine, { id: 'x', address: '172.24.4.110', fixedAddress: `10.0.0.${100 + round}` }] },
  { floatingIps: [mine, { id: 'x', address: '172.24.4.110', fixedAddress: `10.0.0.${130 + round}` }] },
  { floatingIps: [mine], portForwardings: [forward(1000 + round * 10)] },
  { floatingIps: [mine], routes: [{ destination: '10.78.0.0/16', nexthop: `10.0.0.${50 + round}` }] },
  { floatingIps: [mine], routedPrefixes: ['10.79.0.0/16'] },
  { floatingIps: [mine] },
];

test('a stream through a floating address, and one through source NAT, while all else changes', async () => {
  const site = await world.tenant(11, { floatingIps: [mine] });
  const { network, router, container } = site;
  const plain = await world.tenant(12);
  world.keep(await serveStream(container.netns, 5201));
  world.keep(await serveStream('outside', 5202));
  const streams = [
    world.keep(await Stream.start('outside', floatA, 5201)),
    world.keep(await Stream.start(undefined, floatA, 5201)),
    world.keep(await Stream.start(container.netns, outside, 5202)),
    world.keep(await Stream.start(plain.container.netns, outside, 5202)),
    world.keep(await Stream.start(plain.container.netns, floatA, 5201)),
  ];
  let changes = 0;
  const converge = async (more: Partial<WantedNetwork>, changed: Partial<WantedRouter> = {}) => {
    await world.dataplane.converge({ ...network, ...more, routers: [{ ...router, ...changed }] });
    changes += 1;
  };
  for (let round = 0; round < rounds; round += 1) {
    const group = aGroup([aRule('ingress', 4, { protocol: 6, portMin: round + 1, portMax: round + 9 })]);
    const port = aPort(`10.0.0.${200 + round}`, { securityGroupIds: [group.id] });
    const wider = {
      ports: [...network.ports, port],
      securityGroups: [...network.securityGroups, group],
    };
    await world.dataplane.plug({ ...network, ...wider }, { portId: port.id, endpointId: 'other' });
    await converge({ ...wider, securityGroups: [...network.securityGroups, { ...group, rules: [] }] });
    await converge({});
    for (const changed of routerChanges(round)) await converge({}, changed);
    const id = crypto.randomUUID();
    const other = aRouter(id, ['10.0.0.1/24'], { gateway: site.router.gateway && otherGateway(round) });
    await world.dataplane.converge(aNetwork({ id, routers: [other] }));
    await world.dataplane.forget(id);
    await world.dataplane.repair(network);
    await world.dataplane.sweep([], []);
    // As a new process would: it knows nothing, and makes everything anew.
    world.dataplane = world.anew();
    await world.dataplane.repair(network);
    await world.dataplane.repair(plain.network);
    changes += 7;
  }
  const results = await Promise.all(streams.map((stream) => stream.finish()));
  assert.ok(changes > 100, `${changes} changes`);
  for (const { sent, ...result } of results) {
    assert.ok(sent > 100, `${sent} datagrams`);
    assert.deepEqual(result, { lost: 0, missing: 0, end: 'whole' });
  }
});

const otherGateway = (round: number) => ({
  networkId: 'external',
  portId: crypto.randomUUID(),
  macAddress: `fa:16:3e:00:03:${(round + 16).toString(16)}`,
  mtu: 1500,
  addresses: [`172.24.4.${60 + round}/24`],
  nexthops: ['172.24.4.1'],
});
