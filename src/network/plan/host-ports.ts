/**
 * Ports of the host that lead to tenants' ports: look-ups in the host's own table, which lead on to a port of a router's
 * external address. The router translates the rest of the way (./translations), so whoever asks is seen as who it is.
 *
 * Also for the host itself, by its loopback address, too, and for those behind the routers; these two are translated,
 * because the answer would not come back. Of two for the same port the one that names the host's address wins.
 */
import type { KernelStep } from '../../host/kernel.ts';
import { ipProtocols } from '../../model/ip-protocols.ts';
import type { WantedHostPort, WantedRouter } from '../../wire/host-network.ts';
import { chainOf, mapOf, type NftChain, type NftSet } from './ruleset.ts';
import { withPorts } from './security-rule.ts';
import { hostOf, versionOf } from './translations.ts';
import { readAddresses, withoutCovered } from './words.ts';

const versions = [4, 6] as const;
type Version = (typeof versions)[number];
const word = { 4: 'ip', 6: 'ip6' } as const;
/** Before Docker's. */
const hook = (name: string) => `type nat hook ${name} priority -105; policy accept`;
const protocols = `meta l4proto { ${[...withPorts].join(', ')} }`;

/** The element of a map that stands for the host port. */
export interface HostPortElement {
  readonly map: string;
  readonly key: string;
  readonly value: string;
}

export function hostPortElement({ hostAddress, protocol, ...port }: WantedHostPort): HostPortElement {
  const value = `${hostOf(port.routerAddress)} . ${port.routerPort}`;
  const version = versionOf(port.routerAddress);
  const key = `${protocol} . ${port.hostPort}`;
  if (hostAddress === null) return { map: `published${version}`, key, value };
  return { map: `published-at${version}`, key: `${hostOf(hostAddress)} . ${key}`, value };
}

export function hostPortsOf(routers: readonly WantedRouter[]): WantedHostPort[] {
  return routers.flatMap(({ hostPorts }) => hostPorts).filter(isSound);
}

export function hostPortSets(ports: readonly WantedHostPort[]): [string, NftSet][] {
  if (ports.length === 0) return [];
  const elements = ports.map(hostPortElement);
  const of = (map: string) =>
    elements.filter((one) => one.map === map).map(({ key, value }) => [key, value] as const);
  return versions.flatMap((version): [string, NftSet][] => {
    const address = version === 4 ? 'ipv4_addr' : 'ipv6_addr';
    const leadsTo = `inet_proto . inet_service : ${address} . inet_service`;
    const [anywhere, at] = [`published${version}`, `published-at${version}`];
    return [
      [anywhere, mapOf(`type ${leadsTo}`, of(anywhere))],
      [at, mapOf(`type ${address} . ${leadsTo}`, of(at))],
    ];
  });
}

export function hostPortChains(ports: readonly WantedHostPort[]): [string, NftChain][] {
  if (ports.length === 0) return [];
  const rules = versions.flatMap(lookUps);
  return [
    ['published', chainOf(rules)],
    ['prerouting', chainOf([`${protocols} jump published`], hook('prerouting'))],
    ['output', chainOf([`${protocols} jump published`], hook('output'))],
  ];
}

function lookUps(version: Version): string[] {
  const family = word[version];
  return [
    `dnat ${family} to ${family} daddr . meta l4proto . th dport map @published-at${version}`,
    `meta nfproto ipv${version} fib daddr type local dnat ${family} to meta l4proto . th dport map @published${version}`,
  ];
}

/**
 * For the end of the table's `postrouting`. Who is behind a router is known by the source, not by the link that it came
 * in by: where br_netfilter is on the bridge itself passes these packets on, and then there is none.
 */
export function hostPortMasquerade(routers: readonly WantedRouter[], bridge: string): string[] {
  if (hostPortsOf(routers).length === 0) return [];
  const behind = routers
    .flatMap(({ gateway, routedPrefixes }) => [...(gateway?.addresses ?? []), ...routedPrefixes])
    .map(readAddresses);
  return versions.flatMap((version) => {
    const own = version === 4 ? [readAddresses('127.0.0.0/8')] : [];
    const sources = withoutCovered([...own, ...behind.filter((range) => range.version === version)]);
    if (sources.length === 0) return [];
    const texts = [...new Set(sources.map(({ text }) => text))].sort();
    return [`${word[version]} saddr { ${texts.join(', ')} } oifname ${bridge} ct status dnat masquerade`];
  });
}

/** After the rules: datagrams that are on their way already go where the rules now say. */
export function hostPortFlows(
  before: readonly WantedHostPort[],
  after: readonly WantedHostPort[],
): KernelStep[] {
  const spelled = (ports: readonly WantedHostPort[]) =>
    new Map(
      ports
        .filter(({ protocol }) => protocol === ipProtocols.udp)
        .map((port) => [JSON.stringify(hostPortElement(port)), port.hostPort]),
    );
  const [had, has] = [spelled(before), spelled(after)];
  const changed = [...had, ...has].filter(([text]) => !(had.has(text) && has.has(text)));
  const ports = [...new Set(changed.map(([, port]) => port))].map((port) => ({
    protocol: ipProtocols.udp,
    port,
  }));
  return ports.length === 0 ? [] : [{ do: 'end-flows', ports }];
}

/** Lets the loopback address speak to the bridge; what comes from there to it is closed but for answers. */
export function hostPortSteps(ports: readonly WantedHostPort[], bridge: string): KernelStep[] {
  const has4 = ports.some(({ routerAddress }) => versionOf(routerAddress) === 4);
  return has4 ? [{ do: 'sysctl', key: `net/ipv4/conf/${bridge}/route_localnet`, value: '1' }] : [];
}

/** Numbers end up in a script as they are. */
function isSound({ protocol, hostPort, routerPort }: WantedHostPort): boolean {
  const isPort = (port: number) => Number.isInteger(port) && port > 0 && port <= 65_535;
  return withPorts.has(protocol) && isPort(hostPort) && isPort(routerPort);
}
