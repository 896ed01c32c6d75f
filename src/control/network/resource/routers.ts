/** Routers in Neutron's JSON: shown as they are, changed elsewhere. */
import type { Router } from '../../../model/network.ts';
import { type Attribute, commonAttributes } from './attribute.ts';

export const routerAttributes: readonly Attribute<Router, object>[] = [
  ...(commonAttributes<Router, object>() as readonly Attribute<Router, object>[]),
  { name: 'admin_state_up', view: (router) => router.adminStateUp },
  { name: 'status', view: () => 'ACTIVE' },
  {
    name: 'external_gateway_info',
    view: (router) =>
      router.externalNetworkId === null
        ? null
        : {
            network_id: router.externalNetworkId,
            external_fixed_ips: router.gatewayIps.map(({ subnetId, ipAddress }) => ({
              subnet_id: subnetId,
              ip_address: ipAddress,
            })),
            enable_snat: router.enableSnat,
          },
    filter: false,
  },
  { name: 'routes', view: () => [], filter: false },
  { name: 'flavor_id', view: () => null },
  { name: 'availability_zones', view: () => [] },
  { name: 'availability_zone_hints', view: () => [] },
];
