/**
 * The wanted dataplane of one host, network by network.
 *
 * A `WantedNetwork` is complete in itself: the subnets, the ports of that network bound to the asking host, the
 * security groups that those ports use (with the addresses that remote-group rules stand for), the routers
 * that have an interface on it (with their floating IPs and forwarded ports), and the names to resolve. Each network is a namespace with a ruleset of its own, so it can be planned,
 * applied and repaired alone. Addresses and CIDRs are canonical text.
 */
import Type, { type Static } from 'typebox';
import { defineCall } from './call.ts';

const Strings = Type.Array(Type.String());
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const IpVersion = Type.Union([Type.Literal(4), Type.Literal(6)]);
const RouteShape = Type.Object({ destination: Type.String(), nexthop: Type.String() });

export const WantedSubnetShape = Type.Object({
  id: Type.String(),
  ipVersion: IpVersion,
  cidr: Type.String(),
  gatewayIp: Nullable(Type.String()),
  dnsNameservers: Strings,
  hostRoutes: Type.Array(RouteShape),
});

/** A limit on a port's traffic in one direction; null = none of that kind (Neutron's bandwidth-limit rule). */
export const WantedBandwidthShape = Type.Object({
  kilobitsPerSecond: Type.Number(),
  /** What may pass at once above the rate; 0 = the host's choice. */
  burstKilobits: Type.Number(),
});

export const WantedPortShape = Type.Object({
  id: Type.String(),
  macAddress: Type.String(),
  adminStateUp: Type.Boolean(),
  fixedIps: Type.Array(Type.Object({ address: Type.String(), subnetId: Type.String(), version: IpVersion })),
  /** False = no filtering and no anti-spoofing at all. */
  portSecurityEnabled: Type.Boolean(),
  securityGroupIds: Strings,
  allowedAddressPairs: Type.Array(Type.Object({ macAddress: Type.String(), ipAddress: Type.String() })),
  deviceOwner: Type.String(),
  deviceId: Type.String(),
  /** Seen from the container: egress is what it sends. */
  bandwidth: Type.Object({ egress: Nullable(WantedBandwidthShape), ingress: Nullable(WantedBandwidthShape) }),
});

export const WantedRuleShape = Type.Object({
  direction: Type.Union([Type.Literal('ingress'), Type.Literal('egress')]),
  ipVersion: IpVersion,
  /** IP protocol number; null = any. */
  protocol: Nullable(Type.Number()),
  /** TCP, UDP …: port range. ICMP: type and code. */
  portMin: Nullable(Type.Number()),
  portMax: Nullable(Type.Number()),
  /** A security group (its members) or an address group; `remoteGroups` has the addresses of both. */
  remoteGroupId: Nullable(Type.String()),
  remotePrefix: Nullable(Type.String()),
});

export const WantedSecurityGroupShape = Type.Object({
  id: Type.String(),
  stateful: Type.Boolean(),
  rules: Type.Array(WantedRuleShape),
});

/** A group that a rule names as its remote, with the addresses of its members (single addresses or CIDRs). */
export const WantedGroupMembersShape = Type.Object({
  groupId: Type.String(),
  v4: Strings,
  v6: Strings,
});

const PortRangeShape = Type.Object({ from: Type.Number(), to: Type.Number() });

/** An external address that is one fixed address of a tenant's port, both ways (1:1 NAT). */
export const WantedFloatingIpShape = Type.Object({
  id: Type.String(),
  address: Type.String(),
  fixedAddress: Type.String(),
});

/** Ports of an external address that lead to a tenant's port: ranges equally long, or all to one internal port. */
export const WantedPortForwardingShape = Type.Object({
  id: Type.String(),
  address: Type.String(),
  /** IP protocol number: one with ports. */
  protocol: Type.Number(),
  externalPorts: PortRangeShape,
  internalAddress: Type.String(),
  internalPorts: PortRangeShape,
});

/**
 * A port of the host (as Docker publishes ports) that leads through a port of the router's external address, which is
 * among the router's `portForwardings`, to a tenant's port.
 */
export const WantedHostPortShape = Type.Object({
  portId: Type.String(),
  /** IP protocol number: one with ports. */
  protocol: Type.Number(),
  /** An address of the host; null = all of the family of `routerAddress`. */
  hostAddress: Nullable(Type.String()),
  hostPort: Type.Number(),
  routerAddress: Type.String(),
  routerPort: Type.Number(),
});

export const WantedRouterShape = Type.Object({
  id: Type.String(),
  adminStateUp: Type.Boolean(),
  enableSnat: Type.Boolean(),
  /** Null = no external gateway. */
  gateway: Nullable(
    Type.Object({
      networkId: Type.String(),
      portId: Type.String(),
      macAddress: Type.String(),
      mtu: Type.Number(),
      /** The router's addresses on the external network, with the prefix length: `172.24.4.5/24`. */
      addresses: Strings,
      /** Next hops on the external network, at most one of each family; the host's own bridge holds them. */
      nexthops: Strings,
    }),
  ),
  /** All interfaces of the router, also those on other networks. */
  interfaces: Type.Array(
    Type.Object({
      portId: Type.String(),
      networkId: Type.String(),
      macAddress: Type.String(),
      /** With the subnet's prefix length. */
      addresses: Strings,
      /** Prefixes that the router advertises there (RFC 4861), by the subnet's `ipv6_ra_mode`. */
      advertised: Type.Array(
        Type.Object({
          prefix: Type.String(),
          mode: Type.Union([
            Type.Literal('slaac'),
            Type.Literal('dhcpv6-stateful'),
            Type.Literal('dhcpv6-stateless'),
          ]),
        }),
      ),
    }),
  ),
  /** Static routes besides those of the interfaces and the gateway. */
  routes: Type.Array(RouteShape),
  /**
   * Prefixes behind the router that the outside knows (same address scope as the external network, or source NAT
   * is off): never translated, and the host has a route to them.
   */
  routedPrefixes: Strings,
  /** Of these and of the forwarded ports, only those whose tenant's port is on the asking host or on none. */
  floatingIps: Type.Array(WantedFloatingIpShape),
  portForwardings: Type.Array(WantedPortForwardingShape),
  hostPorts: Type.Array(WantedHostPortShape),
});

/** A name that the network's resolver answers for: a port's `dns_name`, without the domain. */
export const WantedNameShape = Type.Object({
  name: Type.String(),
  projectId: Type.String(),
  addresses: Strings,
});

export const WantedNetworkShape = Type.Object({
  id: Type.String(),
  projectId: Type.String(),
  name: Type.String(),
  /** False = no traffic at all. */
  adminStateUp: Type.Boolean(),
  external: Type.Boolean(),
  mtu: Type.Number(),
  segmentationId: Type.Number(),
  subnets: Type.Array(WantedSubnetShape),
  ports: Type.Array(WantedPortShape),
  securityGroups: Type.Array(WantedSecurityGroupShape),
  remoteGroups: Type.Array(WantedGroupMembersShape),
  routers: Type.Array(WantedRouterShape),
  /** Domain of the names below, with neither leading nor trailing dot; the network's own, or the service's. */
  dnsDomain: Type.String(),
  /** Names of all ports of the network, on whatever host; several ports may share one. */
  names: Type.Array(WantedNameShape),
});

export type WantedSubnet = Static<typeof WantedSubnetShape>;
export type WantedPort = Static<typeof WantedPortShape>;
export type WantedRule = Static<typeof WantedRuleShape>;
export type WantedSecurityGroup = Static<typeof WantedSecurityGroupShape>;
export type WantedGroupMembers = Static<typeof WantedGroupMembersShape>;
export type WantedRouter = Static<typeof WantedRouterShape>;
export type WantedFloatingIp = Static<typeof WantedFloatingIpShape>;
export type WantedPortForwarding = Static<typeof WantedPortForwardingShape>;
export type WantedHostPort = Static<typeof WantedHostPortShape>;
export type WantedBandwidth = Static<typeof WantedBandwidthShape>;
export type WantedName = Static<typeof WantedNameShape>;
export type WantedNetwork = Static<typeof WantedNetworkShape>;

/**
 * Networks wanted on the asking agent's host: all that have a port bound there (or a router with such a network),
 * or those of the named ones. A named network that is missing from the reply is no longer wanted here.
 */
export const wantedNetworks = defineCall({
  name: 'wanted-networks',
  to: 'server',
  request: Type.Object({ ids: Type.Optional(Strings) }),
  reply: Type.Object({ networks: Type.Array(WantedNetworkShape) }),
  deadlineMs: 10_000,
});

/** The agent plugged or unplugged ports of its host: their status becomes ACTIVE or DOWN. */
export const reportPorts = defineCall({
  name: 'report-ports',
  to: 'server',
  request: Type.Object({ active: Strings, down: Strings }),
  reply: Type.Object({}),
  deadlineMs: 10_000,
});
