/** What a trace says of one network equals what the planned ruleset does, over random networks and packets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Packet, passes } from '../../../../test/helpers/nft-judge.ts';
import { anyNetwork } from '../../../../test/helpers/random-network.ts';
import { aGroup, aNetwork, aPort, aRouter, aRule } from '../../../../test/helpers/wanted-network.ts';
import { portLink } from '../../../model/host-names.ts';
import type { WantedNetwork, WantedPort, WantedRouter, WantedSubnet } from '../../../wire/host-network.ts';
import type { TracedPacket } from '../../../wire/trace.ts';
import { planNetworkRuleset } from '../network-ruleset.ts';
import { traceOf } from './trace.ts';

function aSubnet(id: string, cidr: string, gatewayIp: string | null): WantedSubnet {
  const ipVersion = cidr.includes(':') ? 6 : 4;
  return { id, ipVersion, cidr, gatewayIp, dnsNameservers: [], hostRoutes: [] };
}
const subnets = [aSubnet('v4', '10.0.0.0/24', '10.0.0.254'), aSubnet('v6', 'fd00::/64', 'fd00::ffff')];

const anyPacket = fc.record({
  sender: fc.nat(2),
  receiver: fc.nat(2),
  version: fc.constantFrom<(4 | 6)[]>(4, 6),
  protocol: fc.constantFrom(1, 6, 17, 17, 47, 58, 58, 132),
  port: fc.constantFrom(0, 1, 2, 3, 4, 67, 68, 128, 129, 130, 133, 134, 137, 143, 546, 547),
  sourcePort: fc.constantFrom(1000, 67, 68, 546, 547),
  code: fc.nat(2),
  claims: fc.constantFrom('own', 'own', 'own', '10.0.0.200', '192.168.1.7', '10.9.9.9', '0.0.0.0'),
});

const addressOf = (port: WantedPort | undefined, version: 4 | 6) =>
  port?.fixedIps.find((one) => one.version === version)?.address ?? '';

test('the trace within a network says what the ruleset does', () => {
  let [passed, refused] = [0, 0];
  fc.assert(
    fc.property(anyNetwork, fc.array(anyPacket, { minLength: 5, maxLength: 20 }), (network, packets) => {
      const ruleset = planNetworkRuleset(network, 7);
      for (const { sender, receiver, claims, version, ...rest } of packets) {
        const [from, to] = [network.ports[sender], network.ports[receiver]];
        if (!from || !to || from === to) continue;
        const source = claims === 'own' || version === 6 ? addressOf(from, version) : claims;
        const destination = addressOf(to, version);
        const packet: Packet = {
          ...rest,
          version,
          from: { link: portLink(from.id), mac: from.macAddress, address: source },
          to: { link: portLink(to.id), address: destination },
        };
        const trace = traceOf([{ ...network, subnets }], { ...rest, portId: from.id, source, destination });
        assert.equal(trace.passes, passes(ruleset, packet), JSON.stringify(trace.steps));
        if (trace.passes) passed += 1;
        else refused += 1;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(passed > 50 && refused > 50, `${passed} let through, ${refused} refused`);
});

// ---- through a router -------------------------------------------------------------------------------------------

const web = aGroup([aRule('ingress', 4, { protocol: 6, portMin: 80, portMax: 80 })]);
const a = aPort('10.0.0.1', { securityGroupIds: [web.id] });
const b = aPort('10.0.1.2', {
  securityGroupIds: [web.id],
  fixedIps: [{ address: '10.0.1.2', subnetId: 'other', version: 4 }],
});

function world(overrides: Partial<WantedRouter> = {}): WantedNetwork[] {
  const leg = (networkId: string, address: string) => ({
    portId: crypto.randomUUID(),
    networkId,
    macAddress: 'fa:16:3e:00:01:01',
    addresses: [address],
    advertised: [],
  });
  const router = aRouter('one', [], {
    interfaces: [leg('one', '10.0.0.254/24'), leg('two', '10.0.1.254/24')],
    gateway: {
      networkId: 'ext',
      portId: crypto.randomUUID(),
      macAddress: 'fa:16:3e:00:02:01',
      mtu: 1500,
      addresses: ['172.24.4.5/24'],
      nexthops: ['172.24.4.1'],
    },
    ...overrides,
  });
  const common = { securityGroups: [web], routers: [router] };
  return [
    aNetwork({ id: 'one', ports: [a], subnets, ...common }),
    aNetwork({
      id: 'two',
      ports: [b],
      subnets: [aSubnet('other', '10.0.1.0/24', '10.0.1.254')],
      ...common,
    }),
  ];
}

const tcp = (portId: string | null, source: string, to: string, port = 80): TracedPacket => ({
  portId,
  source,
  destination: to,
  protocol: 6,
  sourcePort: 50_000,
  port,
  code: 0,
});
const story = (networks: WantedNetwork[], packet: TracedPacket) => {
  const { passes: verdict, steps } = traceOf(networks, packet);
  return [verdict, ...steps.map(({ at, what, passes: ok }) => `${at} ${what}${ok ? '' : ' drops'}`)];
};
const leaves = ['port anti-spoofing', 'port egress', 'port route', 'network deliver'];
const floating = { id: 'f', address: '172.24.4.9', fixedAddress: '10.0.1.2' };
const forwarding = {
  id: 'w',
  address: '172.24.4.8',
  protocol: 6,
  externalPorts: { from: 8080, to: 8081 },
  internalAddress: '10.0.1.2',
  internalPorts: { from: 79, to: 80 },
};

test('from network to network by a router', () => {
  assert.deepEqual(story(world(), tcp(a.id, '10.0.0.1', '10.0.1.2')), [
    true,
    ...leaves,
    'router route',
    'network deliver',
    'port ingress',
  ]);
  const { steps } = traceOf(world(), tcp(a.id, '10.0.0.1', '10.0.1.2', 81));
  assert.deepEqual(steps.at(-1), {
    at: 'port',
    id: b.id,
    what: 'ingress',
    passes: false,
    text: 'no ingress rule of its security group matches',
  });
});

test('to the outside under the router’s address, or the sender’s floating IP', () => {
  const out = tcp(a.id, '10.0.0.1', '198.51.100.1');
  assert.deepEqual(story(world(), out).slice(5), ['router route', 'router source-nat', 'outside route']);
  assert.equal(traceOf(world(), out).packet.source, '172.24.4.5');
  const own = world({ floatingIps: [{ ...floating, fixedAddress: '10.0.0.1' }] });
  assert.equal(traceOf(own, out).packet.source, '172.24.4.9');
  assert.equal(traceOf(world({ enableSnat: false }), out).packet.source, '10.0.0.1');
  assert.deepEqual(story(world({ gateway: null }), out).slice(5), ['router route drops']);
  assert.deepEqual(story(world({ adminStateUp: false }), out).slice(5), ['router state drops']);
});

test('from outside in by a floating IP, a forwarded port, a routed prefix, or not at all', () => {
  const inwards = [
    'outside route',
    'outside route',
    'router destination-nat',
    'router route',
    'network deliver',
  ];
  const from = (to: string, port?: number) => tcp(null, '198.51.100.1', to, port);
  assert.deepEqual(story(world({ floatingIps: [floating] }), from('172.24.4.9')), [
    true,
    ...inwards,
    'port ingress',
  ]);
  const forwarded = world({ portForwardings: [forwarding] });
  assert.deepEqual(story(forwarded, from('172.24.4.8', 8081)), [true, ...inwards, 'port ingress']);
  assert.deepEqual(story(forwarded, from('172.24.4.8', 8080)), [false, ...inwards, 'port ingress drops']);
  assert.equal(traceOf(forwarded, from('172.24.4.8', 8082)).passes, false);
  assert.deepEqual(story(world(), from('172.24.4.9')), [false, 'outside route', 'outside route drops']);
  assert.deepEqual(story(world({ routedPrefixes: ['10.0.1.0/24'] }), from('10.0.1.2')), [
    true,
    'outside route',
    'outside route',
    'router route',
    'network deliver',
    'port ingress',
  ]);
  assert.equal(traceOf(world(), from('10.0.1.2')).passes, false);
});

test('a floating IP is reached from within, under an address that the answer comes back by', () => {
  const hairpin = traceOf(world({ floatingIps: [floating] }), tcp(a.id, '10.0.0.1', '172.24.4.9'));
  assert.equal(hairpin.passes, true);
  assert.deepEqual([hairpin.packet.source, hairpin.packet.destination], ['172.24.4.5', '10.0.1.2']);
});

test('of a router and the host nothing answers but ping', () => {
  const ping = { ...tcp(a.id, '10.0.0.1', '10.0.0.254', 8), protocol: 1 };
  assert.equal(traceOf(world(), ping).passes, true);
  assert.equal(traceOf(world(), tcp(a.id, '10.0.0.1', '10.0.0.254')).passes, false);
  assert.equal(traceOf(world(), tcp(a.id, '10.0.0.1', '172.24.4.1')).passes, false);
});

test('static routes lead on, and circles end', () => {
  const next = world({ routes: [{ destination: '10.7.0.0/16', nexthop: '10.0.1.2' }] });
  assert.equal(traceOf(next, tcp(a.id, '10.0.0.1', '10.7.1.1')).steps.at(-1)?.id, b.id);
  const circle = world({ routes: [{ destination: '10.7.0.0/16', nexthop: '10.0.1.254' }] });
  assert.match(traceOf(circle, tcp(a.id, '10.0.0.1', '10.7.1.1')).steps.at(-1)?.text ?? '', /circle/);
});

test('what is off or elsewhere is said to be', () => {
  const [one, two] = world();
  assert.ok(one && two);
  const off = { ...one, ports: [{ ...a, adminStateUp: false }] };
  assert.match(traceOf([off, two], tcp(a.id, '10.0.0.1', '10.0.1.2')).steps[0]?.text ?? '', /switched off/);
  assert.match(traceOf([one], tcp(a.id, '10.0.0.1', '10.0.1.2')).steps.at(-1)?.text ?? '', /on this host/);
  assert.match(traceOf([one, two], tcp(a.id, '10.0.0.1', '10.0.0.77')).steps.at(-1)?.text ?? '', /nobody/);
});
