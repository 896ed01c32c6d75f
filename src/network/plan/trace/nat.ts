/** What a router makes of addresses: floating IPs, forwarded ports, source NAT (../router). */
import type { WantedRouter } from '../../../wire/host-network.ts';
import type { TracedPacket } from '../../../wire/trace.ts';
import { covers, readAddresses } from '../words.ts';

export interface Translation {
  readonly packet: TracedPacket;
  readonly text: string;
}

/** A floating IP or a forwarded port of this router as the destination. */
export function translateDestination(router: WantedRouter, packet: TracedPacket): Translation | undefined {
  const { destination, protocol, port } = packet;
  const floating = router.floatingIps.find(({ address }) => address === destination);
  if (floating) {
    const to = floating.fixedAddress;
    return {
      packet: { ...packet, destination: to },
      text: `floating IP: to ${destination} becomes to ${to}`,
    };
  }
  const forwarded = router.portForwardings.find(
    (one) =>
      one.address === destination &&
      one.protocol === protocol &&
      one.externalPorts.from <= port &&
      port <= one.externalPorts.to,
  );
  if (!forwarded) return undefined;
  const { from: first, to: last } = forwarded.internalPorts;
  // A range may lead to a range as long, or to one port.
  const inside = Math.min(first + port - forwarded.externalPorts.from, last);
  const to = forwarded.internalAddress;
  return {
    packet: { ...packet, destination: to, port: inside },
    text: `port forwarding: to ${destination} port ${port} becomes to ${to} port ${inside}`,
  };
}

/** On the way out: the sender's floating IP, else the router's own address, but for what is routed as it is. */
export function translateSource(router: WantedRouter, packet: TracedPacket): Translation | undefined {
  const { source } = packet;
  return (
    floatingSource(router, packet) ??
    (router.enableSnat && !isRouted(router, source) ? ownSource(router, packet) : undefined)
  );
}

/** Who speaks to an external address from inside is translated, too: the answer has to come back this way. */
export function translateHairpin(router: WantedRouter, packet: TracedPacket): Translation | undefined {
  return floatingSource(router, packet) ?? ownSource(router, packet);
}

function floatingSource(router: WantedRouter, packet: TracedPacket): Translation | undefined {
  const { source } = packet;
  const floating = router.floatingIps.find(({ fixedAddress }) => fixedAddress === source);
  if (!floating) return undefined;
  const own = floating.address;
  return { packet: { ...packet, source: own }, text: `floating IP: from ${source} becomes from ${own}` };
}

function ownSource(router: WantedRouter, packet: TracedPacket): Translation | undefined {
  const { source } = packet;
  const own = gatewayAddress(router, source);
  if (own === undefined) return undefined;
  return { packet: { ...packet, source: own }, text: `source NAT: from ${source} becomes from ${own}` };
}

/** Whether the outside knows the address and may begin a conversation with it. */
export function isRouted(router: WantedRouter, address: string): boolean {
  const wanted = readAddresses(address);
  return router.routedPrefixes.some((prefix) => covers(readAddresses(prefix), wanted));
}

export function withoutPrefix(address: string): string {
  return address.replace(/\/.*/, '');
}

/** All addresses that the router itself holds: those of its links, floating IPs, and those with forwarded ports. */
export function addressesOf(router: WantedRouter): string[] {
  return [
    ...router.interfaces.flatMap(({ addresses }) => addresses.map(withoutPrefix)),
    ...externalAddressesOf(router),
  ];
}

/** Those on the external network; none without a gateway. */
export function externalAddressesOf({ gateway, floatingIps, portForwardings }: WantedRouter): string[] {
  if (!gateway) return [];
  const others = [...floatingIps, ...portForwardings].map(({ address }) => address);
  return [...new Set([...gateway.addresses.map(withoutPrefix), ...others])];
}

function gatewayAddress({ gateway }: WantedRouter, like: string): string | undefined {
  const isV6 = like.includes(':');
  return gateway?.addresses.map(withoutPrefix).find((address) => address.includes(':') === isV6);
}
