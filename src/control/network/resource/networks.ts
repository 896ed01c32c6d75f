/** Networks in Neutron's JSON. */
import { isSharedWith, type Network } from '../../../model/network.ts';
import { type NetworkDraft, networkDefaults } from '../networks.ts';
import { largestSegmentationId } from '../segments.ts';
import { type Attribute, commonAttributes } from './attribute.ts';
import { boolean, distinct, integer, integerBetween, listOf, orNull, text, uuid } from './parsers.ts';

const both = { on: 'create-and-update' } as const;

export const networkAttributes: readonly Attribute<Network, NetworkDraft>[] = [
  ...commonAttributes<Network, NetworkDraft>(),
  {
    name: 'admin_state_up',
    view: (network) => network.adminStateUp,
    field: 'adminStateUp',
    parser: boolean,
    default: networkDefaults.adminStateUp,
    ...both,
  },
  { name: 'status', view: () => 'ACTIVE' },
  { name: 'mtu', view: (network) => network.mtu, field: 'mtu', parser: integer, ...both },
  { name: 'subnets', view: (network) => network.subnetIds },
  {
    name: 'shared',
    view: (network, { projectId }) => isSharedWith(network, projectId),
    field: 'shared',
    parser: boolean,
    default: networkDefaults.shared,
    ...both,
  },
  {
    name: 'router:external',
    view: (network) => network.external,
    field: 'external',
    parser: boolean,
    default: networkDefaults.external,
    ...both,
  },
  {
    name: 'port_security_enabled',
    view: (network) => network.portSecurityEnabled,
    field: 'portSecurityEnabled',
    parser: boolean,
    default: networkDefaults.portSecurityEnabled,
    ...both,
  },
  {
    name: 'provider:network_type',
    view: (network) => network.networkType,
    adminView: true,
    field: 'networkType',
    parser: text,
    on: 'create',
    default: 'vxlan',
  },
  {
    name: 'provider:physical_network',
    view: (network) => network.physicalNetwork,
    adminView: true,
    field: 'physicalNetwork',
    parser: text,
    on: 'create',
    default: null,
  },
  {
    name: 'provider:segmentation_id',
    view: (network) => (network.networkType === 'flat' ? null : network.segmentationId),
    adminView: true,
    field: 'segmentationId',
    parser: integerBetween(1, largestSegmentationId),
    on: 'create',
  },
  {
    name: 'is_default',
    view: (network) => network.isDefault,
    field: 'isDefault',
    parser: boolean,
    default: networkDefaults.isDefault,
    ...both,
  },
  {
    name: 'dns_domain',
    view: (network) => network.dnsDomain,
    column: 'dns_domain',
    field: 'dnsDomain',
    parser: text,
    default: networkDefaults.dnsDomain,
    ...both,
  },
  {
    name: 'availability_zone_hints',
    view: (network) => network.zoneHints,
    field: 'zoneHints',
    parser: distinct(listOf(text)),
    on: 'create',
    default: networkDefaults.zoneHints,
    filter: false,
  },
  {
    name: 'availability_zones',
    // Whoever gives a network addresses is in our one zone.
    view: (network, { availabilityZone }) => (network.subnetIds.length > 0 ? [availabilityZone] : []),
    filter: false,
  },
  {
    name: 'qos_policy_id',
    view: (network) => network.qosPolicyId,
    column: 'qos_policy_id',
    field: 'qosPolicyId',
    parser: orNull(uuid),
    default: null,
    ...both,
  },
  { name: 'ipv4_address_scope', view: (network) => network.addressScopes[4] ?? null },
  { name: 'ipv6_address_scope', view: (network) => network.addressScopes[6] ?? null },
];
