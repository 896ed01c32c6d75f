/**
 * Whom a container asks for names. Pure.
 *
 * First the resolver of its first network, which has the way to it (plugins/libnetwork/resolver-routes). Then those that
 * the resolver asks: the servers of its subnets, or else the host's. Docker turns to them when the resolver is silent or
 * cannot help, as while the agent is restarted, or when only the container can reach the tenant's own server.
 */
import { isIPv4 } from 'node:net';
import type { Nic } from '../model/container.ts';
import { resolverAddress } from '../model/resolver.ts';
import type { WantedNetwork } from '../wire/host-network.ts';
import type { DnsSettings } from './container-body.ts';

/** dockerd asks no more. */
const mostServers = 3;

export function dnsOf(
  nics: readonly Nic[],
  find: (networkId: string) => WantedNetwork | undefined,
  hostServers: readonly { readonly address: string }[],
): DnsSettings {
  const [first] = nics;
  if (!first) return { servers: [], search: [] };
  const version = first.fixedIps.some((ip) => ip.version === 4) ? 4 : 6;
  const used = new Set(nics.flatMap(({ fixedIps }) => fixedIps.map(({ subnetId }) => subnetId)));
  const subnets = nics.flatMap(({ networkId }) => find(networkId)?.subnets ?? []);
  const named = subnets.filter(({ id }) => used.has(id)).flatMap((subnet) => subnet.dnsNameservers);
  const others = named.length > 0 ? named : hostServers.map(({ address }) => address).filter(isForContainers);
  const servers = [...new Set([resolverAddress[version], ...others])].slice(0, mostServers);
  const domain = find(first.networkId)?.dnsDomain;
  return { servers, search: domain ? [domain] : [] };
}

/** A loopback address would be the container's own; Docker takes no zones. */
function isForContainers(address: string): boolean {
  return isIPv4(address) ? !address.startsWith('127.') : address !== '::1' && !address.includes('%');
}
