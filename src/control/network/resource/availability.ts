/** Addresses of networks in Neutron's JSON. */
import { type NetworkAvailability, sumOf } from '../availability.ts';
import type { Attribute } from './attribute.ts';

export const availabilityAttributes: readonly Attribute<NetworkAvailability, object>[] = [
  { name: 'network_id', view: ({ network }) => network.id },
  { name: 'network_name', view: ({ network }) => network.name },
  { name: 'tenant_id', view: ({ network }) => network.projectId },
  { name: 'project_id', view: ({ network }) => network.projectId },
  { name: 'total_ips', view: ({ subnets }) => Number(sumOf(subnets).total), filter: false },
  { name: 'used_ips', view: ({ subnets }) => sumOf(subnets).used, filter: false },
  {
    name: 'subnet_ip_availability',
    view: ({ subnets }) =>
      subnets.map(({ subnet, total, used }) => ({
        subnet_id: subnet.id,
        subnet_name: subnet.name,
        ip_version: subnet.ipVersion,
        cidr: subnet.cidr,
        total_ips: Number(total),
        used_ips: used,
      })),
    filter: false,
  },
];
