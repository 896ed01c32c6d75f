/** What a port's link says about a packet that it sends: state, addresses that are its own (../guard). */
import type { WantedNetwork, WantedPort } from '../../../wire/host-network.ts';
import type { TracedPacket } from '../../../wire/trace.ts';
import { covers, linkLocal, readAddresses } from '../words.ts';

/** Why nothing at all passes; undefined = it is up. */
export function whyDown(network: WantedNetwork, port: WantedPort): string | undefined {
  if (!network.adminStateUp) return `network ${network.name || network.id} is switched off`;
  return port.adminStateUp ? undefined : 'the port is switched off';
}

const icmp6 = 58;
/** What a host may say before it has an address. */
const unspecifiedTypes = [131, 132, 133, 135, 143];

/** Whether the packet's source is one that the port may use (with its own MAC). */
export function maySend(port: WantedPort, packet: TracedPacket): boolean {
  if (!port.portSecurityEnabled) return true;
  const source = readAddresses(packet.source);
  const mac = port.macAddress.toLowerCase();
  const pairs = port.allowedAddressPairs.filter(
    ({ macAddress }) => macAddress === '' || macAddress.toLowerCase() === mac,
  );
  const own = [
    ...port.fixedIps.map(({ address }) => address),
    ...pairs.map(({ ipAddress }) => ipAddress),
    linkLocal(mac),
  ];
  return own.some((range) => covers(readAddresses(range), source)) || isUnspecified(packet);
}

function isUnspecified({ source, protocol, sourcePort, port }: TracedPacket): boolean {
  if (source === '0.0.0.0') return protocol === 17 && sourcePort === 68 && port === 67;
  return source === '::' && protocol === icmp6 && unspecifiedTypes.includes(port);
}
