/**
 * Ports of a host that lead to tenants' ports on it, through the router that answers for the tenant's subnet: from the host
 * to a port of the router's external address, from there to the tenant's. Pure.
 */
import { type BoundHostPort, parseBindingProfile } from '../../../model/host-binding.ts';
import type { Uuid } from '../../../model/ids.ts';
import { ipProtocols } from '../../../model/ip-protocols.ts';
import type { Port, Subnet } from '../../../model/network.ts';
import type { WantedHostPort, WantedPortForwarding, WantedRouter } from '../../../wire/host-network.ts';

interface Through {
  readonly gateway: WantedRouter['gateway'];
  readonly interfaces: readonly Port[];
  /** Ports with a binding profile, on the router's networks. */
  readonly profiled: readonly Port[];
  readonly subnets: ReadonlyMap<Uuid, Subnet>;
}

export interface HostPortsThrough {
  readonly hostPorts: WantedHostPort[];
  readonly forwardings: WantedPortForwarding[];
}

/** Answers have to come back the same way: only the router that is the subnet's gateway will do. */
export function hostPortsThrough({ gateway, interfaces, profiled, subnets }: Through): HostPortsThrough {
  const own = new Set(interfaces.flatMap(({ fixedIps }) => fixedIps.map(({ ipAddress }) => ipAddress)));
  const isServed = (subnetId: Uuid) => {
    const gatewayIp = subnets.get(subnetId)?.gatewayIp;
    return gatewayIp != null && own.has(gatewayIp);
  };
  const ways = profiled.flatMap((port) => {
    const { hostPorts } = parseBindingProfile(port.bindingProfile);
    return (['v4', 'v6'] as const).flatMap((family) => {
      const isOf = (address: string) => address.includes(':') === (family === 'v6');
      const outside = gateway?.addresses.find(isOf)?.split('/')[0];
      const inside = port.fixedIps.find(({ ipAddress, subnetId }) => isOf(ipAddress) && isServed(subnetId));
      if (outside === undefined || !inside) return [];
      return hostPorts
        .filter(({ hostIp }) => hostIp === '' || isOf(hostIp))
        .map((one) => ({ portId: port.id, one, outside, inside: inside.ipAddress }));
    });
  });
  return { hostPorts: ways.map(toHostPort), forwardings: ways.map(toForwarding) };
}

interface Way {
  readonly portId: Uuid;
  readonly one: BoundHostPort;
  readonly outside: string;
  readonly inside: string;
}

function toHostPort({ portId, one, outside }: Way): WantedHostPort {
  return {
    portId,
    protocol: ipProtocols[one.protocol],
    hostAddress: isAny(one.hostIp) ? null : one.hostIp,
    hostPort: one.hostPort,
    routerAddress: outside,
    routerPort: one.routerPort,
  };
}

function toForwarding({ portId, one, outside, inside }: Way): WantedPortForwarding {
  return {
    id: portId,
    address: outside,
    protocol: ipProtocols[one.protocol],
    externalPorts: { from: one.routerPort, to: one.routerPort },
    internalAddress: inside,
    internalPorts: { from: one.containerPort, to: one.containerPort },
  };
}

function isAny(hostIp: string): boolean {
  return ['', '0.0.0.0', '::'].includes(hostIp);
}
