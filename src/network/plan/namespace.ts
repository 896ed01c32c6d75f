/**
 * A network's namespace on this host as steps: settings and bridge first, then links.
 *
 * The bridge has no address but the resolver's (./resolver): nothing else in the namespace can be spoken to. Host ends are
 * born here, so they inherit these settings. Order matters: ruleset before links, MTU and bridge before "up".
 */
import type { KernelStep } from '../../host/kernel.ts';
import {
  containerLink,
  linkOwner,
  networkBridge,
  networkNamespace,
  portLink,
} from '../../model/host-names.ts';
import type { WantedNetwork, WantedPort } from '../../wire/host-network.ts';
import { announceSteps } from './announce.ts';
import { firstLimitSteps } from './bandwidth.ts';
import { fingerprint } from './fingerprint.ts';
import { resolverSteps } from './resolver.ts';
import { idWord, macWord } from './words.ts';

/** br_netfilter shows bridged IP packets to the ip and ip6 tables; frames with tags never reach it (./guard). */
const settings = {
  // Not "all": that would take the bridge's address away for a moment, each time.
  'net/ipv6/conf/lo/disable_ipv6': '1',
  'net/ipv6/conf/default/disable_ipv6': '1',
  'net/ipv4/ip_forward': '0',
  'net/bridge/bridge-nf-call-iptables': '1',
  'net/bridge/bridge-nf-call-ip6tables': '1',
  'net/bridge/bridge-nf-call-arptables': '0',
  'net/bridge/bridge-nf-filter-vlan-tagged': '0',
  'net/bridge/bridge-nf-filter-pppoe-tagged': '0',
} as const;

/** Everything but the ruleset and the ports. Idempotent. */
export function namespaceSteps(instance: string, network: WantedNetwork): KernelStep[] {
  const netns = networkNamespace(instance, idWord(network.id));
  return [
    { do: 'ensure-netns', name: netns },
    ...Object.entries(settings).map(([key, value]): KernelStep => ({ do: 'sysctl', netns, key, value })),
    {
      do: 'ensure-bridge',
      netns,
      name: networkBridge,
      mtu: network.mtu,
      mac: bridgeMac(network.id),
      alias: linkOwner(instance, 'network', network.id),
    },
    ...resolverSteps(netns),
  ];
}

/** Its own and lasting: a bridge would else take that of one of its ports, and another one when that goes. */
function bridgeMac(networkId: string): string {
  const digits = fingerprint(networkId).toString(16).padStart(8, '0');
  return `02:be:${digits.match(/../g)?.join(':') ?? ''}`;
}

/** What a host end is called by: `parsePortAlias` reads it back after a restart. */
export function portAlias(instance: string, portId: string, endpointId: string): string {
  return `${linkOwner(instance, 'port', idWord(portId))} endpoint ${idWord(endpointId)}`;
}

export function parsePortAlias(
  instance: string,
  alias: string,
): { readonly portId: string; readonly endpointId: string } | undefined {
  const [berth, owner, kind, portId, word, endpointId] = alias.split(' ');
  if (berth !== 'berth' || owner !== instance || kind !== 'port' || word !== 'endpoint') return undefined;
  return portId && endpointId ? { portId, endpointId } : undefined;
}

/** The veth pair of a container's port; the container's end waits in the root namespace for its engine. */
export function plugSteps(
  instance: string,
  network: WantedNetwork,
  { port, endpointId }: { readonly port: WantedPort; readonly endpointId: string },
): KernelStep[] {
  const netns = networkNamespace(instance, network.id);
  const [name, alias] = [portLink(port.id), portAlias(instance, port.id, endpointId)];
  const peer = { name: containerLink(port.id), mac: macWord(port.macAddress), alias };
  return [
    { do: 'ensure-veth', netns, name, mtu: network.mtu, alias, peer },
    ...firstLimitSteps(instance, network, port),
    { do: 'set-link', netns, name, bridge: networkBridge, up: true },
    ...announceSteps(netns, port),
  ];
}
