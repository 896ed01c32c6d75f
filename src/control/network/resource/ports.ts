/** Ports in Neutron's JSON. What a port is bound with is for administrators and hosts. */
import { findAddress, formatAddress } from '../../../ipam/address.ts';
import type { Port } from '../../../model/network.ts';
import type { PortWhere } from '../../../store/network/ports.ts';
import type { JsonObject } from '../../../wire/network-service.ts';
import { dnsAssignments } from '../dns-names.ts';
import { type PortDraft, portDefaults } from '../port-lifecycle.ts';
import { type Attribute, commonAttributes } from './attribute.ts';
import {
  askedAddress,
  askedDhcpOption,
  askedPair,
  boolean,
  dictionary,
  distinct,
  listOf,
  orNull,
  text,
  uuid,
} from './parsers.ts';

const both = { on: 'create-and-update' } as const;

/** How a port of ours is plugged: a veth pair in the namespace of its network. */
const vifType = 'berth';

export const portAttributes: readonly Attribute<Port, PortDraft>[] = [
  ...commonAttributes<Port, PortDraft>(),
  {
    name: 'network_id',
    view: (port) => port.networkId,
    column: 'network_id',
    field: 'networkId',
    parser: uuid,
    on: 'create',
    required: true,
  },
  {
    name: 'mac_address',
    view: (port) => port.macAddress,
    matches: (port, values) => values.some((value) => value.toLowerCase() === port.macAddress),
    field: 'macAddress',
    parser: orNull(text),
    ...both,
  },
  {
    name: 'admin_state_up',
    view: (port) => port.adminStateUp,
    field: 'adminStateUp',
    parser: boolean,
    default: portDefaults.adminStateUp,
    ...both,
  },
  { name: 'status', view: (port) => port.status, column: 'status' },
  {
    name: 'device_id',
    view: (port) => port.deviceId,
    column: 'device_id',
    field: 'deviceId',
    parser: text,
    default: '',
    ...both,
  },
  {
    name: 'device_owner',
    view: (port) => port.deviceOwner,
    column: 'device_owner',
    field: 'deviceOwner',
    parser: text,
    default: '',
    ...both,
  },
  {
    name: 'fixed_ips',
    view: (port) =>
      port.fixedIps.map(({ subnetId, ipAddress }) => ({ subnet_id: subnetId, ip_address: ipAddress })),
    matches: hasAddress,
    field: 'fixedIps',
    parser: listOf(askedAddress),
    ...both,
  },
  {
    name: 'port_security_enabled',
    view: (port) => port.portSecurityEnabled,
    field: 'portSecurityEnabled',
    parser: boolean,
    ...both,
  },
  {
    name: 'security_groups',
    view: (port) => port.securityGroupIds,
    field: 'securityGroupIds',
    parser: distinct(listOf(uuid)),
    ...both,
  },
  {
    name: 'allowed_address_pairs',
    view: (port) =>
      port.allowedAddressPairs.map((pair) => ({ mac_address: pair.macAddress, ip_address: pair.ipAddress })),
    field: 'allowedAddressPairs',
    parser: listOf(askedPair),
    default: [],
    filter: false,
    ...both,
  },
  {
    name: 'binding:host_id',
    view: (port) => port.bindingHost,
    adminView: true,
    column: 'binding_host',
    field: 'bindingHost',
    parser: text,
    default: '',
    ...both,
  },
  { name: 'binding:vnic_type', view: () => 'normal', only: 'normal' },
  {
    name: 'binding:vif_type',
    view: (port) => (port.bindingHost ? vifType : 'unbound'),
    adminView: true,
  },
  {
    name: 'binding:vif_details',
    view: (port) => (port.bindingHost ? { connectivity: 'l2', port_filter: port.portSecurityEnabled } : {}),
    adminView: true,
    filter: false,
  },
  {
    name: 'binding:profile',
    view: (port) => port.bindingProfile as JsonObject,
    adminView: true,
    field: 'bindingProfile',
    parser: dictionary,
    default: {},
    filter: false,
    ...both,
  },
  {
    name: 'extra_dhcp_opts',
    view: (port) =>
      port.dhcpOptions.map(({ name, value, ipVersion }) => ({
        opt_name: name,
        opt_value: value,
        ip_version: ipVersion,
      })),
    field: 'dhcpOptions',
    parser: listOf(askedDhcpOption),
    default: [],
    filter: false,
    ...both,
  },
  {
    name: 'dns_name',
    view: (port) => port.dnsName,
    column: 'dns_name',
    field: 'dnsName',
    parser: text,
    default: '',
    ...both,
  },
  {
    name: 'dns_domain',
    view: (port) => port.dnsDomain,
    field: 'dnsDomain',
    parser: text,
    default: '',
    ...both,
  },
  {
    name: 'dns_assignment',
    view: (port, { dnsDomain }) =>
      dnsAssignments(port, dnsDomain).map(({ ipAddress, hostname, fqdn }) => ({
        ip_address: ipAddress,
        hostname,
        fqdn,
      })),
    filter: false,
  },
  { name: 'ip_allocation', view: (port) => (port.fixedIps.length > 0 ? 'immediate' : 'none') },
  {
    name: 'propagate_uplink_status',
    view: (port) => port.propagateUplinkStatus,
    field: 'propagateUplinkStatus',
    parser: boolean,
    on: 'create',
    default: portDefaults.propagateUplinkStatus,
  },
  {
    name: 'qos_policy_id',
    view: (port) => port.qosPolicyId,
    column: 'qos_policy_id',
    field: 'qosPolicyId',
    parser: orNull(uuid),
    default: null,
    ...both,
  },
  { name: 'qos_network_policy_id', view: (port) => port.qosNetworkPolicyId },
  { name: 'resource_request', view: () => null, adminView: true, filter: false },
];

/** `subnet_id=…`, `ip_address=…`, `ip_address_substr=…`: any of a kind, all kinds. */
function hasAddress(port: Port, values: readonly string[]): boolean {
  const asked = askedOf(values);
  const holds = (kind: string, test: (ip: Port['fixedIps'][number], value: string) => boolean) => {
    const wanted = asked.filter(([key]) => key === kind).map(([, value]) => value);
    return wanted.length === 0 || port.fixedIps.some((ip) => wanted.some((value) => test(ip, value)));
  };
  return (
    asked.every(([key]) => ['subnet_id', 'ip_address', 'ip_address_substr'].includes(key)) &&
    holds('subnet_id', (ip, value) => ip.subnetId === value) &&
    holds('ip_address', (ip, value) => ip.ipAddress === canonical(value)) &&
    holds('ip_address_substr', (ip, value) => ip.ipAddress.includes(value))
  );
}

function askedOf(values: readonly string[]): [key: string, value: string][] {
  return values.map((value) => {
    const at = value.indexOf('=');
    return [value.slice(0, at), value.slice(at + 1)];
  });
}

function canonical(value: string): string {
  const address = findAddress(value);
  return address ? formatAddress(address) : value;
}

/** What the store can answer of a filter on `fixed_ips` and `security_groups`. */
export function portWhere(query: Readonly<Record<string, readonly string[]>>): PortWhere {
  const asked = askedOf(query.fixed_ips ?? []);
  const [addresses, subnets] = ['ip_address', 'subnet_id'].map((kind) =>
    asked.filter(([key]) => key === kind).map(([, value]) => canonical(value)),
  );
  return {
    ...(addresses?.length ? { address: addresses } : {}),
    ...(subnets?.length ? { subnet: subnets } : {}),
    ...(query.security_groups ? { securityGroup: query.security_groups } : {}),
  };
}
