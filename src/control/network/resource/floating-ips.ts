/** Floating IPs in Neutron's JSON. */
import type { FloatingIp } from '../../../model/network.ts';
import type { FloatingIpDraft } from '../routing/floating-ips.ts';
import { type Attribute, namelessAttributes } from './attribute.ts';
import { ipAddress, orNull, text, uuid } from './parsers.ts';
import { viewForwarding } from './port-forwardings.ts';

export const floatingIpAttributes: readonly Attribute<FloatingIp, FloatingIpDraft>[] = [
  ...namelessAttributes<FloatingIp, FloatingIpDraft>(),
  {
    name: 'floating_network_id',
    view: (floatingIp) => floatingIp.floatingNetworkId,
    column: 'floating_network_id',
    field: 'floatingNetworkId',
    parser: uuid,
    on: 'create',
    required: true,
  },
  {
    name: 'floating_ip_address',
    view: (floatingIp) => floatingIp.floatingIpAddress,
    column: 'floating_ip_address',
    field: 'floatingIpAddress',
    parser: orNull(ipAddress),
    on: 'create',
    default: null,
  },
  { name: 'subnet_id', field: 'subnetId', parser: orNull(uuid), on: 'create', default: null },
  {
    name: 'port_id',
    view: (floatingIp) => floatingIp.portId,
    field: 'portId',
    parser: orNull(uuid),
    on: 'create-and-update',
    default: null,
  },
  {
    name: 'fixed_ip_address',
    view: (floatingIp) => floatingIp.fixedIpAddress,
    field: 'fixedIpAddress',
    parser: orNull(ipAddress),
    on: 'create-and-update',
    default: null,
  },
  { name: 'router_id', view: (floatingIp) => floatingIp.routerId },
  { name: 'status', view: (floatingIp) => (floatingIp.routerId === null ? 'DOWN' : 'ACTIVE') },
  {
    name: 'dns_name',
    view: (floatingIp) => floatingIp.dnsName,
    field: 'dnsName',
    parser: text,
    on: 'create',
    default: '',
  },
  {
    name: 'dns_domain',
    view: (floatingIp) => floatingIp.dnsDomain,
    field: 'dnsDomain',
    parser: text,
    on: 'create',
    default: '',
  },
  {
    name: 'port_details',
    view: ({ portDetails }) =>
      portDetails && {
        name: portDetails.name,
        network_id: portDetails.networkId,
        mac_address: portDetails.macAddress,
        admin_state_up: portDetails.adminStateUp,
        status: portDetails.status,
        device_id: portDetails.deviceId,
        device_owner: portDetails.deviceOwner,
      },
    filter: false,
  },
  {
    name: 'port_forwardings',
    view: (floatingIp) => floatingIp.portForwardings.map(viewForwarding),
    filter: false,
  },
];
