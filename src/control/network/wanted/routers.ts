/** Routers as hosts are told of them: whole, with their interfaces on other networks and all that they translate. */
import { parseCidr } from '../../../ipam/address.ts';
import type { Uuid } from '../../../model/ids.ts';
import { protocolNumber } from '../../../model/ip-protocols.ts';
import {
  type Network,
  type Port,
  type Router,
  routerGatewayOwner,
  routerInterfaceOwner,
  type Subnet,
} from '../../../model/network.ts';
import type { Db } from '../../../store/database.ts';
import { everything, groupBy } from '../../../store/network/common.ts';
import { findNetworks } from '../../../store/network/networks.ts';
import { findPorts } from '../../../store/network/ports.ts';
import { findRouters } from '../../../store/network/routers.ts';
import { findSubnets } from '../../../store/network/subnets.ts';
import { floatingIpsOn, forwardingsOn, profiledPortsOn } from '../../../store/network/translations.ts';
import type { WantedFloatingIp, WantedPortForwarding, WantedRouter } from '../../../wire/host-network.ts';
import { reachableRoutes } from '../routing/routes.ts';
import { hostPortsThrough } from './host-ports.ts';

/** Routers with an interface on one of the networks. */
export async function routersOn(db: Db, host: string, networkIds: readonly Uuid[]): Promise<WantedRouter[]> {
  const here = await findPorts(db, everything, {
    network_id: networkIds,
    device_owner: [routerInterfaceOwner],
  });
  const routerIds = [...new Set(here.map((port) => port.deviceId))];
  if (routerIds.length === 0) return [];
  const routers = await findRouters(db, everything, { id: routerIds });
  const parts = await partsOf(db, host, routers);
  return routers.map((router) => toWantedRouter(router, parts));
}

interface Parts {
  /** By router. */
  readonly ports: ReadonlyMap<Uuid, Port[]>;
  readonly floatingIps: ReadonlyMap<Uuid, WantedFloatingIp[]>;
  readonly forwardings: ReadonlyMap<Uuid, WantedPortForwarding[]>;
  /** Ports of the host that have more to ask of it. */
  readonly profiled: readonly Port[];
  /** By their own ids. */
  readonly subnets: ReadonlyMap<Uuid, Subnet>;
  readonly networks: ReadonlyMap<Uuid, Network>;
}

async function partsOf(db: Db, host: string, routers: readonly Router[]): Promise<Parts> {
  const routerIds = routers.map(({ id }) => id);
  const ports = await findPorts(db, everything, {
    device_id: routerIds,
    device_owner: [routerInterfaceOwner, routerGatewayOwner],
  });
  const subnetIds = [...new Set(ports.flatMap((port) => port.fixedIps.map((ip) => ip.subnetId)))];
  const networkIds = [...new Set(ports.map((port) => port.networkId))];
  return {
    ports: groupBy(
      ports,
      (port) => port.deviceId,
      (port) => port,
    ),
    floatingIps: groupBy(
      await floatingIpsOn(db, host, routerIds),
      ({ routerId }) => routerId,
      ({ routerId: _, ...floatingIp }) => floatingIp,
    ),
    forwardings: groupBy(
      await forwardingsOn(db, host, routerIds),
      ({ routerId }) => routerId,
      ({ routerId: _, protocol, ...forwarding }) => ({
        ...forwarding,
        protocol: protocolNumber(protocol, 'IPv4') ?? 0,
      }),
    ),
    profiled: await profiledPortsOn(db, host, networkIds),
    subnets: byId(await findSubnets(db, everything, { id: subnetIds })),
    networks: byId(await findNetworks(db, everything, { id: networkIds })),
  };
}

function byId<T extends { readonly id: Uuid }>(objects: readonly T[]): Map<Uuid, T> {
  return new Map(objects.map((object) => [object.id, object]));
}

function toWantedRouter(router: Router, parts: Parts): WantedRouter {
  const ports = parts.ports.get(router.id) ?? [];
  const interfaces = ports.filter((port) => port.deviceOwner === routerInterfaceOwner);
  const gateway = toWantedGateway(
    ports.find((port) => port.deviceOwner === routerGatewayOwner),
    parts,
  );
  const { hostPorts, forwardings } = hostPortsThrough({ gateway, interfaces, ...parts });
  return {
    id: router.id,
    adminStateUp: router.adminStateUp,
    enableSnat: router.enableSnat,
    gateway,
    interfaces: interfaces.map((port) => toWantedInterface(port, parts)),
    routes: reachableRoutes(router.routes, ports, parts.subnets),
    routedPrefixes: routedPrefixesOf(router, interfaces, parts),
    floatingIps: parts.floatingIps.get(router.id) ?? [],
    portForwardings: [...(parts.forwardings.get(router.id) ?? []), ...forwardings],
    hostPorts,
  };
}

function toWantedGateway(port: Port | undefined, { subnets, networks }: Parts): WantedRouter['gateway'] {
  const network = port && networks.get(port.networkId);
  if (!port || !network || port.fixedIps.length === 0) return null;
  const own = port.fixedIps.flatMap(({ subnetId }) => subnets.get(subnetId) ?? []);
  // Several subnets of one version: the first address's next hop is the way out.
  const nexthops = ([4, 6] as const).flatMap(
    (version) => own.find(({ ipVersion, gatewayIp }) => ipVersion === version && gatewayIp)?.gatewayIp ?? [],
  );
  return {
    networkId: port.networkId,
    portId: port.id,
    macAddress: port.macAddress,
    mtu: network.mtu,
    addresses: withPrefixes(port, subnets),
    nexthops,
  };
}

function toWantedInterface(port: Port, { subnets }: Parts): WantedRouter['interfaces'][number] {
  return {
    portId: port.id,
    networkId: port.networkId,
    macAddress: port.macAddress,
    addresses: withPrefixes(port, subnets),
    advertised: port.fixedIps.flatMap(({ subnetId }) => {
      const subnet = subnets.get(subnetId);
      return subnet?.ipv6RaMode ? [{ prefix: subnet.cidr, mode: subnet.ipv6RaMode as Mode }] : [];
    }),
  };
}

type Mode = WantedRouter['interfaces'][number]['advertised'][number]['mode'];

/** Within one address scope nothing is translated; without source NAT nothing at all. */
function routedPrefixesOf(
  { enableSnat, externalNetworkId }: Router,
  interfaces: readonly Port[],
  { subnets, networks }: Parts,
): string[] {
  const outside = externalNetworkId === null ? undefined : networks.get(externalNetworkId);
  if (!outside) return [];
  return interfaces.flatMap(({ networkId, fixedIps }) => {
    const own = fixedIps.flatMap(({ subnetId }) => subnets.get(subnetId) ?? []);
    const scopes = networks.get(networkId)?.addressScopes ?? {};
    const isRouted = ({ ipVersion }: Subnet) => {
      const scope = scopes[ipVersion];
      return !enableSnat || (scope !== undefined && scope === outside.addressScopes[ipVersion]);
    };
    return own.filter(isRouted).map(({ cidr }) => cidr);
  });
}

/** A port's addresses with the prefix lengths of their subnets: `10.0.0.1/24`. */
function withPrefixes(port: Port, subnets: ReadonlyMap<Uuid, Subnet>): string[] {
  return port.fixedIps.flatMap(({ subnetId, ipAddress }) => {
    const subnet = subnets.get(subnetId);
    return subnet ? [`${ipAddress}/${parseCidr(subnet.cidr).prefix}`] : [];
  });
}
