/**
 * The one thing in a network's namespace that can be spoken to: its resolver, at the bridge's only addresses. Pure.
 *
 * Every way in is closed twice: the bridge's table lets frames for these addresses in, and what finds their owner (ARP,
 * neighbour discovery); the ip tables let in DNS alone, so many packets a second from each address that a flood
 * costs the kernel's time rather than the agent's. Replies need no rule: nothing else in the namespace ever speaks.
 */
import type { KernelStep } from '../../host/kernel.ts';
import { networkBridge } from '../../model/host-names.ts';
import { isResolverAddress, resolverAddress, resolverPort, resolverPrefix } from '../../model/resolver.ts';
import { closedChain, type NftChain, type NftSet, setOf } from './ruleset.ts';
import { type Addresses, type IpVersion, readAddresses } from './words.ts';

/** As AWS has it, for each address. */
const perSecond = 1024;

/**
 * The bridge's addresses, and a way back to whoever asks: all that is here is on the bridge. IPv6 without any address but
 * that one, and without listening to routers.
 */
export function resolverSteps(netns: string): KernelStep[] {
  const ipv6 = `net/ipv6/conf/${networkBridge}`;
  const settings = { addr_gen_mode: '1', accept_ra: '0', disable_ipv6: '0' };
  return [
    ...Object.entries(settings).map(
      ([key, value]): KernelStep => ({ do: 'sysctl', netns, key: `${ipv6}/${key}`, value }),
    ),
    { do: 'set-link', netns, name: networkBridge, up: true },
    ...([4, 6] as const).flatMap((version): KernelStep[] => [
      { do: 'ensure-address', netns, link: networkBridge, address: resolverPrefix(version) },
      { do: 'ensure-route', netns, to: version === 4 ? '0.0.0.0/0' : '::/0', link: networkBridge },
    ]),
  ];
}

/** Frames for the bridge itself. */
export function bridgeInput(): NftChain {
  return closedChain(
    [
      `arp operation { request, reply } arp daddr ip ${resolverAddress[4]} accept`,
      `ip daddr ${resolverAddress[4]} accept`,
      `ip6 daddr ${resolverAddress[6]} accept`,
      'icmpv6 type { 135, 136 } accept',
    ],
    'input priority -300',
  );
}

export function resolverSets(version: IpVersion): [string, NftSet][] {
  const type = version === 4 ? 'ipv4_addr' : 'ipv6_addr';
  return [['askers', setOf(`type ${type}; size 65535; flags dynamic,timeout; timeout 10s`, [])]];
}

/** Packets for the namespace itself. */
export function ipInput(version: IpVersion): NftChain {
  const ip = version === 4 ? 'ip' : 'ip6';
  const rate = `limit rate over ${perSecond}/second burst ${perSecond} packets`;
  return closedChain(
    [
      ...(version === 6 ? ['icmpv6 type { 135, 136 } accept'] : []),
      `${ip} daddr != ${resolverAddress[version]} drop`,
      `update @askers { ${ip} saddr ${rate} } drop`,
      `udp dport ${resolverPort} accept`,
      `tcp dport ${resolverPort} accept`,
    ],
    'input priority 0',
  );
}

/** What every port may send, whatever its groups say. */
export function resolverEgress(version: IpVersion): string[] {
  const to = `${version === 4 ? 'ip' : 'ip6'} daddr ${resolverAddress[version]}`;
  return [`${to} udp dport ${resolverPort} accept`, `${to} tcp dport ${resolverPort} accept`];
}

/** What no port can have as its own. */
export function isReserved({ text }: Addresses): boolean {
  return isResolverAddress(text);
}

/** As `@th,64,128` of a neighbour advertisement reads it. */
export const resolverTarget = `0x${readAddresses(resolverAddress[6]).first.toString(16).padStart(32, '0')}`;
