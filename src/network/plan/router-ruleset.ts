/**
 * What a router lets pass and translates.
 *
 * It forwards between its networks and from them to the outside: under the sender's floating address if it has one,
 * else under the router's own (source NAT). From outside come replies, what is sent to a floating address or a
 * forwarded port, and what is sent to prefixes that the outside knows, which are never translated; without source
 * NAT everything is routed as it is. Who speaks to an external address from inside is translated at both ends, so
 * that the answer takes the way back through the router. Of the router itself nothing can be reached but echo and
 * neighbour discovery. All look-ups are hashes; translation is decided once, at a connection's first packet.
 */
import { gatewayLink } from '../../model/host-names.ts';
import type { WantedRouter } from '../../wire/host-network.ts';
import { chainOf, closedChain, type Ruleset } from './ruleset.ts';
import { withPorts } from './security-rule.ts';
import { hostOf, translationSets, versionOf } from './translations.ts';

const versions = [4, 6] as const;
const trackState = 'ct state vmap { established : accept, related : accept, invalid : drop }';
const word = { 4: 'ip', 6: 'ip6' } as const;
const protocols = `meta l4proto { ${[...withPorts].join(', ')} }`;

export function routerRuleset(router: WantedRouter): Ruleset {
  return [
    {
      family: 'inet',
      name: 'berth',
      sets: new Map(versions.flatMap((version) => translationSets(router, version))),
      chains: new Map([
        [
          'input',
          closedChain(
            [trackState, 'icmp type 8 accept', 'icmpv6 type { 128, 133, 135, 136 } accept'],
            'input priority 0',
          ),
        ],
        ['forward', closedChain(forwardRules(router), 'forward priority 0')],
        [
          'prerouting',
          chainOf(
            versions.flatMap(destinationRules),
            'type nat hook prerouting priority -100; policy accept',
          ),
        ],
        [
          'postrouting',
          chainOf(sourceRules(router), 'type nat hook postrouting priority 100; policy accept'),
        ],
      ]),
    },
  ];
}

function forwardRules(router: WantedRouter): string[] {
  if (!router.adminStateUp) return [];
  if (!router.gateway) return ['accept'];
  const gateway = gatewayLink(router.id);
  return [
    'ct state established,related accept',
    // Between networks answers may take another way than questions: then a router sees half of a connection only.
    // Outwards that half would not be translated.
    `oifname ${gateway} ct state invalid counter drop`,
    `iifname != ${gateway} accept`,
    // A floating address that nobody has any more is on the external network itself.
    `oifname ${gateway} counter drop`,
    'ct status dnat accept',
    ...(router.enableSnat
      ? versions.map((version) => `${word[version]} daddr @routed${version} accept`)
      : ['accept']),
  ];
}

function destinationRules(version: 4 | 6): string[] {
  const family = word[version];
  return [
    `${protocols} dnat ${family} to ${family} daddr . meta l4proto . th dport map @forwarded${version}`,
    `dnat ${family} to ${family} daddr map @floating${version}`,
  ];
}

function sourceRules(router: WantedRouter): string[] {
  const { gateway } = router;
  if (!gateway) return [];
  const link = gatewayLink(router.id);
  const [outwards, hairpin] = [`oifname ${link}`, `ct status dnat iifname != ${link}`];
  const floating = (where: string) =>
    versions.map((v) => `${where} snat ${word[v]} to ${word[v]} saddr map @fixed${v}`);
  const own = (where: string) =>
    gateway.addresses.map((address) => {
      const version = versionOf(address);
      return `meta nfproto ipv${version} ${where} snat ${word[version]} to ${hostOf(address)} fully-random`;
    });
  return [
    ...floating(outwards),
    ...versions.map((version) => `${outwards} ${word[version]} saddr @routed${version} accept`),
    ...(router.enableSnat ? own(outwards) : []),
    ...floating(hairpin),
    ...own(hairpin),
  ];
}
