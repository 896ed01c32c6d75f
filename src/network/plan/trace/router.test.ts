/** What a trace says of a router equals what its planned ruleset and routes do, over random routers and packets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fateOf } from '../../../../test/helpers/router-judge.ts';
import { aGroup, aNetwork, aPort, aRouter, aRule } from '../../../../test/helpers/wanted-network.ts';
import { gatewayLink, routerLink } from '../../../model/host-names.ts';
import type { WantedNetwork, WantedRouter, WantedSubnet } from '../../../wire/host-network.ts';
import type { Trace } from '../../../wire/trace.ts';
import { planRouter } from '../router.ts';
import { traceOf } from './trace.ts';

const open = aGroup([aRule('ingress', 4), aRule('ingress', 6)]);
const [a, b] = ['10.0.0.1', '10.0.1.2'].map((address, at) =>
  aPort(address, {
    securityGroupIds: [open.id],
    fixedIps: [{ address, subnetId: `s${at}`, version: 4 as const }],
  }),
);
const subnet = (id: string, cidr: string, gatewayIp: string): WantedSubnet => ({
  ...{ id, ipVersion: 4, cidr, gatewayIp, dnsNameservers: [], hostRoutes: [] },
});
const legs = [
  ['one', '10.0.0.254/24'],
  ['two', '10.0.1.254/24'],
].map(([networkId = '', address = '']) => ({
  portId: crypto.randomUUID(),
  networkId,
  macAddress: 'fa:16:3e:00:01:01',
  addresses: [address],
  advertised: [],
}));
const gateway = {
  networkId: 'ext',
  portId: crypto.randomUUID(),
  macAddress: 'fa:16:3e:00:02:01',
  mtu: 1500,
  addresses: ['172.24.4.5/24'],
  nexthops: ['172.24.4.1'],
};
const fixed = ['10.0.0.1', '10.0.1.2'];

const anyRouter: fc.Arbitrary<WantedRouter> = fc
  .record({
    adminStateUp: fc.nat(5).map((one) => one > 0),
    enableSnat: fc.boolean(),
    hasGateway: fc.nat(5).map((one) => one > 0),
    floating: fc.constantFrom<readonly number[]>([], [0], [1], [0, 1]),
    forwardings: fc.subarray([
      { address: '172.24.4.8', externalPorts: { from: 80, to: 81 }, internalPorts: { from: 81, to: 82 } },
      { address: '172.24.4.7', externalPorts: { from: 82, to: 82 }, internalPorts: { from: 80, to: 80 } },
    ]),
    routedPrefixes: fc.subarray(['10.0.0.0/25', '10.0.1.0/24']),
    routes: fc.subarray([
      { destination: '10.7.0.0/16', nexthop: '10.0.1.2' },
      { destination: '198.51.100.0/24', nexthop: '10.0.0.1' },
      { destination: '10.8.0.0/16', nexthop: '10.99.0.1' },
    ]),
  })
  .map(({ hasGateway, floating, forwardings, ...router }) =>
    aRouter('one', [], {
      ...router,
      interfaces: legs,
      gateway: hasGateway ? gateway : null,
      floatingIps: hasGateway
        ? floating.map((at) => ({
            id: `f${at}`,
            address: `172.24.4.${10 + at}`,
            fixedAddress: fixed[at] ?? '',
          }))
        : [],
      portForwardings: hasGateway
        ? forwardings.map((one, at) => ({ ...one, id: `w${at}`, protocol: 6, internalAddress: '10.0.1.2' }))
        : [],
      routedPrefixes: hasGateway ? router.routedPrefixes : [],
    }),
  );

const anyPacket = fc.record({
  isInside: fc.boolean(),
  destination: fc.constantFrom(
    ...['10.0.1.2', '10.0.0.1', '10.0.0.254', '10.0.1.254', '172.24.4.5', '172.24.4.7', '172.24.4.8'],
    ...['172.24.4.10', '172.24.4.11', '198.51.100.1', '192.0.2.7', '10.7.1.1', '10.8.1.1'],
  ),
  protocol: fc.constantFrom(1, 6, 6, 17),
  port: fc.constantFrom(8, 80, 81, 82),
});

function worldOf(router: WantedRouter): WantedNetwork[] {
  assert.ok(a && b);
  const common = { securityGroups: [open], routers: [router] };
  return [
    aNetwork({ id: 'one', ports: [a], subnets: [subnet('s0', '10.0.0.0/24', '10.0.0.254')], ...common }),
    aNetwork({ id: 'two', ports: [b], subnets: [subnet('s1', '10.0.1.0/24', '10.0.1.254')], ...common }),
  ];
}

/** What the trace's first stay at the router came to: how it left, or that it did not. */
function told({ steps, packet }: Trace) {
  const first = steps.findIndex(({ at }) => at === 'router');
  if (first < 0) return undefined;
  const after = steps.findIndex(({ at }, at_) => at_ > first && at !== 'router');
  const own = steps.slice(first, after < 0 ? undefined : after);
  const last = own.at(-1);
  if (last?.what === 'answer') return { kind: last.passes ? 'answered' : 'dropped' };
  if (last?.passes !== true) return { kind: 'dropped' };
  const isLast = !steps.slice(after).some(({ at }) => at === 'router');
  return { kind: 'sent', to: steps[after]?.id || 'outside', packet: isLast ? packet : undefined };
}

test('the trace through a router says what its ruleset and routes do', () => {
  const seen = { dropped: 0, answered: 0, sent: 0 };
  fc.assert(
    fc.property(anyRouter, fc.array(anyPacket, { minLength: 5, maxLength: 25 }), (router, packets) => {
      const world = worldOf(router);
      const plan = planRouter('abcd', router, new Map(world.map(({ id, mtu }) => [id, { mtu }])));
      for (const { isInside, ...rest } of packets) {
        const source = isInside ? '10.0.0.1' : '203.0.113.9';
        const portId = isInside ? (a?.id ?? null) : null;
        const trace = traceOf(world, { ...rest, portId, source, sourcePort: 50_000, code: 0 });
        const said = told(trace);
        // It never came to the router: on the sender's own link, or nobody outside sends that here.
        if (!said) continue;
        const link = isInside ? routerLink(legs[0]?.portId ?? '') : gatewayLink(router.id);
        const fate = fateOf(plan, { link, source, ...rest });
        const story = JSON.stringify([router, rest, isInside, trace.steps], null, 1);
        assert.equal(said.kind, fate.kind, story);
        seen[fate.kind] += 1;
        if (fate.kind !== 'sent') continue;
        const leg = legs.find(({ portId: id }) => routerLink(id) === fate.link);
        assert.equal(said.to, leg?.networkId ?? 'outside', story);
        if (!said.packet) continue;
        const ends = ({ source: s, destination: d, port }: typeof fate.packet) => [s, d, port];
        assert.deepEqual(ends({ ...fate.packet, ...said.packet }), ends(fate.packet), story);
      }
    }),
    { numRuns: 500 },
  );
  for (const [kind, count] of Object.entries(seen)) assert.ok(count > 30, `${kind}: ${count}`);
});
