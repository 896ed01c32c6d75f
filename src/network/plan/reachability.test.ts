/**
 * The planned ruleset decides as the security groups' meaning says: a second, plainer reading of the same rules,
 * compared over random networks and packets.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Packet, passes } from '../../../test/helpers/nft-judge.ts';
import { anyNetwork } from '../../../test/helpers/random-network.ts';
import { portLink } from '../../model/host-names.ts';
import type { WantedNetwork, WantedPort, WantedRule } from '../../wire/host-network.ts';
import { planNetworkRuleset } from './network-ruleset.ts';
import { covers, readAddresses } from './words.ts';

const withPorts = [6, 17, 132];

const anyPacket = fc.record({
  sender: fc.nat(2),
  receiver: fc.nat(2),
  version: fc.constantFrom<(4 | 6)[]>(4, 6),
  protocol: fc.constantFrom(1, 6, 17, 47, 58, 132),
  // Types 130 to 143 of ICMPv6 and ports 67, 68 have rules of their own, tested in the kernel.
  port: fc.constantFrom(0, 1, 2, 3, 4, 128, 129),
  code: fc.nat(2),
  claims: fc.constantFrom('own', 'own', 'own', 'pair', 'foreign'),
});

/** The meaning of a rule, in plain words. */
function permits(network: WantedNetwork, rule: WantedRule, packet: Packet, peer: string): boolean {
  if (rule.ipVersion !== packet.version) return false;
  const members = network.remoteGroups.find(({ groupId }) => groupId === rule.remoteGroupId);
  const addresses = packet.version === 4 ? members?.v4 : members?.v6;
  if (rule.remoteGroupId !== null && !addresses?.includes(peer)) return false;
  if (rule.remotePrefix !== null && !covers(readAddresses(rule.remotePrefix), readAddresses(peer)))
    return false;
  if (rule.protocol === null) return true;
  const icmp = packet.version === 4 ? 1 : 58;
  const protocol = rule.protocol === 1 ? icmp : rule.protocol;
  if (protocol !== packet.protocol) return false;
  if (rule.portMin === null || rule.portMax === null) return true;
  if (protocol === icmp) return packet.port === rule.portMin && packet.code === rule.portMax;
  return !withPorts.includes(protocol) || (packet.port >= rule.portMin && packet.port <= rule.portMax);
}

function isAllowed(network: WantedNetwork, from: WantedPort, to: WantedPort, packet: Packet): boolean {
  if (!from.adminStateUp || !to.adminStateUp) return false;
  const judge = (port: WantedPort, direction: WantedRule['direction'], peer: string) =>
    !port.portSecurityEnabled ||
    network.securityGroups
      .filter(({ id }) => port.securityGroupIds.includes(id))
      .some(({ rules }) =>
        rules.some((rule) => rule.direction === direction && permits(network, rule, packet, peer)),
      );
  const own = [
    ...from.fixedIps.map(({ address }) => address),
    ...from.allowedAddressPairs.map(({ ipAddress }) => ipAddress),
  ].map(readAddresses);
  const isHonest = own.some((range) => covers(range, readAddresses(packet.from.address)));
  return (
    (!from.portSecurityEnabled || isHonest) &&
    judge(from, 'egress', packet.to.address) &&
    judge(to, 'ingress', packet.from.address)
  );
}

const claimed = { pair: '10.0.0.200', foreign: '10.9.9.9' } as const;
const addressOf = (port: WantedPort, version: 4 | 6) =>
  port.fixedIps.find((one) => one.version === version)?.address ?? '';

test('the ruleset lets through exactly what the groups allow', () => {
  let [passed, refused] = [0, 0];
  fc.assert(
    fc.property(anyNetwork, fc.array(anyPacket, { minLength: 5, maxLength: 20 }), (network, packets) => {
      const ruleset = planNetworkRuleset(network, 7);
      for (const { sender, receiver, claims, ...rest } of packets) {
        const [from, to] = [network.ports[sender], network.ports[receiver]];
        if (!from || !to || from === to) continue;
        const source =
          claims === 'own' || rest.version === 6 ? addressOf(from, rest.version) : claimed[claims];
        const packet: Packet = {
          ...rest,
          sourcePort: 1000,
          from: { link: portLink(from.id), mac: from.macAddress, address: source },
          to: { link: portLink(to.id), address: addressOf(to, rest.version) },
        };
        const allowed = isAllowed(network, from, to, packet);
        assert.equal(passes(ruleset, packet), allowed);
        if (allowed) passed += 1;
        else refused += 1;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(passed > 50 && refused > 50, `${passed} let through, ${refused} refused`);
});
