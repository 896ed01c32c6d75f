/**
 * The wanted dataplane of one host, network by network.
 *
 * A `WantedNetwork` is complete in itself: the subnets, the ports of that network bound to the asking host, the
 * security groups that those ports use (with the addresses that remote-group rules stand for), and the routers
 * that have an interface on it. Each network is a namespace with a ruleset of its own, so it can be planned,
 * applied and repaired alone. Addresses and CIDRs are canonical text.
 */
import Type, { type Static } from 'typebox';
import { defineCall } from './call.ts';

const Strings = Type.Array(Type.String());
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const IpVersion = Type.Union([Type.Literal(4), Type.Literal(6)]);

export const WantedSubnetShape = Type.Object({
  id: Type.String(),
  ipVersion: IpVersion,
  cidr: Type.String(),
  gatewayIp: Nullable(Type.String()),
  dnsNameservers: Strings,
  hostRoutes: Type.Array(Type.Object({ destination: Type.String(), nexthop: Type.String() })),
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
});

export const WantedRuleShape = Type.Object({
  direction: Type.Union([Type.Literal('ingress'), Type.Literal('egress')]),
  ipVersion: IpVersion,
  /** IP protocol number; null = any. */
  protocol: Nullable(Type.Number()),
  /** TCP, UDP …: port range. ICMP: type and code. */
  portMin: Nullable(Type.Number()),
  portMax: Nullable(Type.Number()),
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
  securityGroupId: Type.String(),
  v4: Strings,
  v6: Strings,
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
      /** The router's address on the external network, with the prefix length: `172.24.4.5/24`. */
      address: Type.String(),
      /** Next hop on the external network; the host's own bridge holds it. */
      nexthop: Type.String(),
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
    }),
  ),
});

export const WantedNetworkShape = Type.Object({
  id: Type.String(),
  projectId: Type.String(),
  name: Type.String(),
  external: Type.Boolean(),
  mtu: Type.Number(),
  segmentationId: Type.Number(),
  subnets: Type.Array(WantedSubnetShape),
  ports: Type.Array(WantedPortShape),
  securityGroups: Type.Array(WantedSecurityGroupShape),
  remoteGroups: Type.Array(WantedGroupMembersShape),
  routers: Type.Array(WantedRouterShape),
});

export type WantedSubnet = Static<typeof WantedSubnetShape>;
export type WantedPort = Static<typeof WantedPortShape>;
export type WantedRule = Static<typeof WantedRuleShape>;
export type WantedSecurityGroup = Static<typeof WantedSecurityGroupShape>;
export type WantedGroupMembers = Static<typeof WantedGroupMembersShape>;
export type WantedRouter = Static<typeof WantedRouterShape>;
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
