/** Forwarded ports in Neutron's JSON. A range shows in `…_port_range` only, a single port in both attributes. */
import type { PortForwarding, PortRange } from '../../../model/network.ts';
import type { JsonObject } from '../../../wire/network-service.ts';
import { formatRange, forwardedProtocols, type PortForwardingDraft } from '../routing/forwarding-rules.ts';
import type { Attribute } from './attribute.ts';
import { integerBetween, ipAddress, lowerCase, oneOf, orNull, portRange, text, uuid } from './parsers.ts';

const both = { on: 'create-and-update' } as const;
const port = integerBetween(1, 65_535);

function singleOf({ from, to }: PortRange): number | null {
  return from === to ? from : null;
}

export const portForwardingAttributes: readonly Attribute<PortForwarding, PortForwardingDraft>[] = [
  { name: 'id', view: (forwarding) => forwarding.id },
  {
    name: 'protocol',
    view: (forwarding) => forwarding.protocol,
    field: 'protocol',
    parser: lowerCase(oneOf(forwardedProtocols)),
    required: true,
    ...both,
  },
  {
    name: 'external_port',
    view: ({ externalPorts }) => singleOf(externalPorts),
    field: 'externalPort',
    parser: orNull(port),
    ...both,
  },
  {
    name: 'external_port_range',
    view: ({ externalPorts }) => formatRange(externalPorts),
    field: 'externalPortRange',
    parser: orNull(portRange),
    ...both,
  },
  {
    name: 'internal_port',
    view: ({ internalPorts }) => singleOf(internalPorts),
    field: 'internalPort',
    parser: orNull(port),
    ...both,
  },
  {
    name: 'internal_port_range',
    view: ({ internalPorts }) => formatRange(internalPorts),
    field: 'internalPortRange',
    parser: orNull(portRange),
    ...both,
  },
  {
    name: 'internal_ip_address',
    view: (forwarding) => forwarding.internalIpAddress,
    field: 'internalIpAddress',
    parser: orNull(ipAddress),
    ...both,
  },
  {
    name: 'internal_port_id',
    view: (forwarding) => forwarding.internalPortId,
    field: 'internalPortId',
    parser: uuid,
    required: true,
    ...both,
  },
  {
    name: 'description',
    view: (forwarding) => forwarding.description,
    field: 'description',
    parser: text,
    default: '',
    ...both,
  },
];

/** As a floating IP shows it. */
export function viewForwarding(forwarding: PortForwarding): JsonObject {
  return {
    id: forwarding.id,
    protocol: forwarding.protocol,
    external_port: singleOf(forwarding.externalPorts),
    external_port_range: formatRange(forwarding.externalPorts),
    internal_port: singleOf(forwarding.internalPorts),
    internal_port_range: formatRange(forwarding.internalPorts),
    internal_ip_address: forwarding.internalIpAddress,
    internal_port_id: forwarding.internalPortId,
  };
}
