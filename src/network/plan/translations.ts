/**
 * A router's address translations: the maps that its rules look up, and the connections that must end with them.
 *
 * A floating address is one fixed address, both ways. A forwarded port is an element for each port of its range,
 * because nft cannot shift a range: look-ups stay one hash, however many there are.
 */
import type { KernelStep, Translation } from '../../host/kernel.ts';
import type { WantedPortForwarding, WantedRouter } from '../../wire/host-network.ts';
import { mapOf, type NftSet, setOf } from './ruleset.ts';
import { withPorts } from './security-rule.ts';
import { type IpVersion, readAddresses, withoutCovered } from './words.ts';

const maxPort = 65_535;

/** `10.0.0.1/24` → `10.0.0.1`, checked. */
export function hostOf(address: string): string {
  return readAddresses(address.replace(/\/.*/, '')).text;
}

export function versionOf(address: string): IpVersion {
  return address.includes(':') ? 6 : 4;
}

/** External addresses that the router answers for besides its own. */
export function externalAddresses(router: WantedRouter): string[] {
  const own = new Set(router.gateway?.addresses.map(hostOf));
  const others = [...router.floatingIps, ...router.portForwardings].map(({ address }) => hostOf(address));
  return [...new Set(others)].filter((address) => !own.has(address));
}

export function translationSets(router: WantedRouter, version: IpVersion): [string, NftSet][] {
  const type = version === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const pairs = router.floatingIps
    .filter(({ address }) => versionOf(address) === version)
    .map(({ address, fixedAddress }) => [hostOf(address), hostOf(fixedAddress)] as const);
  const routed = router.routedPrefixes.map(readAddresses).filter((range) => range.version === version);
  return [
    [`floating${version}`, mapOf(`type ${type} : ${type}`, pairs)],
    [
      `fixed${version}`,
      mapOf(
        `type ${type} : ${type}`,
        pairs.map(([floating, fixed]) => [fixed, floating]),
      ),
    ],
    [
      `forwarded${version}`,
      mapOf(
        `type ${type} . inet_proto . inet_service : ${type} . inet_service`,
        router.portForwardings
          .filter(({ address }) => versionOf(address) === version)
          .flatMap(forwardedElements),
      ),
    ],
    [
      `routed${version}`,
      setOf(
        `type ${type}; flags interval; auto-merge`,
        withoutCovered(routed)
          .map(({ text }) => text)
          .sort(),
      ),
    ],
  ];
}

/** All that the router translates, as connections are compared with it. */
export function translationsOf(router: WantedRouter): Translation[] {
  return [
    ...router.floatingIps.flatMap(({ address, fixedAddress }) =>
      (['source', 'destination'] as const).map(
        (end): Translation => ({ end, external: hostOf(address), internal: hostOf(fixedAddress) }),
      ),
    ),
    ...router.portForwardings.filter(isForwardable).map(
      ({ address, internalAddress, protocol, externalPorts, internalPorts }): Translation => ({
        end: 'destination',
        external: hostOf(address),
        internal: hostOf(internalAddress),
        ports: { protocol, ...externalPorts, internalFrom: internalPorts.from },
      }),
    ),
    ...(router.gateway?.addresses ?? []).map(
      (address): Translation => ({ end: 'source', external: hostOf(address) }),
    ),
  ];
}

/** Ends the connections of translations that were there before and no longer are; before = unknown: of all others. */
export function endSteps(
  netns: string,
  before: readonly Translation[] | undefined,
  after: readonly Translation[],
): KernelStep[] {
  if (!before) return [{ do: 'end-connections', netns, except: after }];
  const kept = new Set(after.map((one) => JSON.stringify(one)));
  const gone = before.filter((one) => !kept.has(JSON.stringify(one)));
  return [...new Set(gone.map(({ external }) => external))].map((address) => ({
    do: 'end-connections',
    netns,
    address,
    except: after.filter(({ external }) => external === address),
  }));
}

function forwardedElements(forwarding: WantedPortForwarding): [string, string][] {
  if (!isForwardable(forwarding)) return [];
  const { address, protocol, externalPorts, internalAddress, internalPorts } = forwarding;
  const [outside, inside] = [hostOf(address), hostOf(internalAddress)];
  return Array.from({ length: externalPorts.to - externalPorts.from + 1 }, (_, at) => [
    `${outside} . ${protocol} . ${externalPorts.from + at}`,
    `${inside} . ${internalPorts.from + at}`,
  ]);
}

/** Numbers end up in a script as they are. */
function isForwardable({ protocol, externalPorts, internalPorts }: WantedPortForwarding): boolean {
  const isRange = ({ from, to }: { from: number; to: number }) =>
    [from, to].every(Number.isInteger) && from >= 0 && from <= to && to <= maxPort;
  return withPorts.has(protocol) && isRange(externalPorts) && isRange(internalPorts);
}
