/** Routers in Neutron's JSON. How they are built (`distributed`, `ha`) is shown to administrators. */
import { looksLikeUuid } from '../../../model/ids.ts';
import type { HostRoute, Router } from '../../../model/network.ts';
import { badRequest } from '../collection.ts';
import type { InterfaceDraft, RouterInterface } from '../routing/interfaces.ts';
import { type RouterDraft, routerDefaults } from '../routing/routers.ts';
import { type Attribute, commonAttributes } from './attribute.ts';
import type { Body } from './bodies.ts';
import { boolean, distinct, exactly, gatewayInfo, hostRoute, listOf, quote, text } from './parsers.ts';

const both = { on: 'create-and-update' } as const;

export const routerAttributes: readonly Attribute<Router, RouterDraft>[] = [
  ...commonAttributes<Router, RouterDraft>(),
  {
    name: 'admin_state_up',
    view: (router) => router.adminStateUp,
    field: 'adminStateUp',
    parser: boolean,
    default: routerDefaults.adminStateUp,
    ...both,
  },
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
    field: 'gateway',
    parser: gatewayInfo,
    default: null,
    ...both,
  },
  {
    name: 'routes',
    view: (router) => router.routes.map(({ destination, nexthop }) => ({ destination, nexthop })),
    filter: false,
    field: 'routes',
    parser: listOf(hostRoute),
    on: 'update',
    default: [],
  },
  { name: 'flavor_id', view: () => null, only: null },
  {
    name: 'availability_zones',
    // Where it runs: nowhere before it is connected with something outside.
    view: (router, { availabilityZone }) => (router.externalNetworkId === null ? [] : [availabilityZone]),
  },
  {
    name: 'availability_zone_hints',
    view: (router) => router.zoneHints,
    field: 'zoneHints',
    parser: distinct(listOf(text)),
    on: 'create',
    default: routerDefaults.zoneHints,
  },
  {
    name: 'distributed',
    view: () => true,
    adminView: true,
    field: 'distributed',
    parser: exactly(true),
    ...both,
  },
  { name: 'ha', view: () => false, adminView: true, field: 'ha', parser: exactly(false), ...both },
];

/** The answer to a change of interfaces. */
export function viewInterface({ routerId, port, subnetIds }: RouterInterface): Body {
  return {
    id: routerId,
    tenant_id: port.projectId,
    project_id: port.projectId,
    port_id: port.id,
    network_id: port.networkId,
    subnet_id: subnetIds.at(-1) ?? null,
    subnet_ids: subnetIds,
  };
}

/** `{"subnet_id"}`, `{"port_id"}` or both; other keys are none of ours, as in Neutron. */
export function parseInterface(body: Body): InterfaceDraft {
  return {
    ...('subnet_id' in body ? { subnetId: idIn(body.subnet_id) } : {}),
    ...('port_id' in body ? { portId: idIn(body.port_id) } : {}),
  };
}

function idIn(value: unknown): string {
  if (typeof value === 'string' && looksLikeUuid(value)) return value;
  throw badRequest('router', `${quote(value)} is not a valid UUID`);
}

/** The routes in the body of `add_extraroutes` and `remove_extraroutes`. */
export function parseRoutes(router: Body): readonly HostRoute[] {
  return listOf(hostRoute).parse(router.routes, 'routes');
}
